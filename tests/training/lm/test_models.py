"""Training small models end to end: saved as Hugging Face folders, resumed, described."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from mendgraph.adapters.artifacts import open_artifact
from mendgraph.errors import ArtifactMissing, ConfigError, UnknownNameError
from mendgraph.training.lm import recipe
from mendgraph.training.lm.cards import write_cards, xz_bits_per_byte
from mendgraph.training.lm.command import train_lm
from mendgraph.training.lm.fit import LOG
from mendgraph.training.lm.measure import load_adapter
from mendgraph.training.lm.model import load_base, new_base, save_base
from mendgraph.training.lm.prepare import prepare_lm
from mendgraph.training.lm.recipe import Options, make
from mendgraph.training.lm.tokenizer import load_tokenizer
from tests.training.lm.corpora import SPEC, write_data_sets

pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing`:FutureWarning"  # PEFT reads an attribute that transformers renamed
)
OPTIONS = Options(steps=24, batch_tokens=128, model=SPEC, device="cpu", experts=("math",), compiled=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lm")
    prepare_lm(write_data_sets(folder / "sets"), folder / "corpus")
    return folder / "corpus"


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    make(("tokenizer", "base", "decay", "experts"), data, out, OPTIONS)
    make(("experts",), data, out, replace(OPTIONS, full=True))
    return out


def dev_scores(folder: Path) -> list[float]:
    rows = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    return [row["dev_bits_per_byte"]["mean"] for row in rows if "dev_bits_per_byte" in row]


def test_training_lowers_bits_per_byte(trained: Path) -> None:
    scores = dev_scores(trained / "base")
    assert len(scores) == 24  # twelve of the base, twelve of its decay
    assert scores[-1] < scores[0]
    saved = json.loads((trained / "base" / "metrics.json").read_text())
    mean = sum(saved["dev_bits_per_byte"].values()) / 3
    assert mean == pytest.approx(min(scores[12:]), abs=2e-2)  # fp16 weights in fp32 against bf16


def test_auto_classes_load_what_was_saved(tmp_path: Path, trained: Path) -> None:
    tokenizer = load_tokenizer(trained / "tokenizer")
    model = new_base(SPEC, tokenizer, 3)
    save_base(model, tokenizer, tmp_path / "base")
    loaded = AutoModelForCausalLM.from_pretrained(
        tmp_path / "base", dtype=torch.float32, local_files_only=True
    )
    halved = {name: tensor.half().float() for name, tensor in model.state_dict().items()}
    model.load_state_dict(halved)
    ids = torch.arange(2, 22)[None]
    with torch.inference_mode():
        assert torch.equal(loaded.eval()(ids).logits, model.eval()(ids).logits)
    assert loaded.config.use_cache
    assert AutoTokenizer.from_pretrained(tmp_path / "base").encode("the 12") == tokenizer.encode("the 12")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base"]


def test_adapter_changes_the_base_and_is_small(trained: Path) -> None:
    adapted, base = load_adapter(trained / "base", trained / "math"), load_base(trained / "base")
    ids = torch.arange(2, 22)[None]
    with torch.inference_mode():
        assert not torch.allclose(adapted.eval()(ids).logits, base.eval()(ids).logits, atol=1e-6)
    tensors = load_file(trained / "math" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert len(tensors) == 2 * 7 * SPEC.num_layers
    config = json.loads((trained / "math" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "base"


def test_full_expert_is_a_model_of_its_own(trained: Path) -> None:
    expert, base = load_base(trained / "full_math"), load_base(trained / "base")
    weight = "model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(expert.state_dict()[weight], base.state_dict()[weight])


@pytest.fixture
def interrupted(
    trained: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Path:
    """A base and its decay, stopped in a step of the one or the other; a checkpoint follows every step."""
    for name in ("BASE", "DECAY"):
        monkeypatch.setattr(recipe, name, replace(getattr(recipe, name), checkpoint_minutes=0.0))
    out = tmp_path / "lm"
    out.mkdir()
    (out / "tokenizer").symlink_to(trained / "tokenizer")
    (out / "streams").symlink_to(trained / "streams")

    def stop(line: str) -> None:
        if f"step {request.param} " in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(("base", "decay"), data, out, OPTIONS, echo=stop)
    return out


@pytest.mark.parametrize("interrupted", [8, 32], indirect=True, ids=["base", "decay"])
def test_resumed_run_ends_where_an_unbroken_one_does(interrupted: Path, trained: Path, data: Path) -> None:
    make(("base", "decay"), data, interrupted, replace(OPTIONS, resume=True))
    steps = [json.loads(line)["step"] for line in (interrupted / "base" / LOG).read_text().splitlines()]
    assert steps == sorted(steps)
    assert max(steps) == 48
    resumed, unbroken = load_base(interrupted / "base").state_dict(), load_base(trained / "base").state_dict()
    for name, tensor in unbroken.items():
        torch.testing.assert_close(resumed[name], tensor, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("interrupted", [8], indirect=True)
def test_resume_with_other_settings_is_refused(interrupted: Path, data: Path) -> None:
    with pytest.raises(ConfigError, match=r"learning_rate was 0\.005 and is 0\.5"):
        make(("base",), data, interrupted, replace(OPTIONS, learning_rate=0.5, resume=True))


def test_base_goes_on_after_its_decay(trained: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "lm"
    copytree(trained, out, symlinks=True)
    weights = (out / "base" / "model.safetensors").read_bytes()
    make(("base",), data, out, replace(OPTIONS, steps=30, resume=True))
    assert [folder.name for folder in (out / "base.checkpoints").glob("checkpoint-*")].count("checkpoint-30")
    assert (out / "base" / "model.safetensors").read_bytes() == weights  # until it is decayed again
    make(("decay",), data, out, replace(OPTIONS, steps=4))
    saved = json.loads((out / "base" / "metrics.json").read_text())["run"]
    assert (saved["steps_before"], saved["steps"]) == (30, 34)
    assert (out / "base" / "model.safetensors").read_bytes() != weights


def test_a_base_is_not_begun_anew_by_mistake(trained: Path, data: Path) -> None:
    with pytest.raises(ConfigError, match="holds a run of 24 steps") as caught:
        make(("base",), data, trained, OPTIONS)
    assert "--resume" in str(caught.value.hint)
    assert (trained / "base.checkpoints" / "checkpoint-24").is_dir()


def test_decay_needs_a_base(data: Path, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer").symlink_to(trained / "tokenizer")
    (tmp_path / "streams").symlink_to(trained / "streams")
    with pytest.raises(ArtifactMissing, match="no checkpoint of a base"):
        make(("decay",), data, tmp_path, OPTIONS)


def test_finished_parts_are_not_made_again(trained: Path, data: Path) -> None:
    said: list[str] = []
    weights = (trained / "base" / "model.safetensors").stat().st_mtime_ns
    make(
        ("tokenizer", "base", "decay", "experts"),
        data,
        trained,
        replace(OPTIONS, resume=True),
        echo=said.append,
    )
    assert said == ["base: finished before", "decay: finished before", "math: finished before"]
    assert (trained / "base" / "model.safetensors").stat().st_mtime_ns == weights


def test_training_without_an_end_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--max-minutes"):
        make(("base",), data, tmp_path, replace(OPTIONS, steps=None))


def test_unknown_names_list_the_known(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'math'"):
        make(("experts",), data, tmp_path, replace(OPTIONS, experts=("maths",)))
    with pytest.raises(UnknownNameError, match="did you mean 'cards'"):
        train_lm("card", data, tmp_path, OPTIONS)


def test_cards_describe_what_is_there(trained: Path, data: Path) -> None:
    artifacts = {artifact.folder.name: artifact for artifact in write_cards(data, trained)}
    assert set(artifacts) == {"base", "math", "full_math"}
    for name, artifact in artifacts.items():
        opened = open_artifact(artifact.folder)
        assert opened.manifest.data[0].licence
        card = (artifact.folder / "README.md").read_text()
        assert all(
            part in card for part in ("## Limits", "Bits per byte", "hendrycks_MATH_train", "CC BY 4.0")
        )
        assert (artifact.folder / "training_curve.png").stat().st_size > 0
        assert (opened.manifest.base_model is None) == (name == "base")
        assert ("Muon" in card) == (name == "base")
        assert (
            sum(line.startswith(("| base |", "| math |", "| full_math |")) for line in card.splitlines()) >= 2
        )
    assert artifacts["math"].manifest.kind == "lm_adapter"
    assert artifacts["base"].manifest.kind == artifacts["full_math"].manifest.kind == "causal_lm"


def test_command_gives_the_scores_of_all_models(trained: Path, data: Path) -> None:
    table = train_lm("cards", data, trained, OPTIONS).splitlines()
    assert table[0] == "| bits per byte | general | math | medical |"
    assert [row.split(" | ")[0] for row in table[2:]] == ["| base", "| math", "| full_math"]
    scores = json.loads((trained / "math" / "metrics.json").read_text())["dev_bits_per_byte"]
    assert f"{scores['math']:.3f}" in table[3]


def test_cards_need_a_base(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing, match="--part base"):
        write_cards(data, tmp_path)


def test_xz_needs_less_for_repetition() -> None:
    assert xz_bits_per_byte(["abc " * 1000]) < 1 < xz_bits_per_byte(["dhwqpeiuxcvnm"])
