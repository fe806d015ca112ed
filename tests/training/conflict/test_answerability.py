"""Whether documents answer a question: training on a tiny encoder, and the same at run time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mendgraph.adapters.answerability import Answerability
from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.core.answerability import LABELS, label_of
from mendgraph.core.resolution import without_rule
from mendgraph.errors import ArtifactError
from mendgraph.training.conflict.answerability_model import of_claims
from mendgraph.training.conflict.answerability_train import train_answerability
from mendgraph.training.conflict.claims.files import claims_path, write_claims
from mendgraph.training.conflict.claims.sets import claim_sets
from mendgraph.training.conflict.types_spec import TypesSpec
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
    spec = TypesSpec(
        model=str(encoder), max_length=60, top_layers=1, epochs=2, head_width=16, precision="fp32"
    )
    return train_answerability(data, tmp_path_factory.mktemp("out"), spec, device="cpu").folder


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
