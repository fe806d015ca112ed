"""What holds for every kind of tier: each is built through `build_tier` from a small artefact on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mendgraph.adapters import kinds
from mendgraph.adapters.artifacts import BaseModelRef, open_artifact, write_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.hub import weights_hash
from mendgraph.adapters.kinds import TIER_KINDS, Workshop, build_tier
from mendgraph.assembly import load
from mendgraph.config import Config, GraphSpec, load_config
from mendgraph.core.calibration import Temperature
from mendgraph.core.conflict import LEVELS as CONFLICTS
from mendgraph.core.conflict import Document
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.lexical import counts
from mendgraph.core.preprocess import prepare
from mendgraph.core.reflection import LABELS as LEVELS
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import (
    ArtifactError,
    ArtifactMissing,
    ConfigError,
    HashMismatch,
    ShapeMismatch,
    UnknownNameError,
)
from mendgraph.graphs.emotion import LABELS
from mendgraph.testing import Scripted
from mendgraph.training.emotion.backups import write_neighbours
from mendgraph.training.emotion.emoji_priors import fit_emoji_tier
from mendgraph.training.emotion.similarity import fit_neighbours
from tests.conflict_types import save_types
from tests.levels import save_cross_scorer, save_features
from tests.llms import MODELS, spec
from tests.routers import save_blind, save_neighbours, save_router
from tests.scorers import save_roberta, save_scorer
from tests.tiny import WORDS, bert, save_adapter, save_classifier, save_encoder, sentences

ODD = [
    "",
    "   ",
    "\x00",
    "lone \ud800 surrogate",
    "\u202eright to left\u202c",
    "happy " * 5_000,
    "x" * 100_000,
    "😀" * 500,
    "[PAD] [CLS] [SEP]",
    "{} %s \\",
]
EMOJI = ["😀", "😡👍🏽", "😭😭😭", "😍 😍", "🤢", "👨‍👩‍👧"]

Arguments = dict[str, Any]
Make = Callable[[Path, Path, int], Arguments]


def adapter(folder: Path, encoder: Path, seed: int) -> Arguments:
    save_adapter(folder, encoder, labels=LABELS, seed=1 + seed)
    return {"path": str(folder)}


def ensemble(folder: Path, encoder: Path, seed: int) -> Arguments:
    for name, number in (("a", 1 + seed), ("b", 11 + seed)):
        save_adapter(folder / name, encoder, name=name, labels=LABELS, seed=number)
    return {"members": [str(folder / "a"), str(folder / "b")]}


def lexical(folder: Path, encoder: Path, seed: int) -> Arguments:
    del encoder
    folder.mkdir(parents=True)
    keys = sorted({key for word in WORDS for block in counts(word) for key in block})
    noise = torch.Generator().manual_seed(seed)
    shape = (len(keys), len(LABELS))
    tensors = {
        "keys": torch.tensor(keys),
        "idf": torch.rand(len(keys), generator=noise).add(1).half(),
        "weights": torch.randint(-127, 128, shape, generator=noise, dtype=torch.int8),
        "scale": torch.full((len(LABELS),), 0.02),
        "bias": torch.zeros(len(LABELS)),
    }
    save_file(tensors, folder / "lexical.safetensors")
    write_artifact(
        folder,
        name="tiny",
        kind="lexical",
        task="emotion",
        files=["lexical.safetensors"],
        labels=LABELS,
    )
    return {"path": str(folder)}


def neighbours(folder: Path, encoder: Path, seed: int) -> Arguments:
    texts = sentences(120, seed=5 + seed)
    classes = np.array([WORDS.index(text.split()[0]) % len(LABELS) for text in texts])
    vectors = SharedEncoder.open(str(encoder), device="cpu").encode(texts)
    # All points vote: which of two equally near ones makes the k nearest is a matter of rounding.
    index = fit_neighbours(vectors, classes, len(LABELS), k=len(texts))
    write_neighbours(index, folder, base(encoder), [])
    return {"path": str(folder)}


def descriptions(folder: Path, encoder: Path, seed: int) -> Arguments:
    folder.mkdir(parents=True)
    texts = sentences(2 * len(LABELS), seed=9 + seed)
    table = {label: texts[2 * i : 2 * i + 2] for i, label in enumerate(LABELS)}
    (folder / "descriptions.json").write_text(json.dumps(table), encoding="utf-8")
    write_artifact(
        folder,
        name="tiny",
        kind="descriptions",
        task="emotion",
        files=["descriptions.json"],
        base_model=base(encoder),
        labels=LABELS,
        settings={"temperature": 0.1},
    )
    return {"path": str(folder)}


def emoji(folder: Path, encoder: Path, seed: int) -> Arguments:
    del encoder
    folder.mkdir(parents=True)
    table = fit_emoji_tier(["what a day 😀"] * (10 + seed), ["joy"] * (10 + seed))
    (folder / "emoji.json").write_text(json.dumps(table), encoding="utf-8")
    write_artifact(folder, name="tiny", kind="emoji", task="emotion", files=["emoji.json"], labels=LABELS)
    return {"path": str(folder)}


def classifier(folder: Path, encoder: Path, seed: int) -> Arguments:
    del encoder
    save_classifier(folder, ["Joy", *LABELS[1:-1], "yuck"], seed=seed)
    return {"model": str(folder), "label_map": {"yuck": "disgust"}}


def zero_shot(folder: Path, encoder: Path, seed: int) -> Arguments:
    del encoder
    save_classifier(folder, ["contradiction", "neutral", "entailment"], seed=seed)
    return {"model": str(folder), "template": "this text expresses {} today", "wording": {"joy": "happy"}}


def pair_checkpoint(folder: Path, encoder: Path, seed: int) -> Arguments:
    del encoder
    save_roberta(folder)
    return {"path": str(save_scorer(folder / "model.safetensors", folder, seed=seed)), "encoder": str(folder)}


def cross_scorer(folder: Path, encoder: Path, seed: int) -> Arguments:
    save_cross_scorer(folder, encoder, seed=seed)
    return {"path": str(folder)}


def reflection_features(folder: Path, encoder: Path, seed: int) -> Arguments:
    save_features(folder, encoder, seed=seed)
    return {"path": str(folder)}


def router(folder: Path, encoder: Path, seed: int) -> Arguments:
    save_router(folder, encoder, seed=seed)
    return {"path": str(folder)}


def router_neighbours(folder: Path, encoder: Path, seed: int) -> Arguments:
    save_neighbours(folder, encoder, seed=seed)
    return {"path": str(folder)}


def prompt_blind(folder: Path, encoder: Path, seed: int) -> Arguments:
    del encoder
    save_blind(folder, seed=seed)
    return {"path": str(folder)}


def conflict_types(folder: Path, encoder: Path, seed: int) -> Arguments:
    save_types(folder, encoder, seed=seed)
    return {"path": str(folder)}


def conflict_classifier(folder: Path, encoder: Path, seed: int) -> Arguments:
    del encoder
    save_classifier(folder, ["agreement", "L1", "L2", "L3", "L4"], seed=seed)
    names = {"agreement": "none", "L1": "temporal", "L2": "numerical", "L3": "entity", "L4": "semantic"}
    return {"model": str(folder), "label_map": names}


@dataclass(frozen=True)
class Kind:
    """How a kind of tier is made, and the file of its artefact to damage; None where no manifest guards it.

    `labels` are its own; `pairs` says that its rows are a prompt and a response, `documents` that they are questions
    with documents; `graph` is where it belongs.
    """

    make: Make
    guarded: str | None
    labels: tuple[str, ...] = LABELS
    pairs: bool = False
    documents: bool = False
    graph: str = "emotion"


KINDS: Mapping[str, Kind] = {
    "emoji": Kind(emoji, "emoji.json"),
    "adapter": Kind(adapter, "heads.safetensors"),
    "ensemble": Kind(ensemble, "b/adapter_model.safetensors"),
    "lexical": Kind(lexical, "lexical.safetensors"),
    "neighbours": Kind(neighbours, "neighbours.safetensors"),
    "descriptions": Kind(descriptions, "descriptions.json"),
    "classifier": Kind(classifier, None),
    "zero_shot": Kind(zero_shot, None),
    "cross_scorer": Kind(cross_scorer, "head.safetensors", LEVELS, pairs=True),
    "reflection_features": Kind(reflection_features, "features.json", LEVELS, pairs=True),
    "pair_checkpoint": Kind(pair_checkpoint, None, LEVELS, pairs=True),
    "router": Kind(router, "router.safetensors", MODELS, graph="prompt_routing"),
    "router_neighbours": Kind(router_neighbours, "outcomes.safetensors", MODELS, graph="prompt_routing"),
    "prompt_blind": Kind(prompt_blind, "strengths.json", MODELS, graph="prompt_routing"),
    "conflict_types": Kind(conflict_types, "head.safetensors", CONFLICTS, documents=True),
    "conflict_classifier": Kind(conflict_classifier, None, CONFLICTS, documents=True),
}
ELSEWHERE = {"writer", "conflict_reader", "conflict_values"}
"""Kinds whose rows are under way, or that have no weights; files named after them hold them to the same points."""
every_kind = pytest.mark.parametrize("kind", KINDS)
guarded = pytest.mark.parametrize("kind", [kind for kind, made in KINDS.items() if made.guarded])


def base(encoder: Path) -> BaseModelRef:
    return BaseModelRef(name="tiny-bert", sha256=weights_hash(encoder))


def make(kind: str, folder: Path, encoder: Path, seed: int = 0) -> Arguments:
    with torch.random.fork_rng():
        return KINDS[kind].make(folder, encoder, seed)


def settings(encoder: Path, tiers: Mapping[str, Any]) -> Config:
    """A configuration with no other tiers than these."""
    config = load_config()
    none = dict.fromkeys(config.emotion.tiers)
    emotion = {"encoder": str(encoder), "device": "cpu", "tiers": {**none, **tiers}}
    return load_config(None, [f"emotion={json.dumps(emotion)}"])


def built(kind: str, arguments: Arguments, encoder: Path) -> Tier:
    labels = KINDS[kind].labels if kind in KINDS else LABELS
    found: GraphSpec = settings(encoder, {}).emotion
    if kind in KINDS and KINDS[kind].graph == "prompt_routing":
        # money counts, so that answers differ even where ratings do not
        found = spec({}, encoder=str(encoder), **{"lambda": 1000.0})
    return build_tier("the tier", kind, arguments, Workshop(found, labels))


def rows_for(kind: str, texts: Sequence[str] | None = None) -> list[Input]:
    if kind == "emoji":
        return [prepare(text) for text in EMOJI]
    if KINDS[kind].pairs:
        said = sentences(12, seed=3) if texts is None else texts
        return [Input(text, facts={"prompt": prompt}) for text, prompt in zip(said, said[::-1], strict=True)]
    said = sentences(12, seed=3) if texts is None else list(texts)
    if KINDS[kind].documents:
        return [Input(text, facts=shown(text, other)) for text, other in zip(said, said[::-1], strict=True)]
    return [Input(text) for text in said]


def shown(*texts: str) -> dict[str, Any]:
    """The facts of a question with these documents, and one more."""
    known = enumerate((*texts, "so sad today"))
    return {"documents": [Document(f"d{number}", text).to_dict() for number, text in known]}


def assert_same(found: Sequence[object], wanted: Sequence[object]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(other, Prediction)
        assert dict(one.scores) == pytest.approx(dict(other.scores), abs=1e-5)
        assert dict(one.signals) == pytest.approx(dict(other.signals), abs=1e-5)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng():
        return save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def tiers(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Mapping[str, Tier]:
    root = tmp_path_factory.mktemp("tiers")
    return {kind: built(kind, make(kind, root / kind, encoder), encoder) for kind in KINDS}


def test_every_kind_is_held_to_the_contract() -> None:
    assert {*KINDS, *ELSEWHERE} == set(TIER_KINDS)


@every_kind
def test_it_answers_every_row_in_order_within_the_label_space(kind: str, tiers: Mapping[str, Tier]) -> None:
    tier, rows = tiers[kind], rows_for(kind)
    assert isinstance(tier, Tier)
    outcomes = tier.predict(rows)
    assert len(outcomes) == len(rows)
    for outcome in outcomes:
        assert isinstance(outcome, Prediction)
        assert tuple(outcome.scores) == KINDS[kind].labels
        assert sum(outcome.scores.values()) == pytest.approx(1.0, abs=1e-5)
        assert all(type(p) is float and 0.0 <= p <= 1.0 for p in outcome.scores.values())
        assert outcome.raw == outcome.scores[outcome.label] == max(outcome.scores.values())
        assert all(0.0 <= signal <= 1.0 for signal in outcome.signals.values())
        assert outcome.confidence is None
    assert len({outcome.raw for outcome in outcomes if isinstance(outcome, Prediction)}) > 1
    assert_same(tier.predict(rows[::-1]), list(outcomes)[::-1])


@every_kind
def test_a_batch_equals_its_rows_one_by_one(kind: str, tiers: Mapping[str, Tier]) -> None:
    rows = rows_for(kind)
    assert_same(tiers[kind].predict(rows), [tiers[kind].predict([row])[0] for row in rows])


@every_kind
def test_no_rows_no_outcomes(kind: str, tiers: Mapping[str, Tier]) -> None:
    assert list(tiers[kind].predict([])) == []


@every_kind
def test_odd_texts_are_answered_or_fail_alone(kind: str, tiers: Mapping[str, Tier]) -> None:
    plain = rows_for(kind)[:2]
    facts = {"emoji_only": True, "emoji": []} if kind == "emoji" else {"prompt": ODD[-1]}
    odd = [Input(text, facts=shown(text) if KINDS[kind].documents else facts) for text in ODD]
    outcomes = tiers[kind].predict([plain[0], *odd, plain[1]])
    assert len(outcomes) == len(ODD) + 2
    for outcome in outcomes[1:-1]:
        assert isinstance(outcome, Failure if kind == "emoji" else Prediction)
        if isinstance(outcome, Prediction):
            assert sum(outcome.scores.values()) == pytest.approx(1.0, abs=1e-5)
    assert_same([outcomes[0], outcomes[-1]], tiers[kind].predict(plain))


@every_kind
def test_eight_threads_at_once_equal_serial(kind: str, tiers: Mapping[str, Tier]) -> None:
    rows = rows_for(kind) * 2
    slices = [rows[i % 5 : i % 5 + 1 + i % 4] for i in range(24)]
    serial = [tiers[kind].predict(part) for part in slices]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(tiers[kind].predict, slices))
    for found, wanted in zip(parallel, serial, strict=True):
        assert_same(found, wanted)


@every_kind
def test_the_fingerprint_follows_the_weights_and_not_the_place(
    kind: str, encoder: Path, tmp_path: Path
) -> None:
    first, moved, changed = (
        built(kind, make(kind, tmp_path / name, encoder, seed), encoder)
        for name, seed in (("first", 0), ("moved", 0), ("changed", 1))
    )
    assert first.fingerprint == moved.fingerprint != changed.fingerprint
    assert len(first.fingerprint) >= 16
    rows = rows_for(kind)
    assert_same(first.predict(rows), moved.predict(rows))


@every_kind
def test_a_missing_folder_is_named(kind: str, encoder: Path, tmp_path: Path) -> None:
    arguments = make(kind, tmp_path / "gone", encoder)
    shutil.rmtree(tmp_path / "gone")
    with pytest.raises(ArtifactMissing, match="gone"):
        built(kind, arguments, encoder)


@every_kind
def test_one_flipped_byte_is_refused_or_at_least_seen(kind: str, encoder: Path, tmp_path: Path) -> None:
    arguments = make(kind, tmp_path / "tier", encoder)
    honest = built(kind, arguments, encoder).fingerprint
    name = KINDS[kind].guarded
    flip(tmp_path / "tier" / (name or "model.safetensors"))
    if name is None:  # a foreign folder promises no hash: its calibration stops fitting instead
        assert built(kind, arguments, encoder).fingerprint != honest
        return
    with pytest.raises(HashMismatch, match=Path(name).name):
        built(kind, arguments, encoder)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)


@guarded
def test_content_that_makes_no_sense_is_refused_although_its_hash_is_right(
    kind: str, encoder: Path, tmp_path: Path
) -> None:
    arguments = make(kind, tmp_path / "tier", encoder)
    file = tmp_path / "tier" / (KINDS[kind].guarded or "")
    if file.suffix == ".json":
        file.write_text("{}", encoding="utf-8")
    else:
        save_file({"nothing": torch.zeros(3)}, file)
    manifest = open_manifest(file.parent)
    fields = {key: manifest[key] for key in ("name", "kind", "task", "labels", "settings", "base_model")}
    write_artifact(file.parent, files=manifest["files"], **fields)
    with pytest.raises(ArtifactError):
        built(kind, arguments, encoder)


def open_manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return content


@every_kind
def test_a_refused_tier_is_down_with_the_reason_and_the_next_one_answers(
    kind: str, encoder: Path, tmp_path: Path
) -> None:
    arguments = make(kind, tmp_path / "gone", encoder)
    shutil.rmtree(tmp_path / "gone")
    backup = make("lexical", tmp_path / "backup", encoder)
    mark = open_artifact(tmp_path / "backup").fingerprint
    policy = HealingPolicy(
        LABELS, calibrators={"backup": Temperature(1.0, mark)}, thresholds={"default": 0.0}
    )
    config = settings(encoder, {kind: {"kind": kind, **arguments}, "backup": {"kind": "lexical", **backup}})
    with load("emotion", config=config, policy=policy) as graph:
        health = graph.health()
        assert (health[kind]["state"], health[kind]["calibrated"]) == ("down", False)
        assert "gone" in health[kind]["error"]
        assert (health["backup"]["state"], health["backup"]["fingerprint"]) == ("up", mark)
        assert health["backup"]["calibrated"] is True
        [answer] = graph.run("😀" if kind == "emoji" else "so very happy today")
    assert (answer.status, answer.source) == ("accepted", "backup")
    first = answer.trail[0]
    assert first.failure is not None
    assert (first.tier, first.failure.kind, first.verdict) == (kind, "tier_down", "defer")
    assert "artifact_missing" in first.failure.message
    assert "gone" in first.failure.message


@pytest.mark.parametrize("kind", ["adapter", "neighbours", "descriptions"])
def test_what_was_made_over_another_encoder_is_refused(kind: str, encoder: Path, tmp_path: Path) -> None:
    arguments = make(kind, tmp_path / "tier", encoder)
    with torch.random.fork_rng():
        other = save_encoder(tmp_path / "other", bert(seed=7))
    manifest = tmp_path / "tier" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("tiny-bert", str(other)))
    with pytest.raises(HashMismatch, match="encoder"):
        built(kind, arguments, other)


@pytest.mark.parametrize("kind", ["adapter", "neighbours", "descriptions"])
def test_the_encoder_a_tier_was_made_over_is_opened_beside_a_configured_one(
    kind: str, encoder: Path, tmp_path: Path
) -> None:
    arguments = make(kind, tmp_path / "tier", encoder)
    with torch.random.fork_rng():
        other = save_encoder(tmp_path / "other", bert(seed=7))
    expected = built(kind, arguments, encoder).predict(rows_for(kind))
    manifest = tmp_path / "tier" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("tiny-bert", str(encoder)))
    assert_same(built(kind, arguments, other).predict(rows_for(kind)), expected)


def test_members_of_an_ensemble_must_share_their_labels(encoder: Path, tmp_path: Path) -> None:
    arguments = make("ensemble", tmp_path / "tier", encoder)
    with torch.random.fork_rng():
        save_adapter(tmp_path / "tier" / "b", encoder, name="b", labels=LABELS[:4])
    with pytest.raises(ShapeMismatch, match=r"'the tier'.*labels"):
        built("ensemble", arguments, encoder)


def test_a_signal_only_some_members_have_is_left_out(encoder: Path, tmp_path: Path) -> None:
    arguments = make("ensemble", tmp_path / "tier", encoder)
    with torch.random.fork_rng():
        save_adapter(tmp_path / "tier" / "b", encoder, name="b", labels=LABELS, signals=())
    [outcome] = built("ensemble", arguments, encoder).predict([Input("so happy")])
    assert isinstance(outcome, Prediction)
    assert outcome.signals == {}


@pytest.mark.parametrize("members", [[], "embedded:emotion/ensemble_a", 3])
def test_an_ensemble_needs_a_list_of_members(members: object, encoder: Path) -> None:
    with pytest.raises(ConfigError, match=r"tiers\.the tier\.members: expected a list of folders"):
        built("ensemble", {"members": members}, encoder)


def test_unknown_kinds_and_arguments_name_the_known_ones(encoder: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown kind of tier 'lexcal'.*did you mean 'lexical'"):
        built("lexcal", {}, encoder)
    with pytest.raises(ConfigError, match=r"tiers\.the tier: .*'paht'.*kind 'lexical' takes: path"):
        built("lexical", {"path": "y", "paht": "x"}, encoder)
    with pytest.raises(ConfigError, match=r"missing a required argument: 'model'.*takes: model, label_map"):
        built("classifier", {}, encoder)


def test_a_plug_in_comes_in_by_its_entry_point(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def echo(name: str, workshop: Workshop, label: str) -> Tier:
        assert workshop.labels == LABELS
        return Scripted({}, otherwise=label, name=name)

    def entry_points(*, group: str, name: str) -> list[SimpleNamespace]:
        known = (group, name) == ("mendgraph.tiers", "echo")
        return [SimpleNamespace(load=lambda: echo)] if known else []

    monkeypatch.setattr(kinds, "entry_points", entry_points)
    [said] = built("echo", {"label": "fear"}, encoder).predict([Input("anything")])
    assert isinstance(said, Prediction)
    assert said.label == "fear"
    with pytest.raises(ConfigError, match="kind 'echo' takes: label"):
        built("echo", {"labels": "fear"}, encoder)
    with pytest.raises(UnknownNameError):
        built("ecko", {}, encoder)
