"""What healing did: rows rescued and harmed, who settled what, and what a question to the user is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import BoolArray, IntArray
from mendgraph.core.metrics import bootstrap_interval, changes
from mendgraph.core.values import Answer
from mendgraph.evaluation.emotion.answers import System
from mendgraph.evaluation.report import Table, between, number, percent, points


@dataclass(frozen=True, slots=True)
class Gain:
    """The cascade at full coverage against one tier alone.

    Attributes:
        gain: difference of accuracies, with its 95 % interval from a paired bootstrap.
        ratio: rescued per harmed row; NaN when none was harmed.
    """

    against: str
    accuracy_before: float
    accuracy_after: float
    gain: float
    interval: tuple[float, float]
    rescued: int
    harmed: int
    ratio: float


@dataclass(frozen=True, slots=True)
class Settled:
    """The rows that one tier (or a status other than accepted) stands for."""

    by: str
    rows: int
    right: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the rows.

    Attributes:
        status: status -> share of all rows.
        accepted_accuracy: of the accepted rows alone.
        asked: share of rows whose user would be asked.
        oracle_offered: accuracy when a user who knows the truth picks it wherever it is among the options, and
            the best guess stands elsewhere.
        oracle_any: accuracy when such a user may name any label.
        per_question: accuracy gained per question, in rows set right, for both users.
        offered: share of the questions whose options hold the truth.
        settled: by source, the most frequent first, then the rows that nothing settled.
    """

    rows: int
    status: dict[str, float]
    accepted_accuracy: float
    asked: float
    accuracy: float
    oracle_offered: float
    oracle_any: float
    per_question_offered: float
    per_question_any: float
    offered: float
    settled: tuple[Settled, ...]


def gain(before: System, after: System, labels: IntArray, *, seed: int, resamples: int = 1000) -> Gain:
    was, now = before.right(labels), after.right(labels)
    changed = changes(labels, before.said, after.said)
    interval = bootstrap_interval(
        lambda a, b: float(b.mean() - a.mean()), was, now, seed=seed, resamples=resamples
    )
    return Gain(
        against=before.name,
        accuracy_before=float(was.mean()),
        accuracy_after=float(now.mean()),
        gain=float(now.mean() - was.mean()),
        interval=interval,
        rescued=changed.rescued,
        harmed=changed.harmed,
        ratio=changed.rescued / changed.harmed if changed.harmed else float("nan"),
    )


def outcomes(answers: Sequence[Answer], labels: IntArray, names: Sequence[str]) -> Outcomes:
    """`names` are the classes that `labels` (N,) number."""
    truth = [names[label] for label in labels]
    right = np.array([a.best_guess == t for a, t in zip(answers, truth, strict=True)], dtype=np.bool_)
    status = [answer.status for answer in answers]
    accepted = np.array([s == "accepted" for s in status], dtype=np.bool_)
    asked = np.array([s == "needs_clarification" for s in status], dtype=np.bool_)
    offered = np.array([t in a.options for a, t in zip(answers, truth, strict=True)], dtype=np.bool_) & asked
    questions = int(asked.sum())
    shares = Counter(status)
    return Outcomes(
        rows=len(answers),
        status={name: count / len(answers) for name, count in shares.most_common()},
        accepted_accuracy=_mean(right[accepted]),
        asked=float(asked.mean()),
        accuracy=float(right.mean()),
        oracle_offered=float((right | offered).mean()),
        oracle_any=float((right | asked).mean()),
        per_question_offered=int((offered & ~right).sum()) / questions if questions else float("nan"),
        per_question_any=int((asked & ~right).sum()) / questions if questions else float("nan"),
        offered=_mean(offered[asked]),
        settled=_settled(answers, right),
    )


def gains_table(gains: Sequence[Gain], title: str) -> Table:
    return Table(
        f"Healing at full coverage, {title}",
        ("against", "its accuracy", "cascade", "gain in points", "rescued", "harmed", "ratio"),
        tuple(
            (
                g.against,
                percent(g.accuracy_before),
                percent(g.accuracy_after),
                between(100 * g.gain, (100 * g.interval[0], 100 * g.interval[1]), 1),
                str(g.rescued),
                str(g.harmed),
                number(g.ratio, 1),
            )
            for g in gains
        ),
        "the best single tier is chosen on these very rows, which favours it; 95 % paired bootstrap",
    )


def outcomes_tables(found: Outcomes, title: str) -> tuple[Table, Table]:
    status = Table(
        f"What became of the rows, {title}",
        ("measure", "value"),
        (
            *((f"{name.replace('_', ' ')}", percent(share)) for name, share in found.status.items()),
            ("accuracy of the accepted", percent(found.accepted_accuracy)),
            ("accuracy of all best guesses", percent(found.accuracy)),
            ("... with an oracle user choosing among the options", percent(found.oracle_offered)),
            ("... with an oracle user naming any label", percent(found.oracle_any)),
            ("questions whose options hold the truth", percent(found.offered)),
            ("rows set right per question, options only", number(found.per_question_offered, 2)),
            ("rows set right per question, any label", number(found.per_question_any, 2)),
            (
                "points of accuracy gained by asking, options only",
                points(found.oracle_offered - found.accuracy),
            ),
        ),
    )
    settled = Table(
        f"Who settled the rows, {title}",
        ("settled by", "rows", "share", "right"),
        tuple((s.by, str(s.rows), percent(s.rows / found.rows), percent(s.right)) for s in found.settled),
        "rows that nothing settled are judged by their best guess",
    )
    return status, settled


def _settled(answers: Sequence[Answer], right: BoolArray) -> tuple[Settled, ...]:
    groups: dict[tuple[bool, str], list[bool]] = {}
    for answer, good in zip(answers, right.tolist(), strict=True):
        key = (False, answer.source) if answer.accepted else (True, answer.status.replace("_", " "))
        groups.setdefault(key, []).append(good)
    ranked = sorted(groups, key=lambda key: (key[0], -len(groups[key])))
    return tuple(
        Settled(
            f"({name})" if open_ else name,
            len(groups[open_, name]),
            sum(groups[open_, name]) / len(groups[open_, name]),
        )
        for open_, name in ranked
    )


def _mean(values: BoolArray) -> float:
    return float(values.mean()) if len(values) else float("nan")
