"""The contrast set: what it holds, and that the augmentation did not see it."""

from __future__ import annotations

from collections import Counter

import pytest

from mendgraph.core.preprocess import prepare
from mendgraph.core.text import simplify
from mendgraph.evaluation.contrast import FAMILIES, ContrastCase, leak_check, load_contrast
from mendgraph.training.emotion.augment import augment
from mendgraph.training.emotion.labels import LABELS

CASES = load_contrast()


def test_size_families_and_labels() -> None:
    families = Counter(case.family for case in CASES)
    assert len(CASES) >= 240
    assert set(families) == set(FAMILIES)
    assert all(families[family] >= 48 for family in FAMILIES if family != "plain")
    for case in CASES:
        assert case.accept
        assert case.reject
        assert set(case.accept) | set(case.reject) <= set(LABELS)
        assert not set(case.accept) & set(case.reject)
        assert prepare(case.text).text
    assert {case.accept[0] for case in CASES} == set(LABELS)


def test_all_sentences_differ() -> None:
    assert len({simplify(case.text) for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    ("text", "family", "preferred", "rejected"),
    [
        ("Oh great, another Monday. Just perfect.", "sarcasm", "anger", "joy"),
        ("I'm so happy today!", "plain", "joy", "sadness"),
        ("not happy at all", "negation", "sadness", "joy"),
    ],
)
def test_the_sentences_everybody_asks_about(text: str, family: str, preferred: str, rejected: str) -> None:
    (case,) = (case for case in CASES if case.text == text)
    assert (case.family, case.accept[0]) == (family, preferred)
    assert rejected in case.reject


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_augmentation_shares_no_text_and_no_five_words_with_it(seed: int) -> None:
    report = leak_check(CASES, [row.text for row in augment(seed)])
    assert report.same == ()
    assert report.ngrams == ()


def test_a_leak_is_seen() -> None:
    case = ContrastCase("We can't find the way home!", ("fear",), ("joy",), "plain")
    same = leak_check([case], ["we CAN'T find the way home"])
    assert same.same == ((case.text, "we CAN'T find the way home"),)
    assert [gram for gram, _, _ in same.ngrams] == ["we can't find the way", "can't find the way home"]
    shared = leak_check([case], ["They can't find the way home either."])
    assert shared.same == ()
    assert [gram for gram, _, _ in shared.ngrams] == ["can't find the way home"]
    assert shared
    assert not leak_check([case], ["Nobody is at home."])
