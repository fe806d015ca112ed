"""What a router can see of a prompt without a neural network: what is asked, about what, how hard, and in which form.

Every feature is a count, a share or a logarithm of the prompt alone, so it needs no training; standardise on training
rows before use.  Line breaks matter: pass the prompt as it was written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from mendgraph.core.arrays import FloatArray

__all__ = ["DOMAINS", "FEATURES", "TASKS", "prompt_features"]

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_SENTENCE = re.compile(r"[.!?]+(?=\s|$)")
_OPTION = re.compile(r"^\s*\(?[A-Ja-j][.):]\s+\S", re.MULTILINE)
_ITEM = re.compile(r"^\s*(?:[-*\u2022]|\d+[.)])\s+\S", re.MULTILINE)
_FORMULA = re.compile(r"[=<>^\u2264\u2265\u2260\u00b1\u221a\u2211\u222b]|\\[a-zA-Z]+|\$[^$\n]+\$")
_CODE = re.compile(
    r"```|\bdef \w+\(|\breturn\b|\bimport \w+|\bclass \w+[:(]|\bfor \w+ in\b|#include|</\w+>|>>>|[{};]\s*$|\w+\(\)",
    re.MULTILINE,
)
_BLANK = re.compile(r"_{2,}|\.{4,}\s*$|\[blank\]", re.IGNORECASE)
_STATEMENTS = re.compile(r"\bstatement (?:1|2|i|ii)\b|\b(?:i|ii|iii)\.\s|\bi and ii\b", re.IGNORECASE)
_EXAMPLES = re.compile(
    r"^\s*(?:Q|A|Question|Answer|Input|Output|Example|User|Assistant)\s*\d*:", re.MULTILINE
)
_URL = re.compile(r"https?://|www\.")
_DIGIT = re.compile(r"\d")
_CAPITAL = re.compile(r"[A-Z]")
_MARK = re.compile(r"[^\w\s]|_")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_QUOTE = re.compile(r"[\"\u201c\u201d]")
_BACKWARDS = re.compile(
    r"\b(?:passage|paragraph|article|excerpt|following|above|below|given|text|context|table|scenario)\b",
    re.IGNORECASE,
)

TASKS = {
    "what": "what",
    "who": "who whose whom",
    "when_where": "when where",
    "why": "why",
    "how": "how",
    "which": "which",
    "write": "write compose draft create generate rewrite paraphrase poem story essay email letter",
    "explain": "explain describe discuss define elaborate compare contrast analyze analyse justify",
    "shorten": "summarize summarise summary shorten condense translate extract",
    "order": "classify categorize rank sort list label match order",
    "solve": "solve calculate compute find evaluate simplify determine prove derive integrate estimate",
    "code": "implement code function program script debug refactor algorithm python javascript java sql",
    "choose": "choose select pick best correct true false incorrect except likely following",
}
"""Name -> the words that ask for it."""

DOMAINS = {
    "arithmetic": "total each many much cost costs price dollars cents sold buy buys bought sells earn earns spend"
    " spends per hours minutes days weeks years old twice half times more less left share equally average percent",
    "algebra": "equation polynomial matrix vector integer integers prime modulo field group ring subgroup isomorphic"
    " function graph set sets real root roots degree theorem proof finite linear derivative integral limit",
    "statistics": "probability random sample mean median variance deviation distribution regression hypothesis"
    " correlation confidence estimator data survey estimate statistical significant",
    "physics": "energy force mass velocity acceleration charge electric magnetic field light wave frequency"
    " temperature pressure gas quantum particle electron circuit voltage current resistance motion heat",
    "chemistry": "acid base reaction molecule atom atoms bond bonds ion ions compound solution oxidation electron"
    " mole moles carbon hydrogen oxygen element periodic enthalpy equilibrium organic",
    "biology": "cell cells dna rna gene genes protein proteins species evolution plant plants animal organism"
    " bacteria enzyme chromosome population membrane tissue photosynthesis",
    "medicine": "patient disease symptoms treatment diagnosis clinical blood drug muscle heart infection virus"
    " health vitamin nerve syndrome cancer medical doctor hospital therapy diet",
    "psychology": "behavior behaviour cognitive memory learning personality child children anxiety therapist"
    " emotion perception motivation self social psychologist conditioning",
    "law": "court law legal contract plaintiff defendant statute liability crime criminal evidence negligence"
    " constitution amendment property trial jury owner sued suit state guilty",
    "business": "company market price demand supply firm firms cost profit revenue customers tax investment"
    " management marketing brand product inflation interest bank trade economy economic budget",
    "politics": "government president war policy congress states united political party election treaty nuclear"
    " security international vote power military rights union",
    "history": "century war king empire ancient revolution colonial roman period bc ad civilization slavery"
    " church soviet french british german historical dynasty",
    "ethics": "moral wrong argument ought ethical according kant utilitarian philosophy belief god religion"
    " buddhist islam jewish christian virtue reason fallacy",
    "computing": "computer algorithm memory binary network software security password bit bits byte data server"
    " encryption array string loop compiler process learning model neural",
    "culture": "movie song band album film actor show season episode book novel played won team game city country"
    " river capital written wrote sings singer award",
}
"""Name -> words that belong to it; a word may belong to several."""

_STYLE = {
    "negations": "not no never except none neither nor without cannot don't doesn't isn't least false incorrect",
    "conditions": "if then when unless assume suppose given would could should might may must",
    "comparisons": "more less most least than greater fewer larger smaller highest lowest best worst same",
    "steps": "then next after before finally first second third step also another while until",
    "first_person": "i me my mine we our us i'm i've i'd i'll",
    "second_person": "you your yours",
    "polite": "please thanks thank kindly",
    "function_words": "the of and to in is that for a an with as by on it be was are this from or which at",
}

_FORM = (
    "characters", "words", "lines", "sentences", "words_per_sentence", "word_length", "long_words", "different_words",
    "numbers", "number_share", "largest_number", "decimals", "digits", "capitals", "capitalised_words", "punctuation",
    "commas", "non_ascii", "options", "option_words", "items", "formulas", "code", "blanks", "statements",
    "examples", "urls", "quotes", "question_marks", "exclamations", "ends_with_question", "begins_small",
    "backward_references", "context_words", "question_words", "paragraphs", "last_line_words",
)  # fmt: skip

FEATURES: tuple[str, ...] = (
    *(f"task:{name}" for name in TASKS),
    *(f"domain:{name}" for name in DOMAINS),
    *(f"style:{name}" for name in _STYLE),
    *(f"form:{name}" for name in _FORM),
)
"""Columns of `prompt_features`.

``task:*`` and ``domain:*`` are log(1 + words of that list); ``style:*`` shares of all words.  Of ``form:*``, counts are
log(1 + n); ``long_words`` (9 letters or more), ``different_words``, ``capitalised_words`` are shares of words;
``digits``, ``capitals``, ``punctuation``, ``commas`` and ``non_ascii`` shares of characters; ``number_share`` is
numbers among words and numbers; ``largest_number`` is log10(1 + n), at most 12; ``context_words`` come before the last
question or instruction, ``question_words`` in it; ``option_words`` is the mean length of an option of multiple choice.
"""

_LISTS = [*TASKS.values(), *DOMAINS.values(), *_STYLE.values()]
_COLUMNS: dict[str, list[int]] = {}
for _column, _words in enumerate(_LISTS):
    for _word in _words.split():
        _COLUMNS.setdefault(_word, []).append(_column)
_STYLE_FROM = len(TASKS) + len(DOMAINS)
_LONGEST = 20_000
"""Characters that are looked at; the rest of a longer prompt counts in ``form:characters`` alone."""


def prompt_features(prompts: Sequence[str]) -> FloatArray:
    """(N, len(FEATURES)), all finite."""
    found = np.zeros((len(prompts), len(FEATURES)))
    for row, prompt in enumerate(prompts):
        _fill(found[row], prompt)
    return found


def _fill(row: FloatArray, prompt: str) -> None:
    text = prompt[:_LONGEST]
    words = _WORD.findall(text)
    small = [word.lower().replace("\u2019", "'") for word in words]
    counts = [0] * len(_LISTS)
    for word in small:
        for column in _COLUMNS.get(word, ()):
            counts[column] += 1
    total = max(len(words), 1)
    for column, count in enumerate(counts):
        row[column] = count / total if column >= _STYLE_FROM else math.log1p(count)
    row[len(_LISTS) :] = _form(text, len(prompt), words, small)


def _form(text: str, size: int, words: list[str], small: list[str]) -> list[float]:
    log = math.log1p
    total, characters = max(len(words), 1), max(len(text), 1)
    numbers = _NUMBER.findall(text)
    lines = [line for line in text.splitlines() if line.strip()]
    options = [match.start() for match in _OPTION.finditer(text)]
    sentences = max(len(_SENTENCE.findall(text)), 1)
    stem = text[: options[0]] if len(options) > 1 else text
    split = max(stem.rstrip(" ?.:\n").rfind(mark) for mark in (". ", "? ", "\n", ": "))
    before = len(_WORD.findall(stem[: split + 1]))
    asked = len(_WORD.findall(stem[split + 1 :]))
    choices = len(_WORD.findall(text[options[0] :])) / len(options) if len(options) > 1 else 0.0
    largest = max((float(number.replace(",", "")[:15]) for number in numbers), default=0.0)
    return [
        log(size),
        log(len(words)),
        log(len(lines)),
        log(sentences),
        log(len(words) / sentences),
        sum(map(len, words)) / total,
        sum(len(word) >= 9 for word in words) / total,
        len(set(small)) / total,
        log(len(numbers)),
        len(numbers) / (total + len(numbers)),
        min(math.log10(1 + largest), 12.0),
        log(sum("." in number for number in numbers)),
        len(_DIGIT.findall(text)) / characters,
        len(_CAPITAL.findall(text)) / characters,
        sum(word[0].isupper() for word in words) / total,
        len(_MARK.findall(text)) / characters,
        text.count(",") / characters,
        0.0 if text.isascii() else len(_FOREIGN.findall(text)) / characters,
        log(len(options)),
        log(choices),
        log(len(_ITEM.findall(text))),
        log(len(_FORMULA.findall(text))),
        log(len(_CODE.findall(text))),
        log(len(_BLANK.findall(text))),
        log(len(_STATEMENTS.findall(text))),
        log(len(_EXAMPLES.findall(text))),
        log(len(_URL.findall(text))),
        log(len(_QUOTE.findall(text))),
        log(text.count("?")),
        log(text.count("!")),
        float(stem.rstrip().endswith("?")),
        float(text[:1].islower()),
        log(len(_BACKWARDS.findall(text))),
        log(before),
        log(asked),
        log(len(re.findall(r"\n\s*\n", text))),
        log(len(_WORD.findall(lines[-1]))) if lines else 0.0,
    ]
