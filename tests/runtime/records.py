"""Runs and answers for tests of journals: plain ones, and whatever Hypothesis comes up with."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer, Attempt, Failure, Prediction
from mendgraph.testing import scores_for


def run(name: str = "r1", *, at: float = 1000.0, rows: int = 1, **more: Any) -> RunRecord:
    return RunRecord(
        id=name,
        graph=more.pop("graph", "emotion"),
        at=at,
        rows=rows,
        options=more.pop("options", {"ask": "return", "threshold": None, "down": []}),
        thresholds=more.pop("thresholds", {"primary": 0.6}),
        fingerprints=more.pop("fingerprints", {"primary": "one", "policy": "p"}),
        config=more.pop("config", {"tiers": {"primary": {"kind": "scripted"}}}),
        config_hash="abc",
        versions=more.pop("versions", {"python": "3"}),
        given=more.pop("given", {}),
    )


def answer(text: str = "hello", label: str = "joy", sure: float = 0.9) -> Answer:
    """Healed: the primary failed, the backup answered."""
    scores = scores_for(label, sure)
    return Answer(
        text,
        "accepted",
        label,
        label,
        scores,
        sure,
        source="backup",
        trail=(
            Attempt(
                "primary",
                failure=Failure("deadline", f"gave up on {text!r}", "wait longer", True),
                threshold=0.6,
                verdict="defer",
                reason=f"gave up on {text!r}",
                seconds=0.5,
                fingerprint="one",
                notes=(f"tried {text!r} twice",),
            ),
            Attempt(
                "backup", Prediction(label, scores, sure, sure), None, 0.6, "accept", "sure", 0.25, "two"
            ),
        ),
    )


# Everything Python calls a string: NUL, lone surrogates, and two of them that look like a pair.
texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=20) | st.sampled_from(
    ["\0", "\ud83d\ude00", "a\ud800b", "\u2028", "\ufeff", "'; DROP TABLE rows; --"]
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
scores = st.dictionaries(texts, numbers, max_size=3)
predictions = st.builds(
    Prediction, texts, scores, numbers, st.none() | numbers, signals=scores, value=json_values
)
failures = st.builds(Failure, texts, texts, texts, st.booleans())
verdicts = st.none() | st.sampled_from(["accept", "defer", "ask", "abstain"])


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    said = draw(st.none() | predictions)
    return Attempt(
        draw(texts),
        said,
        draw(failures) if said is None else None,
        draw(st.none() | numbers),
        draw(verdicts),
        draw(texts),
        draw(numbers),
        draw(texts),
        tuple(draw(st.lists(texts, max_size=2))),
    )


answers = st.builds(
    Answer,
    input=texts,
    status=st.sampled_from(["accepted", "abstained", "needs_clarification", "failed"]),
    label=st.none() | texts,
    best_guess=st.none() | texts,
    value=json_values,
    confidence=st.none() | numbers,
    options=st.lists(texts, max_size=3).map(tuple),
    partial=st.booleans(),
    source=texts,
    error=st.none() | failures,
    trail=st.lists(attempts(), max_size=3).map(tuple),
)
