"""Pairs of changed real text: an edit keeps the value or replaces it, splits share no document, a seed repeats."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.answerability import LABELS, NOTHING
from mendgraph.core.conflict import LEVELS
from mendgraph.core.metrics import auroc
from mendgraph.core.quantities import find_measures
from mendgraph.errors import DataError
from mendgraph.training.conflict.pairs import pairs_path, read_pairs
from mendgraph.training.conflict.perturbation import files
from mendgraph.training.conflict.perturbation.asked import asked_passages
from mendgraph.training.conflict.perturbation.balance import balanced, overlap
from mendgraph.training.conflict.perturbation.making import perturbed
from mendgraph.training.conflict.perturbation.names import NameBook, name_spans
from mendgraph.training.conflict.perturbation.passages import Passage, read_passages, split_of
from mendgraph.training.conflict.perturbation.rewording import EDITS, reworded
from mendgraph.training.conflict.perturbation.sentences import plain, sentences_of
from mendgraph.training.conflict.perturbation.stated import with_statements
from mendgraph.training.conflict.perturbation.statements import asking, statement
from mendgraph.training.conflict.perturbation.swaps import Swap, apply, negated, swaps_of, told
from mendgraph.training.emotion.tables import write_table

GIVEN = ("Anna", "Boris", "Clara", "David", "Erik", "Freda", "Georg", "Hanna")
FAMILY = ("Berg", "Falk", "Holm", "Lind", "Moser", "Novak", "Ritter", "Sand", "Thorne", "Weiss")
TRADES = ("actor", "painter", "footballer", "novelist")


def lead(number: int) -> str:
    name = f"{GIVEN[number % 8]} {FAMILY[number % 10]}"
    other = f"{GIVEN[(number + 3) % 8]} {FAMILY[(number + 5) % 10]}"
    return (
        f"{name} (born {1 + number % 28} March {1900 + number}) is a Swedish {TRADES[number % 4]} and teacher. "
        f"In {1950 + number % 40}, the first house was built by {other} near Vienna on {20 + number} acres. "
        f"The town is located {3 + number % 50} km from Oslo and has {1200 + 7 * number:,} inhabitants."
    )


PASSAGES = [
    Passage("made up", f"d{n}", tuple(sentences_of(lead(n))), lead(n).split(" (")[0]) for n in range(60)
]
BOOK = NameBook(PASSAGES)
SENTENCES = st.sampled_from([one for passage in PASSAGES for one in passage.sentences])
SEEDS = st.integers(0, 10_000)


@given(SENTENCES, SEEDS, st.sampled_from(EDITS))
def test_an_edit_that_keeps_the_meaning_keeps_every_value(sentence: str, seed: int, edit) -> None:  # type: ignore[no-untyped-def]
    new = edit(sentence, Random(seed))
    if new is not None:
        known = find_measures(sentence)
        assert all(any(one.agrees(other) for other in known) for one in find_measures(new))


@given(SENTENCES, SEEDS)
def test_what_a_pair_is_about_is_never_left_out(sentence: str, seed: int) -> None:
    found = find_measures(sentence)[0]
    value = sentence[found.start : found.end]
    assert told(value, reworded(sentence, Random(seed), 5, lambda text: told(value, text)))


@given(SENTENCES, SEEDS)
def test_a_swap_replaces_a_value_by_one_that_does_not_agree(sentence: str, seed: int) -> None:
    swaps = swaps_of(sentence, BOOK, Random(seed))
    assert swaps
    for swap in swaps:
        assert swap.level in LEVELS[1:]
        assert sentence[swap.start : swap.end] == swap.old != swap.new
        changed = apply(swap, sentence)
        assert swap.new in changed != sentence
        if swap.level in {"temporal", "numerical"}:
            old = [one for one in find_measures(sentence) if one.start <= swap.start < one.end]
            new = [one for one in find_measures(changed) if one.start <= swap.start < one.end]
            assert not any(one.agrees(other) for one in old for other in new)


def test_every_level_can_be_made() -> None:
    found = {swap.level for passage in PASSAGES for swap in swaps_of(passage.text, BOOK, Random(1))}
    assert found == set(LEVELS[1:])


def test_an_article_follows_the_word_that_replaces_another() -> None:
    assert (
        apply(Swap("entity", "Swedish", "Austrian", 0, 0), "She is a Swedish poet.")
        == "She is an Austrian poet."
    )
    assert apply(Swap("temporal", "1987", "1990", 0, 0), "In 1987 and 11987.") == "In 1990 and 11987."


@pytest.mark.parametrize(
    ("sentence", "denied"),
    [
        ("The bridge was opened in 1987.", "was n"),
        ("The bridge was not opened in 1987.", "The bridge was opened in 1987."),
        ("Many people came.", None),
    ],
)
def test_a_denial_is_put_in_or_taken_away(sentence: str, denied: str | None) -> None:
    found = negated(sentence, Random(0))
    assert (found is None) if denied is None else denied in (found or "")


def test_pairs_repeat_with_the_seed_and_are_half_conflicts() -> None:
    made = list(islice(perturbed(PASSAGES, 3), 200))
    assert made == list(islice(perturbed(PASSAGES, 3), 200))
    assert made != list(islice(perturbed(PASSAGES, 4), 200))
    share = sum(pair.level != LEVELS[0] for pair in made) / len(made)
    assert 0.35 < share < 0.65
    assert {pair.level for pair in made} == set(LEVELS)
    assert all(pair.first != pair.second for pair in made)
    assert any(pair.question for pair in made)


def test_overlap_tells_nothing_of_balanced_pairs() -> None:
    pairs = balanced(islice(perturbed(PASSAGES), 600))
    clash = [pair.level != LEVELS[0] for pair in pairs]
    assert sum(clash) * 2 == len(pairs) > 100
    for which in (0, 1):
        assert abs(auroc([1.0 - overlap(pair)[which] for pair in pairs], clash) - 0.5) < 0.1


def test_sentences_end_where_they_end() -> None:
    text = "He met J. R. Berg, Jr. in the U.S. in 1987. It was cold! Was it? Yes."
    assert sentences_of(text) == [
        "He met J. R. Berg, Jr. in the U.S. in 1987.",
        "It was cold!",
        "Was it?",
        "Yes.",
    ]
    assert plain("The old bridge was opened in 1987.")
    assert not plain("Was the old bridge really opened in 1987?")


def test_names_are_replaced_by_names_of_their_kind() -> None:
    assert [span.text for span in name_spans("In May, Anna Berg left Vienna for the River Thames.")] == [
        "Anna Berg", "Vienna", "River Thames",
    ]  # fmt: skip
    assert BOOK.kind("Swedish") == "adjective"
    other = BOOK.other("Anna Berg", Random(0))
    assert other is not None
    assert BOOK.kind(other) == BOOK.kind("Anna Berg") == "person of 2 words"
    assert not set(other.split()) & {"Anna", "Berg"}


def test_claims_are_short_and_questions_ask_for_what_was_replaced() -> None:
    passage = PASSAGES[4]
    first = passage.sentences[0]
    claims = {statement(first, passage, "Swedish", Random(seed)) for seed in range(8)}
    assert all(passage.subject in claim and "Swedish" in claim for claim in claims)
    assert min(map(len, claims)) < len(first)
    question = asking("The hall opened in 1987 in Oslo.", Swap("temporal", "1987", "1990", 19, 23), Random(0))
    assert question.endswith("?")
    assert "1987" not in question


def test_splits_share_no_document_and_pairs_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="holds neither"):
        read_passages(tmp_path, "train")
    texts = [lead(n) for n in range(80)]
    column = [json.dumps(texts[at : at + 2]) for at in range(len(texts) - 1)]
    write_table(
        tmp_path / "lcr_dev.parquet",
        {"documents_without_template": column},
        {"documents_without_template": "string"},
    )
    book = "openstax/osbooks-us-history"
    rows = {"source": [book] * 20 + ["other"], "doc": [f"s{n}" for n in range(21)]}
    rows["text"] = [f"A heading\n\n{lead(100 + n)}\n\n{lead(200 + n)}" for n in range(21)]
    write_table(tmp_path / "general.parquet", rows, dict.fromkeys(rows, "string"))
    documents = {
        split: {one.document for one in read_passages(tmp_path, split)} for split in ("train", "dev")
    }
    assert documents["train"]
    assert documents["dev"]
    assert not documents["train"] & documents["dev"]
    assert all(split_of(one) == split for split, names in documents.items() for one in names)
    assert not any("other" in one for one in documents["train"] | documents["dev"])
    monkeypatch.setattr(files, "DRAWN", {"train": 120, "dev": 40})
    counts = files.write_perturbed(tmp_path, tmp_path / "out", 0, lambda stage, done, total: None)
    for split, count in counts.items():
        assert len(read_pairs(pairs_path(tmp_path / "out", split))) == count > 0


def test_some_questions_state_what_is_to_be_checked() -> None:
    pairs = list(islice(perturbed(PASSAGES), 200))
    stated = list(with_statements(pairs, 1))
    assert stated == list(with_statements(pairs, 1))
    changed = [(a, b) for a, b in zip(pairs, stated, strict=True) if a != b]
    assert 30 < len(changed) < 110
    for before, after in changed:
        assert (after.first, after.second, after.level) == (before.first, before.second, before.level)
        assert after.question in min(after.first, after.second, key=len)


def test_a_question_about_a_passage_is_answered_where_it_says_so() -> None:
    rows = list(islice(asked_passages(PASSAGES), 400))
    assert rows == list(islice(asked_passages(PASSAGES), 400))
    assert {row.label for row in rows} == set(LABELS)
    for row in rows:
        assert row.question.endswith("?")
        assert row.document
        value = row.document[row.start : row.end] if row.start >= 0 else ""
        assert bool(value.strip()) == (row.label == "value")
        assert value == value.strip()
    silent = [row for row in rows if row.label == NOTHING]
    assert 0.2 < len(silent) / len(rows) < 0.5


def test_questions_about_text_are_written_for_both_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ASKED", {"train": 60, "dev": 12})
    columns = {"documents_without_template": [json.dumps([lead(n)]) for n in range(120)]}
    write_table(tmp_path / "lcr_dev.parquet", columns, {"documents_without_template": "string"})
    told_of: list[str] = []
    counts = files.write_asked(tmp_path, tmp_path, 0, lambda stage, done, total: told_of.append(stage))
    assert counts == {"train": 60, "dev": 12}
    known = {split: files.read_asked(files.asked_path(tmp_path, split)) for split in ("train", "dev")}
    assert {split: len(rows) for split, rows in known.items()} == counts
    assert told_of == ["train questions about real text,", "dev questions about real text,"]
