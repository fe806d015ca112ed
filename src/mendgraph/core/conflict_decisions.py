"""What is made of what tiers say about a conflict: which way a row goes, which answer counts, how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Final

from mendgraph.core.answers import agreeing_groups
from mendgraph.core.conflict import LEVELS, Document
from mendgraph.core.conflict_case import Case
from mendgraph.core.conflict_mending import DOUBT, Mended, mended
from mendgraph.core.conflict_stages import DISPUTED, Ways
from mendgraph.core.disagreement import disagreement, level_between
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.resolution import Resolution

__all__ = [
    "CLAIM",
    "DETECT",
    "HEARD",
    "PLAIN",
    "REFINED",
    "SAMPLES",
    "SOURCES",
    "VALUES",
    "Decision",
    "after_hearing",
    "calibrated",
    "clash",
    "conflict_threshold",
    "decided",
    "is_believed",
    "is_conflict",
    "is_shallow",
    "sureness",
    "together",
]

PLAIN: Final = "reader"
REFINED: Final = "refined"
VALUES: Final = "values"
SAMPLES: Final = "samples"
SOURCES: Final = (PLAIN, REFINED, VALUES, SAMPLES)
"""What an answer comes from: states as they are, refined states, documents asked one by one, a vote.  Calibrators and
thresholds of the policy go by these names; all calibrators are for the reader's weights."""

DETECT: Final = "detect"
"""Name of the threshold from which documents are taken to conflict, and of the calibration of what finds that."""

CLAIM: Final = "claim"
"""Name of the threshold below which a document's saying nothing is doubted."""

HEARD: Final = "heard"
"""Name of the same calibration once documents were heard one by one."""

_SHALLOW: Final = ("temporal", "numerical")
_EVEN: Final = 0.5
_FLOOR: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Decision:
    """
    Attributes:
        text: None where nothing decides.
        source: of `SOURCES`.
        reason: one sentence for a person.
    """

    text: str | None
    source: str
    reason: str


def conflict_threshold(policy: HealingPolicy) -> float:
    """Probability from which documents are taken to conflict."""
    return policy.thresholds.get(DETECT, _EVEN)


def is_conflict(probability: float, policy: HealingPolicy) -> bool:
    return probability >= conflict_threshold(policy)


def is_shallow(case: Case, ways: Ways) -> bool:
    """Whether the level is one that refinement is for, and sure enough."""
    return case.level in _SHALLOW and case.shares.get(case.level, 0.0) >= ways.sure


def after_hearing(
    case: Case,
    question: str,
    documents: Sequence[Document],
    said: Mapping[str, Any],
    policy: HealingPolicy,
    fingerprint: str,
) -> tuple[Case, int]:
    """With what documents were heard to say one by one, and the conflict and its level as that shows them; and how
    many values were mended.

    Without a calibration fitted for these weights the probability of a conflict stays.  Where documents say different
    things, the kind of these tells half of the level.

    Args:
        said: ``values`` and ``sure`` of the reader, see `conflict_mending`.
    """
    doubt = policy.thresholds.get(CLAIM, DOUBT)
    heard = mended(question, documents, said["values"], said.get("sure", {}), doubt)
    claimed = [value for value in heard.values.values() if value is not None]
    chance, shares = case.probability, dict(case.shares)
    if HEARD in policy.calibrators and chance is not None and len(heard.values) > 1:
        fitted = calibrated(policy, HEARD, fingerprint, clash(case, heard))
        chance = chance if fitted is None else fitted
    if len(set(agreeing_groups(claimed))) > 1:
        level = level_between(claimed, shares)
        shares = {one: 0.5 * shares.get(one, 0.0) + 0.5 * (one == level) for one in LEVELS[1:]}
        total = sum(shares.values())
        shares = {one: share / total for one, share in shares.items()}
    conflict = case.conflict if chance is None else is_conflict(chance, policy)
    after = replace(case, values=heard.values, probability=chance, shares=shares, conflict=conflict)
    return after, heard.changed


def clash(case: Case, heard: Mended) -> float:
    """Raw probability of a conflict by all that was asked about it: the documents read at once, and one by one, and the
    tier that tells levels apart."""
    other = disagreement(list(heard.values.values()), list(heard.sure.values()))
    return together(*(one for one in (case.probability, other, case.typed) if one is not None))


def together(*chances: float) -> float:
    """Probabilities of one thing as if they knew nothing of each other, from even odds."""
    odds = [min(max(chance, _FLOOR), 1.0 - _FLOOR) for chance in chances]
    yes, no = prod(odds), prod(1.0 - one for one in odds)
    return yes / (yes + no)


def is_believed(policy: HealingPolicy, source: str) -> bool:
    """Whether an answer from this source is ever believed; else it need not be asked for."""
    return policy.threshold(source) <= 1.0


def decided(resolution: Resolution, vote: Mapping[str, Any] | None, ways: Ways) -> Decision:
    """Between the rule over what documents say, and a vote over samples."""
    told = "" if vote is None else f"{vote['share']:.0%} of {ways.samples} samples"
    if ways.verify == "samples" and vote is not None:
        return Decision(vote["text"] or None, SAMPLES, told)
    if resolution.answer is not None:
        return Decision(resolution.answer, VALUES, resolution.reason)
    if not resolution.unresolved:
        return Decision(DISPUTED, VALUES, resolution.reason)
    if vote is not None and vote["text"]:
        return Decision(vote["text"], SAMPLES, f"{resolution.reason}; {told}")
    return Decision(None, VALUES, resolution.reason)


def sureness(decision: Decision, heard: float, vote: Mapping[str, Any] | None) -> float:
    """Raw confidence in a decision, in [0, 1]: the samples' share, or how sure the reader heard.

    Args:
        heard: probability that it gave to what all documents say, taken together.
    """
    return float(vote["share"]) if decision.source == SAMPLES and vote is not None else heard


def calibrated(policy: HealingPolicy, source: str, fingerprint: str, raw: float) -> float | None:
    """Probability in [0, 1] that an answer is right; None where no calibration was fitted for these weights."""
    calibrator = policy.calibrator(source, fingerprint)
    return None if calibrator is None else float(calibrator.transform([[raw, 1.0 - raw]])[0, 0])
