"""Counts over answers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer, Attempt, Failure, Prediction
from mendgraph.runtime.journal import Journal
from mendgraph.runtime.statistics import Statistics
from mendgraph.testing import LABELS, scores_for


def attempt(tier: str, label: str, failed: bool) -> Attempt:
    if failed:
        return Attempt(tier, failure=Failure("tier", "no"))
    return Attempt(tier, Prediction(label, scores_for(label, 0.5), 0.5))


labels = st.sampled_from(LABELS)
trails = st.lists(
    st.builds(attempt, st.sampled_from(["primary", "backup"]), labels, st.booleans()), min_size=1, max_size=3
)
answers = st.builds(
    lambda status, label, confidence, trail: Answer(
        "text",
        status,
        label=label if status == "accepted" else None,
        best_guess=None if status == "failed" else label,
        confidence=None if status == "failed" else confidence,
        source=trail[-1].tier if status == "accepted" else "",
        trail=tuple(trail),
    ),
    st.sampled_from(["accepted", "abstained", "needs_clarification", "failed"]),
    labels,
    st.none() | st.floats(0, 1),
    trails,
)


@given(st.lists(answers))
def test_every_answer_is_counted_once(recorded: list[Answer]) -> None:
    statistics = Statistics()
    statistics.record(RunRecord("r", "emotion", 0.0, len(recorded)), dict(enumerate(recorded)))
    found = statistics.summary()
    accepted = [a for a in recorded if a.accepted]
    assert isinstance(statistics, Journal)
    assert found["total"] == len(recorded) == sum(found["by_status"].values())
    assert len(accepted) == sum(found["by_source"].values()) == sum(found["by_label"].values())
    assert len(accepted) == sum(tier["settled"] for tier in found["tiers"].values())
    assert found["confidences"] == [a.confidence for a in recorded if a.confidence is not None]
    assert found["healed"] == sum(len(a.trail) > 1 for a in accepted)
    assert found["healed_share"] == (found["healed"] / len(recorded) if recorded else 0.0)
    for tier in found["tiers"].values():
        assert tier["asked"] == tier["answered"] + tier["failed"]
    assert json.loads(json.dumps(found)) == found


@given(st.lists(answers, max_size=20), st.randoms())
def test_counts_do_not_depend_on_order(recorded: list[Answer], chance: object) -> None:
    def counted(some: list[Answer]) -> dict[str, object]:
        statistics = Statistics()
        for answer in some:
            statistics.count(answer)
        found = statistics.summary()
        return {key: found[key] for key in ("total", "by_status", "by_source", "by_label", "tiers", "healed")}

    shuffled = list(recorded)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert counted(shuffled) == counted(recorded)


def test_nothing_recorded_is_nothing_counted() -> None:
    found = Statistics().summary()
    assert (found["total"], found["mean_confidence"], found["healed_share"]) == (0, None, 0.0)


def test_threads_may_record_at_once() -> None:
    statistics = Statistics()
    answer = Answer("x", "accepted", "joy", "joy", confidence=0.5, source="primary")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: statistics.count(answer), range(2000)))
    assert statistics.summary()["total"] == 2000
