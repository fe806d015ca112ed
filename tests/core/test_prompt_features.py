"""Features are finite for whatever people type, and see what their names say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.prompt_features import FEATURES, prompt_features


def values(prompt: str) -> dict[str, float]:
    return dict(zip(FEATURES, prompt_features([prompt])[0].tolist(), strict=True))


@given(st.lists(st.text(max_size=200), max_size=4))
def test_one_finite_row_per_prompt(prompts: list[str]) -> None:
    found = prompt_features(prompts)
    assert found.shape == (len(prompts), len(FEATURES))
    assert np.isfinite(found).all()


@given(st.lists(st.text(max_size=80), min_size=2, max_size=4))
def test_a_prompt_is_read_alike_alone_and_in_a_batch(prompts: list[str]) -> None:
    assert (prompt_features(prompts)[1] == prompt_features(prompts[1:2])[0]).all()


def test_a_long_prompt_costs_no_more_than_its_first_part() -> None:
    found = values("sum " * 100_000)
    assert found["form:characters"] > 12
    assert found["form:words"] < 9


def test_a_choice_is_told_from_a_question() -> None:
    choice = values("Which planet is largest?\nA. Mars\nB. Jupiter\nC. Venus\nAnswer:")
    assert choice["form:options"] == pytest.approx(np.log(4))
    assert choice["form:option_words"] > 0
    assert choice["task:which"] > 0
    question = values("who sings i've got to be me")
    assert question["form:options"] == 0
    assert question["form:begins_small"] == 1
    assert question["domain:culture"] > 0


def test_code_sums_and_law_are_seen() -> None:
    code = values("def f(x):\n    return x + 1\nWrite a function that debugs this.")
    assert code["form:code"] > 0
    assert code["task:code"] > 0
    sums = values("Ann buys 12 apples at $3 each. How much does she spend in total?")
    assert sums["form:numbers"] == pytest.approx(np.log(3))
    assert sums["domain:arithmetic"] > values("A court tried the defendant.")["domain:arithmetic"]
    assert values("The plaintiff sued under the statute.")["domain:law"] > 0


def test_names_are_different_and_say_their_kind() -> None:
    assert len(set(FEATURES)) == len(FEATURES)
    assert {name.partition(":")[0] for name in FEATURES} == {"task", "domain", "style", "form"}
