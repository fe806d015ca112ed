"""Which LLM should answer a prompt: what each would cost, which may be used, and which is worth it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np

from mendgraph.core.arrays import FloatArray, softmax
from mendgraph.errors import ConfigError, InputError, UnknownNameError

BYTES_PER_TOKEN: Final = 4
"""Of English text (OpenAI, "What are tokens and how to count them?"); an estimate, good enough to rank by."""

TEMPERATURE: Final = 0.1
"""Of the soft-max that shares out, among the LLMs not chosen, the chance that one of them does better."""

MILLION: Final = 1e6


@dataclass(frozen=True, slots=True)
class LLM:
    """An LLM that may be chosen.

    Attributes:
        input_price, output_price: $ per million tokens.
        output_tokens: of an answer, on average.
        latency_s: seconds until an answer is complete, on average; None where nobody measured it.
    """

    name: str
    input_price: float
    output_price: float
    output_tokens: float
    latency_s: float | None = None

    def cost(self, tokens: float) -> float:
        """$ for a prompt of so many tokens and its answer."""
        return (tokens * self.input_price + self.output_tokens * self.output_price) / MILLION


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which an LLM is chosen.

    Attributes:
        max_cost: most $ for one prompt; None for no limit.
        cost_weight: ``lambda``, quality in [0, 1] that one $ is worth.
        max_latency_s: most seconds; an LLM of unknown latency cannot promise any.
        down: LLMs not to choose.
    """

    max_cost: float | None = None
    cost_weight: float = 0.0
    max_latency_s: float | None = None
    down: tuple[str, ...] = ()

    def under(self, facts: Mapping[str, Any]) -> Terms:
        """These, with what one row asks for instead; see `mendgraph.core.prompts`."""
        return Terms(
            facts.get("max_cost", self.max_cost),
            facts.get("lambda", self.cost_weight),
            facts.get("max_latency_s", self.max_latency_s),
            (*self.down, *facts.get("down", ())),
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen.

    Attributes:
        model, runner_up: names; no runner-up where only one LLM may be used.
        chances: name -> probability of being the one to choose, summing to 1; 0 for those that may not be used.
            The chosen LLM's is that the strongest other one does no better; see `none_better`.
        excluded: name -> why it may not be used.
    """

    model: str
    runner_up: str | None
    chances: Mapping[str, float]
    excluded: Mapping[str, str]


@dataclass(frozen=True)
class Catalog:
    """The LLMs to choose among, in a fixed order, and the terms unless a row says otherwise."""

    llms: tuple[LLM, ...]
    terms: Terms = field(default_factory=Terms)

    def __post_init__(self) -> None:
        if not self.llms:
            raise ConfigError(
                "llms: expected at least one", hint="name the LLMs to choose among in the configuration"
            )
        self.known(self.terms.down)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(llm.name for llm in self.llms)

    def known(self, names: Sequence[str]) -> None:
        """Raises UnknownNameError: one of `names` is no LLM of this catalog."""
        for name in names:
            if name not in self.names:
                raise UnknownNameError("LLM", name, self.names)

    def costs(self, tokens: float) -> FloatArray:
        """(M,) $ for a prompt of so many tokens."""
        return np.array([llm.cost(tokens) for llm in self.llms])

    def choose(self, quality: Sequence[float] | FloatArray, costs: FloatArray, terms: Terms) -> Choice:
        """The LLM of greatest ``quality - lambda cost`` among those within `terms`; the cheaper one of equals.

        Args:
            quality: (M,) expected quality in [0, 1].
            costs: (M,) $.

        Raises:
            InputError: none is within the terms.
        """
        excluded = self._excluded(costs, terms)
        if len(excluded) == len(self.llms):
            raise InputError(*_nothing_left(excluded, costs, terms))
        open_ = np.array([name not in excluded for name in self.names])
        worth = np.where(open_, np.asarray(quality, dtype=np.float64) - terms.cost_weight * costs, -np.inf)
        ranked = [int(place) for place in np.lexsort((costs, -worth)) if open_[place]]
        return Choice(
            self.names[ranked[0]],
            self.names[ranked[1]] if len(ranked) > 1 else None,
            dict(zip(self.names, _chances(worth, ranked).tolist(), strict=True)),
            excluded,
        )

    def _excluded(self, costs: FloatArray, terms: Terms) -> dict[str, str]:
        found: dict[str, str] = {}
        for llm, cost in zip(self.llms, costs.tolist(), strict=True):
            if llm.name in terms.down:
                found[llm.name] = "down"
            elif terms.max_cost is not None and cost > terms.max_cost:
                found[llm.name] = "over budget"
            elif terms.max_latency_s is not None and (
                llm.latency_s is None or llm.latency_s > terms.max_latency_s
            ):
                found[llm.name] = "latency unknown" if llm.latency_s is None else "too slow"
        return found


def none_better(chosen: float, rival: float) -> float:
    """Probability in [.75, 1] that the rival does not succeed where the chosen LLM fails.

    Args:
        chosen, rival: chances of success in [0, 1], independent of each other, the chosen one's not the smaller.

    A choice is good where it succeeds, and where nothing would: the lead alone does not tell, because hopeless and easy
    prompts have small leads.
    """
    return 1.0 - (1.0 - chosen) * rival


def _chances(worth: FloatArray, ranked: Sequence[int]) -> FloatArray:
    """(M,) see `Choice.chances`; `worth` is -inf where an LLM may not be used, `ranked` has the others, best first."""
    found = np.zeros(len(worth))
    first, others = ranked[0], list(ranked[1:])
    found[first] = 1.0
    if others:
        net = np.clip(worth[[first, others[0]]], 0.0, 1.0)
        found[first] = none_better(*net.tolist())
        found[others] = (1.0 - found[first]) * softmax((worth[others] / TEMPERATURE)[None])[0]
    return found


def tokens_in(prompt: str) -> int:
    """How many tokens a prompt has, about; at least 1."""
    return max(-(-len(prompt.encode("utf-8", "replace")) // BYTES_PER_TOKEN), 1)


def dollars(amount: float) -> str:
    """An amount of $ with two significant digits, however small."""
    if amount >= 1.0 or amount == 0.0:
        return f"${amount:,.2f}"
    return f"${np.format_float_positional(amount, precision=2, fractional=False, trim='-')}"


def _nothing_left(excluded: Mapping[str, str], costs: FloatArray, terms: Terms) -> tuple[str]:
    reasons = sorted(set(excluded.values()))
    if reasons == ["over budget"]:
        return (
            f"no LLM answers this prompt for {dollars(terms.max_cost or 0.0)}; {_cheapest(excluded, costs)}",
        )
    return (f"no LLM is left: {', '.join(f'{name} is {why}' for name, why in excluded.items())}",)


def _cheapest(excluded: Mapping[str, str], costs: FloatArray) -> str:
    place = int(costs.argmin())
    return f"the cheapest, {list(excluded)[place]}, costs {dollars(float(costs[place]))}"
