"""Emoji as whole grapheme clusters (families, skin tones, flags, keycaps), and as words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import emoji

_ZWJ = "\u200d"
_GLUE = "\u200d\ufe0e\ufe0f"
_TONES = "\U0001f3fb-\U0001f3ff"
_FLAG_LETTERS = "\U0001f1e6-\U0001f1ff"
_TONE = re.compile(f"[{_TONES}]")
_TONE_WORDS = re.compile(r"(?:^| )(?:medium-light|medium-dark|medium|light|dark) skin tone\b")
_MAYBE = re.compile("[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff]")
# Single signs below this code point (copyright, arrows, double exclamation mark) are text without VS16.
_FIRST_PICTURE = "\u2300"


def _cluster_pattern() -> re.Pattern[str]:
    """The emoji sequences of Unicode Technical Standard 51, over the emoji that the package knows.

    The package's own tokenizer is not used: it loses variation selectors that select nothing.
    """
    known = {cluster[0] for cluster in emoji.EMOJI_DATA if len(cluster.rstrip("\ufe0f")) == 1}
    picture = _char_class(char for char in known if char >= _FIRST_PICTURE)
    sign = _char_class(char for char in known if "\x7f" < char < _FIRST_PICTURE)
    look = f"[\ufe0e\ufe0f]?[{_TONES}]?"
    return re.compile(
        f"(?={_MAYBE.pattern}|[0-9#*])([{_FLAG_LETTERS}]{{2}}|[0-9#*]\ufe0f?\u20e3"
        f"|(?:{picture}{look}|{sign}\ufe0f)(?:[\U000e0020-\U000e007e]+\U000e007f)?"
        f"(?:{_ZWJ}(?:{picture}|{sign}){look})*)[{_GLUE}]*"
    )


def _char_class(chars: Iterable[str]) -> str:
    """As ranges: outside the basic plane `re` tries the members of a class one after the other."""
    ranges: list[list[int]] = []
    for code in sorted(map(ord, chars)):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges) + "]"


_CLUSTER = _cluster_pattern()
# "!!!!" means no more than "!!!"; the same for one emoji many times.
_RUN = re.compile(rf"({_CLUSTER.pattern})(?:\1){{3,}}")

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
    return _CLUSTER.findall(text) if _may_have_emoji(text) else []


def only_emoji(text: str) -> bool:
    """At least one emoji, and besides emoji nothing but whitespace and punctuation."""
    if not _may_have_emoji(text):
        return False
    rest, found = _CLUSTER.subn("", text)
    return bool(found) and all(map(_is_filler, rest))


def to_words(text: str) -> str:
    """Every emoji and free-standing emoticon becomes its English words: "❤️" -> " red heart ".

    Skin tones are dropped, and one emoji many times in a row is said at most three times.  The result has no
    emoji left; where anything was replaced its whitespace is collapsed.
    """
    changed = text
    if _SIGN.search(text):
        changed = _EMOTICON.sub(lambda sign: f" {_EMOTICON_WORDS[sign[0]]} ", text)
    if _may_have_emoji(changed):
        changed = _CLUSTER.sub(lambda cluster: f" {name(cluster[1])} ", _RUN.sub(r"\1\1\1", changed))
    return text if changed == text else " ".join(changed.split())


def canonical(cluster: str) -> str:
    """The cluster without variation selectors and skin tone, for look-ups; a lone skin tone stays."""
    return _TONE.sub("", _plain(cluster)) or cluster


@lru_cache(maxsize=8192)
def name(cluster: str) -> str:
    """The English words of one cluster, skin tones dropped: "👍🏽" -> "thumbs up"."""
    data = next((found for form in (cluster, _plain(cluster)) if (found := emoji.EMOJI_DATA.get(form))), None)
    if data is None and _ZWJ in cluster:  # a sequence outside the recommended set: its parts, one by one
        return " ".join(filter(None, map(name, cluster.split(_ZWJ))))
    if data is None:  # a flag of no country, or a skin tone on something without skin
        return "flag" if cluster[0] not in emoji.EMOJI_DATA else name(cluster[0])
    words = str(data["en"]).strip(":").replace("_", " ").replace(":", " ")
    return _TONE_WORDS.sub("", words).strip()


def _may_have_emoji(text: str) -> bool:
    return not text.isascii() and _MAYBE.search(text) is not None


def _plain(cluster: str) -> str:
    return cluster.replace("\ufe0f", "").replace("\ufe0e", "")


def _is_filler(char: str) -> bool:
    return char.isspace() or char in _GLUE or unicodedata.category(char).startswith("P")
