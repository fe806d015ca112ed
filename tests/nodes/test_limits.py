"""Deadline and budget of a whole run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.app import MendGraph
from mendgraph.core.preprocess import prepare
from mendgraph.errors import ConfigError
from mendgraph.graphs import emotion
from mendgraph.nodes.context import Context
from mendgraph.nodes.limits import BUDGET, DEADLINE, allowance
from mendgraph.testing import Scripted
from tests.cascades import cascade, policy_for, tried, verdicts

UNSURE = {"a": ("joy", 0.4), "b": ("anger", 0.3), "c": ("fear", 0.5)}


class Clock:
    """Moves only when a tier works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Slow(Scripted):
    def __init__(self, clock: Clock, seconds: float, **given: Any) -> None:
        super().__init__(UNSURE, **given)
        self._clock, self._seconds = clock, seconds

    def predict(self, rows: Any) -> Any:
        self._clock.now += self._seconds
        return super().predict(rows)


def timed(*seconds: float, **limits: Any) -> MendGraph:
    clock = Clock()
    tiers = {f"t{n}": Slow(clock, s) for n, s in enumerate(seconds)}
    context = Context(prepare=prepare, tiers=tiers, policy=policy_for(tiers), clock=clock, **limits)
    return MendGraph("emotion", context, emotion.build)


@given(
    budget=st.none() | st.floats(0, 100),
    deadline=st.none() | st.floats(0, 10),
    cost=st.floats(0, 5),
    spent=st.floats(0, 100),
    seconds=st.floats(0, 12),
    wanted=st.integers(1, 50),
)
def test_an_allowance_is_never_overdrawn(
    budget: float | None, deadline: float | None, cost: float, spent: float, seconds: float, wanted: int
) -> None:
    allowed = allowance(
        {"budget": budget, "deadline_s": deadline}, {"seconds": seconds, "cost": spent}, cost, wanted
    )
    assert 0 <= allowed.rows <= wanted
    assert (allowed.cut is None) == (allowed.rows == wanted)
    if budget is not None and cost > 0 and allowed.rows:
        assert spent + cost * allowed.rows <= budget + 1e-6 * max(cost, 1.0)
    if deadline is not None:
        assert allowed.seconds is not None
        assert (allowed.rows == 0) >= (seconds >= deadline)
        assert allowed.seconds <= max(deadline - seconds, 0.0)


def test_without_limits_every_tier_is_asked_and_nothing_is_partial() -> None:
    answer = timed(1.0, 1.0, 1.0).run("a", ask="never")[0]
    assert tried(answer) == ["t0", "t1", "t2"]
    assert not answer.partial


def test_a_spent_deadline_keeps_the_best_answer_so_far() -> None:
    answer = timed(1.0, 1.0, 1.0).run("a", ask="never", deadline_s=1.5)[0]
    assert tried(answer) == ["t0", "t1", "t2"]
    assert answer.trail[-1].failure is not None
    assert answer.trail[-1].failure.kind == DEADLINE
    assert verdicts(answer) == ["defer", "defer", "abstain"]
    assert (answer.status, answer.best_guess, answer.confidence) == ("abstained", "joy", pytest.approx(0.4))
    assert answer.partial


def test_a_row_that_was_settled_in_time_is_not_partial() -> None:
    tiers = {"one": Scripted({"sure": ("joy", 0.9), **UNSURE}), "two": Scripted(UNSURE)}
    sure, unsure = cascade(tiers).run(["sure", "a"], budget=2.0)
    assert sure.accepted
    assert not sure.partial
    assert unsure.partial
    assert unsure.trail[-1].failure is not None
    assert unsure.trail[-1].failure.kind == BUDGET


def test_a_budget_serves_the_first_rows_it_covers() -> None:
    tiers = {"one": Scripted(UNSURE), "two": Scripted(UNSURE)}
    answers = cascade(tiers).run(["a", "b", "c"], budget=5.0)
    assert [answer.partial for answer in answers] == [False, False, True]
    assert tiers["two"].asked == ["a", "b"]
    assert all(answer.best_guess for answer in answers)


def test_a_tier_may_cost_nothing_and_a_dead_one_does() -> None:
    tiers = {"one": Scripted(UNSURE), "two": Scripted(UNSURE), "three": Scripted(UNSURE)}
    graph = cascade(tiers)
    free = replace(graph.context, costs={"one": 0.0})
    answer = MendGraph("emotion", free, emotion.build).run("a", budget=2.0)[0]
    assert not answer.partial
    dead = graph.run("a", budget=2.0, down=["one"])[0]
    assert not dead.partial


def test_limits_count_over_all_pieces_of_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mendgraph.app.CHUNK", 1)
    tiers = {"one": Scripted(UNSURE)}
    answers = cascade(tiers).run(["a", "b", "c"], budget=2.0)
    assert [answer.partial for answer in answers] == [False, False, True]
    assert answers[2].status == "failed"
    assert answers[2].error is not None
    assert "budget" in answers[2].error.message


def test_the_graph_has_limits_of_its_own_and_a_run_overrides_them() -> None:
    graph = timed(1.0, 1.0, deadline_s=0.5)
    assert graph.run("a")[0].partial
    assert not graph.run("a", deadline_s=5.0)[0].partial


@pytest.mark.parametrize("limits", [{"deadline_s": -1.0}, {"budget": -0.1}, {"budget": float("nan")}])
def test_a_limit_below_zero_is_refused(limits: dict[str, float]) -> None:
    (name,) = limits
    with pytest.raises(ConfigError, match=name):
        cascade({"one": Scripted({})}).run("a", **limits)
