"""Whether documents answer a question: training on a tiny encoder, and the same at run time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mendgraph.adapters.answerability import Answerability, _windows
from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.core.answerability import LABELS, label_of
from mendgraph.core.evidence import body_of
from mendgraph.core.resolution import without_rule
from mendgraph.errors import ArtifactError, ConfigError, DataError
from mendgraph.training.conflict.answerability_model import of_claims, of_passages
from mendgraph.training.conflict.answerability_train import train_answerability
from mendgraph.training.conflict.claims.files import claims_path, write_claims
from mendgraph.training.conflict.claims.sets import claim_sets
from mendgraph.training.conflict.pair_spec import PairSpec
from mendgraph.training.conflict.perturbation.asked import AskedPassage
from mendgraph.training.conflict.perturbation.files import asked_path, read_asked, write_asked_rows
from tests import tiny

SETS = list(claim_sets("dev", 24))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def trained(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    write_claims(claims_path(data, "train"), claim_sets("train", 60))
    write_claims(claims_path(data, "dev"), SETS)
    spec = PairSpec(
        model=str(encoder), max_length=60, top_layers=1, epochs=2, head_width=16, precision="fp32"
    )
    return train_answerability(data, tmp_path_factory.mktemp("out"), spec, device="cpu").folder


def test_another_round_goes_on_with_the_next_claim_sets(encoder: Path, tmp_path: Path) -> None:
    write_claims(claims_path(tmp_path, "train"), claim_sets("train", 50))
    write_claims(claims_path(tmp_path, "dev"), SETS[:8])
    spec = PairSpec(
        model=str(encoder),
        max_length=60,
        top_layers=1,
        epochs=1,
        head_width=16,
        precision="fp32",
        claim_sets=30,
    )
    found = [
        train_answerability(tmp_path, tmp_path / "out", spec, resume=True, device="cpu") for _ in range(2)
    ]
    first, second = (one.manifest.training["rounds"] for one in found)
    assert [one["claim_sets"] for one in second] == [30, 20]
    assert second[0] == first[0]
    assert second[1]["learning_rate"] == first[0]["learning_rate"] / 2
    assert found[0].fingerprint != found[1].fingerprint
    with pytest.raises(DataError, match="all 50 claim sets of train were seen"):
        train_answerability(tmp_path, tmp_path / "out", spec, resume=True, device="cpu")
    write_claims(claims_path(tmp_path, "train"), claim_sets("train", 60))
    with pytest.raises(ConfigError, match="have another shape"):
        train_answerability(
            tmp_path, tmp_path / "out", replace(spec, head_width=8), resume=True, device="cpu"
        )


def judge_of(folder: Path, encoder: Path) -> Answerability:
    shared = SharedEncoder.open(str(encoder), device="cpu", max_length=60)
    return Answerability(shared, open_artifact(folder))


def test_figures_are_of_the_stored_weights(
    trained: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = list(of_claims(SETS))
    judge = judge_of(trained, encoder)
    asked = [(row.question, row.document) for row in rows]
    np.testing.assert_allclose(judge.chances(asked).sum(axis=1), 1.0, atol=1e-9)
    monkeypatch.setattr(judge, "_calibrator", None)  # the figures are from before it
    said = np.array([LABELS[place] for place in judge.chances(asked).argmax(axis=1)])
    right = said == np.array([row.label for row in rows])
    assert open_artifact(trained).manifest.metrics["dev"]["accuracy"] == pytest.approx(right.mean(), abs=0.02)


def test_rows_do_not_depend_on_who_is_with_them(trained: Path, encoder: Path) -> None:
    judge = judge_of(trained, encoder)
    asked = [(row.question, row.document) for row in of_claims(SETS[:4])]
    together = judge.chances(asked)
    alone = np.concatenate([judge.chances([one]) for one in asked])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert judge.chances([]).shape == (0, len(LABELS))


def test_what_is_heard_stands_in_the_document(trained: Path, encoder: Path) -> None:
    judge = judge_of(trained, encoder)
    rows = list(of_claims(SETS))
    heard = judge.hear([(row.question, row.document) for row in rows])
    assert len(heard) == len(rows)
    for row, one in zip(rows, heard, strict=True):
        assert 0.0 <= one.probability <= 1.0
        assert one.value in (None, "yes", "no") or str(one.value) in row.document
    assert any(one.value not in (None, "yes", "no") for one in heard)
    assert judge.hear([]) == []


def test_a_long_document_is_heard_to_its_end(
    trained: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = judge_of(trained, encoder)
    sentences = [
        f"Sentence {number} tells of the harbour and of its ships at length." for number in range(60)
    ]
    seen: list[str] = []
    read = judge._read

    def watched(asked: Sequence[tuple[str, str]]) -> list[Any]:
        seen.extend(text for _, text in asked)
        return read(asked)

    monkeypatch.setattr(judge, "_read", watched)
    [one] = judge.hear([("Who?", "[2019, newspaper] " + " ".join(sentences))])
    assert len(seen) > 3
    assert all(any(sentence in window for window in seen) for sentence in sentences)
    assert one.value is None or one.value in ("yes", "no") or one.value in " ".join(sentences)


@pytest.mark.parametrize("text", ["word " * 900, "x" * 2000, " " * 900, "[2019] " + "a wall of words " * 90])
def test_windows_leave_nothing_out_and_are_short(text: str) -> None:
    windows = list(_windows(text))
    assert windows
    assert "".join("".join(windows).split()) == "".join(body_of(text).split())
    assert not text.strip() or all(len(window) <= 600 for window in windows)


def test_questions_about_text_are_read_as_they_were_written(tmp_path: Path) -> None:
    for split, count in (("train", 40), ("dev", 20)):
        rows = [
            AskedPassage(
                f"Who is number {n}?", f"Number {n} is Ana{n}. It rained.", "value", 11 + len(str(n))
            )
            for n in range(count)
        ]
        rows = [replace(row, end=row.document.index(".")) for row in rows]
        write_asked_rows(asked_path(tmp_path, split), rows)
        assert read_asked(asked_path(tmp_path, split)) == rows
        assert [row.value for row in of_passages(asked_path(tmp_path, split))] == [
            f"Ana{n}" for n in range(count)
        ]


def test_the_rule_that_is_asked_for_changes_nothing(trained: Path, encoder: Path) -> None:
    judge = judge_of(trained, encoder)
    question, document = "When did the Norby ferry leave?", "[2019, newspaper] The Norby ferry left in 1901."
    asked = [(question, document), (f"Going by the majority: {question}", document)]
    first, second = judge.chances(asked)
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_another_artefact_is_refused(trained: Path, encoder: Path, tmp_path: Path) -> None:
    from tests.conflict_types import save_types

    shared = SharedEncoder.open(str(encoder), device="cpu", max_length=60)
    with pytest.raises(ArtifactError, match="holds a conflict_types, not a conflict_answerability"):
        Answerability(shared, save_types(tmp_path / "types", encoder))


@pytest.mark.parametrize(
    ("answer", "label"),
    [(None, "nothing"), ("yes", "yes"), ("Refuted.", "no"), ("14 May 1901", "value"), ("disputed", "value")],
)
def test_labels(answer: str | None, label: str) -> None:
    assert label_of(answer) == label


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("Going by the majority: When did it open?", "When did it open?"),
        ("What do most sources say? When did it open?", "When did it open?"),
        ("When did it open? It is a bridge.", "When did it open? It is a bridge."),
        ("In 1901: who was the mayor?", "In 1901: who was the mayor?"),
        ("", ""),
    ],
)
def test_the_question_without_its_rule(question: str, rest: str) -> None:
    assert without_rule(question) == rest
