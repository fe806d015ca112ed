"""Faults in order, as Python values and as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from mendgraph.core.values import Input
from mendgraph.errors import ConfigError, MendError
from mendgraph.settings_file import read_mapping
from mendgraph.testing.fault import Fault

KEYS = ("seed", "start", "faults")


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What will go wrong.  The same plan strikes the same calls of a tier, in this process and in the next.

    Attributes:
        faults: in the order in which they strike a call that several of them concern.
        seed: of everything that is drawn.
        start: epoch seconds that `Fault.from_s` and `Fault.until_s` count from; None: when the tier is opened.

    As a file, in YAML or JSON::

        seed: 7
        faults:
          - {tier: primary, kind: crash, at_call: 3}
          - {tier: primary, kind: hang, seconds: 10, from_call: 5, until_call: 6}
          - {kind: nan, share: 0.05}
    """

    faults: Sequence[Fault] = ()
    seed: int = 0
    start: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "faults", tuple(self.faults))
        if not isinstance(self.seed, int) or isinstance(self.seed, bool):
            raise ConfigError(f"seed: expected a whole number, got {self.seed!r}")
        if not (self.start is None or (isinstance(self.start, (int, float)) and self.start >= 0)):
            raise ConfigError(f"start: expected epoch seconds, got {self.start!r}")

    def of(self, tier: str) -> FaultPlan:
        """The part that concerns one tier."""
        return replace(self, faults=[fault for fault in self.faults if fault.tier in (None, tier)])

    def due(
        self, tier: str, number: int, seconds: float, rows: Sequence[Input]
    ) -> Iterator[tuple[int, Fault]]:
        """The faults that strike call `number` of `tier`, `seconds` after the start, with their places."""
        for place, fault in enumerate(self.faults):
            chance = draw(self.seed, tier, place, number) if fault.rate < 1 else 0.0
            if fault.due(number, seconds, chance, rows):
                yield place, fault

    def to_dict(self) -> dict[str, Any]:
        return {"seed": self.seed, "start": self.start, "faults": [fault.to_dict() for fault in self.faults]}

    @classmethod
    def from_dict(cls, data: dict[str, Any], where: str = "plan") -> FaultPlan:
        """Strict: unknown keys are errors.

        Raises:
            ConfigError: ``where, fault n: what``.
        """
        if strange := [key for key in data if key not in KEYS]:
            raise ConfigError(f"{where}: unknown key {strange[0]!r}; known: {', '.join(KEYS)}")
        given = data.get("faults")
        if not isinstance(given, list):
            raise ConfigError(
                f"{where}: faults: expected a list, got {given!r}", hint="- {kind: crash, at_call: 3}"
            )
        faults = []
        for number, fault in enumerate(given, start=1):
            try:
                faults.append(Fault.from_dict(fault))
            except MendError as error:
                raise ConfigError(f"{where}, fault {number}: {error.message}", hint=error.hint) from error
        try:
            return cls(faults, data.get("seed", 0), data.get("start"))
        except ConfigError as error:
            raise ConfigError(f"{where}: {error.message}") from error

    @classmethod
    def from_file(cls, path: Path | str) -> FaultPlan:
        """Reads YAML, or JSON where the name says so.

        Raises:
            ConfigError: the file cannot be read, or something in it is wrong.
        """
        path = Path(path)
        if not path.is_file():
            raise ConfigError(
                f"no plan {str(path)!r}", hint="a plan is a YAML or JSON file with a list of faults"
            )
        if path.suffix.lower() != ".json":
            return cls.from_dict(read_mapping(path), str(path))
        try:
            data: Any = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: cannot be read as JSON: {error}") from error
        if not isinstance(data, dict):
            raise ConfigError(f"{path}: expected an object with faults, got {type(data).__name__}")
        return cls.from_dict(data, str(path))


def draw(*key: object) -> float:
    """A number in [0, 1) that depends on nothing but `key`: no state to keep, none to lose with a process."""
    digest = blake2b("\0".join(map(str, key)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53
