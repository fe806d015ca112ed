"""How one tier is looked after: its limits, its retries, its breaker, and where it runs.  Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le

Isolation = Literal["inline", "thread", "process"]

_STRICT: dict[str, Any] = {"extra": "forbid"}  # read by pydantic where a configuration holds these values


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a tier is no longer called, and when it is tried again.  Counts whole calls, not rows.

    Attributes:
        window: how many of the latest calls the failure rate is taken over.
        minimum_calls: calls in the window before the rate counts.
        failure_rate: share of failed calls in (0, 1] from which the breaker opens.
        consecutive: failed calls in a row that open it whatever the window says, so that a tier that worked for
            hours and then dies is not called ten more times.
        cool_down_s: seconds it stays open before a probe; doubled at every failed probe, up to `max_cool_down_s`.
        probes: successful calls in a row that close it again.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    window: Annotated[int, Ge(1)] = 20
    minimum_calls: Annotated[int, Ge(1)] = 5
    failure_rate: Annotated[float, Gt(0), Le(1)] = 0.5
    consecutive: Annotated[int, Ge(1)] = 2
    cool_down_s: Annotated[float, Gt(0)] = 30.0
    max_cool_down_s: Annotated[float, Gt(0)] = 300.0
    probes: Annotated[int, Ge(1)] = 1


@dataclass(frozen=True, slots=True)
class Supervision:
    """How one tier is looked after.

    Attributes:
        isolation: ``inline``: called where the graph runs, so that a hang cannot be cut short; ``thread``: a hang
            meets its deadline, and its thread is left behind; ``process``: a worker process that is killed and
            replaced, which also survives crashes of the interpreter and the kernel's out-of-memory killer.
        deadline_s: seconds one call may take; needs ``thread`` or ``process`` to be enforced in mid-call.
        start_s: seconds a worker may take to load its model.
        retries: further calls after a failure that says a retry can help; never after a deadline.
        backoff_s: seconds before the first retry, doubled at each further one up to `max_backoff_s`, with jitter.
        max_batch: most rows per call; None for no limit.
        warm_standby: keep a second worker loaded, so that one that dies is replaced at once (``process`` only).
        recheck_s: least seconds between two attempts to open a tier whose weights were refused.
        breaker: when the tier is left alone.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    isolation: Isolation = "inline"
    deadline_s: Annotated[float, Gt(0)] | None = None
    start_s: Annotated[float, Gt(0)] = 120.0
    retries: Annotated[int, Ge(0), Le(10)] = 1
    backoff_s: Annotated[float, Ge(0)] = 0.05
    max_backoff_s: Annotated[float, Ge(0)] = 1.0
    max_batch: Annotated[int, Ge(1)] | None = None
    warm_standby: bool = False
    recheck_s: Annotated[float, Ge(0)] = 5.0
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
