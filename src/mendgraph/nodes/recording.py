"""Hands a run's final answers to the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loguru import logger

from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer
from mendgraph.errors import JournalError
from mendgraph.nodes.context import Context
from mendgraph.nodes.state import CascadeState, Options


def record(context: Context, state: CascadeState, answers: Mapping[int, Answer]) -> None:
    """Records row number -> final answer.

    A journal that cannot write costs nobody an answer: the error is logged, and the journal's own ``error`` says so.
    """
    if not answers:
        return
    try:
        context.journal.record(_run(context, state), answers)
    except JournalError as error:
        logger.error("{} rows of run {} are not recorded: {}", len(answers), state["run"], error)


def _run(context: Context, state: CascadeState) -> RunRecord:
    facts = context.facts
    return RunRecord(
        id=state["run"],
        graph=facts.get("graph", ""),
        at=state["began"],
        rows=len(state["rows"]),
        options=dict(state["options"]),
        thresholds=_thresholds(context, state["options"]),
        fingerprints={
            **{name: tier.fingerprint for name, tier in context.tiers.items()},
            "policy": facts.get("policy", ""),
        },
        config=facts.get("config", {}),
        config_hash=facts.get("config_hash", ""),
        versions=facts.get("versions", {}),
        given=_given(state),
    )


def _given(state: CascadeState) -> dict[str, str]:
    """Row number -> text as it was given, where the answer shows another: lone surrogates, which have no bytes."""
    pairs = enumerate(zip(state["inputs"], state["rows"], strict=True))
    return {str(n): raw for n, (raw, row) in pairs if row and isinstance(raw, str) and raw != row["raw"]}


def _thresholds(context: Context, options: Options) -> dict[str, float]:
    override: Any = options.get("threshold")
    stages = (*context.tiers, "irony") if context.policy.irony else tuple(context.tiers)
    return {stage: context.policy.threshold(stage) if override is None else override for stage in stages}
