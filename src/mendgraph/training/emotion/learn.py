"""`mend learn emotion`: people's corrections extend the neighbour index and refit the policy.

Half of the corrections, chosen by a hash of the text, becomes neighbours; the other half joins the dev rows that
calibration, combination and thresholds are fitted on.  No text does both: the index would be sure of it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from mendgraph.adapters.artifacts import open_artifact, resolve
from mendgraph.adapters.kinds import Workshop, build_tier
from mendgraph.adapters.neighbours import NeighbourTier
from mendgraph.adapters.policies import open_policy
from mendgraph.config import Config, GraphSpec
from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.preprocess import prepare
from mendgraph.core.tier import Tier
from mendgraph.core.values import Input, Prediction
from mendgraph.errors import DataError, InputError, TierError
from mendgraph.home import home
from mendgraph.runtime.corrections import CorrectionStore
from mendgraph.training.emotion.dedupe import text_key
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.learned import Extended, Learned, LearnReport, extended, write_neighbours
from mendgraph.training.emotion.policy import Heard, fit_policy
from mendgraph.training.emotion.prepare import FOLDER
from mendgraph.training.emotion.tables import read_table
from mendgraph.training.emotion.walk import Walked, figures, joined, walk

LEAST = 20
"""Fewer corrections than this say more about chance than about the texts."""

FOLDS = 5
DATA = Path("data/processed") / FOLDER
RISK, LOSS = 0.1, 0.001

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """A prepared text with its class number; `key` is what makes two texts the same."""

    key: str
    input: Input
    label: int


def learn(
    store_path: Path,
    *,
    config: Config,
    out: Path | None = None,
    write: bool,
    echo: Echo = lambda line: None,
    data_dir: Path = DATA,
) -> LearnReport:
    """Refits neighbours and policy; says what changes before anything is written.

    Figures of the new policy are cross-fitted: no row is judged by a fit it took part in.  Those of the policy in
    use are taken as it is; it was fitted on dev, which flatters it there.

    Args:
        out: folder for ``neighbours`` and ``policy``; by default ``learned/emotion`` in the user's folder.
        write: write at once; else the report's `write` does.
        data_dir: what `mend data emotion` wrote.

    Raises:
        DataError: too few corrections, no dev rows, or no tier that answers.
    """
    corrections = read_corrections(store_path)
    dev = _dev_rows(data_dir, {row.key for row in corrections})
    indexed = [row for row in corrections if becomes_neighbour(row.key)]
    held = [row for row in corrections if not becomes_neighbour(row.key)]
    echo(
        f"{len(corrections)} corrections: {len(indexed)} become neighbours, {len(held)} join {len(dev):,} dev rows"
    )
    tiers = _tiers(config.emotion, echo)
    before = _policy(config.emotion.policy, echo)
    now, after, indexes, kept = _heard(config.emotion, tiers, indexed, [*dev, *held], echo)
    risk, loss = before.target.get("risk", RISK), before.target.get("early_exit_loss", LOSS)

    def fit(rows: Heard) -> HealingPolicy:
        return _carried_over(fit_policy(rows, LABELS, risk=risk, loss=loss), before, rows.probabilities)

    echo("fitting calibration, combination and thresholds")
    policy = fit(after)
    old, new = walk(before, now), _cross_fitted(after, fit)
    on_dev, on_held = np.flatnonzero(kept < len(dev)), np.flatnonzero(kept >= len(dev))
    report = LearnReport(
        corrections=len(corrections),
        neighbours=len(indexed) if indexes else 0,
        risk=risk,
        dev=(
            figures(old.rows(on_dev), now.labels[on_dev], risk),
            figures(new.rows(on_dev), now.labels[on_dev], risk),
        ),
        held_out=(
            figures(old.rows(on_held), now.labels[on_held], risk),
            figures(new.rows(on_held), now.labels[on_held], risk),
        ),
        thresholds=(dict(before.thresholds), dict(policy.thresholds)),
        learned=Learned(policy, indexes),
        out=out or home() / "learned" / "emotion",
    )
    if write:
        report.write()
    return report


def read_corrections(store_path: Path) -> list[Row]:
    """The readable ones, the latest of each text.

    Raises:
        DataError: fewer than `LEAST`.
    """
    stored = CorrectionStore(store_path, LABELS).all() if store_path.is_file() else []
    latest: dict[str, Row] = {}
    for correction in sorted(stored, key=lambda correction: correction.at):
        try:
            key, row = text_key(correction.text), prepare(correction.text)
        except InputError:
            continue
        latest[key] = Row(key, row, LABELS.index(correction.label))
    if len(latest) < LEAST:
        raise DataError(
            f"learning needs at least {LEAST} corrections, {store_path} has {len(latest)}",
            hint="add some: mend correct emotion TEXT LABEL, or /correct LABEL in mend chat emotion",
        )
    return list(latest.values())


def _dev_rows(data_dir: Path, corrected: set[str]) -> list[Row]:
    """Labelled dev rows; a corrected text is left to its correction."""
    folder = next((f for f in (data_dir, data_dir / FOLDER) if (f / "dev.parquet").is_file()), None)
    if folder is None:
        raise DataError(
            f"no dev.parquet in {str(data_dir)!r}: learning refits on the dev rows too",
            hint="make it with: mend data emotion --data-dir DIR",
        )
    table = read_table(folder / "dev.parquet", ("text", "label8"))
    rows = []
    for text, label in zip(table["text"], table["label8"], strict=True):
        if label is None or (key := text_key(text)) in corrected:
            continue
        if label not in LABELS:
            raise DataError(f"dev.parquet: unknown label {label!r}; known: {', '.join(LABELS)}")
        rows.append(Row(key, prepare(text), LABELS.index(label)))
    return rows


def becomes_neighbour(key: str) -> bool:
    """The same half for the same text, whatever else is corrected later."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()[0] % 2 == 0


def _tiers(spec: GraphSpec, echo: Echo) -> dict[str, Tier]:
    """The configured tiers that can be opened, without the emoji tier, which reads other rows."""
    workshop = Workshop(spec, LABELS)
    tiers = {}
    for name, tier in spec.tiers.items():
        if tier.kind == "emoji":
            continue
        try:
            tiers[name] = build_tier(name, tier.kind, tier.arguments, workshop)
        except TierError as error:
            echo(f"tier {name} is down, so the new combination will not weigh it: {error}")
    return tiers


def _policy(source: str, echo: Echo) -> HealingPolicy:
    try:
        return open_policy(source, LABELS)
    except TierError as error:
        echo(f"no policy is in use: {error}")
        return HealingPolicy(labels=LABELS)


def _heard(
    spec: GraphSpec, tiers: Mapping[str, Tier], indexed: Sequence[Row], rows: Sequence[Row], echo: Echo
) -> tuple[Heard, Heard, dict[str, Extended], IntArray]:
    """The tiers on `rows` as they are now and as they will be, the new indexes, and the rows all tiers answered."""
    inputs = [row.input for row in rows]
    now: dict[str, list[FloatArray | None]] = {}
    after: dict[str, list[FloatArray | None]] = {}
    marks_now, marks_after = {}, {}
    indexes: dict[str, Extended] = {}
    for name, tier in tiers.items():
        echo(f"{len(rows):,} rows, asking {name}")
        said = _asked(name, tier, inputs, echo)
        if said is None:
            continue
        now[name], marks_now[name] = said, tier.fingerprint
        after[name], marks_after[name] = said, tier.fingerprint
        if isinstance(tier, NeighbourTier) and indexed:
            new = extended(open_artifact(resolve(spec.tiers[name].arguments["path"])), tier, indexed)
            indexes[name], marks_after[name] = new, _fingerprint(new)
            after[name] = _shares(tier, new, inputs, said)
    if not now:
        raise DataError(
            "no tier answers, so there is nothing to fit", hint="`mend doctor` says what is wrong"
        )
    whole = [row for row in range(len(rows)) if all(said[row] is not None for said in now.values())]
    labels = np.array([rows[row].label for row in whole], dtype=np.int64)

    def pack(said: Mapping[str, Sequence[FloatArray | None]], marks: Mapping[str, str]) -> Heard:
        picked = {
            name: np.array([scores[row] for row in whole], dtype=np.float64) for name, scores in said.items()
        }
        return Heard(picked, labels, marks)

    return pack(now, marks_now), pack(after, marks_after), indexes, np.array(whole, dtype=np.int64)


def _asked(name: str, tier: Tier, inputs: Sequence[Input], echo: Echo) -> list[FloatArray | None] | None:
    """(C,) scores per row, None for a row that failed; None for a tier that failed altogether."""
    try:
        outcomes = tier.predict(inputs)
    except TierError as error:
        echo(f"tier {name} failed, so the new combination will not weigh it: {error}")
        return None
    known = set(LABELS)
    found = [
        np.array([o.scores[label] for label in LABELS])
        if isinstance(o, Prediction) and known <= set(o.scores)
        else None
        for o in outcomes
    ]
    answered = sum(scores is not None for scores in found)
    if answered * 2 < len(inputs):
        echo(f"tier {name} answered only {answered} rows, so the new combination will not weigh it")
        return None
    return found


def _shares(
    tier: NeighbourTier, new: Extended, inputs: Sequence[Input], said: Sequence[FloatArray | None]
) -> list[FloatArray | None]:
    """Votes of the new index on the rows that the old one answered."""
    with torch.inference_mode():
        votes = new.index.probabilities(tier.vectors.of([row.text for row in inputs])).double().numpy()
    votes = votes[:, [new.base.manifest.labels.index(label) for label in LABELS]]
    return [vote if old is not None else None for vote, old in zip(votes, said, strict=True)]


def _fingerprint(new: Extended) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return write_neighbours(Path(folder), new).fingerprint


def _cross_fitted(heard: Heard, fit: Callable[[Heard], HealingPolicy]) -> Walked:
    fold = np.random.default_rng(0).permutation(len(heard.labels)) % FOLDS
    parts = [np.flatnonzero(fold == number) for number in range(FOLDS)]
    walks = {
        number: walk(fit(heard.rows(np.flatnonzero(fold != number))), heard.rows(rows))
        for number, rows in enumerate(parts)
    }
    return joined(walks, parts)


def _carried_over(new: HealingPolicy, old: HealingPolicy, refitted: Mapping[str, object]) -> HealingPolicy:
    """What corrections say nothing about stays: the irony check, the emoji tier, tiers that are down."""
    others = {name: c for name, c in old.calibrators.items() if name not in refitted}
    thresholds = {
        name: value
        for name, value in old.thresholds.items()
        if name not in refitted and name not in {"default", "irony"}
    }
    return replace(
        new,
        calibrators={**others, **new.calibrators},
        thresholds={**new.thresholds, **thresholds},
        irony=old.irony,
        mass=old.mass,
    )
