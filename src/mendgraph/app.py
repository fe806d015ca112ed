"""The small face every graph has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver

from mendgraph.core.values import Answer
from mendgraph.errors import ConfigError
from mendgraph.nodes.cascade import Cascade
from mendgraph.nodes.context import Context
from mendgraph.nodes.prepare import run_id
from mendgraph.nodes.request import Inputs, Overrides, rows_of, unpaused
from mendgraph.nodes.state import Ask, Options
from mendgraph.runtime.storage import storage_errors
from mendgraph.runtime.supervised import Supervised, supervised

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool

CHUNK = 2048
"""Rows per graph run: large inputs go through in pieces of this size, so that memory stays bounded."""

READ = ["answers", "spent"]
"""The only parts of the state `run` reads; LangGraph then need not copy the rest out at every step."""

Build = Callable[..., Cascade]


class Closing(Protocol):
    def close(self) -> None: ...


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
        closing: Sequence[Closing] = (),
    ) -> None:
        self.name = name
        self._closing = tuple(closing)
        # Looked after for as long as the graph lives, so that what is learned of a tier in one run serves the next.
        self._tiers = {key: supervised(key, tier) for key, tier in context.tiers.items()}
        self.context = replace(context, tiers=self._tiers)
        self._build = build
        self.graph: Cascade = build(self.context, checkpointer=checkpointer)
        """The compiled LangGraph graph, a Runnable from ``{"inputs": ..., "options": ...}`` to the state."""

    @property
    def labels(self) -> tuple[str, ...]:
        return self.context.policy.labels

    @property
    def tiers(self) -> Mapping[str, Supervised]:
        return self._tiers

    @property
    def most_rows(self) -> int:
        """Rows that one run of the graph takes; `run` cuts larger inputs into pieces of this size."""
        return CHUNK

    def run(
        self,
        inputs: Inputs,
        *,
        ask: Ask | None = None,
        threshold: float | None = None,
        down: Sequence[str] = (),
        clarifications: Mapping[int, str] | None = None,
        deadline_s: float | None = None,
        budget: float | None = None,
        config: RunnableConfig | None = None,
    ) -> list[Answer]:
        """Answers, one per row, in order.

        A checkpointer whose database is in trouble costs nobody an answer: rows that would have paused the run come
        back as ``needs_clarification`` instead.

        Args:
            inputs: one row, or any number of them; a row is a text, or a mapping of its parts.
            ask: what happens to rows nothing could settle; see `Options`.
            threshold: confidence in [0, 1] to ask for at every check, instead of the fitted thresholds.
            down: tiers to treat as dead.
            clarifications: row number -> label, answers of the user known beforehand.
            deadline_s: seconds the tiers may take together; rows still open then keep their best answer so far,
                marked ``partial``.  A call in progress is cut short only where its tier runs isolated.
            budget: what the tiers may cost together, in the unit of the configuration's ``cost``.
            config: LangGraph's run configuration (thread, callbacks).
        """
        rows = rows_of(inputs)
        options = Overrides(ask, threshold, down, clarifications, *self._limits(deadline_s, budget))
        answers: list[Answer] = []
        size = self._piece(ask, len(rows))
        for start in range(0, len(rows), size):
            state = self.request(rows[start : start + size], **options.of(start, size))
            try:
                result = self.graph.invoke(state, config, output_keys=READ)
            except storage_errors() as error:
                result = self._unstored.invoke(unpaused(state, error), output_keys=READ)
            options.spend(result["spent"])
            answers.extend(answers_of(result))
        return answers

    async def arun(
        self,
        inputs: Inputs,
        *,
        ask: Ask | None = None,
        threshold: float | None = None,
        down: Sequence[str] = (),
        clarifications: Mapping[int, str] | None = None,
        deadline_s: float | None = None,
        budget: float | None = None,
        config: RunnableConfig | None = None,
    ) -> list[Answer]:
        """As `run`, without blocking the event loop."""
        rows = rows_of(inputs)
        options = Overrides(ask, threshold, down, clarifications, *self._limits(deadline_s, budget))
        answers: list[Answer] = []
        size = self._piece(ask, len(rows))
        for start in range(0, len(rows), size):
            state = self.request(rows[start : start + size], **options.of(start, size))
            try:
                result = await self.graph.ainvoke(state, config, output_keys=READ)
            except storage_errors() as error:
                result = await self._unstored.ainvoke(unpaused(state, error), output_keys=READ)
            options.spend(result["spent"])
            answers.extend(answers_of(result))
        return answers

    @cached_property
    def _unstored(self) -> Cascade:
        """The same graph without a checkpointer, for when its database is in trouble."""
        return self._build(self.context, checkpointer=None)

    def _limits(self, deadline_s: float | None, budget: float | None) -> tuple[float | None, float | None]:
        """The limits of this call, or the graph's own."""
        return (
            self.context.deadline_s if deadline_s is None else deadline_s,
            self.context.budget if budget is None else budget,
        )

    def _piece(self, ask: Ask | None, rows: int) -> int:
        """Rows per graph run; all at once where a run may pause, because the next one would take its thread over."""
        return max(rows, 1) if (ask or self.context.ask) == "interrupt" else self.most_rows

    def stream(
        self, inputs: Inputs, *, config: RunnableConfig | None = None, **options: Any
    ) -> Iterator[dict[str, Any]]:
        """Events of one run as they happen: ``attempt``, ``verdict`` and ``answer``, each with its ``row``."""
        yield from self.graph.stream(self.request(inputs, **options), config, stream_mode="custom")

    async def astream(
        self, inputs: Inputs, *, config: RunnableConfig | None = None, **options: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """As `stream`, for event loops."""
        async for event in self.graph.astream(self.request(inputs, **options), config, stream_mode="custom"):
            yield event

    def request(
        self,
        inputs: Inputs,
        *,
        ask: Ask | None = None,
        threshold: float | None = None,
        down: Sequence[str] = (),
        clarifications: Mapping[int, str] | None = None,
        deadline_s: float | None = None,
        budget: float | None = None,
    ) -> Any:
        """The state to invoke `graph` with.

        Raises:
            ConfigError: a threshold outside [0, 1], a limit that is negative or no number, or an unknown tier
                or label.
        """
        for name, limit in (("deadline_s", deadline_s), ("budget", budget)):
            if limit is not None and not limit >= 0.0:
                raise ConfigError(f"{name}: expected a number of at least 0, got {limit!r}")
        if threshold is not None and not 0.0 <= threshold <= 1.0:
            raise ConfigError(f"threshold: expected a number in [0, 1], got {threshold!r}")
        if strange := sorted(set(down) - set(self.tiers)):
            raise ConfigError(f"down: unknown tiers {strange}", hint=f"known: {', '.join(self.tiers)}")
        options: Options = {"run": run_id(self.context.wall()), "threshold": threshold, "down": list(down)}
        if deadline_s is not None:
            options["deadline_s"] = deadline_s
        if budget is not None:
            options["budget"] = budget
        if ask is not None:
            options["ask"] = ask
        if clarifications:
            if strange := sorted(set(clarifications.values()) - set(self.labels)):
                raise ConfigError(
                    f"clarifications: unknown labels {strange}", hint=f"known: {', '.join(self.labels)}"
                )
            options["clarifications"] = {str(row): label for row, label in clarifications.items()}
        rows = rows_of(inputs)
        return {"inputs": rows, "options": options}

    def as_node(self, input: str = "text", output: str | None = None, *, ask: Ask | None = None) -> StateNode:
        """A node for a parent graph: reads ``state[input]``, writes the answer as a dict to ``state[output]``.

        `output` is the graph's name unless given.  A list of rows gives a list of answers.  With
        ``ask="interrupt"`` the question pauses the parent, which then needs a checkpointer.
        """
        written = output or self.name

        def node(state: Any, config: RunnableConfig) -> dict[str, Any]:
            given = state[input] if isinstance(state, Mapping) else getattr(state, input)
            several = isinstance(given, (list, tuple))
            result = self.graph.invoke(self.request(given if several else [given], ask=ask), config)
            return {written: result["answers"] if several else result["answers"][0]}

        node.__name__ = self.name
        return node

    def status(self, output: str | None = None) -> Callable[[Any], str]:
        """A conditional edge for a parent graph: the status of the answer that `as_node` wrote to ``state[output]``."""
        written = output or self.name

        def route(state: Any) -> str:
            answer = state[written] if isinstance(state, Mapping) else getattr(state, written)
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
        """Per tier: all that `Supervised.health` tells, its weights, and whether its confidence is calibrated."""
        policy = self.context.policy
        return {
            name: {
                **tier.health(),
                "fingerprint": tier.fingerprint,
                "calibrated": policy.calibrator(name, tier.fingerprint, tier.calibrator) is not None,
            }
            for name, tier in self.tiers.items()
        }

    def close(self) -> None:
        """Releases what the tiers hold, and a journal that the configuration named."""
        for tier in self.tiers.values():
            tier.close()
        for held in self._closing:
            held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def answers_of(state: Mapping[str, Any]) -> list[Answer]:
    """The answers in a finished or interrupted run's state."""
    return [Answer.from_dict(answer) for answer in state["answers"]]
