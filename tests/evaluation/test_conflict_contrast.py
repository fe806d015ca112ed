"""The claim sets for `mend verify conflict`: what they are, and how a graph is held against them."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from mendgraph.core.conflict import LEVELS, documents_of, prepare_question
from mendgraph.core.conflict_stages import DISPUTED
from mendgraph.core.values import Answer, Failure
from mendgraph.errors import DataError
from mendgraph.evaluation.conflict_contrast import ContrastSet, load_conflict_contrast, verify
from tests.questions import knowing, question_cascade

SETS = load_conflict_contrast()
WORD = re.compile(r"[\w'’-]+")
GRAM = 7


def words(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def pairs() -> list[tuple[ContrastSet, ContrastSet]]:
    return list(zip(SETS[::2], SETS[1::2], strict=True))


def test_every_question_has_documents_that_conflict_and_documents_that_only_look_like_it() -> None:
    assert len(SETS) == 40
    for one, other in pairs():
        assert one.pair == other.pair
        assert one.question == other.question
        assert (one.level, other.level) == (one.looks, LEVELS[0])
        assert len(one.documents) == len(other.documents)
        assert one.documents != other.documents
    assert Counter(one.looks for one in SETS) == dict.fromkeys(LEVELS[1:], 10)
    assert len({one.question for one in SETS}) == len({one.pair for one in SETS}) == 20


def test_length_does_not_tell_conflicts() -> None:
    lengths = [[sum(len(words(text)) for text in one.documents) for one in pair] for pair in pairs()]
    assert all(abs(one - other) <= 0.25 * max(one, other) for one, other in lengths)
    longer, shorter = sum(one > other for one, other in lengths), sum(one < other for one, other in lengths)
    assert abs(longer - shorter) <= 3
    total, others = map(sum, zip(*lengths, strict=True))
    assert total == pytest.approx(others, rel=0.02)


def test_no_seven_words_in_a_row_are_in_two_pairs() -> None:
    seen: dict[tuple[str, ...], str] = {}
    for one in SETS:
        for text in (one.question, *one.documents):
            said = words(text)
            for start in range(len(said) - GRAM + 1):
                assert seen.setdefault(tuple(said[start : start + GRAM]), one.pair) == one.pair


def test_answers_are_stated_or_are_a_stance() -> None:
    for one in SETS:
        row = prepare_question({"question": one.question, "documents": list(one.documents)})
        assert len(documents_of(row)) == len(one.documents)
        stated = any(one.answer in text for text in one.documents)
        assert stated or (one.looks == "semantic" and one.answer in ("yes", "no", DISPUTED))
        assert one.answer != DISPUTED or one.conflict


def test_a_graph_that_knows_passes() -> None:
    with question_cascade(knowing()) as graph:
        found = verify(graph.run, SETS)
    assert found.passed
    assert (found.noticed, found.precise, len(found.accepted)) == (1.0, 1.0, 40)
    assert found.wrong() == []
    assert {name: len(outcomes) for name, outcomes in found.by_kind().items()} == {
        name: 5 for level in LEVELS[1:] for name in (level, f"looks {level}")
    }
    record = found.to_dict()
    assert (record["leveled"], record["right"], len(record["sets"])) == (1.0, 1.0, 40)


def test_what_is_wrong_comes_worst_first_and_counts() -> None:
    wrong = [SETS[0].question, SETS[10].question]
    with question_cascade(knowing(wrong)) as graph:
        found = verify(graph.run, SETS, least=0.95)
    assert found.noticed == pytest.approx(36 / 40)
    assert not found.passed
    assert {one.asked.question for one in found.wrong()} == set(wrong)
    assert verify(lambda rows: [one.answer for one in found.outcomes], SETS, least=0.9).passed


def test_rows_that_fail_are_wrong_and_nothing_accepted_is_no_pass() -> None:
    failed = [Answer("", "failed", error=Failure("tier_down", "off")) for _ in SETS]
    found = verify(lambda rows: failed, SETS, least=0.0)
    assert (found.noticed, found.precise, found.passed) == (0.0, None, False)
    assert found.to_dict()["sets"][0]["error"] == "off"
    with pytest.raises(DataError, match="no claim sets"):
        verify(lambda rows: [], [])
