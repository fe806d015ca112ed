"""The tier that reads: what each stage says and costs, what it remembers, what it is told to leave out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mendgraph.adapters.conflict_opening import open_conflict_reader
from mendgraph.adapters.conflict_pages import page_of
from mendgraph.adapters.conflict_reader import ConflictReaderTier
from mendgraph.adapters.reader.detector import Detector
from mendgraph.adapters.reader.heard import Heard
from mendgraph.adapters.reader.memory import Memory, Reading
from mendgraph.core.conflict import prepare_question
from mendgraph.core.conflict_stages import LABELS_OF, Stage
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactMissing, HashMismatch, ShapeMismatch
from mendgraph.modules.conflict_detector import ConflictDetector
from tests.readers import QUESTION, detector, reader, refiner, save_conflict_reader

DOCUMENTS = ["the mat was made in 1912", "it was 1915 when the mat came", "the cat sat on a heart of water"]
ROWS = [prepare_question({"question": QUESTION, "documents": DOCUMENTS[:count]}) for count in (3, 2, 1)]
STAGES = ("detect", "answer", "refine", "verify")


def tier(**more: Any) -> ConflictReaderTier:
    given = {"detector": detector(), "refiner": refiner(), **more}
    return ConflictReaderTier("reader", reader(longest=4), **given)


def staged(rows: list[Input], name: Any, **more: Any) -> list[Input]:
    return [Input(row.text, row.raw, {**row.facts, "stage": Stage(name, **more).to_dict()}) for row in rows]


def told(tier: Tier, name: Any, rows: list[Input] = ROWS, **more: Any) -> list[Prediction]:
    found = tier.predict(staged(rows, name, **more))
    assert all(isinstance(one, Prediction) for one in found), found
    return found  # type: ignore[return-value]  # just asserted


def assert_alike(found: list[Prediction], wanted: list[Prediction]) -> None:
    for one, other in zip(found, wanted, strict=True):
        assert dict(one.scores) == pytest.approx(dict(other.scores), abs=1e-5)
        assert one.value.get("text") == other.value.get("text")
        assert one.value.get("values") == other.value.get("values")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_says_probabilities_of_its_own_labels(stage: str) -> None:
    found = told(tier(), stage)
    for one in found:
        assert tuple(one.scores) == tuple(LABELS_OF[stage])
        assert sum(one.scores.values()) == pytest.approx(1.0)
        assert all(0.0 <= signal <= 1.0 for signal in one.signals.values())
        assert one.value["passes"] > 0
        assert one.value["tokens"] > 0
        assert one.confidence is None
    assert list(tier().predict([])) == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_batch_equals_its_rows_one_by_one(stage: str) -> None:
    alone = [told(tier(), stage, [row])[0] for row in ROWS]
    assert_alike(told(tier(), stage), alone)
    assert_alike(told(tier(batch_size=1), stage, ROWS[::-1])[::-1], alone)


@pytest.mark.parametrize("stage", STAGES)
def test_what_was_read_before_changes_no_answer(stage: str) -> None:
    fresh = told(tier(), stage)
    used = tier()
    for before in STAGES:
        told(used, before, ROWS[1:])
        told(used, before)
    assert_alike(told(used, stage), fresh)


def test_finding_and_refining_cost_one_pass_together() -> None:
    one = tier()
    lower = told(one, "detect")[0].value
    written = told(one, "refine")[0].value
    prompt = page_of(one.reader, ROWS[0], 7).prompt
    assert lower["passes"] == pytest.approx(0.5)
    assert lower["passes"] + written["passes"] <= 1.0 + 4 / len(prompt.ids)
    assert written["steps"] >= 1
    # the plain answer of the same reading takes the other half, and once more nothing but its own tokens
    assert told(one, "answer")[0].value["passes"] == pytest.approx(0.5, abs=4 / len(prompt.ids))
    assert told(one, "answer")[0].value["passes"] <= 4 / len(prompt.ids)


def test_where_the_reading_is_gone_it_reads_again_and_says_so() -> None:
    one, forgetful = tier(), tier(memory=1)
    told(one, "detect"), told(forgetful, "detect")
    told(forgetful, "detect", [prepare_question({"question": "what", "documents": ["a cat", "no cat"]})])
    known, again = told(one, "refine"), told(forgetful, "refine")
    assert_alike(again, known)
    assert again[0].value["passes"] == pytest.approx(known[0].value["passes"] + 0.5)


def test_verification_says_what_each_document_says() -> None:
    found = told(tier(), "verify", samples=4, temperature=0.9, seed=3)
    assert [list(one.value["values"]) for one in found] == [["d1", "d2", "d3"], ["d1", "d2"], ["d1"]]
    for one in found:
        vote = one.value["vote"]
        assert 0 < vote["share"] <= 1
        assert sum(count for _, count in vote["counts"]) == 4
    drawn = [one.value["vote"] for one in found]
    alone = [
        told(tier(), "verify", [row], samples=4, temperature=0.9, seed=3)[0].value["vote"] for row in ROWS
    ]
    assert drawn == alone
    assert "vote" not in told(tier(), "verify")[0].value


class Judge:
    """Hears every document say the same."""

    fingerprint = "judge"

    def __init__(self, value: str | None) -> None:
        self.value = value
        self.asked: list[str] = []

    def hear(self, asked: Sequence[tuple[str, str]]) -> list[Heard]:
        self.asked += [document for _, document in asked]
        return [Heard(self.value, 0.97)] * len(asked)


@pytest.mark.parametrize("value", [None, "yes", "1912"])
def test_what_a_judge_hears_costs_the_reader_nothing(value: str | None) -> None:
    judged = tier(judge=Judge(value))
    assert judged.fingerprint != tier().fingerprint
    [first, *_] = told(judged, "verify")
    assert set(first.value["values"].values()) == {value}
    assert first.value["passes"] == 0
    assert first.scores["right"] == pytest.approx(0.97**3)


def test_a_judge_hears_whole_documents_and_nothing_is_told_of_a_cut() -> None:
    text = "A cat sat on a heart of water. " * 80
    row = prepare_question({"question": QUESTION, "documents": [{"id": "long", "text": text}, "it was 1915"]})
    judge = Judge(None)
    [heard] = told(tier(judge=judge), "verify", [row])
    assert [part.strip() for part in judge.asked] == [text.strip(), "it was 1915"]
    assert heard.value["notes"] == []
    [alone] = told(tier(), "verify", [row])
    assert any("document long" in note for note in alone.value["notes"])


def test_eight_threads_at_once_equal_serial() -> None:
    shared = tier(memory=200)
    jobs = [(STAGES[number % 4], ROWS[number % 3 :]) for number in range(24)]
    serial = [told(tier(), stage, rows) for stage, rows in jobs]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(lambda job: told(shared, *job), jobs))
    for found, wanted in zip(parallel, serial, strict=True):
        assert_alike(found, wanted)


def test_a_row_without_a_stage_is_answered_and_one_without_documents_fails_alone() -> None:
    plain, nothing = tier().predict([ROWS[0], Input("why?")])
    assert isinstance(plain, Prediction)
    assert tuple(plain.scores) == ("right", "wrong")
    assert isinstance(nothing, Failure)
    assert "no documents" in nothing.message


def test_without_a_detector_the_reader_is_asked_and_without_a_refinement_it_says_no() -> None:
    bare = tier(detector=None, refiner=None)
    assert told(bare, "detect")[0].value["passes"] >= 1
    [refused, *_] = bare.predict(staged(ROWS, "refine"))
    assert isinstance(refused, Failure)
    assert "no refinement" in refused.message
    assert bare.calibrator is None
    assert tier().calibrator is not None
    assert bare.fingerprint != tier().fingerprint == tier().fingerprint


def test_parts_for_another_layer_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="the detector is for layer 2, the reader stops after layer 1"):
        tier(detector=replace(detector(), layer=2))


def test_of_many_documents_the_closest_are_read_in_their_own_order() -> None:
    texts = [f"a cat sat on number {number}" for number in range(40)]
    texts[11], texts[30] = "the mat was made in 1912", "the mat was made in 1915"
    row = prepare_question({"question": QUESTION, "documents": texts})
    page = page_of(reader(), row, 3)
    assert {"d12", "d31"} < set(page.ids)
    assert list(page.ids) == sorted(page.ids, key=lambda name: int(name[1:]))
    assert page.missing == ("3 of 40 documents were read, those closest to the question",)
    assert told(tier(documents=3), "answer", [row])[0].value["notes"] == list(page.missing)


def test_of_long_documents_the_closest_sentences_are_read() -> None:
    filler = "A cat sat on a heart of water. " * 40
    row = prepare_question({
        "question": QUESTION,
        "documents": [{"id": "long", "text": f"{filler}The mat was made in 1912. {filler}"}, "it was 1915"],
    })  # fmt: skip
    page = page_of(reader(), row, 7)
    shown = reader().codec.decode(page.prompt.ids)
    assert "The mat was made in 1912." in shown
    assert any(note.startswith("document long: ") and "of its 81 sentences" in note for note in page.cut)
    wall = prepare_question({"question": QUESTION, "documents": [{"id": "wall", "text": "word " * 900}, "b"]})
    assert any("document wall lost its last" in note for note in page_of(reader(), wall, 7).cut)


def test_what_is_known_of_a_source_is_read_with_its_text() -> None:
    row = prepare_question({
        "question": QUESTION,
        "documents": [
            {"text": "made in 1912", "date": "2019", "source": "city archive", "reliability": 0.7},
            {"text": "[2004, newspaper] made in 1915", "date": "2004", "source": "newspaper"},
            {"text": "made in 1916", "source": "newspaper"},
            "made in 1917",
        ],
    })  # fmt: skip
    shown = reader().codec.decode(page_of(reader(), row, 7).prompt.ids)
    for line in (
        "(1) [2019, city archive, reliability 0.7] made",
        "(2) [2004, newspaper] made",
        "(3) [newspaper] made",
        "(4) made",
    ):
        assert line in shown


def test_memory_is_bounded_in_tokens_and_keeps_the_latest() -> None:
    source = reader()
    prompts = [source.prompt(f"what {word}", ("a cat",)) for word in ("sat", "ran", "is", "was")]
    readings = [Reading(source.begin([prompt])) for prompt in prompts]
    memory = Memory(2 * max(reading.tokens for reading in readings))
    for name, reading in zip("abcd", readings, strict=True):
        memory.keep([name], reading)
    found, missing = memory.find(list("abcd"))
    assert missing == [0, 1]
    assert [places for _, _, places in found] == [[2], [3]]
    whole = Reading(source.begin(prompts))
    memory.keep(list("abcd"), whole)
    [(reading, rows, places)], missing = memory.find(["d", "a", "d"])
    assert (reading is whole, rows, places, missing) == (True, [3, 0, 3], [0, 1, 2], [])


def test_it_is_opened_from_folders_that_belong_together(tmp_path: Path) -> None:
    paths = save_conflict_reader(tmp_path)
    opened = open_conflict_reader("reader", **paths, device="cpu")
    again = open_conflict_reader("reader", **paths, device="cpu")
    assert opened.fingerprint == again.fingerprint
    assert_alike(told(opened, "refine"), told(again, "refine"))
    other = save_conflict_reader(tmp_path / "other", seed=5)
    with pytest.raises(ShapeMismatch, match="the detector was trained on states of reader"):
        open_conflict_reader("reader", **{**paths, "detector": other["detector"]}, device="cpu")
    with pytest.raises(ArtifactMissing, match="gone"):
        open_conflict_reader("reader", **{**paths, "refinement": str(tmp_path / "gone")}, device="cpu")
    damaged = Path(paths["detector"]) / "weights.safetensors"
    content = bytearray(damaged.read_bytes())
    content[-2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(HashMismatch, match="weights"):
        open_conflict_reader("reader", **paths, device="cpu")


def test_states_that_are_not_finite_fail_the_call_by_name() -> None:
    torch.manual_seed(0)
    module = ConflictDetector(32).eval()
    torch.nn.init.constant_(next(module.parameters()), float("nan"))
    broken = tier(detector=Detector(module, 1, ("prompt",)))
    from mendgraph.errors import BadOutput

    with pytest.raises(BadOutput, match="not finite"):
        broken.predict(staged(ROWS, "detect"))
