"""Short claims and questions made from sentences of a passage."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from mendgraph.training.conflict.perturbation.passages import Passage
from mendgraph.training.conflict.perturbation.sentences import words_of
from mendgraph.training.conflict.perturbation.swaps import Swap

__all__ = ["asking", "statement"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_LEAD: Final = re.compile(r"^(?P<who>.+?) \((?P<life>[^()]*)\) (?P<verb>is|was|are|were) (?P<what>.+)\.$")
_BORN: Final = re.compile(
    r"\bborn(?: on| in)? ((?:[A-Z]?\w+ )?(?:\d{1,2}(?:st|nd|rd|th)?,? )?(?:[A-Z]\w+,? )?\d{4})"
)
_DAY: Final = r"\d{1,2} [A-Z]\w+ \d{4}|[A-Z]\w+ \d{1,2}, \d{4}|\d{4}"
_LIVED: Final = re.compile(rf"(?P<born>{_DAY}) ?[–-] ?(?P<died>{_DAY})")
_HE: Final = re.compile(r"^(He|She|It|They|This) (?=[a-z])")
_HIS: Final = re.compile(r"^(His|Her|Its|Their) ")
_CUT: Final = re.compile(
    r",? (?:which|who|where|whose|while|although|but|because|and (?:was|is|has|had|were)|that) |; "
    r"|, (?=(?:and|with|including|as|after|before|when|along|making|becoming)\b)"
)
_FEWEST: Final = 5
_WH: Final = {
    "temporal": ("when", "what year"),
    "numerical": ("how many", "what"),
    "entity": ("who or what", "which"),
    "semantic": ("what",),
}


def statement(sentence: str, passage: Passage, must: str, random: Random) -> str:
    """What a sentence claims in few words, with the subject's name, and with `must` still in it; else the sentence."""
    made = []
    match = _LEAD.match(sentence)
    if match:
        who, life = match["who"], match["life"]
        what = match["what"]
        born, lived = _BORN.search(life), _LIVED.search(life)
        if born:
            made += [_on(f"{who} was born", born[1])]
        elif lived:
            made += [_on(f"{who} was born", lived["born"]), _on(f"{who} died", lived["died"])]
        made += [f"{who} {match['verb']} {what}.", f"{who} {match['verb']} {_first(what)}."]
    named = sentence
    if passage.subject:
        named = _HE.sub(f"{passage.subject} ", _HIS.sub(f"{passage.subject}'s ", sentence))
        made.append(named)
    parts = _CUT.split(named.rstrip("."))
    made.append(parts[0].rstrip(",") + ".")
    fit = [one for one in made if must in one and len(words_of(one)) >= _FEWEST]
    if not fit:
        return named if must in named else sentence
    fit.sort(key=len)
    return fit[0] if random.random() < 0.7 else random.choice(fit)


def asking(claim: str, swap: Swap, random: Random) -> str:
    """The claim as a question for what `swap` replaces in it; "" where that cannot be said shortly."""
    if swap.old not in claim:
        return ""
    asked = random.choice(_WH[swap.level])
    if swap.level == "numerical" and re.search(r"[^\d.,\s]", swap.old):
        asked = "how much"
    if swap.level == "semantic":
        body = claim.rstrip(".")
        if body.split()[0] in _COMMON and not body[:2].isupper():
            body = body[0].lower() + body[1:]
        return f"Is it right that {body}?"
    head, _, tail = claim.rstrip(".").partition(swap.old)
    head = re.sub(r"\b(?:in|on|since|by|during)\s+$", "", head) if swap.level == "temporal" else head
    words = (head + asked + tail).split()
    return " ".join(words[:30]) + "?"


_COMMON: Final = frozenset(
    _words("The A An In On At It He She They His Her Its Their This These During By After Many Some Most")
)


def _on(start: str, date: str) -> str:
    return f"{start} {'in' if re.fullmatch(r'(?:[A-Z][a-z]+ )?[0-9]{4}', date) else 'on'} {date}."


def _first(what: str) -> str:
    return re.split(r", | who | which | that | known | best | and ", what)[0]
