"""The conflict graph's policy, fitted on claim sets that scripted tiers read more or less well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from mendgraph.adapters.policies import open_policy
from mendgraph.core.conflict import LEVELS
from mendgraph.core.conflict_decisions import DETECT, HEARD, PLAIN, REFINED, VALUES, calibrated, is_believed
from mendgraph.core.conflict_stages import Stage, Ways, agreement, drafted
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.metrics import ece
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import DataError, TierError
from mendgraph.testing import Scripted
from mendgraph.testing.doubles import scores_for
from mendgraph.training.conflict.claims.files import claims_path, write_claims
from mendgraph.training.conflict.claims.sets import ClaimSet, claim_sets
from mendgraph.training.conflict.policy_fit import fit_policy, train_policy
from mendgraph.training.conflict.policy_heard import hear

SETS = list(claim_sets("dev", 260, seed=11))
KNOWN = {one.question + one.documents[0].text: one for one in SETS}


class Knows:
    """Reads claim sets that it knows: plain answers are right as often as it says, documents are read without error
    but for some of whose reading it is unsure."""

    def __init__(self, plain: float, refined: float | None = None, misread: float = 0.1) -> None:
        self.name, self.fingerprint = "reader", "knows"
        self.rates = {"answer": plain, "refine": refined}
        self.misread = misread

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        return [self._one(row, Stage(**row.facts["stage"])) for row in rows]

    def _one(self, row: Input, stage: Stage) -> Prediction | Failure:
        one = KNOWN[row.text + row.facts["documents"][0]["text"]]
        chance = Random(f"{one.id} {stage.name}")
        if stage.name == "detect":
            return agreement(min(max(0.5 + (0.3 if one.conflict else -0.3) + chance.gauss(0, 0.2), 0), 1), {})
        if stage.name == "verify":
            return self._heard(one, chance)
        rate = self.rates[stage.name]
        if rate is None:
            return Failure.of(TierError("it has no refinement"))
        sure = chance.betavariate(4 * rate, 4 - 4 * rate) if 0 < rate < 1 else rate
        return drafted(sure, {"text": one.gold if chance.random() < sure else "wrong 77 km"})

    def _heard(self, one: ClaimSet, chance: Random) -> Prediction:
        wrong = [chance.random() < self.misread for _ in one.documents]
        values = [
            "the 3rd of May 1502" if bad else answer for bad, answer in zip(wrong, one.answers, strict=True)
        ]
        sure = [0.6 if bad else 0.97 for bad in wrong]
        ids = [document.id for document in one.documents]
        return drafted(
            float(np.prod(sure)),
            {"values": dict(zip(ids, values, strict=True)), "sure": dict(zip(ids, sure, strict=True))},
        )


def types() -> Any:
    levels = {one.question: one.level if one.conflict else "temporal" for one in SETS}
    return Scripted(lambda text: (levels[text], 0.9), labels=LEVELS, name="types")


def fitted(reader: Knows, **more: Any) -> HealingPolicy:
    heard = hear({"reader": reader, "types": types()}, SETS, Ways())
    return fit_policy(heard, Ways(), **more)


def test_drafts_are_believed_where_they_are_right_more_often() -> None:
    good, bad = fitted(Knows(0.97, 0.97, misread=0.4)), fitted(Knows(0.0, 0.0, misread=0.0))
    assert all(is_believed(good, source) for source in (PLAIN, REFINED))
    assert not any(is_believed(bad, source) for source in (PLAIN, REFINED))
    assert is_believed(bad, VALUES)
    assert not is_believed(fitted(Knows(0.9)), REFINED)  # it has none
    assert set(good.calibrators) == {DETECT, HEARD, PLAIN, REFINED, VALUES}


def test_confidence_is_the_share_of_right_answers() -> None:
    reader = Knows(0.5)
    policy = fitted(reader)
    heard = hear({"reader": reader, "types": types()}, SETS, Ways())
    last = [row.verified(policy, "knows", Ways())[0] for row in heard.rows]
    known = [draft for draft in last if draft is not None]
    sure = [calibrated(policy, VALUES, "knows", draft.raw) or 0.0 for draft in known]
    assert ece(np.array(sure), np.array([draft.right for draft in known], dtype=float)) < 0.1
    assert calibrated(policy, VALUES, "other weights", 0.9) is None
    chances = [row.detected(policy, "knows").probability or 0.0 for row in heard.rows]
    assert ece(np.array(chances), np.array([row.claims.conflict for row in heard.rows], dtype=float)) < 0.1


def test_less_risk_accepts_less() -> None:
    reader = Knows(0.5)
    strict, easy = fitted(reader, risk=0.02), fitted(reader, risk=0.4)
    assert strict.threshold(VALUES) >= easy.threshold(VALUES)
    assert strict.target == {"risk": 0.02}


def test_a_policy_is_written_and_read_again(tmp_path: Path) -> None:
    write_claims(claims_path(tmp_path, "dev"), SETS)
    seen: list[tuple[int, int]] = []
    tiers = {"reader": Knows(0.9, 0.9), "types": types()}
    lines = train_policy(
        tiers,
        tmp_path,
        tmp_path / "policy",
        ways=Ways(),
        sets=200,
        progress=lambda done, all: seen.append((done, all)),
    )
    assert seen[-1] == (200, 200)
    assert any(line.startswith("values: ") and "ECE" in line for line in lines)
    policy = open_policy(str(tmp_path / "policy"), LEVELS)
    assert policy.calibrator("reader", "knows") is not None
    with pytest.raises(DataError, match="no tier of the role 'types'"):
        train_policy({"reader": Knows(0.9)}, tmp_path, tmp_path / "policy", ways=Ways())
    broken = Scripted({}, labels=LEVELS, name="types")
    broken.predict = lambda rows: [Failure.of(TierError("out"))] * len(rows)  # type: ignore[method-assign]
    with pytest.raises(DataError, match="cannot answer held-out rows: out"):
        train_policy({"reader": Knows(0.9), "types": broken}, tmp_path, tmp_path / "p", ways=Ways(), sets=20)


def test_scores_of_doubles_cover_all_levels() -> None:
    assert set(scores_for("temporal", 0.9, LEVELS)) == set(LEVELS)
