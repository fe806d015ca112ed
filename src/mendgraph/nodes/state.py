"""What a cascade run remembers.  Plain data only, so that any checkpointer round-trips it."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Ask = Literal["never", "return", "interrupt"]


class Options(TypedDict, total=False):
    """What one run may override.

    Keys:
        run: identity of the run; by default a new one.
        ask: what happens to a row nothing could settle. ``never``: it is abstained; ``return``: its answer
            comes back as ``needs_clarification`` with the plausible labels; ``interrupt``: the run pauses.
        threshold: confidence in [0, 1] every check asks for, instead of the fitted thresholds.
        clarifications: row number -> label, answers known beforehand.
        down: names of tiers to treat as dead.
        deadline_s: seconds the tiers of this run may take together; then every row keeps its best answer so far.
        budget: cost the tiers of this run may add up to, in the unit of the configuration's `cost`.
    """

    run: str
    ask: Ask
    threshold: float | None
    clarifications: dict[str, str]
    down: list[str]
    deadline_s: float | None
    budget: float | None


class Spent(TypedDict):
    """What a run's tiers have taken so far.  Added up, not read off a clock, because a paused run waits for free."""

    seconds: float
    cost: float


class CascadeState(TypedDict, total=False):
    """State of every cascade.

    Keys:
        run: identity of the run, sortable by time.
        began: when it began, in seconds since the epoch.
        inputs: the rows as given; one text or a list.
        options: overrides for this run.
        rows: prepared rows as `Input` fields; None where the row could not be read.
        trails: per row, its attempts as `Attempt.to_dict`, oldest first.
        errors: row number -> `Failure` fields, for rows that could not be read.
        open: numbers of the rows no check has decided yet.
        spent: time and cost so far.
        answers: `Answer.to_dict` per row; rows waiting for the user hold a provisional one.
    """

    run: str
    began: float
    inputs: Any
    options: Options
    rows: list[dict[str, Any] | None]
    trails: list[list[dict[str, Any]]]
    errors: dict[str, dict[str, Any]]
    open: list[int]
    spent: Spent
    answers: list[dict[str, Any]]
