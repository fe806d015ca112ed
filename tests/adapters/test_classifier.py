from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig, TaskType, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

from mendgraph.adapters.classifier import ClassifierTier, map_labels
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactError, ArtifactMissing, ConfigError, ShapeMismatch
from tests.tiny import distilbert, save_classifier, save_encoder, sentences, tokenizer

ROWS = [Input(text) for text in sentences(8, seed=4)]
GRAPH = ("joy", "sadness", "anger", "fear", "love")
renamed_attribute = pytest.mark.filterwarnings(
    "ignore::FutureWarning"
)  # PEFT reads what transformers renamed


def scores(tier: ClassifierTier) -> torch.Tensor:
    outcomes = tier.predict(ROWS)
    assert all(isinstance(o, Prediction) for o in outcomes)
    return torch.tensor([list(o.scores.values()) for o in outcomes if isinstance(o, Prediction)])


def by_hand(model: torch.nn.Module, *, types: bool = True) -> torch.Tensor:
    batch = tokenizer(types=types)([row.text for row in ROWS], return_tensors="pt", padding=True)
    with torch.no_grad():
        logits: torch.Tensor = model(**batch).logits
    return logits


@pytest.mark.parametrize("distil", [False, True])
def test_equals_transformers_with_labels_in_the_graphs_order(tmp_path: Path, distil: bool) -> None:
    folder = save_classifier(tmp_path, ("Fear", "ANGER", "joy", "sadness"), distil=distil)
    tier = ClassifierTier("backup", str(folder), GRAPH, device="cpu", batch_size=3)
    logits = by_hand(AutoModelForSequenceClassification.from_pretrained(folder).eval(), types=not distil)
    expected = torch.cat([logits.softmax(-1)[:, [2, 3, 1, 0]], torch.zeros(len(ROWS), 1)], 1)

    assert isinstance(tier, Tier)
    assert torch.allclose(scores(tier), expected, atol=1e-5)
    first = tier.predict(ROWS[:1])[0]
    assert isinstance(first, Prediction)
    assert tuple(first.scores) == GRAPH
    assert tier.predict([]) == []


def test_probabilities_of_labels_that_meet_add_up_and_left_out_ones_are_spread(tmp_path: Path) -> None:
    folder = save_classifier(tmp_path, ("optimism", "joy", "anger", "noise"))
    tier = ClassifierTier("b", str(folder), GRAPH, {"optimism": "joy", "noise": None}, device="cpu")
    parts = by_hand(AutoModelForSequenceClassification.from_pretrained(folder).eval()).softmax(-1)
    kept = parts[:, :3].sum(1)
    expected = torch.stack([(parts[:, 0] + parts[:, 1]) / kept, parts[:, 2] / kept], 1)
    assert torch.allclose(scores(tier)[:, [0, 2]], expected, atol=1e-5)


def test_multi_label_models_are_read_by_sigmoid(tmp_path: Path) -> None:
    folder = save_classifier(tmp_path, GRAPH, problem_type="multi_label_classification")
    parts = by_hand(AutoModelForSequenceClassification.from_pretrained(folder).eval()).sigmoid()
    found = scores(ClassifierTier("b", str(folder), GRAPH, device="cpu"))
    assert torch.allclose(found, parts / parts.sum(1, keepdim=True), atol=1e-5)


def test_labels_that_map_to_nothing_are_refused(tmp_path: Path) -> None:
    folder = save_classifier(tmp_path, ("joy", "LABEL_1", "LABEL_2"))
    with pytest.raises(ArtifactError, match="match none of the graph's: LABEL_1, LABEL_2") as caught:
        ClassifierTier("b", str(folder), GRAPH)
    assert "label_map" in caught.value.hint


@pytest.mark.parametrize(
    ("label_map", "story"),
    [
        ({"jolly": "joy"}, r"unknown model labels \['jolly'\]"),
        ({"joy": "glee"}, r"unknown graph labels \['glee'\]"),
        ({"joy": None, "fear": None}, "leaves every label out"),
    ],
)
def test_label_maps_are_checked(label_map: dict[str, str | None], story: str) -> None:
    with pytest.raises(ConfigError, match=story):
        map_labels(("joy", "fear"), GRAPH, label_map, "m")


@given(st.permutations(GRAPH), st.sampled_from([str.upper, str.title, str.lower]))
def test_names_match_in_any_order_and_case(names: list[str], case: Callable[[str], str]) -> None:
    columns = map_labels([case(name) for name in names], GRAPH, {}, "m")
    assert [GRAPH[column] for column in columns if column is not None] == names


def test_a_checkpoint_without_its_head_is_refused(tmp_path: Path) -> None:
    save_encoder(tmp_path / "bare", distilbert())
    with pytest.raises(ShapeMismatch, match=r"weights are missing.*classifier"):
        ClassifierTier("b", str(tmp_path / "bare"), ("LABEL_0", "LABEL_1"))


def test_numbers_that_are_not_finite_fail_their_rows_only(tmp_path: Path) -> None:
    folder = save_classifier(tmp_path, GRAPH)
    weights = load_file(folder / "model.safetensors")
    words = weights["bert.embeddings.word_embeddings.weight"]
    cat = tokenizer().convert_tokens_to_ids("cat")
    words[cat] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    tier = ClassifierTier("b", str(folder), GRAPH, device="cpu")
    first, second, third = tier.predict([Input("dog rain"), Input("cat home"), Input("sun")])
    assert isinstance(first, Prediction)
    assert isinstance(second, Failure)
    assert second.kind == "bad_output"
    assert isinstance(third, Prediction)


def final_model(root: Path, *, binary: bool = False) -> tuple[Path, torch.Tensor]:
    """A folder as a fine-tuning run of DistilBERT with LoRA leaves it, and PEFT's own logits."""
    base = save_encoder(root / "distilbert", distilbert())
    torch.manual_seed(5)
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(GRAPH))
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=8,
        lora_alpha=16,
        lora_dropout=0.1,
        target_modules=["q_lin", "v_lin"],
        modules_to_save=["pre_classifier", "classifier"],
    )
    tuned = get_peft_model(model, config)
    with torch.no_grad():
        for key, part in tuned.named_parameters():
            if "lora_" in key or "modules_to_save" in key:
                part.normal_(0, 0.2)
    folder = root / "final_model"
    tuned.eval().save_pretrained(str(folder))
    tokenizer(types=False).save_pretrained(folder)
    (folder / "training_config.json").write_text(
        json.dumps({"num_labels": 5, "id2label": {str(i): label for i, label in enumerate(GRAPH)}})
    )
    if binary:
        torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
        (folder / "adapter_model.safetensors").unlink()
    return folder, by_hand(tuned, types=False)


@renamed_attribute
@pytest.mark.parametrize("binary", [False, True], ids=["safetensors", "bin"])
def test_a_peft_folder_equals_peft(tmp_path: Path, binary: bool, capfd: pytest.CaptureFixture[str]) -> None:
    folder, logits = final_model(tmp_path, binary=binary)
    capfd.readouterr()
    tier = ClassifierTier("primary", str(folder), GRAPH, device="cpu")
    assert torch.allclose(scores(tier), logits.softmax(-1), atol=1e-4)
    assert capfd.readouterr() == ("", "")


@renamed_attribute
def test_the_base_models_own_tokenizer_is_used_when_the_folder_has_none(tmp_path: Path) -> None:
    folder, logits = final_model(tmp_path)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    assert torch.allclose(
        scores(ClassifierTier("p", str(folder), GRAPH, device="cpu")), logits.softmax(-1), atol=1e-4
    )


def without(part: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        state = load_file(folder / "adapter_model.safetensors")
        save_file(
            {key: value for key, value in state.items() if part not in key},
            folder / "adapter_model.safetensors",
        )

    return spoil


def with_config(name: str, **changes: Any) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return spoil


def malicious(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()
    torch.save({"weights": Path("anything but a tensor")}, folder / "adapter_model.bin")


def torn(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()
    torch.save({"weights": torch.zeros(100)}, folder / "adapter_model.bin")
    content = (folder / "adapter_model.bin").read_bytes()
    (folder / "adapter_model.bin").write_bytes(content[: len(content) // 2])


@renamed_attribute
@pytest.mark.parametrize(
    ("spoil", "error", "story"),
    [
        (without("lora_A"), ShapeMismatch, "missing .*lora_A"),
        (without("pre_classifier"), ShapeMismatch, "missing .*pre_classifier"),
        (
            with_config("training_config.json", id2label={"0": "joy", "2": "fear"}),
            ArtifactError,
            "number two or more",
        ),
        (with_config("training_config.json", id2label=["joy"]), ArtifactError, "map numbers to names"),
        (
            with_config("training_config.json", id2label={"0": "joy", "1": "fear"}),
            ShapeMismatch,
            "size mismatch",
        ),
        (
            with_config("adapter_config.json", base_model_name_or_path=None),
            ArtifactError,
            "names no base model",
        ),
        (
            with_config("adapter_config.json", base_model_name_or_path="/gone"),
            ArtifactMissing,
            "no model folder",
        ),
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), ArtifactMissing, "adapter_model"),
        (lambda folder: shutil.rmtree(folder.parent / "distilbert"), ArtifactMissing, "distilbert"),
        (malicious, ArtifactError, "UnpicklingError"),
        (torn, ArtifactError, "PytorchStreamReader"),
    ],
    ids=lambda part: getattr(part, "__name__", str(part)),
)
def test_broken_peft_folders_are_refused_with_the_reason(
    tmp_path: Path, spoil: Callable[[Path], None], error: type[Exception], story: str
) -> None:
    folder, _ = final_model(tmp_path)
    spoil(folder)
    with pytest.raises(error, match=story):
        ClassifierTier("primary", str(folder), GRAPH, device="cpu")


def test_threads_equal_serial(tmp_path: Path) -> None:
    tier = ClassifierTier("b", str(save_classifier(tmp_path, GRAPH)), GRAPH, device="cpu")
    serial = scores(tier)
    with ThreadPoolExecutor(8) as pool:
        assert all(torch.equal(found, serial) for found in pool.map(lambda _: scores(tier), range(32)))


def test_the_fingerprint_follows_weights_and_map(tmp_path: Path) -> None:
    one, two = save_classifier(tmp_path / "1", GRAPH), save_classifier(tmp_path / "2", GRAPH, seed=1)
    swapped = {"joy": "love", "love": "joy"}
    tiers = [
        ClassifierTier("b", str(f), GRAPH, m)
        for f, m in ((one, None), (two, None), (one, swapped), (one, None))
    ]
    prints = [tier.fingerprint for tier in tiers]
    assert prints[0] == prints[3]
    assert len(set(prints)) == 3
