"""An expert that breaks takes no other one with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from mendgraph.core.values import Failure
from mendgraph.errors import BadOutput, TierCrashed, TierError

__all__ = ["Passed", "attempt", "not_finite"]

Run = Callable[[tuple[int, ...]], Tensor]


@dataclass(frozen=True, slots=True)
class Passed:
    """What came out of a forward pass: expert -> (B, H) states, and why the others have none."""

    states: Mapping[int, Tensor] = field(default_factory=dict)
    failures: Mapping[int, Failure] = field(default_factory=dict)


def attempt(run: Run, experts: tuple[int, ...], names: tuple[str, ...]) -> Passed:
    """All of them in one pass; where it breaks, each in a pass of its own, so that only the guilty fail.

    Out of memory is no guilt of an expert's, but alone each needs less: who fits goes on.  `RuntimeError` is what torch
    and the drivers under it raise for everything that can break in a forward pass.

    Args:
        run: experts -> (K, B, H); it can be repeated.
    """
    try:
        return Passed(dict(zip(experts, run(experts), strict=True)))
    except (TierError, RuntimeError) as error:
        if len(experts) == 1:
            return Passed(failures={experts[0]: _failure(error, names[experts[0]])})
    alone = [attempt(run, (expert,), names) for expert in experts]
    return Passed(
        {expert: state for one in alone for expert, state in one.states.items()},
        {expert: failure for one in alone for expert, failure in one.failures.items()},
    )


def not_finite(name: str, what: str) -> Failure:
    """For an expert whose states or logits hold NaN or infinity."""
    return Failure.of(BadOutput(f"{what} of expert {name!r} are not finite", hint="check its weights"))


def _failure(error: TierError | RuntimeError, name: str) -> Failure:
    if isinstance(error, TierError):
        return Failure.of(error)
    story = " ".join(str(error).split())[:300]
    return Failure.of(TierCrashed(f"expert {name!r} broke: {type(error).__name__}: {story}"))
