"""Training of heads: losses, balance, what is kept, what it is worth, what is written."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.heads_file import load_heads
from mendgraph.adapters.causal.state import Options
from mendgraph.adapters.policies import open_policy
from mendgraph.core.token_routing import lazy_expert, mixture_nats
from mendgraph.core.writing import LABELS
from mendgraph.errors import ConfigError, MendError, UnknownNameError
from mendgraph.training.emotion.tables import write_table
from mendgraph.training.token_routing import losses, recipe
from mendgraph.training.token_routing.batches import balanced
from mendgraph.training.token_routing.calibrate import best_temperature, fit_trust
from mendgraph.training.token_routing.fit import bits_by_kind, fit
from mendgraph.training.token_routing.passages import FILE, columns
from mendgraph.training.token_routing.policy import read_policy
from mendgraph.training.token_routing.save import load_sequence
from mendgraph.training.token_routing.scoring import hear, speak
from mendgraph.training.token_routing.sequences import fit_sequences, sequence_scores
from mendgraph.training.token_routing.spec import HeadSpec
from mendgraph.training.token_routing.states import States, read_states, tokenize
from mendgraph.training.token_routing.tracking import LOG, Tracking
from tests.experts import passages

SMALL = HeadSpec(num_epochs=6, batch_size=8, learning_rate=5e-3, head_hidden_dim=32, fusion_rank=4)


def bits(mode: str, states: States, ensemble: Ensemble, heads: object) -> float:
    return bits_by_kind(speak(mode, heads, states, ensemble).nats, states.tokens)["mean"]  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["soft", "hard", "lazy", "fusion"])
def test_heads_learn_to_route(mode: str, ensemble: Ensemble, states: dict[str, States], folder: Path) -> None:
    spec = replace(SMALL, mode=mode)  # type: ignore[arg-type]
    fitted = fit(states["train"], states["dev"], ensemble, spec, folder)
    means = [row["mean"] for row in fitted.history]
    assert means[fitted.best_epoch - 1] == min(means)
    paid = np.asarray(states["test"].nats, np.float64)
    singles = [bits_by_kind(row, states["test"].tokens)["mean"] for row in paid]
    assert bits(mode, states["test"], ensemble, fitted.heads) < 0.7 * min(singles)
    if mode == "soft":
        uniform = bits_by_kind(mixture_nats(np.zeros_like(paid), paid), states["test"].tokens)["mean"]
        assert bits(mode, states["test"], ensemble, fitted.heads) < uniform
    lines = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    assert sum("epoch" in line for line in lines) == spec.num_epochs


def test_training_repeats_itself(ensemble: Ensemble, states: dict[str, States], folder: Path) -> None:
    spec = replace(SMALL, num_epochs=1)
    runs = [fit(states["train"], states["dev"], ensemble, spec, folder / str(n)) for n in range(2)]
    first, second = (run.heads.state_dict() for run in runs)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_lazy_expert_asks_as_often_as_allowed(
    ensemble: Ensemble, states: dict[str, States], folder: Path
) -> None:
    fitted = fit(
        states["train"], states["dev"], ensemble, replace(SMALL, mode="lazy", heard_share=0.4), folder
    )
    said = hear(fitted.heads, states["dev"])
    _, heard = lazy_expert(said.trust, states["dev"].tokens.starts, fitted.doubt)
    assert heard.mean() <= 0.4


@pytest.mark.parametrize("mode", ["soft", "hard", "lazy", "fusion"])
def test_scores_over_a_text_are_those_of_decoding_it(
    mode: str, ensemble: Ensemble, states: dict[str, States], folder: Path
) -> None:
    """What is measured on given text is what happens when the text is written."""
    spec = replace(SMALL, mode=mode, num_epochs=2)  # type: ignore[arg-type]
    fitted = fit(states["train"], states["dev"], ensemble, spec, folder)
    start = min(ensemble.vocabulary.end_ids)
    options = Options(mode=mode, max_new_tokens=12, doubt=fitted.doubt)  # type: ignore[arg-type]
    decoder = Decoder(ensemble, fitted.heads)
    [row] = decoder.decode(decoder.begin([[start]], options)).rows
    text = ensemble.vocabulary.decode(row.ids)
    tokens = tokenize(ensemble, [replace(passages("test", 1)[0], texts=(text,))], ("general",))
    if tokens.labels.tolist() != list(row.ids):  # a text may be cut into other tokens than it was written in
        tokens = replace(tokens, labels=np.array(row.ids), passage=np.zeros(len(row.ids), np.int64),
                         domain=np.zeros(len(row.ids), np.int64))  # fmt: skip
    read = read_states(ensemble, tokens)
    spoken = speak(mode, fitted.heads, read, ensemble, threshold=fitted.doubt)
    written = [-np.log(token.probability) for token in row.tokens]
    np.testing.assert_allclose(spoken.nats, written, atol=2e-2)  # states are kept in half precision
    if mode != "soft":
        assert [ensemble.names[n] for n in spoken.expert] == [token.expert for token in row.tokens]


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40), st.integers(1, 9), st.integers(0, 99))
def test_kinds_have_equal_shares_in_an_epoch(kinds: list[str], size: int, seed: int) -> None:
    rows = np.concatenate(list(balanced(kinds, size, np.random.default_rng(seed))))
    counts = Counter(kinds[row] for row in rows)
    assert len(rows) == len(kinds)
    assert max(counts.values()) - min(counts[kind] for kind in set(kinds)) <= 1


def test_losses_are_least_where_they_should_be() -> None:
    nats = torch.tensor([[1.0, 4.0], [3.0, 2.0]])
    right, wrong = torch.tensor([[9.0, -9.0], [-9.0, 9.0]]), torch.tensor([[-9.0, 9.0], [9.0, -9.0]])
    for loss in (losses.mixture, losses.expected):
        assert loss(right, nats) < loss(torch.zeros(2, 2), nats) < loss(wrong, nats)
    assert losses.doubt(right, nats, 0.1) < losses.doubt(wrong, nats, 0.1)
    assert float(losses.imbalance(right)) == pytest.approx(0.0, abs=1e-6)
    assert losses.imbalance(torch.tensor([[9.0, 9.0], [-9.0, -9.0]])) > 0.5
    assert losses.entropy(torch.zeros(2, 2)) > losses.entropy(right)
    follows = torch.tensor([False, True])
    assert losses.switches(right, follows) > losses.switches(
        torch.tensor([[9.0, 9.0], [-9.0, -9.0]]), follows
    )


def test_calibration_finds_what_made_the_data() -> None:
    generator = np.random.default_rng(0)
    scores = generator.normal(size=20_000)
    good = (generator.random(20_000) < 1 / (1 + np.exp(-(2 * scores - 1)))).astype(np.float64)
    slope, offset = fit_trust(scores, good)
    assert slope == pytest.approx(2.0, abs=0.1)
    assert offset == pytest.approx(-1.0, abs=0.1)
    assert fit_trust(-scores, good)[0] == 0.0
    # weights of a mixture that is drawn from with them are likeliest at the temperature that undoes their scaling
    picked = generator.random(20_000) < 1 / (1 + np.exp(-scores))
    pair = np.stack([scores, np.zeros_like(scores)])
    nats = np.where(np.stack([picked, ~picked]), 0.0, 30.0)
    assert best_temperature(3 * pair, nats) == pytest.approx(3.0, rel=0.05)


def test_a_sequence_router_reads_the_beginning(states: dict[str, States]) -> None:
    head = fit_sequences(states["train"], states["dev"], prompt_tokens=4)
    scores = sequence_scores(head, states["test"])
    tokens = states["test"].tokens
    single = np.array([kind != "mixed" for kind in tokens.kinds])[tokens.passage]
    assert (scores.argmax(axis=0) == tokens.domain)[single].mean() > 0.8


@pytest.fixture(scope="module")
def made(ensemble: Ensemble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made")
    rows = [*passages("train", 6), *passages("dev", 3, seed=1)]
    write_table(
        out / "data" / FILE,
        columns(rows),
        dict.fromkeys(("doc", "source", "split", "texts", "domains"), "string"),
    )
    options = recipe.Options(experts=ensemble.experts, spec=replace(SMALL, num_epochs=1, device="cpu"))
    recipe.make("model", out / "data", out, options)
    return out


def test_every_part_is_an_artefact_that_loads(made: Path, ensemble: Ensemble) -> None:
    for part in recipe.PARTS:
        artifact = open_artifact(made / part)
        if part == "policy":
            policy = open_policy(str(made / part), LABELS)
            assert policy.threshold("writer") == read_policy(made / "lazy" / "policy.json").threshold
            assert policy.threshold("backup") == max(map(policy.threshold, ("writer", "mixture")))
            continue
        assert artifact.manifest.settings["ensemble"] == ensemble.fingerprint
        if part == "sequence":
            assert load_sequence(made / part, ensemble.names, ensemble.hidden_size).experts == ensemble.names
        else:
            saved = load_heads(made / part, ensemble.names, ensemble.hidden_size)
            assert saved.mode == part
            assert saved.doubt is not None
            assert 0 <= read_policy(made / part / "policy.json").threshold <= 1
    assert (made / "data" / "states" / "train.safetensors").is_file()
    assert not (made / "states").exists()  # they are large, and no part of a model


def test_unknown_parts_and_settings_are_refused(made: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="fusion"):
        recipe.make("fussion", made / "data", tmp_path, recipe.Options())
    with pytest.raises(UnknownNameError, match="wandb"):
        HeadSpec(report_to="wandbb")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="num_epochs"):
        HeadSpec(num_epochs=0)


def test_a_missing_tracker_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(MendError, match="pip install wandb"):
        Tracking(tmp_path, "wandb", {})
