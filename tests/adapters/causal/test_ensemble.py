"""Experts from folders: hidden states and logits as transformers and PEFT compute them, and clear refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from mendgraph.adapters.artifacts import BaseModelRef, write_artifact
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import MODELS, Expert, experts_of
from mendgraph.adapters.causal.host import Host
from mendgraph.adapters.causal.vocabulary import Vocabulary
from mendgraph.adapters.hub import weights_hash
from mendgraph.errors import (
    ArtifactError,
    ArtifactMissing,
    ConfigError,
    HashMismatch,
    ShapeMismatch,
    UnknownNameError,
)
from tests import languages

IDS = torch.randint(2, languages.VOCABULARY, (3, 9), generator=torch.Generator().manual_seed(0))
TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models and two adapters of the first."""
    place = tmp_path_factory.mktemp("experts")
    languages.save_model(place / "base", languages.llama())
    languages.save_model(place / "other", languages.qwen(3))
    for seed, name in enumerate(("one", "two")):
        languages.save_peft(place / name, languages.peft_model(languages.llama(), seed=seed))
    return place


def mixed(folders: Path) -> list[Expert]:
    """An adapter, another model, the bare base and a second adapter, in an order that mixes the models."""
    base, other = str(folders / "base"), str(folders / "other")
    return [
        Expert("first", base, str(folders / "one")),
        Expert("apart", other),
        Expert("bare", base),
        Expert("second", base, str(folders / "two")),
    ]


def test_states_and_logits_are_those_of_each_model_alone(folders: Path) -> None:
    ensemble = Ensemble.open(mixed(folders), device="cpu")
    assert ensemble.names == ("first", "apart", "bare", "second")
    assert len(ensemble.hosts) == 2
    alone = [
        languages.peft_model(languages.llama(), seed=0),
        languages.qwen(3),
        languages.llama(),
        languages.peft_model(languages.llama(), seed=1),
    ]
    states = ensemble.hidden(IDS)
    logits = ensemble.logits(states)
    assert states.shape == (4, 3, 9, languages.HIDDEN)
    for expert, model in enumerate(alone):
        with torch.no_grad():
            wanted = model(IDS, output_hidden_states=True)
        assert torch.allclose(states[expert], wanted.hidden_states[-1], atol=TOLERANCE)
        assert torch.allclose(logits[expert], wanted.logits, atol=TOLERANCE)
        assert torch.allclose(ensemble.project(expert, states[expert]), wanted.logits, atol=TOLERANCE)


def test_a_choice_of_experts_comes_in_the_order_asked_for(folders: Path) -> None:
    ensemble = Ensemble.open(mixed(folders), device="cpu")
    every = ensemble.hidden(IDS)
    some = ensemble.hidden(IDS, experts=[3, 1, 0])
    assert torch.allclose(some, every[[3, 1, 0]], atol=TOLERANCE)
    assert torch.allclose(ensemble.logits(some, [3, 1, 0]), ensemble.logits(every)[[3, 1, 0]], atol=TOLERANCE)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_changes_nothing(side: str) -> None:
    ensemble = languages.adapted()
    mask = torch.ones_like(IDS)
    kept = slice(4, None) if side == "left" else slice(None, 5)
    mask[0] = 0
    mask[0, kept] = 1
    padded = ensemble.hidden(torch.where(mask == 1, IDS, 1), mask)
    alone = ensemble.hidden(IDS[:1, kept])
    assert torch.allclose(padded[:, 0, kept], alone[:, 0], atol=TOLERANCE)
    assert torch.allclose(padded[:, 1:], ensemble.hidden(IDS)[:, 1:], atol=TOLERANCE)


def test_states_can_be_learned_from() -> None:
    heads = languages.heads()
    heads(languages.adapted().hidden(IDS)).sum().backward()
    assert heads.weights[0].grad is not None


def test_models_of_other_widths_are_filled_up_with_zeros() -> None:
    narrow, wide = (
        languages.llama(),
        languages.llama(1, hidden_size=40, num_attention_heads=5, num_key_value_heads=5),
    )
    ensemble = Ensemble(
        [Expert("narrow", "memory"), Expert("wide", "memory")],
        [Host.of(narrow), Host.of(wide)],
        languages.vocabulary(),
    )
    states = ensemble.hidden(IDS)
    assert states.shape[-1] == 40
    assert not states[0, :, :, 32:].any()
    with torch.no_grad():
        assert torch.allclose(ensemble.logits(states)[0], narrow(IDS).logits, atol=TOLERANCE)


def test_logits_that_are_squeezed_after_the_output_matrix() -> None:
    model = languages.gemma()
    with torch.no_grad():
        wanted = model(IDS).logits
    ensemble = Ensemble([Expert("general", "memory")], [Host.of(model)], languages.vocabulary())
    assert torch.allclose(ensemble.logits(ensemble.hidden(IDS))[0], wanted, atol=TOLERANCE)


def test_the_same_files_are_loaded_once_while_somebody_holds_them(folders: Path) -> None:
    one, two = (Ensemble.open(mixed(folders), device="cpu") for _ in range(2))
    assert one.hosts == two.hosts
    assert one.fingerprint == two.fingerprint != ""
    assert Ensemble.open(mixed(folders)[:2], device="cpu").fingerprint != one.fingerprint


def test_files_that_have_changed_are_loaded_anew(folders: Path, tmp_path: Path) -> None:
    expert = Expert("a", str(folders / "base"), str(tmp_path))
    languages.save_peft(tmp_path, languages.peft_model(languages.llama(), seed=1))
    before = Ensemble.open([expert], device="cpu")
    languages.save_peft(tmp_path, languages.peft_model(languages.llama(), seed=2))
    after = Ensemble.open([expert], device="cpu")
    assert before.hosts != after.hosts
    assert not torch.equal(before.hidden(IDS), after.hidden(IDS))


def test_another_tokenizer_is_refused(folders: Path, tmp_path: Path) -> None:
    languages.save_model(tmp_path, languages.qwen(1))
    fast = json.loads(languages.tokenizer().backend_tokenizer.to_str())
    words = fast["model"]["vocab"]
    words["!"], words["#"] = words["#"], words["!"]
    swapped = Tokenizer.from_str(json.dumps(fast))
    PreTrainedTokenizerFast(tokenizer_object=swapped, eos_token="<end>").save_pretrained(tmp_path)
    with pytest.raises(ShapeMismatch, match=r"must share one tokenizer.* 2 ids mean different tokens"):
        Ensemble.open([Expert("a", str(folders / "base")), Expert("b", str(tmp_path))], device="cpu")


def test_an_adapter_of_another_base_is_refused(folders: Path, tmp_path: Path) -> None:
    languages.save_peft(tmp_path, languages.peft_model(languages.llama()))
    files = ["adapter_model.safetensors", "adapter_config.json"]
    sha = weights_hash(folders / "base")
    right = BaseModelRef(name="base", sha256=sha)
    write_artifact(tmp_path, name="a", kind="lm_adapter", task="language", files=files, base_model=right)
    expert = Expert("a", str(folders / "base"), str(tmp_path))
    Ensemble.open([expert], device="cpu")
    wrong = BaseModelRef(name="lost", sha256="0" * 64)
    write_artifact(tmp_path, name="a", kind="lm_adapter", task="language", files=files, base_model=wrong)
    with pytest.raises(HashMismatch, match="was trained on lost"):
        Ensemble.open([expert], device="cpu")


def test_what_is_missing_is_named(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing, match="no model folder"):
        Ensemble.open([Expert("a", str(tmp_path / "nowhere"))], device="cpu")
    with pytest.raises(ArtifactError, match="cannot read the adapter"):
        Ensemble.open([Expert("a", str(folders / "base"), str(folders / "other"))], device="cpu")
    with pytest.raises(UnknownNameError, match="did you mean 'bare'"):
        Ensemble.open(mixed(folders), device="cpu").index("bar")


def test_experts_can_be_mappings_with_names_or_ids() -> None:
    found = experts_of(
        [{"id": "a", "name": "general", "path": "x", "task": "talk"}, {"id": "b", "path": "y"}]
    )
    assert found == (Expert("general", "x", None, "talk"), Expert("b", "y"))
    assert [one.name for one in MODELS] == ["general", "math", "medical"]


@pytest.mark.parametrize(
    "wrong", [[], ["a"], [{"path": "x"}], [{"name": "a"}], [{"name": "a", "path": "x", "size": 1}]]
)
def test_a_list_that_cannot_be_read_says_what_it_wants(wrong: list[Any]) -> None:
    with pytest.raises(ConfigError, match="experts: "):
        experts_of(wrong)


def test_a_text_is_never_empty_for_a_model() -> None:
    vocabulary = languages.vocabulary()
    assert vocabulary.encode("") == [0]
    assert vocabulary.decode(vocabulary.encode("naïve 😀")) == "naïve 😀"
    assert vocabulary.decode(vocabulary.encode("a\ud800b")) == "a?b"
    assert isinstance(vocabulary, Vocabulary)


def test_a_text_ends_where_the_model_says_so_or_else_the_tokenizer() -> None:
    asking, silent = languages.llama(eos_token_id=[7, 8]), languages.llama(eos_token_id=None)
    names = [Expert("asking", "memory"), Expert("silent", "memory")]
    ensemble = Ensemble(names, [Host.of(asking), Host.of(silent)], languages.vocabulary())
    assert ensemble.end_ids([0]) == {7, 8}
    assert ensemble.end_ids([1]) == {0}
    assert ensemble.end_ids([0, 1]) == {0, 7, 8}


def test_a_model_whose_logits_come_by_another_way_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = languages.llama()
    plain = model.forward

    def doubled(*given: Any, **more: Any) -> Any:
        found = plain(*given, **more)
        found.logits = found.logits * 2
        return found

    monkeypatch.setattr(model, "forward", doubled)
    with pytest.raises(ArtifactError, match="are not its output matrix times its last hidden state"):
        Host.of(model)
