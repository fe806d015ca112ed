"""The backups and the policy: what they learn, what is written, and that the graph then uses it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from mendgraph.adapters.artifacts import open_artifact, write_artifact
from mendgraph.adapters.lexical import LexicalTier
from mendgraph.assembly import load, tiers_of
from mendgraph.config import Config, load_config
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.lexical import LexicalModel
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactError, DataError, UnknownNameError
from mendgraph.modules.neighbours import NeighbourIndex
from mendgraph.testing import Failing, Scripted, scores_for
from mendgraph.training.emotion import recipe
from mendgraph.training.emotion.corpus import Row
from mendgraph.training.emotion.heldout import hear, hear_irony, train_policy, write_policy
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.lexical import fit_lexical, int8, quantised
from mendgraph.training.emotion.recipe import make
from mendgraph.training.emotion.similarity import DESCRIPTIONS, fit_neighbours
from tests.training.emotion.corpora import FILLERS, WORDS, write_corpus, write_distilbert

Folders = tuple[Path, Path, Path]

# ---- lexical ------------------------------------------------------------------------------------------------


def toy(repeats: int = 4) -> tuple[list[str], np.ndarray[Any, np.dtype[np.int64]]]:
    """Texts whose label is plain from one word."""
    rows = [
        (f"{filler} {word}", LABELS.index(label))
        for filler in FILLERS[:repeats]
        for label, words in WORDS.items()
        for word in words.split()
    ]
    return [text for text, _ in rows], np.array([label for _, label in rows])


def test_what_one_word_tells_is_learned() -> None:
    model = fit_lexical(*toy(), len(LABELS))
    fresh = [f"{FILLERS[5]} {words.split()[0]}" for words in WORDS.values()]
    assert [LABELS[i] for i in model.logits(fresh).argmax(axis=1)] == list(WORDS)


def test_only_the_most_telling_features_are_kept() -> None:
    texts, labels = toy()
    whole, small = fit_lexical(texts, labels, len(LABELS)), fit_lexical(texts, labels, len(LABELS), keep=60)
    assert len(small.keys) == 60 < len(whole.keys)
    assert set(small.keys.tolist()) <= set(whole.keys.tolist())
    assert (np.diff(small.keys.astype(np.int64)) > 0).all()
    assert (small.logits(texts).argmax(axis=1) == labels).mean() > 0.9


def test_a_class_without_rows_is_never_the_answer() -> None:
    texts, labels = toy()
    some = labels != LABELS.index("disgust")
    model = fit_lexical([t for t, keep in zip(texts, some, strict=True) if keep], labels[some], len(LABELS))
    logits = model.logits([*texts, "", "gross vile gross"])
    assert logits.shape[1] == len(LABELS)
    assert (logits.argmax(axis=1) != LABELS.index("disgust")).all()


@given(arrays(np.float32, (5, 3), elements=st.floats(-100, 100, width=32)))
def test_int8_is_within_half_a_step_and_stable(weights: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    stored, scale = int8(weights)
    back = stored.astype(np.float32) * scale
    assert (scale > 0).all()
    assert (np.abs(back - weights) <= scale * 0.5001 + 1e-6).all()
    again, _ = int8(back)
    assert (again == stored).all()


def test_quantising_hardly_moves_the_logits() -> None:
    noise = np.random.default_rng(0)
    model = LexicalModel(
        np.arange(0, 2**32, 2**24, dtype=np.uint32),
        noise.uniform(1, 9, 256).astype(np.float32),
        noise.normal(size=(256, 8)).astype(np.float32),
        noise.normal(size=8).astype(np.float32),
    )
    small = quantised(model)
    columns = noise.integers(0, 256, 40)
    assert np.abs((small.weights - model.weights)[columns]).max() < np.abs(model.weights).max() / 200
    assert small.idf == pytest.approx(model.idf, rel=1e-3)
    assert (small.bias == model.bias).all()


# ---- neighbours ---------------------------------------------------------------------------------------------


def clusters(rows: int = 240, *, seed: int = 0) -> tuple[Tensor, np.ndarray[Any, np.dtype[np.int64]]]:
    """Vectors round one centre per class, the first class four times as frequent as any other."""
    noise = np.random.default_rng(seed)
    classes = np.array([0, 0, 0, 0, *range(1, 5)] * (rows // 8))
    centres = np.random.default_rng(99).normal(size=(5, 16)) * 3
    return torch.from_numpy(centres[classes] + noise.normal(size=(len(classes), 16))).float(), classes


def test_neighbours_vote_for_the_class_they_lie_among() -> None:
    vectors, classes = clusters()
    index = fit_neighbours(vectors, classes, 5, k=15)
    assert index.points.dtype == torch.int8
    assert index.points.shape == (240, 4)
    fresh, truth = clusters(seed=1)
    votes = index.probabilities(fresh)
    assert (votes.argmax(1).numpy() == truth).mean() > 0.95
    assert votes.sum(1) == pytest.approx(torch.ones(240))
    assert float(votes.min()) == pytest.approx(index.floor / 5)


def test_a_vote_weighs_less_the_more_frequent_its_class() -> None:
    vectors, classes = clusters()
    weights = fit_neighbours(vectors, classes, 5).weights
    assert weights.tolist() == pytest.approx([0.5**-0.5] + [0.125**-0.5] * 4)


def test_queries_are_independent_of_their_batch_and_may_be_none() -> None:
    vectors, classes = clusters()
    index = fit_neighbours(vectors, classes, 5, k=500)  # more than there are points
    fresh, _ = clusters(560, seed=2)
    together = index.probabilities(fresh)
    alone = torch.cat([index.probabilities(row[None]) for row in fresh[::40]])
    assert torch.allclose(together[::40], alone, atol=1e-5)
    assert index.probabilities(fresh[:0]).shape == (0, 5)


def test_an_extended_index_listens_to_the_new_texts_and_the_old_one_stays() -> None:
    vectors, classes = clusters()
    index = fit_neighbours(vectors, classes, 5, k=5)
    stranger = vectors[:1] + 0.01
    before = index.probabilities(stranger)
    grown = index.extended(stranger.repeat(5, 1), torch.full((5,), 3))
    assert isinstance(grown, NeighbourIndex)
    assert (len(grown.points), len(index.points)) == (245, 240)
    assert (grown.classes.dtype, grown.points.dtype) == (torch.uint8, torch.int8)
    assert int(grown.probabilities(stranger).argmax()) == 3
    assert torch.equal(index.probabilities(stranger), before)
    assert int(before.argmax()) == int(classes[0])


# ---- held-out rows ------------------------------------------------------------------------------------------


def test_rules_are_not_heard_and_columns_are_in_label_order() -> None:
    tiers: dict[str, Tier] = {
        "emoji": Failing(),
        "backwards": Scripted({"a": ("fear", 0.7)}, labels=LABELS[::-1], fingerprint="w"),
    }
    heard = hear(tiers, [Row("a", 3), Row("b", 6)])
    assert list(heard.probabilities) == ["backwards"]
    assert heard.probabilities["backwards"][0] == pytest.approx(list(scores_for("fear", 0.7).values()))
    assert (heard.labels.tolist(), heard.fingerprints) == ([3, 6], {"backwards": "w"})


def test_a_tier_that_cannot_answer_held_out_rows_is_named() -> None:
    class Mute(Scripted):
        def predict(self, rows: Any) -> list[Prediction | Failure]:
            return [Failure("tier", "no words", hint="teach it some") for _ in rows]

    with pytest.raises(DataError, match=r"tier 'mute' cannot answer held-out rows: no words \(teach it"):
        hear({"mute": Mute({})}, [Row("a", 0)])


def test_irony_is_heard_from_the_first_tier_on_irony_rows_and_on_right_literal_answers() -> None:
    class Ironic(Scripted):
        def _one(self, text: str) -> Prediction:
            said = super()._one(text)
            return Prediction(said.label, said.scores, said.raw, signals={"irony": len(text) / 10})

    first = Ironic({"aa": "joy", "bbb": "love", "cccc": "joy", "d": "fear", "eeeee": "joy", "f": "love"})
    rows = [Row("aa", 0), Row("bbb", 4), Row("cccc", 1), Row("d", 3)]
    tiers: dict[str, Tier] = {"primary": first, "lexical": Scripted({})}
    heard = hear(tiers, rows)
    ironic = [Row("eeeee", irony=1), Row("gg", irony=1), Row("f", irony=0)]
    told = hear_irony(tiers, heard, rows, ironic)
    assert told is not None
    assert told.ironic.tolist() == [0.5, 0.1]  # "gg" is not read as joy or love: the check never doubts it
    assert told.truth.tolist() == [True, False]
    assert told.plain.tolist() == [0.2, 0.3]  # right, and literal: aa and bbb
    assert hear_irony(tiers, heard, rows, []) is None
    silent = {"primary": Scripted({})}
    assert hear_irony(silent, hear(silent, rows), rows, [Row("e", irony=1)]) is None


# ---- all of it ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    root = tmp_path_factory.mktemp("backups")
    return write_corpus(root / "data", repeats=3), write_distilbert(root / "encoder"), root / "out"


def config_for(encoder: Path, *overrides: str) -> Config:
    own = (f"model.name={encoder}", f"emotion.encoder={encoder}", "emotion.device=cpu")
    none = ("emotion.tiers.primary=null", "emotion.tiers.ensemble=null")
    return load_config(None, [*own, *none, *overrides])


@pytest.fixture(scope="module")
def made(folders: Folders) -> list[str]:
    """What `make` said while it made the backups and then the policy over them, one config line each."""
    data, encoder, out = folders
    lines: list[str] = []
    make("backups", config_for(encoder), data, out, open_tiers=tiers_of, echo=lines.append)
    config = config_for(encoder, *told(lines))
    make("policy", config, data, out, open_tiers=tiers_of, risk=0.3, echo=lines.append)
    return lines


def told(lines: list[str]) -> list[str]:
    """The settings that the lines tell a user to use, as overrides."""
    found = []
    for line in lines:
        if line.startswith("to use it: "):
            [(section, value)] = yaml.safe_load(line.removeprefix("to use it: ")).items()
            found.append(f"{section}={json.dumps(value)}")
    return found


def test_every_part_is_a_verified_artefact(folders: Folders, made: list[str]) -> None:
    for name in ("lexical", "neighbours", "descriptions", "emoji", "policy"):
        manifest = open_artifact(folders[2] / name).manifest
        assert (manifest.name, manifest.kind, manifest.labels) == (f"emotion/{name}", name, LABELS)
        assert any(str(folders[2] / name) in line for line in made)
    lexical = open_artifact(folders[2] / "lexical").manifest
    assert {source.name: source.licence for source in lexical.data}["goemotions"].startswith("CC BY 4.0")
    assert json.loads((folders[2] / "descriptions" / "descriptions.json").read_text()) == DESCRIPTIONS
    assert set(DESCRIPTIONS) == set(LABELS)


def test_what_is_stored_answers_as_what_was_fitted(folders: Folders, made: list[str]) -> None:
    tier = LexicalTier("lexical", open_artifact(folders[2] / "lexical"))
    model = quantised(tier.model)
    texts = [f"{FILLERS[5]} {word}" for words in WORDS.values() for word in words.split()]
    assert model.logits(texts) == pytest.approx(tier.model.logits(texts), abs=1e-5)


def test_the_graph_answers_with_what_was_made(folders: Folders, made: list[str]) -> None:
    rows = [(f"{FILLERS[5]} {word}", label) for label, words in WORDS.items() for word in words.split()]
    with load("emotion", config=config_for(folders[1]), overrides=told(made)) as graph:
        health = graph.health()
        assert list(health) == ["emoji", "lexical", "neighbours", "descriptions"]
        assert all(tier["state"] == "up" and tier["calibrated"] for tier in health.values())
        answers = graph.run([text for text, _ in rows], ask="never")
        [smile] = graph.run("😀😀")
    right = [a.label == label for a, (_, label) in zip(answers, rows, strict=True) if a.accepted]
    assert len(right) > 0.6 * len(rows)
    assert sum(right) >= 0.7 * len(right)  # the risk asked for
    assert all(a.confidence is not None for a in answers)
    assert (smile.label, smile.source) == ("joy", "emoji")


def test_the_policy_belongs_to_the_tiers_it_was_fitted_for(folders: Folders, made: list[str]) -> None:
    policy = HealingPolicy.from_dict(open_artifact(folders[2] / "policy").json("policy.json"))
    tiers = tiers_of(config_for(folders[1], *told(made)))
    assert policy.fingerprints == {n: tiers[n].fingerprint for n in ("lexical", "neighbours", "descriptions")}
    assert policy.target["risk"] == 0.3
    assert policy.irony is None  # no tier here hears irony
    assert any(line.startswith("lexical: accuracy 1.000, ECE") for line in made)
    assert "irony: no threshold is good enough" in made


def test_other_weights_are_seen_and_not_trusted(folders: Folders, made: list[str], tmp_path: Path) -> None:
    encoder = folders[1]
    write_corpus(tmp_path / "data", repeats=1)
    make("backups", config_for(encoder), tmp_path / "data", tmp_path, open_tiers=tiers_of)
    swapped = [*told(made), f"emotion.tiers.lexical.path={tmp_path / 'lexical'}"]
    with load("emotion", config=config_for(encoder, *swapped)) as graph:
        assert [graph.health()[name]["calibrated"] for name in ("lexical", "neighbours")] == [False, True]
        [answer] = graph.run("today was happy", ask="never")
    assert answer.trail[0].tier == "lexical"
    assert "no calibration fits these weights" in answer.trail[0].reason


def test_a_policy_with_irony_is_written_and_read_back(folders: Folders, tmp_path: Path) -> None:
    words = {word: label for label, some in WORDS.items() for word in some.split()}

    class Primary(Scripted):
        def _one(self, text: str) -> Prediction:
            label = next((words[word] for word in text.split() if word in words), "neutral")
            ironic = 0.9 if text.startswith("oh ") else 0.1
            return Prediction(label, scores_for(label, 0.8), 0.8, signals={"irony": ironic})

    tiers: Mapping[str, Tier] = {"primary": Primary({}), "lexical": Scripted({}, fingerprint="other")}
    lines: list[str] = []
    policy = train_policy(tiers, folders[0], tmp_path / "policy", echo=lines.append)
    assert policy.irony is not None
    assert policy.irony.threshold == 0.9
    assert "irony: doubted from 0.900" in lines
    artifact = open_artifact(tmp_path / "policy")
    assert HealingPolicy.from_dict(artifact.json("policy.json")) == policy
    assert artifact.manifest.settings["fingerprints"] == {"primary": "scripted", "lexical": "other"}


def test_a_policy_that_cannot_be_read_accepts_nothing(tmp_path: Path) -> None:
    tiers = {"primary": Scripted({}, otherwise="joy", confidence=1.0)}
    overrides = [f"emotion.policy={tmp_path / 'policy'}"]
    [unread] = load("emotion", overrides=overrides, tiers=tiers).run("hm", ask="never")
    assert (unread.status, unread.best_guess) == ("abstained", "joy")
    write_policy(HealingPolicy(("good", "bad")), tmp_path / "policy")
    [foreign] = load("emotion", overrides=overrides, tiers=tiers).run("hm", ask="never")
    assert (foreign.status, foreign.best_guess) == ("abstained", "joy")
    write_policy(HealingPolicy(LABELS), tmp_path / "policy")
    older = tmp_path / "policy" / "policy.json"
    older.write_text('{"labels": ["joy"]}')
    write_artifact(tmp_path / "policy", name="old", kind="policy", task="emotion", files=["policy.json"])
    [old] = load("emotion", overrides=overrides, tiers=tiers).run("hm", ask="never")
    assert (old.status, old.best_guess) == ("abstained", "joy")
    write_policy(HealingPolicy(LABELS), tmp_path / "policy")
    torn = tmp_path / "policy" / "policy.json"
    torn.write_text(torn.read_text()[:-20])
    [torn_answer] = load("emotion", overrides=overrides, tiers=tiers).run("hm", ask="never")
    assert (torn_answer.status, torn_answer.best_guess) == ("abstained", "joy")


def test_a_tier_that_is_down_stops_the_fitting(folders: Folders, tmp_path: Path) -> None:
    config = config_for(folders[1], f"emotion.tiers.lexical.path={tmp_path / 'nowhere'}")
    with pytest.raises(ArtifactError, match="nowhere"):
        make("policy", config, folders[0], tmp_path, open_tiers=tiers_of)


# ---- the recipe ---------------------------------------------------------------------------------------------


def test_an_unknown_part_names_the_known_ones(folders: Folders, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown part 'polici'; known: .*did you mean 'policy'"):
        make("polici", config_for(folders[1]), folders[0], tmp_path, open_tiers=tiers_of)
    assert not any(tmp_path.iterdir())


def test_members_of_the_ensemble_differ_and_their_line_uses_them(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[Path, Config] = {}

    def fake(config: Config, data: Path, out: Path, *, resume: bool, echo: recipe.Echo) -> None:
        assert (data, resume) == (folders[0], True)
        asked[out] = config

    monkeypatch.setattr(recipe, "train", fake)
    config, lines = load_config(None, [f"model.name={folders[1]}"]), list[str]()
    make("ensemble", config, folders[0], tmp_path, open_tiers=tiers_of, resume=True, echo=lines.append)
    a, b = asked[tmp_path / "ensemble_a"], asked[tmp_path / "ensemble_b"]
    assert len({c.training.seed for c in (config, a, b)}) == 3
    assert a.lora.r != b.lora.r
    assert a.model == b.model == config.model
    line = yaml.safe_load(lines[-1].removeprefix("to use them: "))
    used = load_config(None, [f"emotion={json.dumps(line['emotion'])}"]).emotion.tiers["ensemble"]
    assert used.arguments == {"members": [str(tmp_path / "ensemble_a"), str(tmp_path / "ensemble_b")]}


def test_inputs_of_held_out_rows_are_their_texts() -> None:
    tier = Scripted({})
    hear({"primary": tier}, [Row("some text", 0), Row("another", 1)])
    assert tier.asked == [Input("some text").text, "another"]
