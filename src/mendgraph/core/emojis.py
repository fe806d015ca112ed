"""Emoji as whole grapheme clusters (families, skin tones, flags, keycaps), and as words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

import emoji

_ZWJ = "\u200d"
_GLUE = "\u200d\ufe0e\ufe0f"
_MAYBE = re.compile("[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff]")
# Every cluster lies in a run of non-ASCII characters, a keycap's base before it.
_SPAN = re.compile(r"[0-9#*]?[^\x00-\x7f]+")
_TONE = re.compile("[\U0001f3fb-\U0001f3ff]")
_TONE_WORDS = re.compile(r"(?:^| )(?:medium-light|medium-dark|medium|light|dark) skin tone\b")
# Single signs below this code point (copyright, arrows, double exclamation mark) are text without VS16.
_FIRST_PICTURE = "\u2300"
# "!!!!" means no more than "!!!"; the same for one emoji many times.
_LONGEST_RUN = 3

_EMOTICONS = {
    "slightly smiling face": (":)", ":-)", ":))", ":)))", "(:", "=)", ":]", "^_^", "^^", ":}"),
    "grinning face with smiling eyes": (":D", ":-D", "=D", ":DD", ":DDD", "xD", "XD"),
    "winking face": (";)", ";-)", ";D"),
    "winking face with tongue": (":P", ":-P", ":p", ":-p", ";P", ";p", "=P"),
    "frowning face": (":(", ":-(", ":((", ":(((", "):", "=(", ":["),
    "crying face": (":'(", ":\u2019(", ":'-(", ";_;", "T_T", "T.T"),
    "tears of joy": (":')", ":\u2019)", ":'D"),
    "angry face": (">:(", ">:-(", ">:["),
    "confused face": (":/", ":-/", ":\\", ":-\\", ":S", ":-S"),
    "neutral face": (":|", ":-|"),
    "expressionless face": ("-_-", "-.-", "-__-", "-___-"),
    "face with open mouth": (":o", ":O", ":-o", ":-O", "o_O", "O_o", "o_o", "O_O", "0_0"),
    "anguished face": ("D:",),
    "face blowing a kiss": (":*", ":-*"),
    "red heart": ("<3", "<33", "<333"),
    "broken heart": ("</3",),
}
_EMOTICON_WORDS = {sign: words for words, signs in _EMOTICONS.items() for sign in signs}
# Free-standing only: "D:/music", "12:00", "list:)" and "5 <3 7" are no faces.
_EMOTICON = re.compile(
    r"(?:(?<=[\s.!?,…])|^)(?!(?<=\d )<3)(?:"
    + "|".join(re.escape(sign) for sign in sorted(_EMOTICON_WORDS, key=len, reverse=True))
    + r")(?=[\s.!?,…]|$)"
)
_SIGN = re.compile(r"[:;=<>^)(_.-]")


def find(text: str) -> list[str]:
    """The emoji of a text in order, each a whole cluster."""
    return [piece for piece, is_emoji in _pieces(text) if is_emoji] if _may_have_emoji(text) else []


def only_emoji(text: str) -> bool:
    """At least one emoji, and besides emoji nothing but whitespace and punctuation."""
    if not _may_have_emoji(text):
        return False
    found = False
    for piece, is_emoji in _pieces(text):
        found |= is_emoji
        if not is_emoji and not _is_filler(piece):
            return False
    return found


def to_words(text: str) -> str:
    """Every emoji and free-standing emoticon becomes its English words: "❤️" -> " red heart ".

    Skin tones are dropped, and one emoji many times in a row is said at most three times.  The result has no
    emoji left; where anything was replaced its whitespace is collapsed.
    """
    changed = text
    if _SIGN.search(text):
        changed = _EMOTICON.sub(lambda sign: f" {_EMOTICON_WORDS[sign[0]]} ", text)
    if _may_have_emoji(changed):
        words: list[str] = []
        for (piece, is_emoji), run in groupby(_pieces(changed)):
            times = sum(1 for _ in run)
            words += [f" {name(piece)} "] * min(times, _LONGEST_RUN) if is_emoji else [piece] * times
        changed = "".join(words)
    return text if changed == text else " ".join(changed.split())


def canonical(cluster: str) -> str:
    """The cluster without variation selectors and skin tone, for look-ups; a lone skin tone stays."""
    return _TONE.sub("", cluster).replace("\ufe0f", "").replace("\ufe0e", "") or cluster


def _may_have_emoji(text: str) -> bool:
    return not text.isascii() and _MAYBE.search(text) is not None


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Whole clusters and the text between them, in order; the flag says which is which.

    Joiners and variation selectors left over behind an emoji are dropped.
    """
    start = 0
    for span in _SPAN.finditer(text):
        yield text[start : span.start()], False
        start = span.end()
        after_emoji = False
        for token in emoji.analyze(span[0], non_emoji=True, join_emoji=True):
            is_emoji = not isinstance(token.value, str) and not (
                len(token.chars) == 1 and token.chars < _FIRST_PICTURE
            )
            if is_emoji or not (after_emoji and token.chars in _GLUE):
                yield token.chars, is_emoji
                after_emoji = is_emoji
    yield text[start:], False


def _is_filler(piece: str) -> bool:
    return all(
        char.isspace() or char in _GLUE or unicodedata.category(char).startswith("P") for char in piece
    )


@lru_cache(maxsize=8192)
def name(cluster: str) -> str:
    """The English words of one cluster, skin tones dropped: "👍🏽" -> "thumbs up"."""
    data = emoji.EMOJI_DATA.get(cluster)
    if data is None and _ZWJ in cluster:  # a sequence outside the recommended set: its parts, one by one
        return " ".join(filter(None, (name(part) for part in cluster.split(_ZWJ))))
    words = str((data or {}).get("en", "")).strip(":").replace("_", " ").replace(":", " ")
    return _TONE_WORDS.sub("", words).strip()
