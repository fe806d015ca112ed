"""What the conflict graph's tiers say about held-out claim sets, at every stage, whether or not the graph would ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mendgraph.core.conflict import LEVELS, spoken
from mendgraph.core.conflict import prepare_question as prepare
from mendgraph.core.conflict_case import Case, is_stated, resolved
from mendgraph.core.conflict_decisions import (
    DETECT,
    PLAIN,
    after_hearing,
    calibrated,
    decided,
    is_believed,
    is_conflict,
    sureness,
)
from mendgraph.core.conflict_mending import Mended, mended
from mendgraph.core.conflict_stages import AGREEMENT, RIGHT, Stage, Ways, roles
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import DataError
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.reader_answers import is_right

__all__ = ["Draft", "Heard", "Row", "hear"]

_AT_ONCE = 64

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer, the raw confidence in it, whether it is right, and whether some document says so."""

    text: str
    raw: float
    right: bool
    stated: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One claim set.

    Attributes:
        chance: that its documents conflict, as the reader says before calibration.
        typed, shares: the same of the types tier, calibrated, and level -> share of a conflict.
        drafts: by stage: ``answer``, ``refine``; ``refine`` is missing where the reader has no refinement.
        said: what the reader hears each document say.
    """

    claims: ClaimSet
    chance: float
    typed: float
    shares: Mapping[str, float]
    drafts: Mapping[str, Draft]
    said: Prediction

    def detected(self, policy: HealingPolicy, fingerprint: str) -> Case:
        """As the graph knows it once it has looked for conflicts; levels are asked for where it found one, and where
        no plain answer would be believed."""
        fitted = calibrated(policy, DETECT, fingerprint, self.chance)
        chance = self.chance if fitted is None else fitted
        conflict = is_conflict(chance, policy)
        if not conflict and is_believed(policy, PLAIN):
            return Case(probability=chance)
        return Case(probability=chance, conflict=conflict, shares=self.shares, typed=self.typed)

    def heard(self, doubt: float) -> Mended:
        one, value = self.claims, self.said.value
        return mended(one.question, one.documents, value["values"], value["sure"], doubt)

    def conflicting(self, policy: HealingPolicy, fingerprint: str) -> bool:
        """Whether the documents are taken to conflict, once each was heard."""
        one, value = self.claims, self.said.value
        case = self.detected(policy, fingerprint)
        return after_hearing(case, one.question, one.documents, value, policy, fingerprint)[0].conflict

    def verified(self, policy: HealingPolicy, fingerprint: str, ways: Ways) -> tuple[Draft | None, str]:
        """What the documents, or the vote, decide, and which of them; None where nothing does."""
        value, one = self.said.value, self.claims
        vote: Mapping[str, Any] | None = value.get("vote")
        case = self.detected(policy, fingerprint)
        case, _ = after_hearing(case, one.question, one.documents, value, policy, fingerprint)
        decision = decided(resolved(case, one.question, one.documents), vote, ways)
        if decision.text is None:
            return None, decision.source
        raw = sureness(decision, self.said.scores[RIGHT[0]], vote)
        return Draft(decision.text, raw, is_right(one, decision.text)), decision.source


@dataclass(frozen=True, slots=True)
class Heard:
    """Attributes: fingerprint: of the reader."""

    rows: Sequence[Row]
    fingerprint: str


def hear(
    tiers: Mapping[str, Tier],
    sets: Sequence[ClaimSet],
    ways: Ways,
    progress: Progress = lambda done, total: None,
) -> Heard:
    """By the first tier of each role.

    Raises:
        DataError: a tier cannot answer, or there is none of a role.
    """
    by_role = roles(tuple(tiers))
    for role in ("readers", "types"):
        if not by_role[role]:
            raise DataError(f"no tier of the role {role!r}", hint="configure one: see config.yaml")
    reader, types = tiers[by_role["readers"][0]], tiers[by_role["types"][0]]
    rows: list[Row] = []
    for start in range(0, len(sets), _AT_ONCE):
        part = sets[start : start + _AT_ONCE]
        inputs = [prepare(spoken(one.question, one.documents)) for one in part]
        rows += _rows(reader, types, part, inputs, ways)
        progress(len(rows), len(sets))
    return Heard(rows, reader.fingerprint)


def _rows(
    reader: Tier, types: Tier, sets: Sequence[ClaimSet], inputs: Sequence[Input], ways: Ways
) -> list[Row]:
    detected = _asked(reader, inputs, Stage("detect"))
    levels = _levels(types, inputs)
    answers = _asked(reader, inputs, Stage("answer"))
    refined = _refined(reader, inputs)
    verified = _asked(reader, inputs, ways.verification)
    found = []
    for at, one in enumerate(sets):
        typed, shares = levels[at]
        drafts = {"answer": _draft(one, answers[at])}
        if refined is not None:
            drafts["refine"] = _draft(one, refined[at])
        chance = detected[at].scores[AGREEMENT[1]]
        found.append(Row(one, chance, typed, shares, drafts, verified[at]))
    return found


def _draft(one: ClaimSet, said: Prediction) -> Draft:
    text = said.value["text"]
    return Draft(
        text, said.scores[RIGHT[0]], is_right(one, text), is_stated(one.question, text, one.documents)
    )


def _refined(reader: Tier, inputs: Sequence[Input]) -> list[Prediction] | None:
    outcomes = reader.predict([_staged(row, Stage("refine")) for row in inputs])
    if all(isinstance(outcome, Failure) for outcome in outcomes):
        return None
    return _said(reader, outcomes)


def _asked(tier: Tier, inputs: Sequence[Input], stage: Stage) -> list[Prediction]:
    return _said(tier, tier.predict([_staged(row, stage) for row in inputs]))


def _said(tier: Tier, outcomes: Sequence[Prediction | Failure]) -> list[Prediction]:
    failed = next((one for one in outcomes if isinstance(one, Failure)), None)
    if failed is not None:
        raise DataError(f"tier {tier.name!r} cannot answer held-out rows: {failed.message}", hint=failed.hint)
    return [one for one in outcomes if isinstance(one, Prediction)]


def _levels(types: Tier, inputs: Sequence[Input]) -> list[tuple[float, dict[str, float]]]:
    """Probability of a conflict and shares of its levels, as the tier's own calibration sees them."""
    said = HealingPolicy(LEVELS).calibrate(
        types.name,
        types.fingerprint,
        _asked(types, inputs, Stage("type")),
        getattr(types, "calibrator", None),
    )
    found = []
    for one in said:
        total = sum(one.scores[level] for level in LEVELS[1:]) or 1.0
        shares = {level: one.scores[level] / total for level in LEVELS[1:]}
        found.append((1.0 - one.scores[LEVELS[0]], shares))
    return found


def _staged(row: Input, stage: Stage) -> Input:
    return Input(row.text, row.raw, {**row.facts, "stage": stage.to_dict()})
