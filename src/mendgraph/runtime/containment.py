"""Opens and calls a tier so that whatever goes wrong inside comes out as one of our errors.

The border of every channel, and the only place of the package that catches `Exception`: a graph that heals
cannot know beforehand how a model crashes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loguru import logger

from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import BadOutput, MendError, OutOfMemory, TierCrashed, TierError
from mendgraph.runtime.channel import Outcome
from mendgraph.runtime.memory import out_of_memory

_LONGEST_STORY = 300


def open_tier(name: str, source: Callable[[], Tier]) -> Tier:
    """The tier that `source` builds.

    Raises:
        MendError: as `source` raises it.
        TierCrashed: anything else that it raises.
    """
    try:
        return source()
    except MendError:
        raise
    except Exception as error:
        raise _crashed(name, "while it was opened", error) from error


def ask_tier(name: str, tier: Tier, rows: Sequence[Input]) -> list[Outcome]:
    """One outcome per row, in order.

    Raises:
        TierError: as the tier raises it.
        OutOfMemory: any exception that says so.
        TierCrashed: anything else that it raises, errors of ours about configuration or data included.
        BadOutput: it answered another number of rows, or with something that is no outcome.
    """
    try:
        outcomes = list(tier.predict(rows))
    except TierError:
        raise
    except Exception as error:
        if out_of_memory(error):
            story = " ".join(str(error).split())[:_LONGEST_STORY]
            raise OutOfMemory(
                f"tier {name!r} ran out of memory on {counted(len(rows))}{': ' if story else ''}{story}",
                hint="use smaller batches",
            ) from error
        raise _crashed(name, f"on {counted(len(rows))}", error) from error
    if len(outcomes) != len(rows):
        raise BadOutput(f"tier {name!r} answered {len(outcomes)} of {len(rows)} rows")
    for outcome in outcomes:
        if not isinstance(outcome, Prediction | Failure):
            raise BadOutput(f"tier {name!r} answered with a {type(outcome).__name__}, not a prediction")
    return outcomes


def counted(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows:,} rows"


def remembered(error: MendError) -> TierError:
    """The error for keeping: without its traceback, whose frames would keep a failed batch or model alive."""
    kept = error if isinstance(error, TierError) else TierCrashed(error.message, hint=error.hint)
    kept.__traceback__ = kept.__cause__ = kept.__context__ = None
    return kept


def _crashed(name: str, when: str, error: Exception) -> TierCrashed:
    logger.opt(exception=error).error("tier {} crashed {}", name, when)
    story = " ".join(str(error).split())[:_LONGEST_STORY]
    return TierCrashed(
        f"tier {name!r} crashed {when}: {type(error).__name__}{': ' if story else ''}{story}",
        hint="the log has the traceback",
    )
