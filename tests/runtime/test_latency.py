from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mendgraph.runtime.latency import Latency

times = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=50)


@given(times, st.floats(0.01, 1.0))
def test_a_quantile_is_one_of_the_times_and_enough_of_them_lie_below(
    seconds: list[float], share: float
) -> None:
    latency = Latency()
    for one in seconds:
        latency.add(one)
    found = latency.quantile(share)
    assert found in seconds
    assert sum(one <= found for one in seconds) >= share * len(seconds)
    assert sum(one < found for one in seconds) < share * len(seconds)


def test_only_the_latest_count_but_all_are_counted() -> None:
    latency = Latency(kept=3)
    for one in [9.0, 9.0, 1.0, 2.0, 3.0]:
        latency.add(one)
    assert latency.summary() == {"p50": 2.0, "p95": 3.0, "p99": 3.0, "calls": 5}


def test_nothing_is_known_before_the_first_call() -> None:
    assert Latency().summary() == {"p50": None, "p95": None, "p99": None, "calls": 0}
