"""Laws of choosing an LLM: budgets hold, money counts for what it is said to be worth, nothing is hidden."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.routing import LLM, Catalog, Choice, Terms, dollars, tokens_in
from mendgraph.errors import ConfigError, InputError, UnknownNameError
from tests.llms import MODELS, catalog

shares = st.floats(0.0, 1.0)
qualities = st.tuples(shares, shares, shares)
prices = st.lists(st.floats(0.0, 100.0), min_size=3, max_size=3)


def choose(quality: tuple[float, ...], costs: list[float], **terms: object) -> Choice:
    return catalog().choose(np.array(quality), np.array(costs), Terms(**terms))  # type: ignore[arg-type]


@given(qualities, prices, st.floats(0.0, 100.0))
def test_the_choice_is_affordable_and_none_that_is_would_be_worth_more(
    quality: tuple[float, ...], costs: list[float], budget: float
) -> None:
    try:
        choice = choose(quality, costs, max_cost=budget)
    except InputError:
        assert min(costs) > budget
        return
    worth = {name: q for name, q, cost in zip(MODELS, quality, costs, strict=True) if cost <= budget}
    assert worth[choice.model] == max(worth.values())
    assert set(choice.excluded) == set(MODELS) - set(worth)
    assert choice.runner_up is None if len(worth) == 1 else choice.runner_up in set(worth) - {choice.model}


@given(qualities, prices, st.floats(0.0, 10.0), st.sets(st.sampled_from(MODELS), max_size=2))
def test_chances_are_probabilities_of_what_may_be_chosen_and_the_choice_has_the_greatest(
    quality: tuple[float, ...], costs: list[float], weight: float, down: set[str]
) -> None:
    choice = choose(quality, costs, cost_weight=weight, down=tuple(down))
    assert sum(choice.chances.values()) == pytest.approx(1.0)
    assert choice.chances[choice.model] == max(choice.chances.values())
    assert all(choice.chances[name] == 0.0 for name in down)


@given(qualities, prices, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_more_a_dollar_is_worth_the_less_is_spent(
    quality: tuple[float, ...], costs: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    spent = [costs[MODELS.index(choose(quality, costs, cost_weight=weight).model)] for weight in (low, high)]
    assert spent[1] <= spent[0] + 1e-9


def test_of_equals_the_cheaper_one_is_chosen() -> None:
    choice = choose((0.5, 0.5, 0.5), [3.0, 1.0, 2.0])
    assert (choice.model, choice.runner_up) == ("middle", "small")


def test_a_budget_nobody_meets_says_what_the_cheapest_costs() -> None:
    with pytest.raises(InputError, match=r"for \$0\.001; the cheapest, small, costs \$0\.2"):
        choose((0.5, 0.5, 0.5), [3.0, 1.0, 0.2], max_cost=0.001)
    with pytest.raises(InputError, match="big is down, middle is down, small is over budget"):
        choose((0.5, 0.5, 0.5), [3.0, 1.0, 0.2], max_cost=0.1, down=("big", "middle"))


def test_an_unknown_latency_promises_nothing() -> None:
    fast, slow, unknown = (LLM(str(s), 0, 0, 0, s) for s in (1.0, 9.0, None))
    choice = Catalog((fast, slow, unknown)).choose([0.1, 0.9, 0.9], np.zeros(3), Terms(max_latency_s=2.0))
    assert choice.model == "1.0"
    assert choice.excluded == {"9.0": "too slow", "None": "latency unknown"}


def test_costs_are_of_prompt_and_answer() -> None:
    assert catalog().costs(1_000).tolist() == pytest.approx([0.013, 0.0011, 0.00011])
    assert tokens_in("a" * 400) == 100
    assert tokens_in("") == 1


@given(st.floats(1e-9, 1e6))
def test_dollars_keep_two_digits(amount: float) -> None:
    read = float(dollars(amount).removeprefix("$").replace(",", ""))
    assert read == pytest.approx(amount, rel=0.06, abs=0.006 if amount >= 1 else 0.0)


def test_a_catalog_needs_an_llm_and_knows_its_own() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        Catalog(())
    with pytest.raises(UnknownNameError, match="did you mean 'small'"):
        catalog(down=("smal",))


def test_a_row_changes_the_terms_it_names_and_no_others() -> None:
    terms = Terms(max_cost=1.0, cost_weight=2.0, down=("big",))
    found = terms.under({"tokens": 3, "lambda": 5.0, "down": ["small"]})
    assert found == Terms(max_cost=1.0, cost_weight=5.0, down=("big", "small"))
