"""Detector and refinement: what they compute, how they are kept, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.adapters.reader.detector import Detector, load_detector, save_detector
from mendgraph.adapters.reader.refiner import Refiner, load_refinement, save_refinement
from mendgraph.core.calibration import Vector
from mendgraph.errors import ArtifactError, BadOutput, HashMismatch, ShapeMismatch
from mendgraph.modules.conflict_detector import ConflictDetector
from mendgraph.modules.conflict_features import FEATURES
from mendgraph.modules.refinement import Refinement, RefinementSpec
from tests.readers import DOCUMENTS, QUESTION, reader

READER = reader(longest=4)
PROMPTS = [READER.prompt(QUESTION, DOCUMENTS), READER.prompt("what", ("no", "a cat"))]


def _detector(features: tuple[str, ...] = tuple(FEATURES), layer: int = 1) -> Detector:
    torch.manual_seed(0)
    module = ConflictDetector(32 * len(features)).eval()
    return Detector(module, layer, features, Vector((1.0, 2.0), (0.0, 0.5)), reader="abc")


def _refiner(**shape: object) -> Refiner:
    torch.manual_seed(0)
    module = Refinement(32, RefinementSpec(**shape)).eval()  # type: ignore[arg-type]
    torch.nn.init.normal_(module.down.weight, 0, 0.3)
    return Refiner(module, 1, "abc")


def test_probabilities_of_a_batch_are_those_of_its_rows() -> None:
    detector = _detector()
    together = detector.probabilities(READER.begin(PROMPTS))
    alone = [detector.probabilities(READER.begin([prompt]))[0] for prompt in PROMPTS]
    assert together == pytest.approx(alone, abs=1e-5)
    assert all(0 < value < 1 for value in together)


def test_the_order_of_documents_does_not_change_what_compares_them() -> None:
    midway = READER.begin(PROMPTS[:1])
    names = ("mean_difference", "largest_difference")
    detector = _detector(names)
    spans = PROMPTS[0].spans
    from dataclasses import replace

    other = replace(midway, prompts=(replace(PROMPTS[0], spans=(spans[2], spans[0], spans[1])),))
    assert detector.probabilities(other) == pytest.approx(detector.probabilities(midway), abs=1e-6)


def test_one_document_is_no_conflict_of_two_but_has_an_answer() -> None:
    midway = READER.begin([READER.prompt(QUESTION, DOCUMENTS[:1])])
    assert len(_detector().probabilities(midway)) == 1


def test_a_saved_detector_says_the_same(tmp_path: Path) -> None:
    detector = _detector()
    save_detector(detector, tmp_path / "detector")
    found = load_detector(tmp_path / "detector", reader="abc")
    midway = READER.begin(PROMPTS)
    assert found.probabilities(midway) == detector.probabilities(midway)
    assert (found.layer, found.features, found.reader) == (1, detector.features, "abc")
    assert found.fingerprint


def test_detectors_of_other_readers_and_layers_are_refused(tmp_path: Path) -> None:
    save_detector(_detector(), tmp_path / "detector")
    with pytest.raises(ShapeMismatch, match="trained on states of reader abc, this is xyz"):
        load_detector(tmp_path / "detector", reader="xyz")
    with pytest.raises(ShapeMismatch, match="reads layer 2, the rows were stopped after layer 1"):
        _detector(layer=2).probabilities(READER.begin(PROMPTS))
    with pytest.raises(ArtifactError, match="holds a conflict_detector, not a conflict_refinement"):
        load_refinement(tmp_path / "detector")


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    save_detector(_detector(), tmp_path)
    with (tmp_path / "weights.safetensors").open("ab") as file:
        file.write(b"0")
    with pytest.raises(HashMismatch):
        load_detector(tmp_path)


def test_a_detector_that_is_not_finite_is_told() -> None:
    detector = _detector()
    torch.nn.init.constant_(detector.module.outer.bias, float("nan"))
    with pytest.raises(BadOutput, match="detector's output is not finite"):
        detector.probabilities(READER.begin(PROMPTS))


def test_a_new_refinement_is_the_identity() -> None:
    midway = READER.begin(PROMPTS)
    refined = Refinement(32)(midway.states.clone(), midway.seen.mask)
    assert torch.equal(refined.states, midway.states)
    assert refined.taken.tolist() == [1, 1]  # nothing moved, so that the first step was the last


@given(st.integers(1, 3), st.booleans(), st.booleans(), st.integers(0, 50))
def test_refinement_is_the_published_formula(steps: int, gated: bool, normed: bool, seed: int) -> None:
    torch.manual_seed(seed)
    module = Refinement(8, RefinementSpec(steps=steps, stop=0.0, gated=gated, normed=normed))
    torch.nn.init.normal_(module.down.weight)
    states, mask = torch.randn(2, 5, 8), torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])
    with torch.no_grad():
        wanted = states.clone()
        for _ in range(steps):
            size = wanted.square().mean(-1, keepdim=True).sqrt() if normed else 1.0
            seen = wanted / size
            change = 0.3 * (torch.relu(seen @ module.up.weight.T + module.up.bias) @ module.down.weight.T)
            change = change * size
            if module.gate is not None:
                change = change * module.gate(seen).sigmoid()
            wanted = wanted + change * mask[..., None]
        found = module(states, mask)
    torch.testing.assert_close(found.states, wanted, rtol=1e-4, atol=1e-4)
    assert torch.equal(found.states[1, :2], states[1, :2])  # padding stays
    assert found.lengths.shape == (steps, 2)


def test_rows_that_hardly_move_are_left_alone_the_others_go_on() -> None:
    module = Refinement(4, RefinementSpec(stop=0.5, normed=False))
    torch.nn.init.constant_(module.up.weight, 1.0)
    torch.nn.init.zeros_(module.up.bias)
    torch.nn.init.constant_(module.down.weight, 1.0)
    states = torch.tensor([[[1.0] * 4], [[-1.0] * 4]])  # the second row's ReLU is shut
    with torch.no_grad():
        found = module(states, torch.ones(2, 1))
    assert found.taken.tolist() == [3, 1]
    assert torch.equal(found.states[1], states[1])
    assert bool((found.lengths[:, 1] == 0).all())


@pytest.mark.parametrize("shape", [{}, {"gated": True}, {"steps": 1}, {"normed": False}])
def test_a_saved_refinement_does_the_same(tmp_path: Path, shape: dict[str, object]) -> None:
    refiner = _refiner(**shape)
    save_refinement(refiner, tmp_path)
    found = load_refinement(tmp_path)
    midway = READER.begin(PROMPTS)
    assert torch.equal(found.refine(midway).states, refiner.refine(midway).states)
    assert not torch.equal(found.refine(midway).states, midway.states)


def test_refined_states_reach_the_answer() -> None:
    midway = READER.begin(PROMPTS)
    plain = READER.write(READER.finish(midway))
    refined = READER.answer_from(midway, _refiner().refine(midway).states)
    assert [one.log_probabilities for one in refined] != [one.log_probabilities for one in plain]


def test_a_refinement_for_another_layer_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match="for layer 1 and 32 numbers"):
        _refiner().refine(READER.begin(PROMPTS, border=0))
