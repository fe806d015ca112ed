"""Scripted tiers that write, and graphs over them or over tiny experts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.state import Row
from mendgraph.adapters.causal.trace import TracedToken
from mendgraph.adapters.writer_tier import TokenCalibration, WriterTier
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.core.writing import LABELS, Draft, drafted, prepare_writing
from mendgraph.modules.expert_heads import ExpertHeads
from mendgraph.nodes.cascade import Cascade
from mendgraph.nodes.context import Context
from mendgraph.nodes.switches import Switches
from mendgraph.nodes.writing import WritingState, build_writing


class Scribe:
    """Writes its letter over and over, and is as sure of each chunk as it is told to be."""

    def __init__(self, name: str, letter: str, sureness: Sequence[float], *, length: int = 12) -> None:
        self.name, self.letter, self.sureness, self.length = name, letter, list(sureness), length
        self.fingerprint = f"scribe-{letter}"
        self.asked: list[list[int]] = []

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        self.asked.append([row.facts["row"] for row in rows])
        return [self._one(row) for row in rows]

    def _one(self, row: Input) -> Prediction:
        task = row.facts
        before = Row((1,)) if task["text"] is None else Row.from_dict(task["text"])
        wanted = min(task["tokens"], self.length - len(before.ids))
        chunk = len(before.ids) // max(task["tokens"], 1)
        sure = self.sureness[min(chunk, len(self.sureness) - 1)]
        new = tuple(TracedToken(1, self.letter, self.name, {self.name: 1.0}, sure) for _ in range(wanted))
        ids = (*before.ids, *(1,) * wanted)
        finish: Any = "length" if len(ids) >= self.length else ""
        after = Row(
            before.prompt, ids, before.text + self.letter * wanted, self.name, finish, (*before.tokens, *new)
        )
        draft = Draft(after.to_dict(), self.letter * wanted, len(before.ids), len(ids))
        return drafted(draft, sure, sure)


def policy(threshold: float = 0.5) -> HealingPolicy:
    return HealingPolicy(labels=LABELS, thresholds={"default": threshold})


def context(tiers: Mapping[str, Tier], **more: Any) -> Context:
    return Context(prepare=prepare_writing, tiers=dict(tiers), policy=more.pop("policy", policy()), **more)


def graph(
    tiers: Mapping[str, Tier],
    *,
    chunk: int = 4,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    switches: Switches | None = None,
    **more: Any,
) -> Cascade:
    return build_writing(
        "token_routing",
        context(tiers, **more),
        state=WritingState,
        chunk=chunk,
        checkpointer=checkpointer,
        switches=switches,
    )


def writer(name: str, ensemble: Ensemble, heads: ExpertHeads | None, mode: str, **more: Any) -> WriterTier:
    calibration = TokenCalibration(1.0, 0.0, ensemble.fingerprint)
    return WriterTier(name, Decoder(ensemble, heads), mode=mode, calibration=calibration, **more)  # type: ignore[arg-type]
