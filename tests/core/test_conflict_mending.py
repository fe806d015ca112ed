"""What documents were heard to say, held against their words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.conflict import Document
from mendgraph.core.conflict_mending import DOUBT, mended

QUESTION = "When did the Ostra Bridge open?"
TEXT = "[2019, archive] The Ostra Bridge opened in May 1931. It has 2 lanes."


def heard(value: str | None, sure: float = 0.95, text: str = TEXT) -> tuple[str | None, float]:
    found = mended(QUESTION, [Document("a", text)], {"a": value}, {"a": sure})
    return found.values["a"], found.sure["a"]


@pytest.mark.parametrize(
    ("value", "sure", "wanted"),
    [
        ("May 1931", 0.95, "May 1931"),
        ("1931", 0.95, "May 1931"),  # in full
        ("May 1934", 0.95, "May 1931"),  # the date that stands there
        ("Jane Bell", 0.95, "May 1931"),  # no date at all
        (None, 0.95, None),
        (None, 0.4, "May 1931"),
        ("yes", 0.95, "yes"),
    ],
)
def test_what_does_not_stand_there_is_not_believed(
    value: str | None, sure: float, wanted: str | None
) -> None:
    found, chance = heard(value, sure)
    assert found == wanted
    assert (chance == sure) == (found == value or value == "1931")


def test_silence_may_be_right() -> None:
    assert heard(None, 0.6, text="The Elm Bridge opened in 1950.")[0] is None
    assert heard("1940", text="A poem about rain.")[0] is None


@given(
    st.dictionaries(st.sampled_from("abc"), st.none() | st.text(max_size=12), min_size=1),
    st.floats(0, 1),
    st.text(max_size=60),
)
def test_only_documents_that_were_heard_are_told(
    values: dict[str, str | None], sure: float, text: str
) -> None:
    documents = [Document(name, text or "x") for name in "abc"]
    found = mended(QUESTION, documents, values, dict.fromkeys(values, sure))
    assert set(found.values) == set(values) == set(found.sure)
    assert 0 <= found.changed <= len(values)
    assert all(0 <= chance <= 1 for chance in found.sure.values())
    assert 0 < DOUBT < 1
