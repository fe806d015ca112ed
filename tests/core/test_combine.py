from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mendgraph.core.arrays import FloatArray, IntArray, softmax
from mendgraph.core.combine import FLOOR, Combiner, CombinerSet
from mendgraph.core.metrics import accuracy, nll
from mendgraph.errors import ArtifactError, BadOutput, DataError

Pool = dict[str, FloatArray]


def make(
    rows: int, tiers: int = 3, classes: int = 3, seed: int = 0, skill: float = 1.5
) -> tuple[Pool, IntArray]:
    """Tiers with independent errors, of rising skill."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, rows)
    truth = np.eye(classes)[labels]
    return {
        f"tier{t}": softmax(truth * skill * (t + 1) / tiers + generator.normal(size=(rows, classes)))
        for t in range(tiers)
    }, labels


def names(classes: int = 3) -> list[str]:
    return [f"class{c}" for c in range(classes)]


sets = st.builds(
    make,
    st.integers(2, 60),
    st.integers(1, 4),
    st.just(3),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 2.0, 500.0]),
)


@settings(max_examples=40, deadline=None)
@given(sets)
def test_rows_sum_to_one_and_json_keeps_everything(data: tuple[Pool, IntArray]) -> None:
    pool, labels = data
    signals = {"irony": labels / 2}
    fitted = Combiner.fit(pool, labels, names(), signals, fingerprint="abc")
    combined = fitted.combine(pool, signals)
    np.testing.assert_allclose(combined.sum(axis=1), 1)
    assert (combined >= 0).all()
    again = Combiner.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted
    np.testing.assert_array_equal(again.combine(pool, signals), combined)


@settings(max_examples=25, deadline=None)
@given(sets, st.integers(0, 99))
def test_neither_order_of_tiers_nor_of_labels_matters(data: tuple[Pool, IntArray], seed: int) -> None:
    pool, labels = data
    generator = np.random.default_rng(seed)
    order = generator.permutation(3)
    tiers = generator.permutation(sorted(pool)).tolist()
    signals = {"a": labels / 2, "b": generator.random(len(labels))}
    moved_pool = {tier: pool[tier][:, order] for tier in tiers}
    moved = Combiner.fit(
        moved_pool, np.argsort(order)[labels], [names()[c] for c in order], dict(reversed(signals.items()))
    )
    np.testing.assert_allclose(
        moved.combine(moved_pool, signals),
        Combiner.fit(pool, labels, names(), signals).combine(pool, signals)[:, order],
        atol=1e-6,
    )


@settings(max_examples=40, deadline=None)
@given(sets)
def test_no_single_tier_fits_better(data: tuple[Pool, IntArray]) -> None:
    pool, labels = data
    fitted = nll(Combiner.fit(pool, labels, names(), l2=1.0).combine(pool), labels)
    for tier in pool:
        floored = np.maximum(pool[tier], FLOOR)
        alone = nll(floored / floored.sum(axis=1, keepdims=True), labels)
        # What the penalty may cost: half the squared distance from the prior to "this tier only".
        assert fitted <= alone + 0.5 * (1 - 1 / len(pool)) / len(labels) + 1e-9


def test_combination_beats_every_tier_on_new_rows() -> None:
    train, labels = make(1500)
    test, truth = make(1500, seed=1)
    fitted = Combiner.fit(train, labels, names())
    best = max(accuracy(truth, pool.argmax(axis=1)) for pool in test.values())
    assert accuracy(truth, fitted.combine(test).argmax(axis=1)) > best + 0.03
    assert sorted(fitted.weights) == list(fitted.weights)


def test_a_tier_that_knows_nothing_gets_next_to_no_weight() -> None:
    pool, labels = make(2000)
    noise, _ = make(2000, tiers=1, seed=9, skill=0)
    fitted = Combiner.fit({**pool, "noise": noise["tier0"]}, labels, names())
    weights = dict(zip(fitted.tiers, fitted.weights, strict=True))
    assert abs(weights["noise"]) < 0.15 < weights["tier2"]


def test_strong_penalty_gives_the_geometric_mean() -> None:
    pool, labels = make(50)
    fitted = Combiner.fit(pool, labels, names(), l2=1e9)
    mean = np.mean([np.log(p) for p in pool.values()], axis=0)
    np.testing.assert_allclose(fitted.combine(pool), softmax(mean), atol=1e-4)


def test_a_signal_moves_the_answer_and_its_absence_does_not() -> None:
    generator = np.random.default_rng(0)
    irony = (generator.random(1000) < 0.5).astype(float)
    labels = np.where(irony == 1, 1, 0)
    flat = {name: np.tile([0.5, 0.4, 0.1], (1000, 1)) for name in ("a", "b")}
    fitted = Combiner.fit(flat, labels, names(), {"irony": irony})
    row = {name: values[:1] for name, values in flat.items()}
    assert fitted.combine(row, {"irony": [1.0]}).argmax() == 1
    assert fitted.combine(row, {"irony": [0.0]}).argmax() == 0
    absent = fitted.combine(row)
    np.testing.assert_array_equal(fitted.combine(row, {"irony": [np.nan]}), absent)
    np.testing.assert_allclose(fitted.combine(row, {"irony": [irony.mean()]}), absent)


def test_signals_may_be_unknown_on_some_fitting_rows() -> None:
    pool, labels = make(50)
    fitted = Combiner.fit(pool, labels, names(), {"irony": np.where(np.arange(50) < 10, np.nan, 0.25)})
    assert fitted.signal_means == (0.25,)
    with pytest.raises(DataError, match="signal 'irony' must be finite where known, and known in some row"):
        Combiner.fit(pool, labels, names(), {"irony": np.full(50, np.nan)})


def test_errors_say_why() -> None:
    pool, labels = make(20)
    fitted = Combiner.fit(pool, labels, names())
    with pytest.raises(DataError, match=r"no probabilities of tier1, tier2 .*for_tiers"):
        fitted.combine({"tier0": pool["tier0"]})
    with pytest.raises(BadOutput, match="must be finite"):
        fitted.combine({**pool, "tier1": np.full((20, 3), np.nan)})
    with pytest.raises(BadOutput, match="agree on rows"):
        fitted.combine({**pool, "tier1": pool["tier1"][:5]})
    with pytest.raises(DataError, match="agree on rows and on 2 classes"):
        Combiner.fit(pool, labels, ["x", "y"])
    with pytest.raises(DataError, match="at least 2 labelled rows, got 1"):
        Combiner.fit({tier: p[:1] for tier, p in pool.items()}, labels[:1], names())


@pytest.mark.parametrize(
    "spoil",
    [
        {"weights": [1.0]},
        {"bias": [0.0, 0.0]},
        {"bias": [0.0, 0.0, float("nan")]},
        {"tiers": []},
        {"signals": ["irony"]},
        {"signals": ["irony"], "signal_means": [0.5], "signal_weights": [[1.0]]},
        {"extra": 1},
    ],
)
def test_spoilt_artifacts_are_refused(spoil: dict[str, object]) -> None:
    data = Combiner.fit(*make(20), names()).to_dict()
    with pytest.raises(ArtifactError, match="fit the combiner again"):
        Combiner.from_dict({**data, **spoil})


def test_a_set_has_the_combiner_of_whoever_answered() -> None:
    pool, labels = make(60, tiers=4)
    fitted = CombinerSet.fit(pool, labels, names())
    assert len(fitted.combiners) == 6 + 4 + 1
    for size in (2, 3, 4):
        for chosen in combinations(pool, size):
            found = fitted.for_tiers(reversed(chosen))
            assert found == Combiner.fit({tier: pool[tier] for tier in chosen}, labels, names())
    largest = fitted.for_tiers([*pool, "stranger"])
    assert largest is not None
    assert set(largest.tiers) == set(pool)
    assert fitted.for_tiers(["tier0", "stranger"]) is None
    assert fitted.for_tiers([]) is None
    assert CombinerSet.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


@pytest.mark.parametrize("tiers", [1, 7])
def test_a_set_is_bounded(tiers: int) -> None:
    with pytest.raises(DataError, match=f"takes 2 to 6 tiers, got {tiers}"):
        CombinerSet.fit(*make(20, tiers=tiers), names())
