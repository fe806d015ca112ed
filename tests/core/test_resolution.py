"""The rules that choose among claims: laws, and each rule in plain cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.answers import same_answer
from mendgraph.core.conflict import LEVELS
from mendgraph.core.resolution import POLICIES, RULES, Claim, resolve, rule_in
from mendgraph.errors import UnknownNameError

CLAIMS = st.lists(
    st.builds(
        Claim,
        document=st.sampled_from("abcdefgh"),
        value=st.sampled_from(
            ["312 m", "1,024 feet", "400 m", "about 310 m", "1987", "Ilse Varn", "Dr Varn"]
        ),
        date=st.one_of(st.none(), st.sampled_from(["1999", "2004-05", "2010-01-02", "2021"])),
        reliability=st.one_of(st.none(), st.sampled_from([0.2, 0.6, 0.95])),
    ),
    max_size=7,
)


@given(CLAIMS, st.sampled_from(LEVELS), st.one_of(st.none(), st.sampled_from(RULES)))
def test_an_answer_is_always_one_of_the_claims(claims: list[Claim], level: str, rule: str | None) -> None:
    found = resolve(claims, level, rule)  # type: ignore[arg-type]  # one of RULES
    assert found.reason
    assert sorted(d for side in found.sides for d in side.documents) == sorted(c.document for c in claims)
    if found.answer is None:
        assert found.document is None
        assert found.unresolved or (found.rule == "both_sides" and len(found.sides) > 1)
    else:
        assert not found.unresolved
        assert any((c.value, c.document) == (found.answer, found.document) for c in claims)


@given(CLAIMS, st.sampled_from(LEVELS), st.randoms(use_true_random=False))
def test_whether_there_is_an_answer_does_not_depend_on_order_where_one_value_is_claimed(
    claims: list[Claim], level: str, random: object
) -> None:
    alike = [Claim(c.document, "312 m", c.date, c.reliability) for c in claims]
    found = resolve(alike, level)
    assert found.unresolved is (not alike)
    assert found.answer == ("312 m" if alike else None)


@given(CLAIMS)
def test_one_more_voice_for_the_majority_changes_nothing(claims: list[Claim]) -> None:
    found = resolve(claims, "numerical", "majority")
    if found.answer is not None:
        more = resolve([*claims, Claim("z", found.answer)], "numerical", "majority")
        assert more.answer is not None
        assert same_answer(more.answer, found.answer)


@given(CLAIMS)
def test_nothing_dated_later_than_the_most_recent_answer(claims: list[Claim]) -> None:
    found = resolve(claims, "temporal", "most_recent")
    dates = [c.date for c in claims if c.date]
    if found.answer is not None and dates:
        assert any(c.date == max(dates) and c.value == found.answer for c in claims)


def test_each_level_has_its_rule() -> None:
    old, new = Claim("a", "1987", "1999", 0.95), Claim("b", "1991", "2020", 0.2)
    assert resolve([old, new], "temporal").answer == "1991"
    assert resolve([old, new], "entity").answer == "1987"
    both = resolve([Claim("a", "yes"), Claim("b", "no")], "semantic")
    assert (both.answer, both.unresolved) == (None, False)
    assert [side.value for side in both.sides] == ["yes", "no"]
    numbers = [Claim("a", "312 metres"), Claim("b", "1,024 feet"), Claim("c", "400 metres")]
    found = resolve(numbers, "numerical")
    assert found.answer in {"312 metres", "1,024 feet"}
    assert found.sides[0].documents == ("a", "b")


def test_equal_votes_go_to_the_clearly_more_precise_value() -> None:
    found = resolve([Claim("a", "about 300 km"), Claim("b", "412.5 km")], "numerical")
    assert found.document == "b"
    assert "more precise" in found.reason


@pytest.mark.parametrize(
    ("claims", "level", "reason"),
    [
        ([], "temporal", "no document answers"),
        ([Claim("a", "1987"), Claim("b", "1991")], "temporal", "none of the documents has a date"),
        ([Claim("a", "Varn", None, 0.6), Claim("b", "Holm", None, 0.6)], "entity", "says several things"),
        ([Claim("a", "Varn"), Claim("b", "Holm")], "entity", "reliability is not known"),
        ([Claim("a", "312 m"), Claim("b", "400 m")], "numerical", "2 values, each in 1 of 2"),
    ],
)
def test_what_no_rule_decides_is_left_open_with_all_sides(
    claims: list[Claim], level: str, reason: str
) -> None:
    found = resolve(claims, level)
    assert (found.answer, found.unresolved) == (None, True)
    assert reason in found.reason
    assert len(found.sides) == len(claims)
    assert found.to_dict()["sides"] == [
        {"value": side.value, "documents": list(side.documents)} for side in found.sides
    ]


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        ("What do most sources say? How high is it?", "majority"),
        ("According to the latest document: when did it open?", "most_recent"),
        ("What does the most trustworthy source say?", "most_reliable"),
        ("As exactly as it is given anywhere: how long is it?", "most_precise"),
        ("Who is the director now?", None),
        ("When is the next fair?", None),
    ],
)
def test_a_question_may_name_its_rule(question: str, rule: str | None) -> None:
    assert rule_in(question) == rule


def test_unknown_levels_and_rules_are_named() -> None:
    with pytest.raises(UnknownNameError, match="level of conflict 'tempral'"):
        resolve([], "tempral")
    with pytest.raises(UnknownNameError, match="rule 'oldest'"):
        resolve([], "temporal", "oldest")  # type: ignore[arg-type]
    assert set(POLICIES) == set(LEVELS)
