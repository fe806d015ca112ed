"""Emotion graphs over scripted tiers that record what they do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mendgraph
from mendgraph import MendGraph
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.tier import Tier
from mendgraph.replay.records import RecordedRun, read_run
from mendgraph.runtime.journal_reader import JournalReader
from mendgraph.runtime.sqlite_journal import SqliteJournal
from tests.cascades import policy_for


def recording(path: Path, tiers: Mapping[str, Tier], *, text: Any = None, **policy: Any) -> MendGraph:
    """The configured emotion graph, but for its tiers and its policy."""
    return mendgraph.load(
        "emotion", tiers=tiers, policy=policy_for(tiers, **policy), journal=SqliteJournal(path, text=text)
    )


def policy_of(graph: MendGraph) -> HealingPolicy:
    return graph.context.policy


def recorded(path: Path) -> list[RecordedRun]:
    with JournalReader(path) as reader:
        return [read_run(reader, run) for run in reader.runs()]
