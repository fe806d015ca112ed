"""Readers are trained on rows that share a prompt, resumably, and detector and refinement on their states."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional
from transformers import PreTrainedModel

from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.reader.codec import Codec
from mendgraph.adapters.reader.detector import load_detector
from mendgraph.adapters.reader.reader import Reader
from mendgraph.adapters.reader.refiner import load_refinement
from mendgraph.errors import ArtifactMissing, ConfigError, UnknownNameError
from mendgraph.training.conflict.claims.files import claims_path, write_claims
from mendgraph.training.conflict.claims.sets import claim_sets
from mendgraph.training.conflict.detector_fit import DetectorSpec, detector_figures, fit_detector
from mendgraph.training.conflict.parts import PartOptions
from mendgraph.training.conflict.reader_answers import is_right, majority_of
from mendgraph.training.conflict.reader_measure import measure, states_of
from mendgraph.training.conflict.reader_rows import Row, collate, micro_batches, rows_of
from mendgraph.training.conflict.reader_spec import ReaderSpec
from mendgraph.training.conflict.recipe import Options, make, options_from
from mendgraph.training.conflict.refinement_fit import RefinementTraining
from mendgraph.training.conflict.states import States
from mendgraph.training.lm.model import load_base
from tests.training.conflict_bases import ROOM, SETS, save_base

SPEC = ReaderSpec(batch_sets=4, evaluations=1, eval_sets=6, learning_rate=5e-3)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("claims")
    write_claims(claims_path(folder, "train"), SETS)
    for split in ("dev", "test"):
        write_claims(claims_path(folder, split), claim_sets(split, 10))  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="module")
def trained(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    make("reader", data, out, _options(base, steps=3))
    return out


def _options(base: Path, **more: object) -> Options:
    small = PartOptions(
        detector=DetectorSpec(epochs=2),
        refinement=RefinementTraining(batch_sets=2, evaluations=1),
        test_sets=4,
    )
    return Options(base=str(base), spec=SPEC, parts=small, compiled=False, device="cpu", **more)  # type: ignore[arg-type]


def _reader(folder: Path) -> Reader:
    return Reader.open(str(folder), device="cpu")


def _losses(model: PreTrainedModel, rows: list[Row]) -> list[float]:
    """Summed cross-entropy of each part, rows and parts in order."""
    batch = collate(rows, 1)
    with torch.no_grad():
        output: Any = model.get_output_embeddings()
        logits = output(states_of(model, batch, torch.device("cpu")))
    found = []
    for number, row in enumerate(rows):
        for index in range(len(row.parts)):
            here = batch.parts[number] == index
            loss = functional.cross_entropy(
                logits[number][here], batch.targets[number][here], reduction="sum"
            )
            found.append(float(loss))
    return found


def test_cues_that_share_a_prompt_cost_what_they_cost_alone(base: Path) -> None:
    reader = _reader(base)
    rows = [row for one in SETS[:3] for row in rows_of(one, reader.codec, ROOM, asked=range(2))]
    model = load_base(base)
    together = _losses(model, rows)
    alone = [_losses(model, [replace(row, parts=(part,))])[0] for row in rows for part in row.parts]
    assert together == pytest.approx(alone, rel=1e-4)


def test_rows_are_what_the_reader_will_see(base: Path) -> None:
    reader = _reader(base)
    codec = reader.codec
    one = next(each for each in SETS if any(answer is None for answer in each.answers))
    whole, *alone = rows_of(one, codec, ROOM, asked=range(len(one.documents)))
    said = {part.kind: codec.decode(part.target) for part in whole.parts}
    assert said == {"answer": f" {one.gold}\n", "agreement": " no\n" if one.conflict else " yes\n"}
    values = [codec.decode(part.target).strip() for row in alone for part in row.parts]
    assert values == [answer or "nothing" for answer in one.answers]
    for row, document in zip(alone, one.documents, strict=True):
        [part] = row.parts
        assert (*row.prompt, *part.cue) == reader.prompt(one.question, [document.text]).ids


def test_micro_batches_hold_every_row_once_and_keep_to_few_shapes(base: Path) -> None:
    codec = _reader(base).codec
    rows = [row for one in SETS for row in rows_of(one, codec, ROOM, asked=(0,))]
    batches = list(micro_batches(rows, 1024, codec.pad_id))
    assert sum(int((batch.parts == 0).any(1).sum()) for batch in batches) == len(rows)
    heights: dict[int, set[int]] = {}
    for batch in batches:
        heights.setdefault(batch.ids.shape[1], set()).add(batch.ids.shape[0])
    assert all(len(found) == 1 for found in heights.values())


def test_what_is_measured_is_what_decoding_gives(trained: Path) -> None:
    """A target counts as right exactly where greedy decoding writes it."""
    reader = _reader(trained / "reader")
    rows = [rows_of(one, reader.codec, ROOM) for one in SETS]
    prompts = [reader.prompt(one.question, [each.text for each in one.documents]) for one in SETS]
    written = [reader.write(reader.finish(reader.begin([prompt])))[0] for prompt in prompts]
    exact = [answer.text == " ".join(one.gold.split()) for answer, one in zip(written, SETS, strict=True)]
    scores = measure(load_base(trained / "reader"), rows, SETS, reader.codec.pad_id, torch.device("cpu"))
    assert scores.answer == pytest.approx(sum(exact) / len(exact), abs=1e-4)


def test_a_trained_reader_is_an_artefact_with_its_figures(trained: Path, base: Path) -> None:
    artifact = open_artifact(trained / "reader")
    assert artifact.manifest.kind == "reader"
    assert artifact.manifest.base_model is not None
    assert artifact.manifest.base_model.name == str(base)
    metrics = json.loads((trained / "reader" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["run"]["steps"] == 3
    assert 0 <= metrics["test"]["answer"] <= 1
    assert _reader(trained / "reader").fingerprint != _reader(base).fingerprint


def test_training_goes_on_where_it_stopped(base: Path, data: Path, tmp_path: Path) -> None:
    make("reader", data, tmp_path / "once", _options(base, steps=4))
    make("reader", data, tmp_path / "twice", _options(base, steps=2))
    state = tmp_path / "twice" / "reader.checkpoints" / "checkpoint" / "state.json"
    assert json.loads(state.read_text(encoding="utf-8"))["run"]["step"] == 2
    make("reader", data, tmp_path / "twice", _options(base, steps=4, resume=True))
    assert json.loads(state.read_text(encoding="utf-8"))["run"]["step"] == 4


def test_other_settings_do_not_resume(base: Path, data: Path, tmp_path: Path) -> None:
    make("reader", data, tmp_path, _options(base, steps=1))
    other = replace(_options(base, steps=2, resume=True), spec=replace(SPEC, learning_rate=1e-4))
    with pytest.raises(ConfigError, match=r"learning_rate was 0\.005 and is 0\.0001"):
        make("reader", data, tmp_path, other)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT asks for the old name
def test_a_reader_as_adapter(base: Path, data: Path, tmp_path: Path) -> None:
    options = replace(_options(base, steps=1), spec=replace(SPEC, full=False, rank=2))
    artifact = make("reader", data, tmp_path, options)
    assert "adapter_model.safetensors" in artifact.manifest.files
    make("detector", data, tmp_path, options)
    assert (tmp_path / "detector" / "layer_sweep.png").is_file()


def test_training_needs_an_end_and_parts_need_names(base: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs an end"):
        make("reader", data, tmp_path, _options(base))
    with pytest.raises(UnknownNameError, match="'refinements'"):
        make("refinements", data, tmp_path, _options(base))
    with pytest.raises(ArtifactMissing, match="no reader in"):
        make("detector", data, tmp_path / "empty", _options(base))


def test_detector_refinement_and_calibration(trained: Path, data: Path, base: Path) -> None:
    make("detector", data, trained, _options(base))
    reader = _reader(trained / "reader")
    detector = load_detector(trained / "detector", reader=reader.fingerprint)
    rows = json.loads((trained / "detector" / "layer_sweep.json").read_text(encoding="utf-8"))
    assert [row["layer"] for row in rows] == [0, 1]
    metadata = json.loads((trained / "detector" / "metadata.json").read_text(encoding="utf-8"))
    assert {"framework", "hardware", "reproducibility", "curves", "validation"} <= set(metadata)
    assert "expected_l1_accuracy" in metadata["validation"]
    make("calibration", data, trained, _options(base))
    again = load_detector(trained / "detector", reader=reader.fingerprint)
    assert again.calibrator == detector.calibrator
    make("refinement", data, trained, _options(base, steps=2))
    refiner = load_refinement(trained / "refinement", reader=reader.fingerprint)
    assert refiner.layer == detector.layer
    figures = json.loads((trained / "refinement" / "metrics.json").read_text(encoding="utf-8"))
    assert set(figures) == {"plain", "refined", "random direction", "counts"}


def test_a_detector_finds_what_is_there_to_find() -> None:
    noise = torch.Generator().manual_seed(0)
    conflict = torch.rand(400, generator=noise) < 0.6
    features = torch.randn(400, 2, 4, 8, generator=noise)
    features[:, 1, 2, 0] += 4.0 * conflict  # only layer 1's differences know
    levels = tuple("entity" if one else "none" for one in conflict.tolist())
    states = States(features, conflict, levels)
    first, second = (fit_detector(states, states, layer, DetectorSpec(epochs=12)) for layer in (0, 1))
    held = States(features + 0.1 * torch.randn(features.shape, generator=noise), conflict, levels)
    assert detector_figures(second, held)["AUROC"] > 0.9
    assert detector_figures(second, held)["AUROC"] > detector_figures(first, held)["AUROC"]


def test_another_way_to_write_the_right_value_is_right() -> None:
    for one in SETS:
        assert is_right(one, one.gold)
        assert is_right(one, f" {one.gold.upper()} ")
        assert not is_right(one, "something else")
        if one.conflict and one.rule != "both_sides":
            value = one.groups[list(one.answers).index(one.gold)]
            for answer, group in zip(one.answers, one.groups, strict=True):
                if answer is not None and group != value:
                    assert not is_right(one, answer)


def test_majority_of_values() -> None:
    assert majority_of(["b", None, "12 km", "12,000 m"]) == "12 km"
    assert majority_of(["b", "a"]) == "b"
    assert majority_of([None]) is None


def test_a_commands_flags_become_options() -> None:
    found = options_from(
        {"lora": True, "single_shot": True, "gated": True, "batch_size": 8, "learning_rate": 0.1, "layer": 2},
        minutes=3.0,
    )
    assert (found.spec.full, found.spec.batch_sets, found.spec.learning_rate) == (False, 8, 0.1)
    assert (found.parts.refinement.shape.steps, found.parts.refinement.shape.gated) == (1, True)
    assert (found.parts.layer, found.minutes) == (2, 3.0)


def test_codec_puts_the_start_in_front(base: Path) -> None:
    reader = _reader(base)
    assert isinstance(reader.codec, Codec)
    assert reader.prompt("why", ["no"]).ids[: len(reader.codec.start)] == reader.codec.start
