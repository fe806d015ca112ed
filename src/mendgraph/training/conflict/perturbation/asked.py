"""Questions about passages of real text: cloze questions (Lewis et al., ACL 2019), and what a first sentence defines.

A value, a name or a verdict is asked for; the passage has it, or a value of its kind in its place, or it does not speak
of it, because the sentence was taken out or the passage is of a similar document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from mendgraph.core.answerability import NOTHING, VALUE
from mendgraph.training.conflict.perturbation.names import NameBook
from mendgraph.training.conflict.perturbation.neighbours import Neighbours
from mendgraph.training.conflict.perturbation.passages import Passage
from mendgraph.training.conflict.perturbation.rewording import reworded
from mendgraph.training.conflict.perturbation.sentences import words_of
from mendgraph.training.conflict.perturbation.statements import asking, statement
from mendgraph.training.conflict.perturbation.swaps import Swap, apply, negated, swaps_of, told

__all__ = ["AskedPassage", "asked_passages"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CHANGED: Final = 0.5
_SILENT: Final = 0.33
"""Share of the passages that do not answer."""
_YES_OR_NO: Final = 0.25
_DEFINED: Final = 0.4
"""Share of the passages with a definition of which that is asked."""
_DROPPED: Final = 0.15
_MOST_WORDS: Final = 25
_DEFINES: Final = re.compile(
    r"^(?P<who>(?!(?:Since|When|While|If|As|In|On|At|By|For|There|This|That|These|It|He|She|They|One|Some|Most)\b)"
    r"(?:The )?[A-Z][^,()]{1,60}?)(?: \([^()]*\))?,? (?P<verb>is|was|are|were) (?:an? |the |one of the )?"
    r"(?P<what>[^,.;()]+?)(?=,|\.|;| \(| (?:who|which|that|in|on|at|from|for|by|best|known|and|or|located|"
    r"situated|based|whose|where|when|released|during|near|as|used|made|found|about|born|with|to)\b)"
)
_DEFINITION: Final = (
    "What {be} {who}?", "What {be} {who} known as?", "What kind of thing {be} {who}?", "Who or what {be} {who}?",
    "How would one describe {who}?", "What does the text call {who}?", "What sort of thing {be} {who}?",
    "{who}: what {be} it?",
)  # fmt: skip
_ROLE: Final = (
    "What {be} {who}'s profession?", "What does {who} do?", "What {be} {who} famous for being?",
    "What {be} {who}'s job?",
)  # fmt: skip
_PLACE: Final = re.compile(r"\b(?:in|near|at|from|to|across|into|of)\s+(?:the\s+)?$")
_WHEN: Final = ("when", "in what year", "what year", "on what date", "since when")
_WHO: Final = ("who", "which", "what", "what is the name of the", "whom", "which one")
_STOP: Final = _words(
    "the a an of in on at to for from by with and or is was are were be been has had have it its this that as his her "
    "their he she they which who also not but"
)


@dataclass(frozen=True, slots=True)
class AskedPassage:
    """Attributes: label: of `core.answerability.LABELS`; start, end: of the value in the document, -1 without one."""

    question: str
    document: str
    label: str
    start: int = -1
    end: int = -1


def asked_passages(passages: Sequence[Passage], seed: int = 0) -> Iterator[AskedPassage]:
    """Without end; passages in a random order, again and again."""
    book, neighbours = NameBook(passages), Neighbours(passages)
    random = Random(f"{seed}/asked")
    while True:
        for passage in random.sample(passages, len(passages)):
            made = _asked(passage, book, neighbours, random)
            if made is not None:
                yield made


def _asked(passage: Passage, book: NameBook, neighbours: Neighbours, random: Random) -> AskedPassage | None:
    if random.random() < _DEFINED and (match := _DEFINES.match(passage.sentences[0])):
        question = _definition(match, random)
        return _answered(passage, 0, question, match["what"], neighbours, random)
    key = random.randrange(len(passage.sentences))
    found = swaps_of(passage.sentences[key], book, random)
    if random.random() < _YES_OR_NO:
        return _verdict(passage, key, found, neighbours, random)
    values = [one for one in found if one.level != "semantic"]
    if not values:
        return None
    swap = random.choice(values)
    if random.random() < _CHANGED:
        passage = _with(passage, swap)
        swap = Swap(swap.level, swap.new, swap.old, swap.start, swap.end)
    sentence = passage.sentences[key]
    if swap.old not in sentence:
        return None
    cloze = _question(sentence, passage, swap, random)
    return None if cloze is None else _answered(passage, key, cloze, swap.old, neighbours, random)


def _answered(
    passage: Passage, key: int, question: str, value: str, neighbours: Neighbours, random: Random
) -> AskedPassage | None:
    """The passage asked for `value`, which its sentence `key` has; or one that does not answer."""
    if len(words_of(value)) > 8 or not words_of(value):
        return None
    if random.random() < _SILENT:
        return _silent(passage, key, question, value, neighbours, random)
    before = " ".join(passage.sentences[:key])
    start = len(before) + bool(before) + passage.sentences[key].index(value)
    return AskedPassage(question, passage.text, VALUE, start, start + len(value))


def _silent(
    passage: Passage, key: int, question: str, value: str, neighbours: Neighbours, random: Random
) -> AskedPassage | None:
    rest = " ".join(one for at, one in enumerate(passage.sentences) if at != key)
    document = rest if random.random() < 0.6 and rest else neighbours.near(passage, random).text
    return None if told(value, document) else AskedPassage(question, document, NOTHING)


def _verdict(
    passage: Passage, key: int, found: Sequence[Swap], neighbours: Neighbours, random: Random
) -> AskedPassage | None:
    """Whether something is so: as the passage has it, or changed or denied, or not spoken of there."""
    sentence = passage.sentences[key]
    claim = statement(sentence, passage, "", random)
    if random.random() < _SILENT:
        rest = " ".join(one for at, one in enumerate(passage.sentences) if at != key)
        beside = rest if random.random() < 0.6 and rest else neighbours.near(passage, random).text
        return AskedPassage(_whether(claim, random), beside, NOTHING)
    claim = reworded(claim, random, random.choice((0, 1, 2)))
    if random.random() < 0.5:
        return AskedPassage(_whether(claim, random), passage.text, "yes")
    fit = [one for one in found if one.old in claim]
    other = _other(claim, fit, random)
    if other is None or other == claim:
        return None
    return AskedPassage(_whether(other, random), passage.text, "no")


def _other(claim: str, swaps: Sequence[Swap], random: Random) -> str | None:
    """The claim changed, or denied where nothing in it can be changed."""
    if swaps and random.random() < 0.8:
        return apply(random.choice(swaps), claim)
    return negated(claim, random)


def _whether(claim: str, random: Random) -> str:
    body = claim.rstrip(".")
    if body.split()[0] in {"The", "A", "An", "In", "On", "It", "He", "She", "They", "His", "Her", "Its"}:
        body = body[0].lower() + body[1:]
    form = random.choice(
        ("Is it true that {}?", "Is it right that {}?", "Does it say that {}?", "True or not: {}?", "{}?")
    )
    asked = form.format(body)
    return asked[0].upper() + asked[1:]


def _definition(match: re.Match[str], random: Random) -> str:
    person = re.search(r"(?:er|or|ist|ian|man|woman|king|queen|poet)$", match["what"]) is not None
    form = random.choice(_ROLE if person and random.random() < 0.5 else _DEFINITION)
    return form.format(be=match["verb"], who=match["who"])


def _question(sentence: str, passage: Passage, swap: Swap, random: Random) -> str | None:
    """The sentence with the value asked for: in its place, in front, or as a few words of it."""
    claim = statement(sentence, passage, swap.old, random)
    claim = reworded(claim, random, random.choice((0, 1, 2)), lambda text: swap.old in text)
    if claim.count(swap.old) != 1:
        return None
    how = random.random()
    if how < 0.3:
        return asking(claim, swap, random) or None
    head, _, tail = claim.rstrip(".").partition(swap.old)
    wh = _wh(head, swap, random)
    rest = f"{_PLACE.sub('', head) if wh in ('where', *_WHEN) else head} {tail}".split()
    if len(rest) < 3:
        return None
    if how < 0.65:
        kept = [word for word in rest if random.random() >= _DROPPED]
    else:
        content = [at for at, word in enumerate(rest) if word.lower().strip(",.") not in _STOP]
        chosen = random.sample(content, min(len(content), random.randint(3, 6)))
        kept = [rest[at] for at in (sorted(chosen) if random.random() < 0.6 else chosen)]
        if passage.subject and passage.subject not in " ".join(kept) and passage.subject not in swap.old:
            kept.insert(0, passage.subject)
    asked = " ".join([wh, *kept][:_MOST_WORDS]).strip(" ,;")
    return asked[0].upper() + asked[1:] + "?"


def _wh(head: str, swap: Swap, random: Random) -> str:
    if swap.level == "temporal":
        return random.choice(_WHEN)
    if swap.level == "numerical":
        return random.choice(("how much", "what")) if re.search(r"[a-z%$€£]", swap.old) else "how many"
    return "where" if _PLACE.search(head) and random.random() < 0.5 else random.choice(_WHO)


def _with(passage: Passage, swap: Swap) -> Passage:
    changed = tuple(apply(swap, one) for one in passage.sentences)
    return Passage(passage.source, passage.document, changed, passage.subject)
