"""The token routing graph's own face: texts written by several experts, watched and steered while they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from mendgraph.app import MendGraph, StateNode
from mendgraph.config import GraphSpec, TokenRoutingSpec
from mendgraph.core.token_routing import MODES
from mendgraph.core.values import Answer, Input
from mendgraph.core.writing import WAYS, prepare_writing
from mendgraph.errors import ConfigError, InputError, UnknownNameError
from mendgraph.nodes.context import Context
from mendgraph.nodes.state import Ask
from mendgraph.nodes.switches import Switches

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool

__all__ = ["TokenRoutingGraph", "token_routing_parts"]


class TokenRoutingGraph(MendGraph):
    """Continues prompts with several language models, the best placed one at each token.

    A prompt may bring ways of its own: give it as a mapping with ``prompt`` and any of ``mode``, ``force`` (an
    expert), ``max_new_tokens``, ``temperature``, ``top_p``, ``top_k``, ``stop`` and ``seed``; or give them to `write`
    or `generate`, for all prompts alike.
    """

    def __init__(
        self, name: str, context: Context, build: Any, *, spec: TokenRoutingSpec, **given: Any
    ) -> None:
        self.switches = Switches()
        super().__init__(name, context, partial(build, chunk=spec.chunk, switches=self.switches), **given)
        self.spec = spec

    @property
    def experts(self) -> tuple[str, ...]:
        return tuple(self.spec.experts)

    def kill(self, expert: str) -> None:
        """Switch an expert off in every run, also in those under way, from their next chunk on.

        Raises:
            UnknownNameError: no such expert.
        """
        self._known(expert)
        self.switches.kill(expert)

    def restore(self, expert: str) -> None:
        """Bring an expert back for texts that begin from now on."""
        self._known(expert)
        self.switches.restore(expert)

    def write(
        self,
        prompts: str | Mapping[str, Any] | Sequence[object],
        *,
        ways: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> list[Answer]:
        """As `run`, with the same ways of writing for every prompt that does not bring its own.

        Args:
            ways: of `mendgraph.core.writing.WAYS`.
            options: as for `run`.
        """
        return self.run(with_ways(prompts, ways or {}), **options)

    @overload
    def generate(self, prompt: str, *, stream: Literal[False] = False, **ways: Any) -> str: ...

    @overload
    def generate(
        self, prompt: Sequence[str], *, stream: Literal[False] = False, **ways: Any
    ) -> list[str]: ...

    @overload
    def generate(
        self, prompt: str | Sequence[str], *, stream: Literal[True], **ways: Any
    ) -> Iterator[tuple[int, str]]: ...

    def generate(
        self, prompt: str | Sequence[str], *, stream: bool = False, **ways: Any
    ) -> str | list[str] | Iterator[tuple[int, str]]:
        """What the experts write after each prompt, without the prompt, whatever the graph's confidence in it.

        Args:
            stream: return an iterator of (row, piece of text) instead, a piece for every accepted chunk.
            ways: as for `write`.

        Raises:
            InputError: an unknown way, or a prompt that could not be continued.
        """
        if strange := sorted(set(ways) - set(WAYS)):
            raise InputError(f"unknown {', '.join(strange)}", hint=f"known: {', '.join(WAYS)}")
        rows = with_ways(prompt, ways)
        if stream:
            return self._pieces(rows)
        texts = [_text(row, answer) for row, answer in enumerate(self.run(rows))]
        return texts[0] if isinstance(prompt, str) else texts

    def _pieces(self, rows: list[object]) -> Iterator[tuple[int, str]]:
        for event in self.stream(rows):
            if event["event"] == "chunk" and event["text"]:
                yield event["row"], event["text"]

    def _known(self, expert: str) -> None:
        if expert not in self.spec.experts:
            raise UnknownNameError("expert", expert, self.spec.experts)

    def as_node(
        self, input: str = "prompt", output: str | None = None, *, ask: Ask | None = None
    ) -> StateNode:
        """As `MendGraph.as_node`; ``state[input]`` is a prompt, or a mapping with its ways, or a list of them."""
        return super().as_node(input, output, ask=ask)

    def as_tool(self) -> StructuredTool:
        """A LangChain tool that takes a prompt and returns the answer as a dict."""
        from langchain_core.tools import StructuredTool

        def write(prompt: str, max_new_tokens: int = 128) -> dict[str, Any]:
            return self.write(prompt, ways={"max_new_tokens": max_new_tokens})[0].to_dict()

        return StructuredTool.from_function(
            func=write,
            name=f"mend_{self.name}",
            description=(
                "Continues a prompt with several language models, token by token. `value` holds the text and the "
                f"model of each token. Experts: {', '.join(self.experts)}."
            ),
        )


def with_ways(prompts: str | Mapping[str, Any] | Sequence[object], ways: Mapping[str, Any]) -> list[object]:
    """The rows, each with those of `ways` that are not None and that it does not bring itself."""
    given = {name: value for name, value in ways.items() if value is not None}
    rows: list[object] = [prompts] if isinstance(prompts, str | Mapping) else list(prompts)
    return [_with(row, given) for row in rows] if given else rows


def _with(row: object, ways: Mapping[str, Any]) -> object:
    if isinstance(row, Mapping):
        return {**ways, **row}
    try:
        read = prepare_writing(row)
    except InputError:  # the run says what is wrong with this row, and answers the others
        return row
    return {"prompt": read.text, **ways, **read.facts["ways"]}


def _text(row: int, answer: Answer) -> str:
    if answer.best_guess is not None:
        return answer.best_guess
    error = answer.error
    raise InputError(
        f"prompt {row}: {error.message if error else 'nothing could be written'}",
        hint=error.hint if error else "",
    )


def token_routing_parts(spec: GraphSpec) -> dict[str, Any]:
    """What the configured experts decide of the graph; see `System.configured`."""
    if not isinstance(spec, TokenRoutingSpec):
        raise ConfigError(f"token_routing: expected a token routing stanza, got {type(spec).__name__}")
    return {"prepare": partial(_prepare, spec), "face": partial(TokenRoutingGraph, spec=spec)}


def _prepare(spec: TokenRoutingSpec, raw: object) -> Input:
    """As `prepare_writing`, with the configured defaults, refusing modes and experts that are not there."""
    row = prepare_writing(raw)
    own = row.facts["ways"]
    for name, known in (("mode", MODES), ("force", tuple(spec.experts))):
        if name in own and own[name] not in known:
            error = UnknownNameError(name, own[name], known)
            raise InputError(error.message, hint=error.hint)
    ways = {"max_new_tokens": spec.max_new_tokens, "temperature": spec.temperature, **own}
    return Input(row.text, row.raw, {"ways": ways})
