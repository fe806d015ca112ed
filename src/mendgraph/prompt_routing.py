"""The prompt routing graph's own face: which LLM should answer, what each is worth, and the answer itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mendgraph.adapters.llm_calls import callers_of
from mendgraph.adapters.llm_catalog import catalog_of
from mendgraph.app import MendGraph, StateNode, answers_of
from mendgraph.config import GraphSpec, RoutingSpec
from mendgraph.core.arrays import FloatArray
from mendgraph.core.prompts import OPTIONS, parsed, prepare_prompt
from mendgraph.core.routing import Catalog
from mendgraph.core.values import Answer, Input
from mendgraph.errors import ConfigError, InputError, UnknownNameError
from mendgraph.nodes.cascade import Cascade
from mendgraph.nodes.context import Context
from mendgraph.nodes.request import rows_of
from mendgraph.nodes.state import Ask

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool

__all__ = ["PromptRoutingGraph", "routing_parts"]


class PromptRoutingGraph(MendGraph):
    """Chooses the LLM that should answer a prompt.

    A prompt may bring terms of its own: give it as a mapping with ``prompt`` and any of ``max_cost`` ($),
    ``lambda`` (quality that one $ is worth), ``max_latency_s`` and ``down`` (LLMs not to choose); or give them to
    `route`, for all prompts alike.
    """

    def __init__(self, name: str, context: Context, build: Any, *, spec: RoutingSpec, **given: Any) -> None:
        super().__init__(name, context, build, **given)
        self.spec = spec
        self.catalog = catalog_of(spec)

    @property
    def models(self) -> tuple[str, ...]:
        """The LLMs to choose among."""
        return self.catalog.names

    def route(
        self,
        prompts: str | Sequence[object],
        *,
        max_cost: float | None = None,
        cost_weight: float | None = None,
        max_latency_s: float | None = None,
        without: Sequence[str] = (),
        **options: Any,
    ) -> list[Answer]:
        """As `run`, with the same terms for every prompt that does not bring its own.

        Args:
            max_cost: most $ for one prompt and its answer.
            cost_weight: ``lambda``, quality in [0, 1] that one $ is worth.
            max_latency_s: most seconds; an LLM of unknown latency is left out then.
            without: LLMs not to choose.

        Raises:
            UnknownNameError: `without` names no LLM of the configuration.
        """
        self.catalog.known(tuple(without))
        terms = {
            "max_cost": max_cost,
            "lambda": cost_weight,
            "max_latency_s": max_latency_s,
            "down": list(without) or None,
        }
        return self.run(with_terms(prompts, terms), **options)

    def predict(
        self, prompts: str | Sequence[object], models: Sequence[str] | None = None
    ) -> dict[str, FloatArray]:
        """LLM -> (N,) scores in [-1, 1] of the first tier that can rate each prompt; NaN where none can.

        Args:
            models: which; all unless given.

        Raises:
            UnknownNameError: no such LLM.
        """
        wanted = self.models if models is None else tuple(models)
        self.catalog.known(wanted)
        answers = self.run(prompts, ask="never", threshold=0.0)
        rated = [answer.value["scores"] if answer.value else {} for answer in answers]
        return {model: np.array([scores.get(model, np.nan) for scores in rated]) for model in wanted}

    def execute(
        self, prompts: str | Sequence[object], llms: Mapping[str, Any] | None = None, **options: Any
    ) -> list[Answer]:
        """Has each prompt answered by the LLM that is chosen for it, or else by the runner-up.

        ``value["response"]`` is the answer's text and ``value["answered_by"]`` the LLM; the trail holds every call.
        Retries, time limits and breakers are those of ``prompt_routing.execution``.

        Args:
            llms: LLM -> a function of the prompt, or a LangChain chat model; the others are called where the
                configuration gives them an ``endpoint``.
            options: as for `request`.

        Raises:
            ConfigError: nothing can be called; or `llms` holds what is no LLM of the configuration, or no function.
        """
        graph = self.executing if llms is None else self.executing_with(llms)
        return answers_of(graph.invoke(self.request(prompts, **{"ask": "never", **options})))

    @cached_property
    def executing(self) -> Cascade:
        """The graph with one more step, in which the configured endpoints are called."""
        return self.executing_with({})

    def executing_with(self, llms: Mapping[str, Any]) -> Cascade:
        """As `executing`, with LLMs of one's own; see `execute`."""
        callers = callers_of(self.spec, llms)
        if not callers:
            raise ConfigError(
                "prompt_routing.llms: no LLM can be called",
                hint="give one an endpoint in the configuration, or pass functions: execute(prompts, llms={...})",
            )
        graph: Cascade = self._build(self.context, callers=callers)
        return graph

    def as_node(
        self, input: str = "prompt", output: str | None = None, *, ask: Ask | None = None
    ) -> StateNode:
        """As `MendGraph.as_node`; ``state[input]`` is a prompt, or a mapping with its terms, or a list of them."""
        return super().as_node(input, output, ask=ask)

    def as_tool(self) -> StructuredTool:
        """A LangChain tool that takes a prompt, and perhaps a budget, and returns the answer as a dict."""
        from langchain_core.tools import StructuredTool

        def route(prompt: str, max_cost: float | None = None) -> dict[str, Any]:
            return self.route(prompt, max_cost=max_cost, ask="return")[0].to_dict()

        return StructuredTool.from_function(
            func=route,
            name=f"mend_{self.name}",
            description=(
                "Chooses the language model that should answer a prompt, optionally for at most max_cost dollars. "
                f"`value` holds model, runner_up, expected quality and cost, and why. Models: {', '.join(self.models)}."
            ),
        )


def with_terms(prompts: str | Sequence[object], terms: Mapping[str, Any]) -> list[object]:
    """The rows, each with those of `terms` (see `OPTIONS`) that are not None and that it does not bring itself."""
    given = {name: terms[name] for name in OPTIONS if terms.get(name) is not None}
    rows = rows_of(prompts)
    if not given:
        return rows
    return [_with(row, given) for row in rows]


def _with(row: object, terms: Mapping[str, Any]) -> object:
    if isinstance(row, str):
        row = parsed(row) or {"prompt": row}
    if not isinstance(row, Mapping):
        return row
    return {**terms, **{name: value for name, value in row.items() if value not in (None, "")}}


def routing_parts(spec: GraphSpec) -> dict[str, Any]:
    """What the configured LLMs decide of the graph; see `System.configured`."""
    if not isinstance(spec, RoutingSpec):
        raise ConfigError(f"prompt_routing: expected a routing stanza, got {type(spec).__name__}")
    catalog = catalog_of(spec)
    return {
        "labels": catalog.names,
        "prepare": partial(_prepare, catalog),
        "face": partial(PromptRoutingGraph, spec=spec),
    }


def _prepare(catalog: Catalog, raw: object) -> Input:
    """As `prepare_prompt`, refusing LLMs that nobody configured."""
    row = prepare_prompt(raw)
    try:
        catalog.known(row.facts.get("down", ()))
    except UnknownNameError as error:
        raise InputError(f"down: {error.message}", hint=error.hint) from None
    return row
