"""Replay of runs whose rows are pairs."""

from __future__ import annotations

from pathlib import Path

import pytest

import mendgraph
from mendgraph.cli.replay import as_shown
from mendgraph.core.reflection import LABELS
from mendgraph.reflection import ReflectionGraph
from mendgraph.replay.again import replay
from mendgraph.replay.change import Change
from mendgraph.replay.counterfactual import rerun
from mendgraph.runtime.sqlite_journal import SqliteJournal
from mendgraph.testing import Scripted
from tests.cascades import policy_for
from tests.replay.graphs import policy_of, recorded

ROWS: list[object] = [
    {"prompt": "I  drink\ud800.", "response": "You drink."},
    ("a\ncounsellor: b", "c\nd"),
    {"prompt": "no response"},
    ("I am sad", ""),
    "client: I am\ncounsellor: So you are",
]


def recording(path: Path, text: str) -> ReflectionGraph:
    tiers = {
        "primary": Scripted(lambda text: ("complex", 0.9 if "drink" in text else 0.4), labels=LABELS),
        "features": Scripted({}, otherwise="simple", labels=LABELS, fingerprint="two"),
    }
    journal = SqliteJournal(path, text=text)  # type: ignore[arg-type]  # one of its modes
    policy = policy_for(tiers, labels=LABELS)
    return mendgraph.load("reflection", tiers=tiers, policy=policy, journal=journal)


@pytest.mark.parametrize("text", ["stored", "hashed"])
def test_pairs_are_replayed_bit_for_bit(tmp_path: Path, text: str) -> None:
    path = tmp_path / "runs.sqlite"
    graph = recording(path, text)
    graph.run(ROWS)
    [run] = recorded(path)
    texts = None if text == "stored" else ["client: I drink.\ncounsellor: You drink.", "client: a counsellor: b\n"
                                           "counsellor: c d", "", "", str(ROWS[4])]  # fmt: skip
    found = replay(run, graph, texts=texts)
    assert found.identical
    assert found.compared == len(ROWS)


def test_a_what_if_over_pairs(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    graph = recording(path, "stored")
    graph.run(ROWS)
    reruns = list(rerun(recorded(path), Change(down=("features",)), policy=policy_of(graph)))
    assert [r.after.status for r in reruns] == [
        "accepted", "needs_clarification", "failed", "failed", "needs_clarification",
    ]  # fmt: skip
    assert [r.known for r in reruns] == [True] * 5
    assert reruns[0].after.value == reruns[0].before.value


def test_rows_of_a_file_are_found_as_their_answers_show_them(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("response,prompt\nYou  drink.,I drink.\n,x\n")
    shown = as_shown("reflection", path, "text")
    assert shown[0] == "client: I drink.\ncounsellor: You drink."
    assert len(shown) == 2
    (tmp_path / "texts.txt").write_text("a\nb\n")
    assert as_shown("emotion", tmp_path / "texts.txt", "text") == ["a", "b"]
