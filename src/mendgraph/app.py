"""The small face every graph has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver

from mendgraph.core.tier import Tier
from mendgraph.core.values import Answer
from mendgraph.errors import ConfigError
from mendgraph.nodes.cascade import Cascade
from mendgraph.nodes.context import Context
from mendgraph.nodes.state import Ask, Options

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool

CHUNK = 2048
"""Rows per graph run: large inputs go through in pieces of this size, so that memory stays bounded."""

ANSWERS = ["answers"]
"""The only part of the state `run` reads; LangGraph then need not copy the rest out at every step."""

Build = Callable[..., Cascade]


class StateNode(Protocol):
    """A node as LangGraph types it: the arguments may be given by name."""

    def __call__(self, state: Any, config: RunnableConfig) -> dict[str, Any]: ...


class MendGraph:
    """A graph with its models: run it on rows, embed it in an agent, look at its health.

    Safe to use from several threads.  As a context manager it closes its tiers at the end.
    """

    def __init__(
        self,
        name: str,
        context: Context,
        build: Build,
        *,
        checkpointer: BaseCheckpointSaver[Any] | None = None,
    ) -> None:
        self.name = name
        self.context = context
        self.graph: Cascade = build(context, checkpointer=checkpointer)
        """The compiled LangGraph graph, a Runnable from ``{"inputs": ..., "options": ...}`` to the state."""

    @property
    def labels(self) -> tuple[str, ...]:
        return self.context.policy.labels

    @property
    def tiers(self) -> Mapping[str, Tier]:
        return self.context.tiers

    def run(
        self,
        inputs: str | Sequence[object],
        *,
        ask: Ask | None = None,
        threshold: float | None = None,
        down: Sequence[str] = (),
        clarifications: Mapping[int, str] | None = None,
        config: RunnableConfig | None = None,
    ) -> list[Answer]:
        """Answers, one per row, in order.

        Args:
            inputs: one text, or any number of them.
            ask: what happens to rows nothing could settle; see `Options`.
            threshold: confidence in [0, 1] to ask for at every check, instead of the fitted thresholds.
            down: tiers to treat as dead.
            clarifications: row number -> label, answers of the user known beforehand.
            config: LangGraph's run configuration (thread, callbacks).
        """
        rows = [inputs] if isinstance(inputs, str) else list(inputs)
        answers: list[Answer] = []
        size = self._piece(ask, len(rows))
        for start in range(0, len(rows), size):
            state = self.request(
                rows[start : start + size],
                ask=ask,
                threshold=threshold,
                down=down,
                clarifications=_shifted(clarifications, start, size),
            )
            answers.extend(answers_of(self.graph.invoke(state, config, output_keys=ANSWERS)))
        return answers

    async def arun(
        self,
        inputs: str | Sequence[object],
        *,
        ask: Ask | None = None,
        threshold: float | None = None,
        down: Sequence[str] = (),
        clarifications: Mapping[int, str] | None = None,
        config: RunnableConfig | None = None,
    ) -> list[Answer]:
        """As `run`, without blocking the event loop."""
        rows = [inputs] if isinstance(inputs, str) else list(inputs)
        answers: list[Answer] = []
        size = self._piece(ask, len(rows))
        for start in range(0, len(rows), size):
            state = self.request(
                rows[start : start + size],
                ask=ask,
                threshold=threshold,
                down=down,
                clarifications=_shifted(clarifications, start, size),
            )
            answers.extend(answers_of(await self.graph.ainvoke(state, config, output_keys=ANSWERS)))
        return answers

    def _piece(self, ask: Ask | None, rows: int) -> int:
        """Rows per graph run; all at once where a run may pause, because the next one would take its thread over."""
        return max(rows, 1) if (ask or self.context.ask) == "interrupt" else CHUNK

    def stream(
        self, inputs: str | Sequence[object], *, config: RunnableConfig | None = None, **options: Any
    ) -> Iterator[dict[str, Any]]:
        """Events of one run as they happen: ``attempt``, ``verdict`` and ``answer``, each with its ``row``."""
        yield from self.graph.stream(self.request(inputs, **options), config, stream_mode="custom")

    async def astream(
        self, inputs: str | Sequence[object], *, config: RunnableConfig | None = None, **options: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """As `stream`, for event loops."""
        async for event in self.graph.astream(self.request(inputs, **options), config, stream_mode="custom"):
            yield event

    def request(
        self,
        inputs: str | Sequence[object],
        *,
        ask: Ask | None = None,
        threshold: float | None = None,
        down: Sequence[str] = (),
        clarifications: Mapping[int, str] | None = None,
    ) -> Any:
        """The state to invoke `graph` with.

        Raises:
            ConfigError: a threshold outside [0, 1], or an unknown tier or label.
        """
        if threshold is not None and not 0.0 <= threshold <= 1.0:
            raise ConfigError(f"threshold: expected a number in [0, 1], got {threshold!r}")
        if strange := sorted(set(down) - set(self.tiers)):
            raise ConfigError(f"down: unknown tiers {strange}", hint=f"known: {', '.join(self.tiers)}")
        options: Options = {"threshold": threshold, "down": list(down)}
        if ask is not None:
            options["ask"] = ask
        if clarifications:
            if strange := sorted(set(clarifications.values()) - set(self.labels)):
                raise ConfigError(
                    f"clarifications: unknown labels {strange}", hint=f"known: {', '.join(self.labels)}"
                )
            options["clarifications"] = {str(row): label for row, label in clarifications.items()}
        rows = [inputs] if isinstance(inputs, str) else list(inputs)
        return {"inputs": rows, "options": options}

    def as_node(self, input: str = "text", output: str = "emotion", *, ask: Ask | None = None) -> StateNode:
        """A node for a parent graph: reads ``state[input]``, writes the answer as a dict to ``state[output]``.

        A list of rows gives a list of answers.  With ``ask="interrupt"`` the question pauses the parent, which
        then needs a checkpointer.
        """

        def node(state: Any, config: RunnableConfig) -> dict[str, Any]:
            given = state[input] if isinstance(state, Mapping) else getattr(state, input)
            several = isinstance(given, (list, tuple))
            result = self.graph.invoke(self.request(given if several else [given], ask=ask), config)
            return {output: result["answers"] if several else result["answers"][0]}

        node.__name__ = self.name
        return node

    @staticmethod
    def status(output: str = "emotion") -> Callable[[Any], str]:
        """A conditional edge for a parent graph: the status of the answer in ``state[output]``."""

        def route(state: Any) -> str:
            answer = state[output] if isinstance(state, Mapping) else getattr(state, output)
            return str(answer["status"])

        return route

    def as_tool(self) -> StructuredTool:
        """A LangChain tool that takes one text and returns the answer as a dict."""
        from langchain_core.tools import StructuredTool

        def classify(text: str) -> dict[str, Any]:
            return self.run(text, ask="return")[0].to_dict()

        async def aclassify(text: str) -> dict[str, Any]:
            return (await self.arun(text, ask="return"))[0].to_dict()

        return StructuredTool.from_function(
            func=classify,
            coroutine=aclassify,
            name=f"mend_{self.name}",
            description=(
                f"Runs the {self.name} graph on one text. The answer has a status: trust `label` only when it "
                f"is 'accepted'; otherwise `options` lists what is plausible. Labels: {', '.join(self.labels)}."
            ),
        )

    def health(self) -> dict[str, dict[str, Any]]:
        """Per tier: whether it can answer, its weights, whether its confidence is calibrated, its last error."""
        report: dict[str, dict[str, Any]] = {}
        for name, tier in self.tiers.items():
            calibrator = self.context.policy.calibrators.get(name)
            error = getattr(tier, "error", None)
            report[name] = {
                "state": "down" if error else "up",
                "fingerprint": tier.fingerprint,
                "calibrated": calibrator is not None and calibrator.fingerprint == tier.fingerprint,
                "error": str(error) if error else None,
            }
        return report

    def close(self) -> None:
        """Releases what the tiers hold."""
        for tier in self.tiers.values():
            close = getattr(tier, "close", None)
            if callable(close):
                close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def answers_of(state: Mapping[str, Any]) -> list[Answer]:
    """The answers in a finished or interrupted run's state."""
    return [Answer.from_dict(answer) for answer in state["answers"]]


def _shifted(clarifications: Mapping[int, str] | None, start: int, size: int) -> dict[int, str] | None:
    if not clarifications:
        return None
    return {row - start: label for row, label in clarifications.items() if start <= row < start + size}
