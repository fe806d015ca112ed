"""What a counsellor's response looks like from outside: form, wording, and words shared with the client's turn.

The cues are those that manuals of motivational interviewing name (Miller and Rollnick 2013; Moyers et al. 2016,
MITI 4.2): reflections open with a stem such as "it sounds like" or "you", are statements, speak of the client, and
add feeling or meaning; advice, questions and talk of oneself are no reflections.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from mendgraph.core.arrays import FloatArray

_STEM = re.compile(
    r"^(?:so\b[, ]*|and\b[, ]*|well\b[, ]*)?(?:it|that) (?:sounds|seems|looks|feels)\b|^sounds like\b|^seems like\b"
    r"|^(?:so,? )?what (?:i hear|i'm hearing|you're saying)|^i hear\b|^i(?: can)? (?:sense|imagine|see)\b"
    r"|^on (?:the )?one hand\b|^in other words\b|^part of you\b"
)
_YOU_FIRST = re.compile(r"^(?:so,? |and,? |but,? )?you(?:'re|'ve|'d|'ll|r)?\b")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


YOU = _set("you your yours yourself you're you've you'd you'll")
ME = _set("i me my mine myself i'm i've i'd i'll we us our")
ADVICE = _set(
    "should must need try consider recommend suggest advise start stop avoid talk see ask get go make better "
    "important help could ought maybe perhaps"
)
NEGATION = _set(
    "no not never nothing none nobody cannot can't don't doesn't didn't won't wouldn't isn't aren't wasn't haven't "
    "hasn't couldn't shouldn't without"
)
FEELING = _set(
    "feel feels feeling felt afraid angry anxious ashamed annoyed bored concerned confident confused depressed "
    "determined disappointed discouraged embarrassed excited exhausted frightened frustrated frustrating glad guilty "
    "happy hard helpless hopeful hopeless hurt lonely lost love nervous overwhelmed overwhelming pain proud ready "
    "regret relieved sad scared scary stressed struggling stuck tired torn unsure upset want wish worried worry"
)
BRIDGE = _set("but yet although though while because even still despite since so that")
COMMON = (
    _set(
        "a an the and or but if of to in on at for with from by as is are was were be been being am do does did have "
        "has had it its this that these those there here what which who how when where why not no so too very just"
    )
    | YOU
    | ME
)

NAMES: Final = (
    "log_words", "log_words_squared", "sentences", "questions", "exclamations", "stem", "you_first", "you", "me",
    "advice", "negation", "feeling", "bridge", "words_per_client_word", "shared", "echoed", "new_words",
)  # fmt: skip
"""Of the columns of `cues`."""


def cues(pairs: Sequence[tuple[str, str]]) -> FloatArray:
    """(N, len(NAMES)) from (client's turn, counsellor's response)."""
    rows = [_row(prompt, response) for prompt, response in pairs]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(NAMES))


def _row(prompt: str, response: str) -> list[float]:
    plain = response.strip().casefold().replace("\u2019", "'")
    said, heard = _words(plain), _words(prompt.casefold().replace("\u2019", "'"))
    content, known = set(said) - COMMON, set(heard) - COMMON
    shared = len(content & known)
    length = float(np.log1p(len(said)))

    def rate(words: frozenset[str]) -> float:
        return sum(word in words for word in said) / max(1, len(said))

    return [
        length,
        length**2,
        float(min(6, 1 + len(re.findall(r"[.!?]+\s", plain)))),
        float(min(3, plain.count("?"))),
        float(min(3, plain.count("!"))),
        float(_STEM.search(plain) is not None),
        float(_YOU_FIRST.search(plain) is not None),
        rate(YOU),
        rate(ME),
        rate(ADVICE),
        rate(NEGATION),
        rate(FEELING),
        rate(BRIDGE),
        float(np.log1p(len(said) / max(1, len(heard)))),
        shared / max(1, len(content)),
        shared / max(1, len(known)),
        float(np.log1p(len(content) - shared)),
    ]


def _words(text: str) -> list[str]:
    return _WORD.findall(text)
