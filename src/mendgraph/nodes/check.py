"""A check as a node: the one judge, applied to everything the tiers have said about a row so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.healing import HealingPolicy
from mendgraph.core.policy import judge
from mendgraph.core.values import Attempt, Prediction
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.limits import was_cut
from mendgraph.nodes.state import CascadeState, Options
from mendgraph.nodes.tier import Node, concerns


def check_node(tier: str, default: Context, *, last: bool, only: str | None = None) -> Node:
    """Decides every open row that `tier` was asked about; see `tier_node` for `only`.

    Where two or more tiers have answered, their combination is judged, and recorded as an attempt of its own.
    """

    def run(state: CascadeState, runtime: Runtime[Context]) -> dict[str, Any]:
        context = given(runtime, default)
        numbers = [row for row in state["open"] if concerns(state, row, only)]
        histories = {row: [Attempt.from_dict(step) for step in state["trails"][row]] for row in numbers}
        pooled = _pooled(context, histories)
        trails = list(state["trails"])
        open_rows = [row for row in state["open"] if row not in histories]
        for row in numbers:
            history = histories[row]
            if row in pooled and len(history) > 1:
                history.append(pooled[row])
            left = not last and not was_cut(state["trails"][row])
            history[-1] = judged(history, context.policy, tier, state["options"], tiers_left=left)
            trails[row] = [*trails[row][: len(history) - 1], history[-1].to_dict()]
            runtime.stream_writer({"event": "verdict", "row": row, "attempt": trails[row][-1]})
            if history[-1].verdict == "defer":
                open_rows.append(row)
        return {"trails": trails, "open": sorted(open_rows)}

    return run


def judged(
    history: Sequence[Attempt], policy: HealingPolicy, stage: str, options: Options, *, tiers_left: bool
) -> Attempt:
    """The last attempt with its verdict.  A failed tier leaves earlier evidence standing."""
    attempt = history[-1]
    override = options.get("threshold")
    threshold = policy.threshold(stage) if override is None else override
    confidence = attempt.prediction.confidence if attempt.prediction else None
    verdict = judge(
        confidence, threshold, tiers_left=tiers_left, may_ask=options.get("ask", "never") != "never"
    )
    return attempt.judged(verdict, threshold, _reason(attempt, confidence, threshold))


def _pooled(context: Context, histories: dict[int, list[Attempt]]) -> dict[int, Attempt]:
    policy = context.policy
    evidence = {row: _evidence(policy, history) for row, history in histories.items()}
    several = [row for row, said in evidence.items() if len(said) > 1]
    found: dict[int, Attempt] = {}
    for row, combined in zip(several, context.pool(policy, [evidence[row] for row in several]), strict=True):
        if combined is None:
            continue
        names = ", ".join(evidence[row])
        prediction = heard(policy, combined, histories[row])
        found[row] = Attempt("combined", prediction, reason=f"{context.pooling} {names}")
    return found


def _evidence(policy: HealingPolicy, history: Sequence[Attempt]) -> dict[str, Prediction]:
    """What the tiers said that the combination was fitted with, by the same weights as then."""
    return {
        a.tier: a.prediction
        for a in history
        if a.prediction and a.tier in policy.fingerprints and policy.fingerprints[a.tier] == a.fingerprint
    }


def heard(policy: HealingPolicy, prediction: Prediction, history: Sequence[Attempt]) -> Prediction:
    """The prediction after the irony rule, if the text was found ironic: tiers read literally."""
    rule = policy.irony
    if rule is None:
        return prediction
    signals = (a.prediction.signals for a in history if a.prediction and a.tier == rule.tier)
    irony = max((signal.get("irony", 0.0) for signal in signals), default=0.0)
    if not rule.applies(irony, prediction.label):
        return prediction
    return doubted(policy, prediction, irony)


def doubted(policy: HealingPolicy, prediction: Prediction, irony: float) -> Prediction:
    assert policy.irony is not None
    scores = policy.irony.discounted(prediction.scores, irony)
    label = max(scores, key=scores.__getitem__)
    # What was sure of the literal reading is now shared out; never more than it was.
    sure = None if prediction.confidence is None else min(prediction.confidence, scores[label])
    return Prediction(label, scores, scores[label], sure, {"irony": irony})


def _reason(attempt: Attempt, confidence: float | None, threshold: float) -> str:
    lead = f"{attempt.reason}; " if attempt.reason else ""
    if attempt.failure is not None:
        return f"{lead}{attempt.failure.message}"
    if confidence is None:
        return f"{lead}no calibration fits these weights, so it cannot be trusted alone"
    sign = "reaches" if confidence >= threshold else "is below"
    return f"{lead}confidence {confidence:.3f} {sign} {threshold:.3f}"
