"""The project's targets for emotion beside what was measured, met or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mendgraph.evaluation.emotion.healing import Gain
from mendgraph.evaluation.emotion.selection import Reliability
from mendgraph.evaluation.report import Section, Table, number, points

Verdict = Literal["aim met", "must met", "not met", "not these weights"]


@dataclass(frozen=True, slots=True)
class Target:
    """One line: what must be reached, what is aimed at, what was measured."""

    id: str
    what: str
    must: str
    aim: str
    measured: str
    verdict: Verdict


def calibration(raw: Reliability, after: Reliability) -> Target:
    """Q1."""
    before, now = raw.ece_resplits.mean, after.ece_resplits.mean
    return Target(
        "Q1",
        f"ECE of {after.system}, mean of the halves",
        "<= .04 and <= half of raw",
        "<= .02",
        f"{number(now)} (raw {number(before)})",
        _verdict(now <= 0.04 and now <= before / 2, now <= 0.02),
    )


def selection(cascade: Reliability) -> Target:
    """Q2."""
    ratio, better = cascade.e_aurc_ratio, cascade.auroc_gain
    return Target(
        "Q2",
        "cascade: E-AURC against max-softmax; AUROC of confidence",
        "<= 0.90x; + .03",
        "<= 0.75x; + .08",
        f"{number(ratio, 2)}x; {better:+.3f}",
        _verdict(ratio <= 0.9 and better >= 0.03, ratio <= 0.75 and better >= 0.08),
    )


def shipped(macro_f1: float) -> Target:
    """Q3, weights from permissively licensed data."""
    return Target(
        "Q3",
        "cascade: macro-F1 on GoEmotions test",
        ">= .69",
        ">= .74",
        number(macro_f1),
        _verdict(macro_f1 >= 0.69, macro_f1 >= 0.74),
    )


def research(balanced_accuracy: float, trained_on: Sequence[str]) -> Target:
    """Q3, for weights that have seen CARER; other weights are measured, not judged."""
    applies = "carer" in trained_on
    return Target(
        "Q3",
        "cascade: balanced accuracy on GoEmotions + CARER (weights trained on both)",
        ">= .82",
        ">= .88",
        number(balanced_accuracy),
        _verdict(balanced_accuracy >= 0.82, balanced_accuracy >= 0.88) if applies else "not these weights",
    )


def healing(best: Gain) -> Target:
    """Q4."""
    ratio = best.ratio if best.harmed else float("inf" if best.rescued else "nan")
    return Target(
        "Q4",
        f"cascade over the best single tier ({best.against}): points; rescued per harmed",
        ">= 1.5; >= 2",
        ">= 3; >= 4",
        f"{points(best.gain)}; {best.rescued} to {best.harmed}",
        _verdict(best.gain >= 0.015 and ratio >= 2, best.gain >= 0.03 and ratio >= 4),
    )


def targets_section(targets: Sequence[Target]) -> Section:
    table = Table(
        "Targets",
        ("id", "what", "must", "aim", "measured", "verdict"),
        tuple((t.id, t.what, t.must, t.aim, t.measured, t.verdict) for t in targets),
    )
    return Section("targets", (table,), {"targets": list(targets)})


def _verdict(must: bool, aim: bool) -> Verdict:
    if not must:
        return "not met"
    return "aim met" if aim else "must met"
