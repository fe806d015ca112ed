"""When two short answers say the same: quantities by value, names by their parts, the rest by words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from mendgraph.core.quantities import Measure, find_measures

__all__ = ["agreeing_groups", "normal_form", "same_answer"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TITLES: Final = frozenset(_words("dr mr mrs ms prof professor sir dame lady lord saint st"))
_FILLERS: Final = re.compile(
    r"^(?:(?:the|nearby) |(?:firm|company|town|city|village|state|country|land|republic|family)(?: of)? )"
)
_YES: Final = frozenset(["yes", "true", "right", "supports", "supported"])
_NO: Final = frozenset(["no", "false", "wrong", "refutes", "refuted"])


def same_answer(first: str, second: str) -> bool:
    """Whether both can be the answer to one question.  Symmetric; every answer is the same as itself."""
    words, others = normal_form(first), normal_form(second)
    if words == others:
        return True
    mine, theirs = _value(first), _value(second)
    if mine is not None and theirs is not None:
        return mine.agrees(theirs)
    if mine is not None or theirs is not None:
        return False
    return _same_name(words.split(), others.split())


def normal_form(answer: str) -> str:
    """Lower case, without punctuation, titles and a leading "the" ("a" may be an initial); yes and no in one word."""
    words = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", answer.replace("&", " and ").lower())
    joined = " ".join(word for word in words if word not in _TITLES) or answer.strip().lower()
    while (shorter := _FILLERS.sub("", joined, count=1).strip()) != joined and shorter:
        joined = shorter
    return "yes" if joined in _YES else "no" if joined in _NO else joined


def agreeing_groups(answers: Sequence[str]) -> list[int]:
    """Number of each answer's group, from 0 in order of appearance: an answer joins the first group it agrees with
    in all members."""
    members: list[list[str]] = []
    found = []
    for answer in answers:
        for number, group in enumerate(members):
            if all(same_answer(answer, other) for other in group):
                group.append(answer)
                found.append(number)
                break
        else:
            members.append([answer])
            found.append(len(members) - 1)
    return found


def _value(answer: str) -> Measure | None:
    """The one value that an answer is; None where it is none, or more than one."""
    found = find_measures(answer)
    if len(found) != 1:
        return None
    rest = answer[: found[0].start] + answer[found[0].end :]
    return found[0] if len(re.findall(r"\w{4,}", rest)) <= 1 else None


def _same_name(words: Sequence[str], others: Sequence[str]) -> bool:
    """Surnames equal, and first names equal, missing, or given by their initial."""
    if not words or not others or words[-1] != others[-1]:
        return False
    firsts, seconds = list(words[:-1]), list(others[:-1])
    if not firsts or not seconds:
        return True
    return _compatible(firsts[0], seconds[0])


def _compatible(first: str, second: str) -> bool:
    return first == second or (min(len(first), len(second)) == 1 and first[0] == second[0])
