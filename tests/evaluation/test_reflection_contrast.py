"""The reflection pairs: nothing shallow tells the better response from the worse; and how a tier is verified."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from mendgraph.core.reflection import LABELS, prepare_pair
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import DataError, TierDown, TierError
from mendgraph.evaluation.reflection_contrast import (
    FAULTS,
    load_reflection_contrast,
    verify,
)
from mendgraph.runtime.supervised import Supervised
from mendgraph.testing import Failing, Scripted

EVERY = load_reflection_contrast()
PAIRS = [pair for pair in EVERY if pair.worse_is != "reference"]
WORD = re.compile(r"[\w'’-]+")
GRAM = 6


def words(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def opening(text: str) -> str:
    if text.startswith("It sounds like"):
        return "It sounds like"
    return "You" if re.match(r"You\b", text) else words(text)[0]


def sides(of: Callable[[str], float]) -> tuple[float, float]:
    """The sum over all better, and over all worse responses."""
    return sum(of(pair.better) for pair in PAIRS), sum(of(pair.worse) for pair in PAIRS)


def test_size_topics_and_faults() -> None:
    assert len(PAIRS) >= 110
    faults = Counter(pair.worse_is for pair in PAIRS)
    assert set(faults) == set(FAULTS) - {"reference"}
    assert min(faults.values()) >= 10
    assert len({pair.topic for pair in PAIRS}) >= 12
    assert max(Counter(pair.topic for pair in PAIRS).values()) <= len(PAIRS) / 8
    assert {pair.level for pair in PAIRS} == {"simple", "complex"}
    assert all(pair.level == "complex" for pair in PAIRS if pair.worse_is == "simple")
    assert all(prepare_pair((pair.prompt, pair.better)).text for pair in EVERY)
    assert all(prepare_pair((pair.prompt, pair.worse)).text for pair in EVERY)


def test_the_example_of_the_published_scorer_is_among_them() -> None:
    (pair,) = (pair for pair in EVERY if pair.worse_is == "reference")
    assert pair.prompt == "I don't know if I can quit smoking."
    assert pair.worse == "Have you tried nicotine patches?"


def test_both_responses_are_about_as_long_and_neither_side_is_longer() -> None:
    lengths = [(len(words(pair.better)), len(words(pair.worse))) for pair in PAIRS]
    assert all(abs(better - worse) <= 0.2 * max(better, worse) for better, worse in lengths)
    longer = sum(better > worse for better, worse in lengths)
    shorter = sum(better < worse for better, worse in lengths)
    assert abs(longer - shorter) <= 0.1 * len(PAIRS)
    better, worse = sides(lambda text: len(words(text)))
    assert better == pytest.approx(worse, rel=0.02)
    better, worse = sides(len)
    assert better == pytest.approx(worse, rel=0.05)


def test_question_marks_tell_nothing() -> None:
    better, worse = sides(lambda text: text.count("?"))
    assert better == worse > 10
    only_better = sum("?" in pair.better and "?" not in pair.worse for pair in PAIRS)
    only_worse = sum("?" in pair.worse and "?" not in pair.better for pair in PAIRS)
    assert only_better == only_worse


def test_first_words_tell_nothing() -> None:
    better = Counter(opening(pair.better) for pair in PAIRS)
    worse = Counter(opening(pair.worse) for pair in PAIRS)
    assert better["You"] > 20
    assert better["It sounds like"] > 5
    assert all(abs(better[word] - worse[word]) <= 3 for word in better | worse)


def test_no_six_words_in_a_row_are_in_two_pairs() -> None:
    seen: dict[tuple[str, ...], int] = {}
    for number, pair in enumerate(EVERY):
        for text in (pair.prompt, pair.better, pair.worse):
            said = words(text)
            for start in range(len(said) - GRAM + 1):
                gram = tuple(said[start : start + GRAM])
                assert seen.setdefault(gram, number) == number, gram


def truth(wrong: Sequence[str] = ()) -> Scripted:
    """Says complex or simple to better responses and none to worse ones; turned round for topics in `wrong`."""
    levels: dict[str, tuple[str, float]] = {}
    for pair in EVERY:
        better, worse = (pair.level, 0.8), ("none", 0.8)
        levels[pair.better], levels[pair.worse] = (worse, better) if pair.topic in wrong else (better, worse)
    return Scripted(levels, labels=LABELS)


def test_a_tier_that_knows_passes() -> None:
    found = verify("primary", truth(), prepare_pair, EVERY)
    assert (found.share, found.passed, found.fingerprint) == (1.0, True, "scripted")
    assert {m.pair.level: round(m.value, 6) for m in found.margins} == {"complex": 0.7, "simple": 0.35}
    assert sum(map(len, found.by_fault().values())) == len(EVERY)


def test_the_share_is_counted_and_the_worst_come_first() -> None:
    found = verify("primary", truth(["smoking"]), prepare_pair, EVERY)
    smoking = sum(pair.topic == "smoking" for pair in EVERY)
    assert found.share == pytest.approx(1 - smoking / len(EVERY))
    assert {margin.pair.topic for margin in found.worst(smoking)} == {"smoking"}
    assert found.passed is (found.share >= 0.9)
    assert verify("primary", truth(["smoking"]), prepare_pair, EVERY, least=0.99).passed is False
    record = found.to_dict()
    assert len(record["pairs"]) == len(EVERY)
    assert record["pairs"][0]["margin"] == pytest.approx(
        record["pairs"][0]["better_score"] - record["pairs"][0]["worse_score"]
    )


def test_a_tie_is_not_right() -> None:
    found = verify("primary", Scripted({}, otherwise="simple", labels=LABELS), prepare_pair, EVERY)
    assert (found.share, found.passed) == (0.0, False)


class Half(Scripted):
    """No answer where the client's turn is among those it cannot read."""

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        return [
            Failure("bad_output", "not finite") if row.facts["prompt"] == EVERY[0].prompt else said
            for row, said in zip(rows, super().predict(rows), strict=True)
        ]


def test_a_row_without_a_score_counts_as_wrong_and_says_why() -> None:
    found = verify("primary", Half(truth()._answers, labels=LABELS), prepare_pair, EVERY)
    assert [m.reason for m in found.margins if not m.right] == ["bad_output: not finite"]
    assert found.worst(1)[0].better is None
    with pytest.raises(TierDown):
        verify("primary", Failing(TierDown("off")), prepare_pair, EVERY)
    deaf = Supervised("primary", Failing(TierDown("off", hint="switch it on")))
    with pytest.raises(TierError, match=r"tier 'primary' scores nothing: .*off"):
        verify("primary", deaf, prepare_pair, EVERY)
    with pytest.raises(DataError, match="no pairs"):
        verify("primary", truth(), prepare_pair, ())
