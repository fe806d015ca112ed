"""Who speaks in a counselling session, whatever the transcript calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, get_args

from mendgraph.errors import ConfigError

Role = Literal["client", "counsellor"]

COUNSELLORS: Final = frozenset(
    {
        "assistant", "clinician", "coach", "counsellor", "counselor", "doctor", "dr", "helper", "interviewer",
        "listener", "nurse", "physician", "practitioner", "provider", "psychiatrist", "psychologist", "psychotherapist",
        "social worker", "therapist",
    }
)  # fmt: skip
CLIENTS: Final = frozenset(
    {
        "caller", "client", "help seeker", "human", "interviewee", "patient", "seeker", "service user", "user",
    }
)  # fmt: skip

_NUMBERED = re.compile(r"\s*(?:#?\d+|\([^)]*\))$")
_TITLED = re.compile(r"(?:dr|doctor|nurse)\.?\s+\S")


def role_of(speaker: str, roles: Mapping[str, Role] | None = None) -> Role | None:
    """The role behind a speaker's name; None for a name that says nothing.

    Case, a trailing number ("Therapist 2") and a trailing bracket ("Client (Ann)") do not matter.

    Args:
        roles: speaker -> role, for names only this conversation knows; they win.
    """
    name = " ".join(speaker.casefold().replace("_", " ").split())
    for known, role in (roles or {}).items():
        if name == " ".join(known.casefold().replace("_", " ").split()):
            return role
    bare = _NUMBERED.sub("", name).rstrip(".")
    if bare in COUNSELLORS or _TITLED.match(name):
        return "counsellor"
    return "client" if bare in CLIENTS else None


def role_named(name: str) -> Role:
    """A role by any of its names, e.g. ``therapist``.

    Raises:
        ConfigError: it names none.
    """
    role = role_of(name)
    if role is None:
        raise ConfigError(
            f"{name!r} is no role in a conversation", hint=f"known: {', '.join(get_args(Role))}"
        )
    return role
