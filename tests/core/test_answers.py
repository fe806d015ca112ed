"""Short answers that say the same, and those that do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.answers import agreeing_groups, normal_form, same_answer

ANSWERS = st.one_of(
    st.text(min_size=1, max_size=30),
    st.sampled_from(
        [
            "312 m",
            "1,024 feet",
            "about 310 metres",
            "1987",
            "14 March 1987",
            "Ilse Varn",
            "Dr Varn",
            "yes",
            "No.",
        ]
    ),
)


@given(ANSWERS, ANSWERS)
def test_it_is_symmetric_and_holds_for_oneself(first: str, second: str) -> None:
    assert same_answer(first, first)
    assert same_answer(first, second) == same_answer(second, first)


@given(ANSWERS)
def test_normal_forms_are_stable(answer: str) -> None:
    assert normal_form(normal_form(answer)) == normal_form(answer)


@given(st.lists(ANSWERS, max_size=8))
def test_groups_agree_inside_and_are_numbered_in_order(answers: list[str]) -> None:
    groups = agreeing_groups(answers)
    assert list(dict.fromkeys(groups)) == list(range(len(set(groups))))
    for a, mine in zip(answers, groups, strict=True):
        assert all(same_answer(a, b) for b, other in zip(answers, groups, strict=True) if mine == other)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("312.4 metres", "1,025 ft", True),
        ("312 metres", "340 metres", False),
        ("in 1987", "14 March 1987", True),
        ("14 March 1987", "14 May 1987", False),
        ("Ilse Varn", "I. Varn", True),
        ("Ilse Varn", "Dr Varn", True),
        ("Ilse Varn", "Otto Varn", False),
        ("Ilse Varn", "Ilse Holm", False),
        ("Holm & Sons", "the firm of Holm and Sons", True),
        ("Holm & Sons", "Varn & Sons", False),
        ("Norway", "the state of Norway", True),
        ("True", "yes", True),
        ("yes", "no", False),
        ("312 metres", "Ilse Varn", False),
        ("three hundred and twelve", "312", True),
    ],
)
def test_values_count_and_not_wording(first: str, second: str, same: bool) -> None:
    assert same_answer(first, second) is same
