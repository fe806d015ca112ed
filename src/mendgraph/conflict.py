"""The conflict graph's own face: a question and its documents, or a place to look for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from mendgraph.adapters.retrieval import Bm25Retriever, ForeignRetriever, Retriever
from mendgraph.adapters.retrieval.foreign_retriever import Invokable
from mendgraph.app import Build, MendGraph, StateNode
from mendgraph.config import ConflictSpec, GraphSpec
from mendgraph.core.conflict import Document, prepare_question
from mendgraph.core.conflict_stages import Ways, roles
from mendgraph.core.values import Answer, Input
from mendgraph.errors import ConfigError
from mendgraph.nodes.conflict_finding import Shelf
from mendgraph.nodes.context import Context
from mendgraph.nodes.state import Ask

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool

__all__ = ["ConflictGraph", "conflict_parts", "prepare_row"]

PIECE = 64
"""Rows per graph run, so that what the reader remembers of them lasts from one step to the next."""

Documents = Sequence[str | Document | dict[str, Any]]


class ConflictGraph(MendGraph):
    """Answers questions from documents that may contradict each other, and shows where they do.

    A row is a mapping with ``question`` and ``documents``; a document is a text, or a mapping with ``text`` and any of
    ``id``, ``date``, ``source`` and ``reliability``.  Where the graph has somewhere to look, a question is enough.
    """

    def __init__(self, name: str, context: Context, build: Any, *, spec: ConflictSpec, **given: Any) -> None:
        self._shelf = Shelf()
        super().__init__(name, context, partial(build, ways=ways_of(spec), shelf=self._shelf), **given)
        self.spec = spec
        self.top_k = spec.top_k
        if spec.docs is not None:
            self._shelf.find = Catalogue(spec.docs)

    @property
    def docs(self) -> str:
        """Where runs look for documents, for people; "" where nowhere."""
        find = self._shelf.find
        return find.path if isinstance(find, Catalogue) else "" if find is None else "a retriever"

    @property
    def top_k(self) -> int:
        """How many documents runs that begin from now on look for."""
        return self._shelf.most

    @top_k.setter
    def top_k(self, most: int) -> None:
        if most < 1:
            raise ConfigError(f"top_k: expected a number of at least 1, got {most!r}")
        self._shelf.most = most

    @property
    def helpers(self) -> tuple[str, ...]:
        """Tiers whose word alone is never accepted: those that tell levels apart, or compare without a model."""
        found = roles(tuple(self.tiers))
        return tuple(tier for tier in self.tiers if tier not in found["readers"])

    def answer(self, question: str, documents: Documents | None = None, **options: Any) -> Answer:
        """One question.

        Args:
            documents: None looks for some; see `search_in`.
            options: as for `run`.
        """
        row: dict[str, Any] = {"question": question}
        return self.run(row if documents is None else {**row, "documents": list(documents)}, **options)[0]

    def search_in(self, place: str | Path | Retriever | Invokable | None) -> int | None:
        """Where runs that begin from now on look for documents; gives how many there are, where that is known.

        Args:
            place: a folder, a .jsonl or a .parquet file; a `Retriever`; a LangChain retriever; or None for nowhere.

        Raises:
            DataError: there is nothing to read.
            MendError: bm25s is not installed.
        """
        if place is None:
            self._shelf.find = None
        elif isinstance(place, str | Path):
            catalogue = Catalogue(str(place))
            count = len(catalogue.open().documents)
            self._shelf.find = catalogue
            return count
        elif isinstance(place, Retriever):
            self._shelf.find = place.retrieve
        else:
            self._shelf.find = ForeignRetriever(place).retrieve
        return None

    def as_node(self, input: str = "row", output: str | None = None, *, ask: Ask | None = None) -> StateNode:
        """As `MendGraph.as_node`; ``state[input]`` is a row, or a list of them."""
        return super().as_node(input, output, ask=ask)

    def as_tool(self) -> StructuredTool:
        """A LangChain tool that takes a question and documents and returns the answer as a dict."""
        from langchain_core.tools import StructuredTool

        def answer(question: str, documents: list[str] | None = None) -> dict[str, Any]:
            return self.answer(question, documents).to_dict()

        return StructuredTool.from_function(
            func=answer,
            name=f"mend_{self.name}",
            description=(
                "Answers a question from documents that may contradict each other. `value` says whether they do, on "
                "what level, and quotes the passages; where the status is not 'accepted' it holds all sides and the "
                "documents that take them."
            ),
        )

    @property
    def most_rows(self) -> int:
        return PIECE


class Catalogue:
    """Documents in files, indexed when they are first needed; safe in threads."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._index: Bm25Retriever | None = None
        self._opening = Lock()

    def __call__(self, question: str, most: int) -> list[Document]:
        return self.open().retrieve(question, most)

    def open(self) -> Bm25Retriever:
        with self._opening:
            if self._index is None:
                self._index = Bm25Retriever.open(self.path)
            return self._index


def ways_of(spec: ConflictSpec) -> Ways:
    return Ways(spec.sure, spec.verify, spec.samples, spec.temperature, spec.seed)


def conflict_parts(spec: GraphSpec, *, build: Build) -> dict[str, Callable[..., Any]]:
    """What the configuration decides of the graph; see `System.configured`."""
    if not isinstance(spec, ConflictSpec):
        raise ConfigError(f"conflict: expected a conflict stanza, got {type(spec).__name__}")
    return {"face": partial(ConflictGraph, spec=spec), "build": partial(build, ways=ways_of(spec))}


def prepare_row(raw: object) -> Input:
    """As `prepare_question`; a question may come without documents, which are then looked for."""
    return prepare_question(raw, may_retrieve=True)
