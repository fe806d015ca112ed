"""Measures of prompt routers over draws and resamples: laws, and small cases worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mendgraph.core.arrays import FloatArray
from mendgraph.core.metrics.routing import apgr, cpt, oracle_gap_share, regret
from mendgraph.errors import DataError
from mendgraph.evaluation.prompt_routing.choices import BEST_SINGLE, choice_table, choices
from mendgraph.evaluation.prompt_routing.frontier import frontier, frontier_table, hull
from mendgraph.evaluation.prompt_routing.recovery import recovered
from mendgraph.evaluation.prompt_routing.resampling import Estimate, estimate, resampled
from mendgraph.evaluation.prompt_routing.shuffle import mean_apgr, mean_score, shuffle_test
from mendgraph.evaluation.prompt_routing.strong_calls import (
    NGRAM,
    calls_table,
    oracle_calls,
    signal,
    strong_calls,
    subject_lines,
)
from mendgraph.evaluation.prompt_routing.thresholds import (
    threshold_for_calls,
    threshold_for_quality,
    threshold_lines,
    threshold_table,
)
from mendgraph.evaluation.prompt_routing.trials import crossvalidated, deal, known, unseen
from mendgraph.training.prompt_routing.outcomes import Outcomes

PAIRS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 1.0])),
    min_size=2,
    max_size=30,
)


def table(scores: Sequence[Sequence[float]], groups: Sequence[str] | None = None) -> Outcomes:
    models = ("weak", "strong", "third")[: len(scores[0])]
    return Outcomes.of([f"prompt {row}" for row in range(len(scores))], models, scores, groups)


def means(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
    del seed
    return np.tile(train.scores.mean(axis=0), (len(prompts), 1))


def parity(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
    """Knows that even prompts need the strong model."""
    del train, seed
    even = np.array([int(prompt.split()[1]) % 2 == 0 for prompt in prompts], dtype=np.float64)
    return np.stack([1 - even, even], axis=1)


EVEN = table(
    [[0.0, 1.0] if row % 2 == 0 else [1.0, 0.9] for row in range(40)], [f"g{r % 8}" for r in range(40)]
)
FITS = {"parity": parity, NGRAM: means, BEST_SINGLE: means}


@given(PAIRS)
def test_the_weighted_curve_is_the_metric_at_weight_one(rows: list[tuple[int, float, float]]) -> None:
    wish, low, high = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    assume((high - low).sum() > 0)
    found = recovered(wish, high - low, np.ones((1, len(rows))))
    assert found.apgr[0] == pytest.approx(apgr(wish, low, high))
    assert found.cpt[0] == pytest.approx([cpt(wish, low, high, 0.5), cpt(wish, low, high, 0.8)])


@given(PAIRS, st.data())
def test_a_weight_is_a_repeated_row(rows: list[tuple[int, float, float]], data: st.DataObject) -> None:
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))))
    wish, low, high = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    again = np.repeat(np.arange(len(rows)), counts)
    assume(len(again) and (high - low)[again].sum() > 0)
    found = recovered(wish, high - low, counts[None].astype(np.float64))
    assert found.apgr[0] == pytest.approx(apgr(wish[again], low[again], high[again]))


def test_without_a_gap_nothing_is_recovered() -> None:
    found = recovered(np.arange(3.0), np.zeros(3), np.ones((1, 3)))
    assert np.isnan(found.apgr).all()
    assert np.isnan(found.cpt).all()


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), st.integers(0, 99))
def test_whole_groups_are_drawn(groups: list[str], seed: int) -> None:
    weights = resampled(groups, 20, seed)
    assert weights.shape == (21, len(groups))
    assert (weights[0] == 1).all()
    for one in range(len(groups)):
        for other in range(len(groups)):
            if groups[one] == groups[other]:
                assert (weights[:, one] == weights[:, other]).all()


def test_an_estimate_holds_the_middle_of_its_resamples() -> None:
    values = np.concatenate([[2.0], np.linspace(0, 1, 1001)])[None]
    found = estimate(values)
    assert found.value == 2.0
    assert found.interval == pytest.approx((0.025, 0.975))
    assert found.draws == (2.0,)
    assert Estimate(0.1, (0.01, 0.2)).excludes_zero
    assert Estimate(-0.1, (-0.2, -0.01)).excludes_zero
    assert not Estimate(0.1, (-0.01, 0.2)).excludes_zero
    with pytest.raises(DataError, match="resamples"):
        resampled([], 10, 0)


def test_draws_widen_the_interval() -> None:
    generator = np.random.default_rng(0)
    same = np.tile(generator.normal(size=501), (4, 1))
    low, high = estimate(same).interval
    apart = estimate(same + np.array([[-3.0], [-1.0], [1.0], [3.0]])).interval
    assert apart[1] - apart[0] > high - low


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=8, max_size=40).filter(lambda g: len(set(g)) > 2),
    st.integers(0, 9),
)
def test_dealt_folds_hold_every_group_once(groups: list[str], seed: int) -> None:
    dealt = deal(groups, 3, seed)
    assert sorted(name for fold in dealt for name in fold) == sorted(set(groups))


def test_no_router_is_asked_about_what_it_was_taught() -> None:
    def checked(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
        assert not set(train.prompts) & set(prompts)
        return means(train, prompts, seed)

    def groupwise(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
        held = {EVEN.groups[EVEN.prompts.index(prompt)] for prompt in prompts}
        assert not held & set(train.groups)
        assert len(train) == 12
        return means(train, prompts, seed)

    trials = crossvalidated(EVEN, EVEN.prompts, {"checked": checked}, repeats=2)
    assert trials.draws == 2
    assert np.isfinite(trials.predicted["checked"]).all()
    apart = unseen(EVEN, EVEN, {"groupwise": groupwise}, labels=12, draws=2, folds=4)
    assert set(apart.folds.ravel().tolist()) == {0, 1, 2, 3}
    with pytest.raises(DataError, match="cannot draw"):
        known(EVEN, EVEN, {"means": means}, labels=41)
    with pytest.raises(DataError, match="folds"):
        deal(["a"], 2, 0)


def test_draws_differ_and_repeat() -> None:
    def size(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
        del seed
        return np.full((len(prompts), 2), float(sum(int(p.split()[1]) for p in train.prompts)))

    first, again = (known(EVEN, EVEN, {"size": size}, labels=20, draws=3).predicted["size"] for _ in range(2))
    assert (first == again).all()
    assert len(set(first[:, 0, 0].tolist())) == 3


def test_a_router_that_knows_recovers_the_gap() -> None:
    trials = known(EVEN, EVEN, FITS, draws=2)
    found = strong_calls(trials, "weak", "strong", EVEN.prompts, resamples=50)
    oracle = oracle_calls(trials, "weak", "strong")
    assert found["parity"].apgr.value == pytest.approx(oracle.apgr[0])
    assert found[NGRAM].apgr.value == pytest.approx(0.5)
    assert found[NGRAM].cpt50.value == pytest.approx(0.5)
    assert found[NGRAM].over_ngrams is None
    over = found["parity"].over_ngrams
    assert over is not None
    assert over.excludes_zero
    lines = calls_table("calls", found, oracle, "").rows
    assert [line[0] for line in lines] == ["oracle", "parity", NGRAM, BEST_SINGLE, "random calls"]
    assert lines[1][4] == "yes"


def test_subjects_are_told_apart() -> None:
    trials = known(EVEN, EVEN, FITS)
    found = subject_lines(trials, "parity", "weak", "strong")
    assert found["g0"]["calls"] == 1
    assert found["g0"]["routed"] == found["g0"]["strong"] == 1
    assert found["g1"]["calls"] == 0
    assert found["g1"]["routed"] == found["g1"]["weak"]
    assert sum(line["rows"] for line in found.values()) == len(EVEN)


@given(st.integers(0, 99))
def test_ranks_are_within_the_fold(seed: int) -> None:
    generator = np.random.default_rng(seed)
    raw = generator.normal(size=(1, 20, 2))
    folds = np.arange(20)[None] % 2
    moved = raw.copy()
    moved[0, folds[0] == 1, 1] += 100  # a router that promises more for everything
    assert signal(raw, folds, 0, 1) == pytest.approx(signal(moved, folds, 0, 1))
    uneven = np.array([[0] * 13 + [1] * 7])
    assert (
        signal(np.zeros((1, 20, 2)), uneven, 0, 1) == 0.5
    ).all()  # folds of any size are alike to the blind


@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=3, max_size=3), min_size=6, max_size=20),
    st.integers(0, 9),
)
def test_choices_are_the_metrics(rows: list[list[float]], seed: int) -> None:
    outcomes = table(rows)
    fits = {BEST_SINGLE: means, "random": lambda t, p, s: np.random.default_rng(seed).random((len(p), 3))}
    trials = known(outcomes, outcomes, fits)
    found = choices(trials, outcomes.prompts, resamples=20)
    picked = trials.predicted["random"][0].argmax(axis=1)
    single = int(outcomes.scores.mean(axis=0).argmax())
    assert found["random"].regret.value == pytest.approx(regret(picked, outcomes.scores))
    share = oracle_gap_share(picked, outcomes.scores, single)
    assert found["random"].gap_share.value == pytest.approx(share, nan_ok=True)
    assert found[BEST_SINGLE].over_best.value == 0
    assert 0 <= found["random"].picked_best.value <= 1


def test_choice_table_has_its_bounds() -> None:
    trials = known(EVEN, EVEN, FITS)
    found = choices(trials, EVEN.prompts, resamples=50)
    assert found["parity"].gap_share.value == pytest.approx(1)
    assert found["parity"].pairs.value == 1
    rows = choice_table("choices", found, trials, "").rows
    assert [row[0] for row in rows[:3]] == [
        "oracle: the best model of each prompt", "best in hindsight: strong", "any model, expected",
    ]  # fmt: skip
    assert {row[0]: row[4] for row in rows}["parity"] == "yes"
    with pytest.raises(DataError, match="best single"):
        choices(known(EVEN, EVEN, {"parity": parity}), EVEN.prompts, resamples=10)


def test_shuffling_takes_the_prompt_away() -> None:
    trials = known(EVEN, EVEN, FITS)
    measure = mean_apgr(trials, "weak", "strong")
    found = shuffle_test(trials.predicted["parity"], measure, permutations=50)
    assert found.measured > found.interval[1]
    assert found.mean_prompt == pytest.approx(0.5)
    assert found.p == pytest.approx(1 / 51)
    blind = shuffle_test(trials.predicted[BEST_SINGLE], mean_score(trials), permutations=20)
    assert blind.shuffled == pytest.approx(blind.measured)
    assert blind.mean_prompt == blind.measured
    assert blind.p == 1


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=50, unique=True), st.floats(0, 1))
def test_a_threshold_lets_the_wanted_share_through(expected: list[float], share: float) -> None:
    values = np.array(expected)
    called = (values > threshold_for_calls(values, share)).mean()
    assert abs(called - share) <= 1 / len(values) + 1e-9


def test_a_threshold_for_quality_recovers_it() -> None:
    expected, gain = np.linspace(1, 0, 11), np.linspace(1, 0, 11)
    threshold = threshold_for_quality(expected, gain, 0.5)
    assert gain[expected > threshold].sum() / gain.sum() >= 0.5
    with pytest.raises(DataError, match="no better"):
        threshold_for_quality(expected, -gain, 0.5)
    with pytest.raises(DataError, match="share of strong calls"):
        threshold_for_calls(expected, 1.5)


def test_thresholds_are_tried_on_other_rows() -> None:
    by_calls, by_quality = threshold_lines(parity, EVEN, EVEN, "weak", "strong", labels=10, held=30, draws=2)
    assert set(by_calls) == {0.1, 0.2, 0.3, 0.5}
    assert set(by_quality) == {0.5, 0.8}
    assert by_calls[0.5].calls <= 0.5 + 1e-9
    assert len(threshold_table("lines", by_calls, by_quality, "").rows) == 6
    with pytest.raises(DataError, match="cannot draw"):
        threshold_lines(parity, EVEN, EVEN, "weak", "strong", labels=30, held=30, draws=1)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=9))
def test_the_hull_lies_over_every_point(points: list[tuple[int, int]]) -> None:
    costs, scores = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    over_costs, over_scores = hull(costs, scores)
    assert (np.diff(over_costs) > 0).all()
    assert (np.diff(over_scores) > 0).all()
    inside = costs >= over_costs[0]
    assert (np.interp(costs[inside], over_costs, over_scores) >= scores[inside] - 1e-9).all()


def test_the_frontier_falls_from_best_to_cheapest() -> None:
    costs = np.tile([1e-6, 1e-5], (len(EVEN), 1))
    expected = parity(EVEN, EVEN.prompts, 0)
    found = frontier({"parity": expected}, EVEN.scores, costs, EVEN.models, resamples=20)
    points = found.routers["parity"]
    assert [point.cost for point in points] == sorted((point.cost for point in points), reverse=True)
    assert points[0].score.value == pytest.approx(1.0)
    assert points[0].over_mixtures.excludes_zero
    assert found.singles["strong"] == pytest.approx((1e-5, 0.95))
    assert len(frontier_table("frontier", found, "parity", 6, "").rows) == 5 + 2
    free = frontier({"parity": expected}, EVEN.scores, np.ones_like(costs), EVEN.models, resamples=5)
    assert len(free.routers["parity"]) == 1
