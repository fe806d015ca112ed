"""Weights that are missing, damaged or not what they say; a hub nobody reaches; confidence nobody calibrated."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch

import mendgraph
from mendgraph.adapters.artifacts import open_artifact, write_artifact
from mendgraph.config import Config
from mendgraph.graphs.emotion import LABELS
from mendgraph.testing import Damage, Fault, FaultPlan, Scripted, injecting, scratch_copy
from tests.faults.models import TEXTS, backed, backed_up, configured, fingerprint, opened, same
from tests.faults.ward import MARKS, Ward, believed, well
from tests.tiny import save_adapter, save_classifier, save_encoder

DAMAGED = {
    "remove": ("artifact_missing", "adapter_model.safetensors"),
    "truncate": ("hash_mismatch", "its manifest says"),
    "flip": ("hash_mismatch", "its manifest says"),
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng():
        return save_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture
def adapter(encoder: Path, tmp_path: Path) -> Path:
    save_adapter(tmp_path / "original", encoder, labels=LABELS, signals=())
    return scratch_copy(tmp_path / "original", tmp_path / "adapter")


def over(encoder: Path, adapter: Path) -> Config:
    return configured({"kind": "adapter", "path": str(adapter)}, encoder=str(encoder))


@pytest.mark.parametrize("how", DAMAGED)
def test_damaged_weights_leave_the_tier_down_until_they_are_restored(
    how: str, encoder: Path, adapter: Path, tmp_path: Path
) -> None:
    config = over(encoder, adapter)
    mark = fingerprint(config)
    with opened(config, tmp_path, mark) as graph:
        before = graph.run(TEXTS)
    kind, words = DAMAGED[how]
    damage = Damage(adapter, how)
    damage.inflict()
    with opened(config, tmp_path, mark) as graph:
        for _ in range(2):
            backed_up(graph.run(TEXTS), "tier_down", "is down", kind, words)
        health = graph.health
        assert (health["state"], health["fingerprint"], health["calibrated"]) == ("down", "", False)
        assert words in health["error"]
        damage.repair()
        same(graph.run(TEXTS), before)
        health = graph.health
        assert (health["state"], health["fingerprint"], health["calibrated"]) == ("up", mark, True)


def test_weights_that_break_while_the_graph_runs_are_noticed_and_come_back(
    encoder: Path, adapter: Path, tmp_path: Path
) -> None:
    config = over(encoder, adapter)
    mark = fingerprint(config)
    plan = FaultPlan([Fault("corrupt", path=str(adapter), how="flip", at_call=2, tier="primary")])
    with opened(config, tmp_path, mark, injecting(plan)) as graph:
        before = graph.run(TEXTS)
        backed_up(graph.run(TEXTS), "hash_mismatch", "its manifest says")
        health = graph.health
        assert (health["state"], health["fingerprint"], health["failures"]) == ("up", "", 1)
        assert "its manifest says" in health["error"]
        same(graph.run(TEXTS), before)
        assert graph.health["fingerprint"] == mark


def wrong_architecture(model: Path) -> str:
    """The weights of another kind of model under this one's configuration."""
    other = save_classifier(model.with_name("other"), LABELS, distil=True)
    shutil.copy(other / "model.safetensors", model / "model.safetensors")
    return "shape_mismatch"


def wrong_size(model: Path) -> str:
    content = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**content, "hidden_size": 16}))
    return "shape_mismatch"


def half_there(model: Path) -> str:
    content = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(content[: len(content) // 2])
    return "artifact"


@pytest.mark.parametrize("spoil", [wrong_architecture, wrong_size, half_there])
def test_a_model_that_is_not_what_it_says_stays_down_until_it_is_replaced(
    spoil: Callable[[Path], str], tmp_path: Path
) -> None:
    with torch.random.fork_rng():
        model = save_classifier(tmp_path / "model", LABELS)
        config = configured({"kind": "classifier", "model": str(model)})
        mark = fingerprint(config)
        with opened(config, tmp_path, mark) as graph:
            before = graph.run(TEXTS)
        shutil.copytree(model, tmp_path / "good")
        kind = spoil(model)
    with opened(config, tmp_path, mark) as graph:
        backed_up(graph.run(TEXTS), "tier_down", kind, str(model))
        health = graph.health
        assert (health["state"], health["fingerprint"]) == ("down", "")
        assert str(model) in health["error"]
        shutil.copytree(tmp_path / "good", model, dirs_exist_ok=True)
        same(graph.run(TEXTS), before)
        assert graph.health["state"] == "up"


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("offline", [True, False], ids=["told-to-be-offline", "nobody-answers"])
def test_a_hub_nobody_reaches_leaves_the_tier_down_until_the_model_is_there(
    offline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    with torch.random.fork_rng():
        model = save_classifier(tmp_path / "model", LABELS)
    mark = fingerprint(configured({"kind": "classifier", "model": str(model)}))
    with opened(configured({"kind": "classifier", "model": "someone/tiny"}), tmp_path, mark) as graph:
        backed_up(
            graph.run(TEXTS), "tier_down", "hub_unavailable", "'someone/tiny' is not in the local cache"
        )
        health = graph.health
        assert health["state"] == "down"
        assert "connect to the network" in health["error"]

        # As a download leaves it, by another process for example.
        place, commit = cache / "models--someone--tiny", "c" * 40
        shutil.copytree(model, place / "snapshots" / commit)
        (place / "refs").mkdir()
        (place / "refs" / "main").write_text(commit)
        answers = graph.run(TEXTS)
        assert {answer.source for answer in answers} == {"primary"}
        health = graph.health
        assert (health["state"], health["fingerprint"]) == ("up", mark)


@pytest.mark.parametrize("marks", [{"backup": "scripted"}, {**MARKS, "primary": "others"}])
def test_confidence_that_nobody_calibrated_for_these_weights_is_not_trusted(
    marks: Mapping[str, str], tmp_path: Path
) -> None:
    with Ward(tmp_path, marks=marks) as ward:
        for answer in ward.run():
            first = answer.trail[0]
            assert (answer.status, answer.source) == ("accepted", "backup")
            assert (first.verdict, first.failure) == ("defer", None)
            assert first.prediction is not None
            assert first.prediction.confidence is None
            assert first.reason == "no calibration fits these weights, so it cannot be trusted alone"
        health = ward.health
        assert (health["state"], health["calibrated"], health["error"]) == ("up", False, None)
        [alone] = ward.run(["row 0"], down=["backup"])
        assert (alone.status, alone.label, alone.best_guess) == ("needs_clarification", None, "joy")
    (tmp_path / "fitted").mkdir()
    with Ward(tmp_path / "fitted") as ward:  # fitted for these weights
        well(ward.run())
        assert ward.health["calibrated"] is True


def test_without_a_policy_nothing_is_accepted_unasked(tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "policy.json").write_text(json.dumps(believed(MARKS).to_dict()))
    write_artifact(folder, name="tiny", kind="policy", task="emotion", files=["policy.json"])
    config = configured({"kind": "classifier", "model": "replaced-by/the-wrap"}, policy=str(folder))
    good = (folder / "policy.json").read_text()
    for content, calibrated in [(good, True), (good[:-9], False), ("", False), (good, True)]:
        (folder / "policy.json").write_text(content)
        wrap = backed(lambda name, source: lambda: Scripted({}, otherwise="joy"))
        with mendgraph.load("emotion", config=config, wrap=wrap) as graph:
            [answer] = graph.run("hello")
            assert graph.health()["primary"]["calibrated"] is calibrated
        assert answer.status == ("accepted" if calibrated else "needs_clarification")
        assert answer.best_guess == ("joy" if calibrated else "fear")


def test_an_adapters_own_calibration_that_was_changed_is_refused_with_it(
    encoder: Path, adapter: Path, tmp_path: Path
) -> None:
    config = over(encoder, adapter)
    mark = fingerprint(config)
    manifest = json.loads((adapter / "manifest.json").read_text())
    intact = json.dumps(manifest)
    manifest["settings"] |= {"calibration": "calibration.json", "calibration_sha256": "0" * 64}
    (adapter / "manifest.json").write_text(json.dumps(manifest))
    with opened(config, tmp_path, mark) as graph:
        backed_up(graph.run(TEXTS), "tier_down", "hash_mismatch", "is not the calibration its manifest names")
        assert graph.health["state"] == "down"
        (adapter / "manifest.json").write_text(intact)
        assert {answer.source for answer in graph.run(TEXTS)} == {"primary"}
        assert (graph.health["state"], graph.health["fingerprint"]) == ("up", mark)
    assert open_artifact(adapter).fingerprint == mark


def test_a_tier_whose_weights_are_exchanged_is_doubted_until_it_is_calibrated(tmp_path: Path) -> None:
    marks = iter(["scripted", "retrained"])

    def weights() -> Scripted:
        return Scripted({}, otherwise="joy", fingerprint=next(marks))

    with Ward(tmp_path, primary=weights) as ward:
        assert ward.run(["row 0"])[0].source == "primary"
        assert ward.health["calibrated"] is True
    (tmp_path / "again").mkdir()
    with Ward(tmp_path / "again", primary=weights) as ward:
        [answer] = ward.run(["row 1"])
        assert (answer.source, answer.trail[0].fingerprint) == ("backup", "retrained")
        assert ward.health["calibrated"] is False
