"""A counselling session as turns, and the exchanges in it that can be scored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from mendgraph.core.speakers import Role, role_of
from mendgraph.errors import DataError

FIELDS: Final = ("speaker", "text")
"""What a turn is made of."""

Roles = Mapping[str, Role]

_LINE = re.compile(
    r"\s*(?:[\[(][\d:.,\s>-]+[\])]\s*|(?:\d{1,2}:)+\d{2}\s+)?\**(?P<name>[^\W\d_][^:\n]{0,39}?)\s*:\**(?:\s+|$)(?P<text>.*)",
    re.DOTALL,
)
"""A turn in a transcript, after an optional time: "[00:12] Therapist: ..."."""

_WORDS_OF_A_NAME: Final = 2


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody said.

    Attributes:
        note: why it is not scored, or what was odd about it; "" when all is well.
    """

    speaker: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the client said, and what the counsellor answered.

    Attributes:
        client, counsellor: numbers of the turns, from 0; those of one speaker in a row are joined.
    """

    client: tuple[int, ...]
    counsellor: tuple[int, ...]
    prompt: str
    response: str


def read_turns(turns: Iterable[object], roles: Roles | None = None) -> list[Turn]:
    """Turns as they are given: `Turn`, a mapping with ``speaker`` and ``text``, or such a pair.

    A turn that cannot be used keeps its place, with a note.

    Raises:
        DataError: a turn is none of these; or nobody is known; or one side says nothing.
    """
    found = [_turn(raw, number) for number, raw in enumerate(turns, start=1)]
    if not found:
        raise DataError("the conversation has no turns", hint="give at least a client's and a counsellor's")
    noted = [_noted(turn, roles) for turn in found]
    speaking = {role_of(turn.speaker, roles) for turn in noted if not turn.note}
    if not speaking:
        names = ", ".join(map(repr, dict.fromkeys(turn.speaker for turn in found if turn.text.strip())))
        raise DataError(
            f"nobody in the conversation is known to be client or counsellor; its speakers: {names or 'none'}",
            hint="say who is who: roles={'Ann': 'client'}, or on the command line --speaker Ann=client",
        )
    if len(speaking) == 1:
        raise DataError(
            f"only the {speaking.pop()} speaks in this conversation of {len(found)} turns",
            hint="a response is scored on what the client said before it: both have to speak",
        )
    return noted


def exchanges(turns: Sequence[Turn], roles: Roles | None = None) -> list[Exchange]:
    """Every counsellor's answer to a client, in order; turns with a note are passed over."""
    groups: list[tuple[Role, list[int]]] = []
    for number, turn in enumerate(turns):
        role = None if turn.note else role_of(turn.speaker, roles)
        if role is None:
            continue
        if groups and groups[-1][0] == role:
            groups[-1][1].append(number)
        else:
            groups.append((role, [number]))
    return [
        Exchange(tuple(asked), tuple(answered), _joined(turns, asked), _joined(turns, answered))
        for (_, asked), (role, answered) in pairwise(groups)
        if role == "counsellor"
    ]


def transcript(lines: Iterable[str], roles: Roles | None = None) -> list[Turn]:
    """The turns of a text: "Therapist: ..." begins one, any other line belongs to the turn before it.

    Raises:
        DataError: it does not begin with a speaker.
    """
    turns: list[tuple[str, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        found = _LINE.match(line)
        if found and _speaks(found["name"], roles):
            turns.append((found["name"], [found["text"].strip()]))
        elif turns:
            turns[-1][1].append(line.strip())
        elif line.strip():
            raise DataError(
                f"line {number} of the conversation names no speaker: {line.strip()[:60]!r}",
                hint="begin every turn with its speaker, as in 'Client: ...' and 'Therapist: ...'",
            )
    return [Turn(speaker, " ".join(filter(None, texts))) for speaker, texts in turns]


def _speaks(name: str, roles: Roles | None) -> bool:
    """A name nobody knows begins a turn too, or its words would be taken for those of whoever spoke before."""
    return role_of(name, roles) is not None or (name[0].isupper() and len(name.split()) <= _WORDS_OF_A_NAME)


def _turn(raw: object, number: int) -> Turn:
    if isinstance(raw, Turn):
        return raw
    if isinstance(raw, Mapping):
        if missing := [name for name in FIELDS if name not in raw]:
            raise DataError(
                f"turn {number} has no {missing[0]!r}; it has {', '.join(map(repr, raw)) or 'nothing'}",
                hint='give {"speaker": ..., "text": ...}, or a pair (speaker, text)',
            )
        speaker, text = raw["speaker"], raw["text"]
    elif isinstance(raw, list | tuple) and len(raw) == len(FIELDS):
        speaker, text = raw
    else:
        raise DataError(
            f"turn {number}: expected a speaker and a text, got {type(raw).__name__}",
            hint='give {"speaker": ..., "text": ...}, or a pair (speaker, text)',
        )
    return _plain(speaker, text)


def _plain(speaker: Any, text: Any) -> Turn:
    name = speaker if isinstance(speaker, str) else "" if speaker is None else str(speaker)
    if text is None or isinstance(text, str):
        return Turn(name, text or "")
    return Turn(name, "", f"left out: expected text, got {type(text).__name__}")


def _noted(turn: Turn, roles: Roles | None) -> Turn:
    if turn.note:
        return turn
    if not turn.text.strip():
        return Turn(turn.speaker, turn.text, "left out: the turn is empty")
    if role_of(turn.speaker, roles) is None:
        who = repr(turn.speaker) if turn.speaker else "nobody"
        return Turn(turn.speaker, turn.text, f"left out: {who} is neither client nor counsellor")
    return turn


def _joined(turns: Sequence[Turn], numbers: Iterable[int]) -> str:
    return " ".join(turns[number].text.strip() for number in numbers)
