"""What the tiers of a cascade say about held-out rows, and the policy that follows from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mendgraph.adapters.artifacts import Artifact, write_artifact
from mendgraph.core import metrics
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import DataError
from mendgraph.training.emotion.corpus import UNKNOWN, Row, read_corpus
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.policy import IRONIC_LITERAL, Heard, IronyHeard, fit_policy
from mendgraph.training.emotion.save import versions

RULES = frozenset({"emoji", "user"})
"""Tiers that do not read texts: they have no say in the combination."""


def train_policy(
    tiers: Mapping[str, Tier],
    data_dir: Path,
    folder: Path,
    *,
    risk: float = 0.1,
    echo: Callable[[str], None] = lambda line: None,
) -> HealingPolicy:
    """Fits the policy of a cascade on the processed folder's dev rows and writes it as an artefact.

    Raises:
        DataError: the processed folder is incomplete, or a tier cannot answer its rows.
    """
    dev = read_corpus(data_dir, seed=0).dev
    rows = [row for row in dev if row.emotion != UNKNOWN]
    heard = hear(tiers, rows, echo=echo)
    irony = hear_irony(tiers, heard, rows, [row for row in dev if row.irony != UNKNOWN])
    policy = fit_policy(heard, LABELS, risk=risk, irony=irony)
    for line in told(policy, heard):
        echo(line)
    write_policy(policy, folder)
    return policy


def hear(
    tiers: Mapping[str, Tier], rows: Sequence[Row], *, echo: Callable[[str], None] = lambda line: None
) -> Heard:
    """Every reading tier's probabilities for every row, before calibration."""
    inputs = [Input(row.text) for row in rows]
    probabilities: dict[str, npt.NDArray[np.float64]] = {}
    for name, tier in tiers.items():
        if name in RULES:
            continue
        echo(f"{name}: {len(rows):,} held-out rows")
        predictions = _answered(name, tier, inputs)
        probabilities[name] = np.array([[p.scores[label] for label in LABELS] for p in predictions])
    labels = np.array([row.emotion for row in rows], dtype=np.int64)
    return Heard(probabilities, labels, {name: tiers[name].fingerprint for name in probabilities})


def hear_irony(
    tiers: Mapping[str, Tier], heard: Heard, rows: Sequence[Row], ironic: Sequence[Row]
) -> IronyHeard | None:
    """The first tier's irony head on irony rows, and on rows it rightly read as a literal label."""
    first = next(iter(heard.probabilities))
    read = _answered(first, tiers[first], [Input(row.text) for row in ironic])
    # The check is asked only about literal readings, so only those tell how often it is right.
    literal_reading = [number for number, p in enumerate(read) if p.label in IRONIC_LITERAL]
    if not literal_reading or any("irony" not in p.signals for p in read):
        return None
    said = heard.probabilities[first].argmax(axis=1)
    literal = [LABELS.index(label) for label in IRONIC_LITERAL]
    right = np.flatnonzero((said == heard.labels) & np.isin(said, literal))
    plain = _answered(first, tiers[first], [Input(rows[int(i)].text) for i in right])
    return IronyHeard(
        ironic=np.array([read[number].signals["irony"] for number in literal_reading]),
        truth=np.array([ironic[number].irony == 1 for number in literal_reading]),
        plain=np.array([p.signals["irony"] for p in plain]),
    )


def told(policy: HealingPolicy, heard: Heard) -> list[str]:
    """What was fitted, in lines for a person."""
    lines = []
    for tier, p in heard.probabilities.items():
        calibrator = policy.calibrators[tier]
        right = calibrator.classes(p) == heard.labels
        before, after = p.max(axis=1), calibrator.confidence(p)
        lines.append(
            f"{tier}: accuracy {right.mean():.3f}, "
            f"ECE {metrics.ece(before, p.argmax(axis=1) == heard.labels):.3f} -> {metrics.ece(after, right):.3f}"
        )
    lines.append("thresholds: " + ", ".join(f"{k} {v:.3f}" for k, v in policy.thresholds.items()))
    rule = policy.irony
    lines.append(
        f"irony: doubted from {rule.threshold:.3f}" if rule else "irony: no threshold is good enough"
    )
    return lines


def write_policy(policy: HealingPolicy, folder: Path, task: str = "emotion") -> Artifact:
    """The artefact folder of a fitted policy; `task` is the graph it is for."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(policy.to_dict(), indent=1, ensure_ascii=False) + "\n"
    (folder / "policy.json").write_text(text, encoding="utf-8")
    return write_artifact(
        folder,
        name=f"{task}/policy",
        kind="policy",
        task=task,
        files=["policy.json"],
        labels=policy.labels,
        settings={"fingerprints": dict(policy.fingerprints)},
        versions=versions(),
    )


def _answered(name: str, tier: Tier, inputs: Sequence[Input]) -> list[Prediction]:
    outcomes = tier.predict(inputs)
    failed = next((o for o in outcomes if isinstance(o, Failure)), None)
    if failed is not None:
        raise DataError(f"tier {name!r} cannot answer held-out rows: {failed.message}", hint=failed.hint)
    return [o for o in outcomes if isinstance(o, Prediction)]
