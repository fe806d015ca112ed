from __future__ import annotations

import numpy as np
import pytest

from mendgraph.errors import ConfigError
from mendgraph.training.prompt_routing.collapse import measure_collapse
from mendgraph.training.prompt_routing.comparisons import Comparisons
from mendgraph.training.prompt_routing.samples import Samples


def uneven(seed: int = 0, count: int = 400) -> Samples:
    """LLM 2 takes part in one comparison of twenty."""
    random = np.random.default_rng(seed)
    rare = random.random(count) < 0.05
    prompts = [f"p{number}" for number in range(count)]
    compared = Comparisons.of(
        prompts,
        ["a", "b", "c"],
        np.arange(count),
        np.zeros(count),
        np.where(rare, 2, 1),
        random.random(count),
    )
    return Samples.of_comparisons(compared)


def test_without_balance_every_sample_comes_once_in_steps_of_whole_prompts() -> None:
    compared = Comparisons.of(
        ["p", "q", "r"], ["a", "b", "c"], [0, 0, 1, 2, 2], [0, 1, 0, 0, 1], [1, 2, 2, 1, 2], [1, 0, 0.5, 1, 0]
    )
    samples = Samples.of_comparisons(compared)
    for steps in ([*samples.epoch(2, balance=False, seed=1)], [*samples.steps(2)]):
        assert [len(step.prompts) for step in steps] == [2, 1]
        assert sum(len(step.first) for step in steps) == 5
        seen = {
            (step.prompts[int(place)], int(first), int(second), round(float(outcome), 2))
            for step in steps
            for place, first, second, outcome in zip(
                step.places, step.first, step.second, step.outcome, strict=True
            )
        }
        assert seen == {(0, 0, 1, 1.0), (0, 1, 2, 0.0), (1, 0, 2, 0.5), (2, 0, 1, 1.0), (2, 1, 2, 0.0)}


def test_balance_draws_the_rare_llm_more_often() -> None:
    samples = uneven()
    plain = (samples.second == 2).mean()
    drawn = np.concatenate([step.second.numpy() for step in samples.epoch(32, balance=True, seed=0)])
    assert len(drawn) == len(samples)
    assert (drawn == 2).mean() > 5 * plain


def test_a_pair_weighs_as_its_rarer_llm() -> None:
    samples = uneven()
    count = int((samples.second == 2).sum())
    assert samples.rarity()[samples.second == 2] == pytest.approx(1 / count)


def test_nothing_to_train_on_is_said() -> None:
    with pytest.raises(ConfigError, match="nothing to train on"):
        list(uneven().where(np.zeros(400, dtype=bool)).epoch(8, balance=False, seed=0))


def known(count: int = 300) -> tuple[Comparisons, np.ndarray]:  # type: ignore[type-arg]
    """Which of two LLMs wins is the sign of a number that the prompt's vector holds."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(count, 1)).astype(np.float32)
    compared = Comparisons.of(
        [f"p{number}" for number in range(count)],
        ["a", "b"],
        np.arange(count),
        np.zeros(count),
        np.ones(count),
        (vectors[:, 0] > 0).astype(float),
    )
    return compared, vectors


def test_a_router_that_reads_the_prompt_is_told_from_one_that_does_not() -> None:
    import torch

    compared, vectors = known()
    reads = measure_collapse(
        lambda x: np.concatenate([x.numpy(), -x.numpy()], axis=1).astype(np.float64),
        torch.from_numpy(vectors),
        compared,
    )
    assert reads.accuracy == 1.0
    assert reads.shuffled < 0.65
    assert reads.gain > 0.3
    assert reads.concordance == 1.0
    assert reads.chance < 0.2
    assert not reads.collapsed
    assert len(reads.lines()) == 1
    ranks = measure_collapse(lambda x: np.tile([1.0, 0.0], (len(x), 1)), torch.from_numpy(vectors), compared)
    assert ranks.accuracy == ranks.shuffled == ranks.mean_prompt
    assert ranks.collapsed
    assert ranks.concordance == 0.5
    assert "WARNING" in ranks.lines()[-1]


def test_a_prompt_that_changes_only_the_lead_is_seen_too() -> None:
    """The strong LLM wins nine times in ten, and always leads; by how much tells where it wins."""
    import torch

    random = np.random.default_rng(0)
    hard = (random.random(600) < 0.5).astype(np.float32)[:, None]
    won = random.random(600) < np.where(hard[:, 0] > 0, 0.98, 0.8)
    compared = Comparisons.of(
        [f"p{number}" for number in range(600)],
        ["strong", "weak"],
        np.arange(600),
        np.zeros(600),
        np.ones(600),
        won.astype(float),
    )
    found = measure_collapse(
        lambda x: np.concatenate([2.0 + x.numpy(), 0.0 * x.numpy()], axis=1).astype(np.float64),
        torch.from_numpy(hard),
        compared,
    )
    assert found.gain == 0.0
    assert found.concordance > 0.6
    assert not found.collapsed
