"""What `mend run conflict` takes: questions, and where to look for documents that answer them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mendgraph.cli.asked import STDIN, Asked
from mendgraph.cli.console import waiting
from mendgraph.cli.opening import fields_of
from mendgraph.errors import DataError

if TYPE_CHECKING:
    from mendgraph.app import MendGraph

GRAPH = "conflict"
PANEL = "Conflict"
NAMES = (("question", "query"), ("documents", "docs"))
"""What the two columns of a file may be called."""

Question = Annotated[
    str | None,
    typer.Option(
        "--question",
        help="What to answer from --docs; the same as giving it as the text.",
        metavar="TEXT",
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
Docs = Annotated[
    Path | None,
    typer.Option(
        "--docs",
        help="Where to look for answers: a folder of .txt, .md, .rst, .jsonl or .parquet files, or one such file; "
        "tables have a column text, and may have id, date, source and reliability. --top-k says how many to read.",
        metavar="DIR|FILE",
        exists=True,
        rich_help_panel=PANEL,
        show_default=False,
    ),
]


def settings(graph: str, question: str | None, docs: Path | None, most: int | None) -> tuple[str, ...]:
    """Where to look and for how much, as settings on top of the configuration.

    Raises:
        BadParameter: the graph answers no questions from documents.
    """
    if graph != GRAPH:
        for option, given in (("--question", question), ("--docs", docs)):
            if given is not None:
                raise typer.BadParameter(f"{option} belongs to {GRAPH}, not to {graph}")
        return ()
    if most == 0:
        raise typer.BadParameter("--top-k 0 would find no documents")
    where = () if docs is None else (f"{GRAPH}.docs={json.dumps(str(docs.expanduser().resolve()))}",)
    return where if most is None else (*where, f"{GRAPH}.top_k={most}")


def ready(graph: MendGraph) -> None:
    """Reads the documents of a conflict graph now, so that what is wrong with them is said once, not for every row."""
    if graph.name == GRAPH and (docs := getattr(graph, "docs", "")):
        with waiting(f"reading {docs}"):
            graph.search_in(docs)  # type: ignore[attr-defined]  # of this graph alone


def lookup(config: Path | None, overrides: Sequence[str]) -> bool:
    """Whether rows without documents will get some."""
    from mendgraph.config import load_config

    return load_config(config, tuple(overrides)).conflict.docs is not None


def questions(
    texts: Sequence[str] | None,
    question: str | None,
    source: Path | None,
    others: Mapping[str, object],
    *,
    lookup: bool,
) -> Asked:
    """What the arguments of the command amount to.

    Args:
        others: options that only other graphs take.
        lookup: rows without documents will get some.

    Raises:
        BadParameter: they do not fit together, or not this graph.
        DataError: the file has no such columns.
    """
    if strange := [option for option, given in others.items() if given is not None]:
        raise typer.BadParameter(f"the {GRAPH} graph reads questions: it takes no {strange[0]}")
    given = [*(texts or ()), *([question] if question is not None else [])]
    if given == ["-"] and question is None:
        source, given = STDIN, []
    if given and source is not None:
        raise typer.BadParameter("give questions or --input, not both")
    if source is not None:
        return Asked(source, (), _columns(source, lookup))
    if not given:
        raise typer.BadParameter("nothing to answer: give --question TEXT and --docs DIR, or --input FILE")
    if not lookup:
        raise typer.BadParameter(
            "no documents to answer from: give --docs DIR, or --input FILE", param_hint="--docs"
        )
    return Asked(None, [{"question": one} for one in given], fields_of(GRAPH))


def _columns(source: Path, lookup: bool) -> tuple[str, ...]:
    fields = fields_of(GRAPH)
    if source == STDIN or source.suffix.lower() == ".txt":
        return fields[:1] if lookup else fields
    from mendgraph.cli.rows import columns_in

    columns = columns_in(source)
    if not columns:  # a file without rows
        return fields
    question, documents = (next((name for name in names if name in columns), None) for names in NAMES)
    if question is not None and documents is not None:
        return (question, documents)
    if question is not None and lookup:
        return (question,)
    missing, hint = (
        ("question", "a row needs question and documents")
        if question is None
        else ("documents", "or say where to look for some: --docs DIR")
    )
    raise DataError(f"{source} has no column {missing!r}; it has {', '.join(map(repr, columns))}", hint=hint)
