"""Calls again what failed for a passing reason: exponential backoff with jitter, never past the deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception
from tenacity.wait import wait_exponential, wait_random

from mendgraph.core.supervision import Supervision
from mendgraph.errors import DeadlineExceeded, OutOfMemory, TierDown, TierError
from mendgraph.runtime.notes import note

T = TypeVar("T")


def retryable(error: BaseException) -> bool:
    """Whether the same call may work a moment later.

    Not after a deadline, whose time is spent; nor out of memory, which a smaller batch cures.
    """
    return (
        isinstance(error, TierError)
        and error.retryable
        and not isinstance(error, DeadlineExceeded | OutOfMemory)
    )


def with_retries(
    call: Callable[[], T],
    policy: Supervision,
    *,
    deadline: float | None,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    allowed: Callable[[], bool],
) -> T:
    """What `call` gives at last; its last error otherwise.  Each retry leaves a note.

    Args:
        deadline: the time of `clock` after which no retry begins; None for none.
        allowed: asked before each retry; False ends them.
    """
    try:
        return call()  # tenacity costs more than all else that supervision does: only failed calls pay for it
    except TierError as error:
        if policy.retries == 0 or not retryable(error) or not allowed():
            raise
        latest = error
    begun = False

    def again() -> T:
        nonlocal begun, latest
        if not begun:
            begun = True
            raise latest
        try:
            return call()
        except TierDown:  # refused, because it is starting again: why it is, says more
            raise latest from None
        except TierError as error:
            latest = error
            raise

    def enough(state: RetryCallState) -> bool:
        if state.attempt_number > policy.retries or not allowed():
            return True
        return deadline is not None and clock() + state.upcoming_sleep >= deadline

    def say(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TierError):
            # Its frames hold memory that the next attempt may need, and refer back to it.
            error.__traceback__ = error.__cause__ = error.__context__ = None
            note(f"tried again after {error.kind}: {error.message}")

    retrying = Retrying(
        sleep=sleep,
        wait=wait_exponential(multiplier=policy.backoff_s, max=policy.max_backoff_s)
        + wait_random(0, policy.backoff_s),
        stop=enough,
        retry=retry_if_exception(retryable),
        before_sleep=say,
        reraise=True,
    )
    return retrying(again)
