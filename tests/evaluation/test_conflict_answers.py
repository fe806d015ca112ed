"""Systems that answer from documents, measured: on tiny readers with random weights, and on sets written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.adapters.reader.detector import Detector
from mendgraph.adapters.reader.heard import Heard
from mendgraph.adapters.reader.reader import Reader
from mendgraph.adapters.reader.refiner import Refiner
from mendgraph.core.conflict import Document
from mendgraph.core.metrics import mcnemar
from mendgraph.core.values import Answer
from mendgraph.core.voting import vote
from mendgraph.errors import DataError, UnknownNameError
from mendgraph.evaluation.conflict.answers import CHANCE, passes, score
from mendgraph.evaluation.conflict.batching import like_lengths
from mendgraph.evaluation.conflict.datasets import Sample
from mendgraph.evaluation.conflict.detectors import ASKED, DETECTOR, Hearing, contradiction, inside
from mendgraph.evaluation.conflict.hybrid import delivered
from mendgraph.evaluation.conflict.measure import Measured, Sizes, measure
from mendgraph.evaluation.conflict.parts import Parts
from mendgraph.evaluation.conflict.ramdocs import Retrieved, exact_match, read_questions
from mendgraph.evaluation.conflict.readings import read_all
from mendgraph.evaluation.conflict.said import GUESS, HYBRID, MAJORITY, PLAIN, POLICY, RANDOM, REFINED, Said
from mendgraph.evaluation.conflict.spotting import expected_calibration_error, f1
from mendgraph.evaluation.conflict.sweeps import THRESHOLDS, threshold_section
from mendgraph.evaluation.conflict.ways import Settings, Ways, resolved, with_steps
from mendgraph.modules.conflict_detector import ConflictDetector
from mendgraph.modules.refinement import Refinement, RefinementSpec
from mendgraph.training.conflict.claims.files import claims_path, write_claims
from mendgraph.training.conflict.claims.sets import BOTH, ClaimSet
from mendgraph.training.emotion.tables import write_table
from tests import readers

YEARS = ("1912", "1915", "1921")


def claim_set(
    number: int, said: Sequence[str | None], gold: str, level: str = "none", **more: Any
) -> ClaimSet:
    """Documents that give the mat's year, or speak of something else."""
    texts = [f"the mat was made in {year}" if year else "the cat sat on a heart of water" for year in said]
    documents = tuple(Document(f"d{place}", text, str(2000 + place)) for place, text in enumerate(texts, 1))
    groups = [None if year is None else YEARS.index(year) for year in said]
    rule = "most_recent" if level == "temporal" else "majority"
    known: dict[str, Any] = {
        "id": f"test-{number}", "question": readers.QUESTION, "documents": documents, "answers": tuple(said),
        "gold": gold, "rule": rule, "asked": False, "level": level, "slot": "date",
        "conflict": level != "none", "spans": tuple(None for _ in said), "groups": tuple(groups),
    }  # fmt: skip
    return ClaimSet(**{**known, **more})


SETS = [
    claim_set(0, ["1912", "1912"], "1912"),
    claim_set(1, ["1912", "1915", "1915"], "1915", "temporal"),
    claim_set(2, ["1921", None, "1912", "1912"], "1912", "numerical"),
    claim_set(3, ["1915"], "1915"),
    claim_set(4, ["1912", "1921"], BOTH, "semantic"),
]


def refiner(reader: Reader, *, moving: bool = False, **shape: Any) -> Refiner:
    torch.manual_seed(1)
    module = Refinement(reader.hidden_size, RefinementSpec(**shape))
    if moving:
        torch.nn.init.normal_(module.down.weight, std=0.3)
    return Refiner(module.eval(), reader.border)


def detector(reader: Reader) -> Detector:
    torch.manual_seed(2)
    return Detector(ConflictDetector(reader.hidden_size).eval(), reader.border)


def graph(rows: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Says of every row how many documents it has, and believes it where they are three or more."""
    answers = []
    for row in rows:
        count = str(len(row["documents"]))
        sides = [{"value": count, "documents": ["d1"]}, {"value": "1912", "documents": ["d2"]}]
        value = {
            "tokens": 100,
            "probability": 0.8,
            "level": "temporal",
            "done": ["detected", "samples 8"],
            "sides": sides,
        }
        sure = int(count) > 2
        answers.append(Answer("", "accepted" if sure else "abstained", count if sure else None, count, value))
    return answers


def read(parts: Parts, sets: Sequence[ClaimSet] = SETS, **settings: Any) -> Any:
    return read_all(parts, sets, Settings(**{"samples": 3, **settings}))


def test_a_refinement_that_changes_nothing_answers_as_the_plain_reader_after_any_steps() -> None:
    reader = readers.reader()
    found = read(Parts(reader, refiners={REFINED: refiner(reader)}))
    plain = [one.text for one in found.said[PLAIN]]
    assert list(found.steps) == [0, 1, 2, 3]
    for said in (*found.steps.values(), found.said[REFINED], found.said[RANDOM]):
        assert [one.text for one in said] == plain
    assert (passes(found, REFINED) == 1).all()
    assert (found.lengths == 0).all()


def test_fewer_steps_are_those_of_a_refinement_made_with_fewer() -> None:
    reader = readers.reader()
    three, one = refiner(reader, moving=True, stop=0.0), refiner(reader, moving=True, steps=1, stop=0.0)
    midway = reader.begin([reader.prompt(readers.QUESTION, readers.DOCUMENTS)])
    torch.testing.assert_close(with_steps(three, 1).refine(midway).states, one.refine(midway).states)
    assert three.module.spec.steps == 3
    found = read(Parts(reader, refiners={REFINED: three}))
    assert (np.diff(found.lengths.cumsum(axis=0), axis=0) > 0).all()


def test_a_plain_answer_is_one_pass_and_reading_documents_alone_costs_what_it_takes() -> None:
    reader = readers.reader()
    found = read(Parts(reader))
    assert (passes(found, PLAIN) == 1).all()
    sampled = passes(found, "self-consistency 3")
    assert (sampled >= 1).all()
    longest = 3 * reader.longest
    works = np.array([one.work for one in found.said["self-consistency 3"]])
    assert (works <= found.tokens + longest).all()
    for row, one in enumerate(SETS):
        prompt = reader.prompt(one.question, [document.text for document in one.documents])
        alone = sum(len(reader.prompt(one.question, [d.text]).ids) for d in one.documents)
        told = found.said[MAJORITY][row].work - alone
        assert 0 <= told < len(one.documents) * reader.longest
        assert found.tokens[row] == len(prompt.ids)
    assert "self-consistency 3" not in read(Parts(reader), samples=0).said


@given(st.lists(st.lists(st.sampled_from([*YEARS, None]), min_size=1, max_size=4), min_size=1, max_size=5))
def test_the_majority_of_read_values_is_the_vote_over_them(values: list[list[str | None]]) -> None:
    reader = _Deaf(values)
    sets = [claim_set(number, said, "1912") for number, said in enumerate(values)]
    prompts = [reader.prompt(one.question, [document.text for document in one.documents]) for one in sets]
    found = Ways(Parts(reader), Settings(samples=0)).answer(sets, prompts, 0)
    for said, majority, guess in zip(values, found.said[MAJORITY], found.said[GUESS], strict=True):
        heard = [value for value in said if value is not None]
        assert majority.text == (vote(heard, [0.0] * len(heard)).answer if heard else "")
        assert guess.text in (heard or [""])


class _Deaf(Reader):
    """Hears what it is told that documents say."""

    def __init__(self, values: list[list[str | None]]) -> None:
        whole = readers.reader()
        self.__dict__.update(whole.__dict__)
        self.given = values

    def heard(self, prompts: Any, wanted: Any = None) -> list[list[Heard]]:
        return [[Heard(value, 1.0, 7) for value in said] for said in self.given]


def test_rows_keep_their_order_whatever_is_read_beside_them() -> None:
    reader = readers.reader()
    parts = Parts(reader, detector(reader), {REFINED: refiner(reader, moving=True)}, hybrid=graph)
    turned = SETS[::-1] * 5
    found, alone = read(parts, turned), [read(parts, [one]) for one in SETS]
    for place, one in enumerate(turned):
        own = alone[SETS.index(one)]
        assert found.said[PLAIN][place].text == own.said[PLAIN][0].text
        assert found.said[REFINED][place].text == own.said[REFINED][0].text
        assert found.said[HYBRID][place].text == str(len(one.documents))
        assert found.conflict[place] == pytest.approx(own.conflict[0], abs=1e-4)
    assert sorted(chain.from_iterable(like_lengths([3, 1, 2] * 20))) == list(range(60))


def test_what_the_graph_delivers_counts_by_its_best_guess() -> None:
    sure, doubtful = (
        delivered(answer, 0.5) for answer in graph([{"documents": [1, 2, 3]}, {"documents": [1]}])
    )
    assert (sure.said, sure.accepted, sure.done) == (Said("3", 100.0, 0.5), True, ("detected", "samples 8"))
    assert (doubtful.said.text, doubtful.accepted, doubtful.sides) == ("1", False, ("1", "1912"))
    failed = delivered(Answer("", "failed"), 0.5)
    assert (failed.said.text, failed.said.work, failed.probability) == ("", 0.0, None)


def test_a_rule_decides_between_read_values_by_dates() -> None:
    one = SETS[1]
    assert resolved(one, ["1912", "1915", None], "temporal").answer == "1915"
    assert resolved(one, ["1912", "1915", "1912"], "numerical").answer == "1912"


def test_chance_is_a_claim_drawn_evenly() -> None:
    found = read(Parts(readers.reader()))
    chance = score(SETS, found).chance
    assert chance.tolist() == pytest.approx([1, 2 / 3, 2 / 3, 1, 0])


def test_mcnemar_counts_only_rows_on_which_two_differ() -> None:
    first = np.array([True] * 10 + [False] * 2 + [True] * 50)
    second = np.array([False] * 10 + [True] * 2 + [True] * 50)
    found = mcnemar(first, second)
    assert (found.gained, found.lost) == (10, 2)
    assert found.p == pytest.approx(2 * (1 + 12 + 66) / 2**12)
    assert mcnemar(second, first).p == found.p
    assert mcnemar(first, first).p == 1.0
    with pytest.raises(DataError, match="one per row"):
        mcnemar(first, second[:-1])


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_is_a_probability_and_does_not_depend_on_the_order_of_rows(
    pairs: list[tuple[bool, bool]],
) -> None:
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    found = mcnemar(first, second)
    assert 0 < found.p <= 1
    assert mcnemar(first[::-1], second[::-1]) == found
    assert found.gained - found.lost == first.sum() - second.sum()


def test_an_exact_match_has_right_answers_as_words_and_no_wrong_one() -> None:
    one = Retrieved("who?", (), (), ["Ann Lee", "Bo"], ["Kim"])
    assert exact_match("It is the Ann Lee.", one, every=False)
    assert not exact_match("It is Ann Lee", one, every=True)
    assert exact_match("ann lee; BO", one, every=True)
    assert not exact_match("Bo, or Kim", one, every=False)
    assert not exact_match("Bob", one, every=False)
    assert not exact_match("", one, every=False)


def test_measures_of_detection() -> None:
    truth = np.array([True, False, True, False])
    assert f1(truth, truth) == 1.0
    assert f1(np.zeros(4, dtype=bool), truth) == 0.0
    assert f1(np.ones(4, dtype=bool), truth) == pytest.approx(2 / 3)
    assert expected_calibration_error(truth.astype(float), truth) == 0.0
    assert expected_calibration_error(1 - truth.astype(float), truth) == 1.0


def test_below_the_threshold_answers_are_plain_and_above_it_refined_or_by_rule() -> None:
    reader = readers.reader()
    found = read(Parts(reader, detector(reader), {REFINED: refiner(reader)}))
    levels = np.array([[0.1, 0.8, 0.05, 0.03, 0.02], [0.1, 0.1, 0.0, 0.8, 0.0]])[[1, 0, 0, 1, 1]]
    given_values = replace(
        found,
        conflict=np.array([0.1, 0.95, 0.95, 0.1, 0.95]),
        levels=levels,
        ruled=[Said(one.gold) for one in SETS],
        said={
            **found.said,
            POLICY: found.said[MAJORITY],
            REFINED: [Said("1915")] * 5,
            PLAIN: [Said("", 10)] * 5,
        },
    )
    section = threshold_section(SETS, given_values, score(SETS, given_values), REFINED, 0.7, resamples=5)
    assert section is not None
    points = dict(zip(THRESHOLDS, section.figures["points"], strict=True))
    assert points[1.01].accuracy == 0.0
    assert points[0.5].accuracy == pytest.approx(
        2 / 5
    )  # one refined rightly, one by rule, one refined wrongly
    assert points[0.0].accuracy == pytest.approx(4 / 5)
    assert (points[0.5].f1, points[0.5].acted) == (1.0, 0.6)
    assert points[1.01].passes == 1.0 < points[0.5].passes
    assert threshold_section(SETS, found, score(SETS, found), REFINED, 0.7, resamples=5) is None


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_claims(claims_path(tmp_path, "test"), SETS)
    documents = [
        {"text": "the mat was made in 1912", "type": "correct", "answer": "1912"},
        {"text": "the mat was made in 1915", "type": "misinfo", "answer": "1915"},
        {"text": "the cat sat on the mat " * 60, "type": "noise", "answer": "unknown"},
    ]
    rows = {
        "qid": ["1"], "question": [readers.QUESTION], "documents": [json.dumps(documents)],
        "gold_answers": ['["1912"]'], "wrong_answers": ['["1915"]'],
    }  # fmt: skip
    write_table(tmp_path / "ramdocs_dev.parquet", rows, dict.fromkeys(rows, "string"))
    return tmp_path


def test_a_report_of_everything_that_needs_no_classifier(data: Path, tmp_path: Path) -> None:
    reader = readers.reader()
    refiners = {REFINED: refiner(reader), f"{REFINED}, gated": refiner(reader, gated=True)}
    parts = Parts(reader, detector(reader), refiners, hybrid=graph)
    told: list[str] = []
    report = measure(
        Measured(parts, None, Settings(samples=2), {"weights": {}}),
        data,
        data,
        Sizes(resamples=10),
        plots=tmp_path / "plots",
        echo=told.append,
    )
    report.write_json(tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    answers = found["answers"]
    assert {CHANCE, PLAIN, MAJORITY, REFINED, RANDOM, f"{REFINED}, gated", HYBRID} <= set(answers["accuracy"])
    assert answers["accuracy"][REFINED]["all"] == answers["accuracy"][PLAIN]["all"]
    assert answers["cost"][PLAIN]["passes"]["all"] == 1.0
    assert answers["cost"][PLAIN]["wall"] == 1.0
    assert answers["hybrid"]["all"]["coverage"] == pytest.approx(2 / 5)
    assert answers["hybrid"]["done"] == {"detected": 5, "samples": 5}
    assert found["against"][PLAIN][REFINED]["all"]["p"] == 1.0
    assert [one["id"] for one in found["targets"]["targets"]] == ["Q9", "Q9", "Q9"]
    assert found["ramdocs"]["majority, answers known"]["one right, none wrong"][0] == 1.0
    assert found["ramdocs"]["cut"] == {"questions": 1, "of": 1}
    assert any("detection is skipped" in line for line in told)
    assert {path.name for path in report.files} == {"conflict_levels.png", "conflict_steps.png"}
    assert all(path.stat().st_size > 1000 for path in report.files)
    assert all(len(row) == len(table.header) for table in report.tables() for row in table.rows)


def test_unknown_parts_are_refused_before_anything_is_read(data: Path) -> None:
    with pytest.raises(UnknownNameError, match="answers"):
        measure(
            Measured(Parts(readers.reader()), None, Settings(), {}), data, data, Sizes(), only=("answer",)
        )


def test_questions_that_cannot_be_read_are_told_by_row(tmp_path: Path) -> None:
    rows = {name: ["{"] for name in ("qid", "question", "documents", "gold_answers", "wrong_answers")}
    write_table(tmp_path / "ramdocs_dev.parquet", rows, dict.fromkeys(rows, "string"))
    with pytest.raises(DataError, match="row 0"):
        read_questions(tmp_path)


def test_a_samples_doubt_and_detection_come_from_one_reading_and_not_from_its_company() -> None:
    reader = readers.reader()
    found = inside(reader, detector(reader))
    samples = [Sample(one.question, one.documents, one.level, one.id) for one in SETS]
    both = {name: system(samples) for name, system in found.items()}
    assert set(both) == {ASKED, DETECTOR}
    lone = Sample("", SETS[1].documents, "temporal", "g")  # without a question, and with other rows beside it
    for name, chances in both.items():
        np.testing.assert_allclose(chances.sum(axis=1), 1.0)
        np.testing.assert_allclose(
            inside(reader, detector(reader))[name]([samples[2]])[0], chances[2], atol=1e-5
        )
        assert found[name]([lone, samples[0]]).shape == (2, 5)
    readings = read(Parts(reader, detector(reader)), samples=0)
    np.testing.assert_allclose(1 - both[DETECTOR][:, 0], readings.conflict, atol=1e-5)
    np.testing.assert_allclose(1 - both[ASKED][:, 0], readings.doubt, atol=1e-5)
    heard = Hearing(reader).alone(samples)
    np.testing.assert_allclose(1 - heard[:, 0], readings.compared, atol=1e-4)
    assert set(inside(reader)) == {ASKED}


def test_documents_that_are_heard_to_differ_contradict_each_other() -> None:
    one = SETS[1]
    sure = [Heard("1912", 0.9), Heard("1915", 0.8), Heard("1915", 0.9)]
    assert contradiction(one.question, one.documents, sure) == pytest.approx(0.81)
    assert contradiction(SETS[0].question, SETS[0].documents, [Heard("1912", 0.9)] * 2) == pytest.approx(0.05)
