"""What a job's answers depend on, and what differs when it is started again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Terms = Mapping[str, Mapping[str, str]]
"""Part -> name -> value.  Parts: ``run``, ``config``, ``weights``, ``software``.

A value of ``weights`` may be empty: a tier that is down has no weights to compare, and losing or regaining a tier is a
fault that heals, not a change.
"""

UNSET = "not set"
_NAMED = {
    "run": "{}",
    "config": "the setting {}",
    "weights": "the fingerprint of {}",
    "software": "{}",
}
_SHOWN = 4  # differences told one by one; the rest is counted
_DIGEST = re.compile(r"[0-9a-f]{32,}")


def differences(before: Terms, now: Terms) -> list[str]:
    """One phrase per changed value, for the parts that both sides have."""
    return [phrase for part in now if part in before for phrase in _within(part, before[part], now[part])]


def _within(part: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if old == new or (part == "weights" and (old == "" or new == "")):
            continue
        yield f"{_NAMED[part].format(name)} was {_shown(old)} and is now {_shown(new)}"


def told(phrases: list[str]) -> str:
    """The differences as one phrase; a long list is cut."""
    rest = len(phrases) - _SHOWN
    return "; ".join([*phrases[:_SHOWN], *([f"and {rest} more"] if rest > 0 else [])])


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as ``a.b.c`` -> value, without those that are None."""
    found: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        elif value is not None:
            found[f"{prefix}{name}"] = str(value)
    return found


def _shown(value: str | None) -> str:
    if value is None:
        return UNSET
    return f"{value[:12]}..." if _DIGEST.fullmatch(value) else value
