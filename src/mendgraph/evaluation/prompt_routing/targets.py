"""The project's targets for prompt routing beside what was measured."""

from __future__ import annotations

from mendgraph.evaluation.emotion.targets import Target, Verdict
from mendgraph.evaluation.prompt_routing.choices import Choice
from mendgraph.evaluation.prompt_routing.strong_calls import StrongCalls, share

KNOWN = {"must": (0.65, 0.30), "aim": (0.70, 0.25)}
"""APGR at least, CPT50 at most."""

UNSEEN = {"must": 0.58, "aim": 0.62}
GAP = {"must": 0.10, "aim": 0.25}


def q6_known(found: StrongCalls, labels: int) -> Target:
    """Both APGR and CPT50 have to be reached; the values themselves are judged, not their intervals."""
    met = {
        level: found.apgr.value >= apgr and found.cpt50.value <= cpt50
        for level, (apgr, cpt50) in KNOWN.items()
    }
    return Target(
        "Q6",
        f"RouteLLM MMLU, {labels:,} labels: APGR; CPT50",
        ">= .65; <= 30 %",
        ">= .70; <= 25 %",
        f"{found.apgr.text()}; {share(found.cpt50)}",
        _verdict(met["must"], met["aim"]),
    )


def q6_unseen(found: StrongCalls, labels: int) -> Target:
    """Subjects of which the router has seen no prompt."""
    value = found.apgr.value
    return Target(
        "Q6",
        f"the same, unseen subjects: APGR ({labels:,} labels of others)",
        ">= .58",
        ">= .62",
        found.apgr.text(),
        _verdict(value >= UNSEEN["must"], value >= UNSEEN["aim"]),
    )


def q7(found: Choice, what: str) -> Target:
    """The interval has to exclude 0 too."""
    value, sure = found.gap_share.value, found.gap_share.interval[0] > 0
    return Target(
        "Q7",
        f"share of (oracle - best single) recovered, {what}",
        ">= 10 %, above 0 for sure",
        ">= 25 %",
        share(found.gap_share),
        _verdict(sure and value >= GAP["must"], sure and value >= GAP["aim"]),
    )


def _verdict(must: bool, aim: bool) -> Verdict:
    if not must:
        return "not met"
    return "aim met" if aim else "must met"
