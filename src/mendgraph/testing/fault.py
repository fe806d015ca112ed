"""One fault: what goes wrong, and when."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from mendgraph.core.values import Input
from mendgraph.errors import ConfigError, TierError, UnknownNameError

ONLY_IN_A_WORKER = frozenset({"kill", "segfault"})
"""Kinds that end the process they strike in."""

HOW = ("truncate", "flip", "remove")

KINDS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "crash": ("message",),
        "error": ("error!", "message"),
        "hang": ("seconds!", "hard"),
        "nan": ("share",),
        "bad_label": ("share",),
        "wrong_count": (),
        "out_of_memory": ("above!",),
        "slow": ("factor", "seconds"),
        "kill": (),
        "segfault": (),
        "corrupt": ("path", "how"),
    }
)
"""Kind of fault -> the parameters it takes; one that ends in ``!`` must be given."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a tier, and in which of its calls.

    Calls are numbered from 1.  Everything that is said about *when* must hold at once; nothing said means always.

    Attributes:
        kind: ``crash``: an exception nobody foresaw; ``error``: a `TierError` by its kind; ``hang``: blocks, then
            answers; ``nan``, ``bad_label``: bad scores or a label nobody knows; ``wrong_count``: one outcome too
            few; ``out_of_memory``: above a number of rows; ``slow``; ``kill``: SIGKILL of the tier's own process;
            ``segfault``: a real one (these two only inside a worker process); ``corrupt``: a weights file is
            damaged and the tier has to open it again, until the fault is over and the file is back.
        tier: the tier it strikes; None for every tier.
        at_call: only in this call, or in these.
        from_call, until_call: from the first to the last call struck, both included.
        every: every n-th call from `from_call` on.
        rate: share of the calls in (0, 1], drawn by the plan's seed.
        rows: only calls with a row that contains this text; ``nan`` and ``bad_label`` spoil only such rows.
        from_s, until_s: seconds since the plan's start.
        seconds: how long ``hang`` and ``slow`` hold the call up.
        hard: ``hang`` holds the interpreter's lock, as an endless loop in C code may (POSIX only).
        share: share of the rows in (0, 1] that ``nan`` and ``bad_label`` spoil, drawn by the plan's seed; 1 by default.
        above: ``out_of_memory`` strikes calls with more rows than this.
        factor: how many times longer ``slow`` makes the call.
        error: a kind of `TierError`, e.g. ``hub_unavailable``.
        message: what the exception says.
        path: the weights file to damage, or an artefact folder (its largest file); inside a `scratch_copy` only.
        how: ``truncate`` (default), ``flip`` a byte, or ``remove``.

    Raises:
        ConfigError: a parameter the kind does not have, one it lacks, or a value out of range.
        UnknownNameError: no such kind of fault or error.
    """

    kind: str
    tier: str | None = None
    at_call: int | Sequence[int] | None = None
    from_call: int = 1
    until_call: int | None = None
    every: int = 1
    rate: float = 1.0
    rows: str = ""
    from_s: float = 0.0
    until_s: float | None = None
    seconds: float | None = None
    hard: bool | None = None
    share: float | None = None
    above: int | None = None
    factor: float | None = None
    error: str | None = None
    message: str | None = None
    path: str | None = None
    how: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownNameError("kind of fault", str(self.kind), KINDS)
        if isinstance(self.at_call, list):
            object.__setattr__(self, "at_call", tuple(self.at_call))
        for name in sorted(given(self)):
            holds, expected = RULES[name]
            value = getattr(self, name)
            if not holds(value):
                raise ConfigError(f"fault {self.kind!r}: {name}: expected {expected}, got {value!r}")
        self._check_parameters()
        if self.until_call is not None and self.until_call < self.from_call:
            raise ConfigError(f"fault {self.kind!r}: until_call {self.until_call} is before from_call")
        if self.until_s is not None and self.until_s <= self.from_s:
            raise ConfigError(f"fault {self.kind!r}: until_s {self.until_s} is not after from_s")
        if self.error is not None and self.error not in ERRORS:
            raise UnknownNameError("kind of tier error", self.error, ERRORS)

    def _check_parameters(self) -> None:
        taken = {name.removesuffix("!"): name.endswith("!") for name in KINDS[self.kind]}
        has = given(self) & PARAMETERS
        if strange := sorted(has - set(taken)):
            raise ConfigError(
                f"fault {self.kind!r} takes no {', '.join(strange)}",
                hint=f"it takes {', '.join(taken) or 'no parameters'}",
            )
        if lacking := [name for name, needed in taken.items() if needed and name not in has]:
            raise ConfigError(f"fault {self.kind!r} needs {', '.join(lacking)}")
        if self.kind == "slow" and (self.factor is None) == (self.seconds is None):
            raise ConfigError("fault 'slow' needs factor or seconds, one of them")

    def due(self, number: int, seconds: float, chance: float, rows: Sequence[Input]) -> bool:
        """Whether it strikes call `number`, made `seconds` after the plan's start; `chance` is drawn in [0, 1)."""
        calls = (self.at_call,) if isinstance(self.at_call, int) else self.at_call
        return (
            (calls is None or number in calls)
            and number >= self.from_call
            and (self.until_call is None or number <= self.until_call)
            and (number - self.from_call) % self.every == 0
            and self.lasts(seconds)
            and chance < self.rate
            and (not self.rows or any(self.concerns(row) for row in rows))
        )

    def lasts(self, seconds: float) -> bool:
        """Whether its time has come and is not over."""
        return seconds >= self.from_s and (self.until_s is None or seconds < self.until_s)

    @property
    def timed(self) -> bool:
        """Whether its time is all that says when it strikes: then it lasts between calls as well."""
        return self.at_call is None and given(self).isdisjoint(CALLS)

    def concerns(self, row: Input) -> bool:
        return self.rows in row.text or self.rows in row.raw

    def to_dict(self) -> dict[str, Any]:
        """Only what was given."""
        return {
            "kind": self.kind,
            **{
                field.name: list(value) if isinstance(value, tuple) else value
                for field in fields(self)
                if field.name in given(self) and (value := getattr(self, field.name)) is not None
            },
        }

    @classmethod
    def from_dict(cls, data: Any) -> Fault:
        """Strict: unknown keys are errors."""
        if not isinstance(data, Mapping):
            raise ConfigError(
                f"expected a mapping with a kind, got {data!r}", hint="e.g. {kind: crash, at_call: 3}"
            )
        known = [field.name for field in fields(cls)]
        for key in data:
            if key not in known:
                near = get_close_matches(str(key), known, n=1)
                raise ConfigError(
                    f"unknown key {key!r}; known: {', '.join(known)}",
                    hint=f"did you mean {near[0]!r}?" if near else "",
                )
        if "kind" not in data:
            raise ConfigError("no kind", hint=f"known: {', '.join(KINDS)}")
        return cls(**data)


def given(fault: Fault) -> set[str]:
    """Names of the fields that differ from their defaults, `kind` aside."""
    return {f.name for f in fields(fault) if f.name != "kind" and getattr(fault, f.name) != f.default}


def _errors(root: type[TierError] = TierError) -> Iterator[tuple[str, type[TierError]]]:
    yield root.kind, root
    for child in root.__subclasses__():
        yield from _errors(child)


ERRORS: Mapping[str, type[TierError]] = MappingProxyType(dict(_errors()))
"""Kind -> class, of every `TierError`."""

CALLS = frozenset({"from_call", "until_call", "every", "rate", "rows"})
"""Besides `at_call`, the fields that choose among calls."""

Rule = tuple[Callable[[Any], bool], str]


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _call(value: Any) -> bool:
    return _whole(value, 1)


_CALL: Rule = (_call, "a whole number from 1")
_SHARE: Rule = (lambda value: _number(value) and 0 < value <= 1, "a number above 0, at most 1")
_SECONDS: Rule = (lambda value: _number(value) and value > 0, "a number of seconds above 0")
_TEXT: Rule = (lambda value: isinstance(value, str) and bool(value), "a text")

RULES: Mapping[str, Rule] = {
    "tier": _TEXT,
    "at_call": (
        lambda value: _call(value) or (isinstance(value, tuple) and bool(value) and all(map(_call, value))),
        "a whole number from 1, or several",
    ),
    "from_call": _CALL,
    "until_call": _CALL,
    "every": _CALL,
    "rate": _SHARE,
    "rows": _TEXT,
    "from_s": (lambda value: _number(value) and value >= 0, "a number of seconds from 0"),
    "until_s": _SECONDS,
    "seconds": _SECONDS,
    "hard": (lambda value: isinstance(value, bool), "true or false"),
    "share": _SHARE,
    "above": (lambda value: _whole(value, 0), "a whole number of rows from 0"),
    "factor": (lambda value: _number(value) and value > 1, "a number above 1"),
    "error": _TEXT,
    "message": _TEXT,
    "path": _TEXT,
    "how": (lambda value: value in HOW, f"one of {', '.join(HOW)}"),
}
"""Field -> what its values must be."""

PARAMETERS = frozenset(name.removesuffix("!") for names in KINDS.values() for name in names)
"""The fields that say what happens rather than when."""
