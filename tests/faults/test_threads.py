"""Eight threads on one graph, while a tier fails now and then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

from mendgraph.core.supervision import BreakerPolicy, Supervision
from mendgraph.core.values import Answer
from mendgraph.runtime.journal_reader import JournalReader
from mendgraph.testing import Fault
from tests.faults.ward import ROWS, TRUTH, Ward, healed, well, without_time

PATIENT = Supervision(
    backoff_s=0.0, breaker=BreakerPolicy(consecutive=10_000, minimum_calls=10_000, window=10_000)
)


def at_once(ward: Ward, times: int) -> list[Answer]:
    """Every row asked `times` times, one row per run, by eight threads."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda row: ward.graph.run(row), ROWS * times))
    return [without_time(answer) for [answer] in found]


def test_eight_threads_equal_serial_while_some_rows_crash_the_tier(tmp_path: Path) -> None:
    with Ward(tmp_path, PATIENT) as ward:
        ward.strike(Fault("crash", rows="row 3", message="overflow"), Fault("nan", rows="row 5"))
        serial = [without_time(answer) for row in ROWS for answer in ward.run([row])]
        healed([serial[3]], "crashed", "overflow")
        healed([serial[5]], "bad_output")
        well([answer for number, answer in enumerate(serial) if number not in (3, 5)])
        assert at_once(ward, 10) == [answer for once in repeat(serial, 10) for answer in once]
        health = ward.health
        assert (health["state"], health["breaker"]) == ("up", "closed")
        assert (health["calls"], health["failures"]) == (11 * len(ROWS), 11 * 2)
        with JournalReader(ward.journal.path) as reader:
            assert reader.count() == (11 * len(ROWS), 11 * len(ROWS))
        ward.end()
        well(at_once(ward, 2))


def test_a_breaker_that_opens_under_eight_threads_loses_no_row(tmp_path: Path) -> None:
    with Ward(tmp_path) as ward:
        ward.strike(Fault("crash", rate=0.5))
        answers = at_once(ward, 20)
        for answer, row in zip(answers, ROWS * 20, strict=True):
            assert (answer.input, answer.status, answer.label) == (row, "accepted", TRUTH[row])
            first = answer.trail[0]
            assert answer.source == ("primary" if first.failure is None else "backup")
            assert first.failure is None or first.failure.kind in ("crashed", "tier_down")
        assert {answer.source for answer in answers} >= {"backup"}
        assert ward.health["breaker"] == "open"
        with JournalReader(ward.journal.path) as reader:
            assert reader.count() == (160, 160)
        ward.end()
        ward.clock.sleep(30.0)
        well(ward.run())
        well(at_once(ward, 2))
