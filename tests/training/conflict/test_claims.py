"""Claim sets: reproducible, true to their rule, without a name or wording that two splits share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from mendgraph.core.answers import same_answer
from mendgraph.core.conflict import LEVELS
from mendgraph.core.resolution import Claim, resolve, rule_in, without_rule
from mendgraph.errors import ConfigError, DataError
from mendgraph.training.conflict import prepare
from mendgraph.training.conflict.claims.attribute import SPLITS, Attribute, Split
from mendgraph.training.conflict.claims.files import claims_path, read_claims, write_claims
from mendgraph.training.conflict.claims.frames import ASIDES, CUES, FRAMES
from mendgraph.training.conflict.claims.names import countries, places, surnames
from mendgraph.training.conflict.claims.paraphrases import PARAPHRASES
from mendgraph.training.conflict.claims.rules import CAN_BE_ASKED, DEFAULT, Said, winner
from mendgraph.training.conflict.claims.sets import (
    ATTRIBUTES,
    BOTH,
    LEVEL_OF,
    TRAIN_ONLY,
    ClaimSet,
    claim_sets,
)
from mendgraph.training.conflict.pairs import claim_pairs, pairs_path, read_pairs, write_pairs
from mendgraph.training.conflict.prepare import majority_share, prepare_conflict

FUNCTION_WORDS: Final = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "by",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "in",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "that",
        "the",
        "there",
        "this",
        "to",
        "was",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "will",
        "with",
    ]
)
KINDS: Final = ("ask", "say", "deny")


@pytest.fixture(scope="module")
def sets() -> list[ClaimSet]:
    return list(claim_sets("test", 400))


def test_they_repeat_and_a_larger_count_only_adds(sets: list[ClaimSet]) -> None:
    assert list(claim_sets("test", 30)) == sets[:30]
    assert list(claim_sets("test", 30, seed=1)) != sets[:30]


def test_every_set_is_whole(sets: list[ClaimSet]) -> None:
    for one in sets:
        assert 2 <= len(one.documents) <= 7
        assert len({document.id for document in one.documents}) == len(one.documents)
        claims = [answer for answer in one.answers if answer is not None]
        assert len(claims) >= 2
        assert one.gold in claims or one.gold == BOTH
        assert one.conflict == (one.level != LEVELS[0]) == (len(set(one.groups) - {None}) > 1)
        assert one.level in (LEVELS[0], LEVEL_OF[one.slot])  # type: ignore[index]  # a slot
        assert one.rule in ((*CAN_BE_ASKED[one.slot],) if one.asked else (DEFAULT[one.slot],))  # type: ignore[index]


@pytest.mark.parametrize("split", SPLITS)
def test_spans_hold_what_documents_claim(split: Split) -> None:
    for one in claim_sets(split, 300):
        for document, answer, span in zip(one.documents, one.answers, one.spans, strict=True):
            assert (answer is None) == (span is None)
            if span is not None and one.slot != "stance":
                assert document.text[span[0] : span[1]].casefold() == (answer or "").casefold()


def test_values_that_agree_are_those_of_one_group(sets: list[ClaimSet]) -> None:
    for one in sets:
        said = [(a, g) for a, g in zip(one.answers, one.groups, strict=True) if a is not None]
        assert all(same_answer(a, b) == (g == h) for a, g in said for b, h in said), one.id


def test_the_stated_rule_gives_the_gold_answer(sets: list[ClaimSet]) -> None:
    wrong = 0
    for one in sets:
        assert rule_in(one.question) == (one.rule if one.asked else None), one.question
        claims = [
            Claim(document.id, answer, document.date, document.reliability)
            for document, answer in zip(one.documents, one.answers, strict=True)
            if answer is not None
        ]
        found = resolve(claims, one.level, rule_in(one.question))
        right = one.gold == BOTH if found.answer is None else same_answer(found.answer, one.gold)
        wrong += not right or found.unresolved
    assert wrong <= 2  # a count of four digits without a comma may be taken for a year


def test_a_third_has_no_conflict_and_the_majority_is_often_wrong(sets: list[ClaimSet]) -> None:
    found = Counter(one.level for one in sets)
    assert set(found) == set(LEVELS)
    assert 0.25 < found["none"] / len(sets) < 0.42
    assert 0.45 < majority_share(sets) < 0.75


def test_no_name_and_no_wording_is_in_two_splits() -> None:
    for listed in (places, surnames, countries):
        names = [name for split in SPLITS for name in listed(split)]
        assert len(names) == len(set(names))
    for attribute in (*ATTRIBUTES, *TRAIN_ONLY):
        worded = [
            wording for split in SPLITS for kind in KINDS for wording in _wordings(attribute, split, kind)
        ]
        more = attribute.more
        own = len(attribute.say) + len(attribute.deny) + len(attribute.ask)
        added = 0 if more is None else len(more.say) + len(more.deny) + len(more.ask)
        assert len(worded) == len(set(worded)) == own + added, attribute.name
    frames = [frame for split in SPLITS for frame in {*FRAMES[split]} - {"{c}."}]
    cues = [cue for by_split in CUES.values() for split in SPLITS for cue in by_split[split]]
    asides = [aside for split in SPLITS for aside in ASIDES[split]]
    assert all(len(each) == len(set(each)) for each in (frames, cues, asides))


def test_a_paraphrase_of_train_never_holds_all_that_a_held_out_wording_says() -> None:
    assert {one.name for one in ATTRIBUTES if one.more is not None} == set(PARAPHRASES)
    assert list(_given_away()) == []


def _given_away() -> Iterator[tuple[str, str, str]]:
    """Attribute, paraphrase and held-out wording whose content words the paraphrase has, every one."""
    for attribute in ATTRIBUTES:
        for kind in KINDS:
            held_out = [*_wordings(attribute, "dev", kind), *_wordings(attribute, "test", kind)]
            for paraphrase in getattr(attribute.more, kind, ()):
                for wording in held_out:
                    if _content(wording) and _content(wording) <= _content(paraphrase):
                        yield attribute.name, paraphrase, wording


def _wordings(attribute: Attribute, split: Split, kind: str) -> Sequence[str]:
    if kind == "ask":
        return attribute.questions(split)
    return attribute.clauses(split, deny=kind == "deny")


def _content(wording: str) -> frozenset[str]:
    words = re.findall(r"[a-z]+", re.sub(r"\{[a-z]+\}", " ", wording).casefold())
    return frozenset(words) - FUNCTION_WORDS


def test_the_words_of_train_fit_their_places() -> None:
    for attribute in (*ATTRIBUTES, *TRAIN_ONLY):
        more = attribute.more
        assert more is not None, attribute.name
        assert bool(more.deny) == (attribute.slot == "stance")
        for clause in (*more.say, *more.deny):
            holds = sorted(re.findall(r"\{([a-z]+)\}", clause))
            assert holds in ([["s"]] if attribute.slot == "stance" else [["s", "v"], ["on", "s"]]), clause
            assert "on" not in holds or attribute.slot == "date", clause
            assert clause[-1] not in ".?!", clause
            assert ":" not in clause, clause  # what stands before one may be read as a document's header
            assert not clause[0].isupper(), clause
        for question in more.ask:
            assert question.count("{") == question.count("{s}") == 1, question
            assert question.endswith("?"), question
            assert rule_in(question) is None, question


def test_train_alone_knows_more() -> None:
    for attribute in TRAIN_ONLY:
        for split in SPLITS:
            worded = [wording for kind in KINDS for wording in _wordings(attribute, split, kind)]
            assert bool(worded) == (split == "train")
    names = [one.name for one in (*ATTRIBUTES, *TRAIN_ONLY)]
    assert len(names) == len(set(names))


def test_every_cue_is_heard_and_can_be_taken_off() -> None:
    for rule, by_split in CUES.items():
        for cue in (cue for split in SPLITS for cue in by_split[split]):
            assert rule_in(cue + "How?") == rule, cue
            assert without_rule(cue + "How?") == "How?", cue


@pytest.mark.parametrize(
    ("rule", "place"), [("majority", 1), ("most_recent", 0), ("most_reliable", 2), ("most_precise", 3)]
)
def test_each_rule_chooses_its_claim(rule: str, place: int) -> None:
    said = [
        Said(0, 0.3, "2020", 0.2),
        Said(1, 0.2, "2001", 0.6),
        Said(1, 0.3, "2002", 0.95),
        Said(2, 0.05, "2003", 0.4),
    ]
    assert winner(rule, said) == place


@pytest.mark.parametrize("rule", ["majority", "most_recent", "most_reliable", "most_precise"])
def test_a_tie_is_nobodys(rule: str) -> None:
    assert winner(rule, [Said(0, 0.1, "2020", 0.6), Said(1, 0.1, "2020", 0.6)]) is None


def test_files_hold_what_was_written(tmp_path: Path, sets: list[ClaimSet]) -> None:
    write_claims(claims_path(tmp_path, "test"), sets[:40])
    assert read_claims(claims_path(tmp_path, "test")) == sets[:40]
    pairs = list(claim_pairs(sets[:40]))
    write_pairs(pairs_path(tmp_path, "test"), pairs)
    assert read_pairs(pairs_path(tmp_path, "test")) == pairs
    with pytest.raises(DataError, match="is not there"):
        read_claims(claims_path(tmp_path, "dev"))


def test_pairs_of_a_set_conflict_only_where_their_documents_do(sets: list[ClaimSet]) -> None:
    for one in sets:
        pairs = list(claim_pairs([one]))
        assert any(pair.level != "none" for pair in pairs) == one.conflict
        assert {pair.level for pair in pairs} <= {"none", one.level}


def test_the_command_writes_every_split_and_says_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "COUNTS", {"train": 30, "dev": 20, "test": 20})
    told: list[str] = []
    summary = prepare_conflict(None, tmp_path, progress=lambda stage, done, total: told.append(stage))
    assert summary.sets == {"train": 30, "dev": 20, "test": 20}
    assert "| sets | 30 | 20 | 20 |" in summary.to_markdown()
    assert "will learn without it" in summary.to_markdown()
    assert "nothing will learn from real text" in summary.to_markdown()
    assert told == ["train sets,", "dev sets,", "test sets,"]
    assert len(read_claims(claims_path(tmp_path, "train"))) == 30
    with pytest.raises(ConfigError, match="made, not downloaded"):
        prepare_conflict(None, tmp_path, hub=True)
