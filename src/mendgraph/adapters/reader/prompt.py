"""A question and its documents as one row of token ids, cut to what the model can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mendgraph.adapters.reader.codec import Codec
from mendgraph.errors import ConfigError

__all__ = ["AGREEMENT", "ANSWER", "ANSWER_ROOM", "NOTHING", "Prompt", "alone", "compose"]

ANSWER = "Answer:"
AGREEMENT = "Agreement:"
NOTHING = "nothing"
"""What a document says that does not answer the question."""

ANSWER_ROOM = 24
"""Tokens that a prompt leaves for a cue and its answer."""

_LEAST = 16
"""Tokens of a document below which reading it is not worth its place."""

_QUESTION_SHARE = 0.5
_BLANK = "\n"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads before it answers.

    Attributes:
        ids: start, question, documents, cue.
        spans: of each document its text in `ids`, (first, past the last); empty where it was left out.
        cue: tokens of the cue, the last ones.
        asked: tokens of start and question, the first ones.
        cut: what was left out, one sentence each; empty when all is there.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    cue: int
    asked: int
    cut: tuple[str, ...] = ()


def compose(
    codec: Codec, question: str, documents: Sequence[str], room: int, *, cue: str | None = ANSWER
) -> Prompt:
    """``Question: ...``, ``(1) ...``, ``(2) ...``, then the cue, each on a line.

    The longest documents lose their ends first.  Where not even the beginnings of all fit, the last ones are left
    out: callers give the best first.

    Args:
        room: tokens that the prompt may have.
        cue: None for a prompt that ends with the documents.

    Raises:
        ConfigError: `room` is too small for a question and a document.
    """
    if room < 4 * _LEAST:
        raise ConfigError(
            f"reader: {room} tokens are no room for documents",
            hint=f"use a model that reads {8 * _LEAST} or more",
        )
    cut: list[str] = []
    asked = codec.pieces(f"Question: {_line(question)}")
    asked, lost = asked[: int(room * _QUESTION_SHARE)], len(asked) - int(room * _QUESTION_SHARE)
    if lost > 0:
        cut.append(f"the question lost its last {lost} tokens")
    newline = codec.pieces(_BLANK)
    ending = [] if cue is None else codec.pieces(cue)
    ids = [*codec.start, *asked, *newline]
    before = len(ids)
    left = room - before - len(ending)
    heads = [codec.pieces(f"({number})") for number in range(1, len(documents) + 1)]
    texts = [codec.pieces(f" {_line(text)}") for text in documents]
    kept = _fitting(heads, texts, left, len(newline))
    if kept < len(documents):
        cut.append(f"documents {kept + 1} to {len(documents)} were left out")
    left -= sum(len(head) + len(newline) for head in heads[:kept])
    lengths = _shares([len(text) for text in texts[:kept]], left)
    spans: list[tuple[int, int]] = []
    for number, (head, text) in enumerate(zip(heads, texts, strict=True)):
        if number >= kept:
            spans.append((len(ids), len(ids)))
            continue
        ids += head
        spans.append((len(ids), len(ids) + lengths[number]))
        ids += [*text[: lengths[number]], *newline]
        if lengths[number] < len(text):
            cut.append(
                f"document {number + 1} lost its last {len(text) - lengths[number]} of {len(text)} tokens"
            )
    return Prompt((*ids, *ending), tuple(spans), len(ending), before, tuple(cut))


def alone(codec: Codec, prompt: Prompt, number: int, *, cue: str | None = ANSWER) -> Prompt:
    """The same question with document `number`, counted from 0, as its only one; as long as it is in `prompt`."""
    first, last = prompt.spans[number]
    ids = [*prompt.ids[: prompt.asked], *codec.pieces("(1)")]
    span = (len(ids), len(ids) + last - first)
    ending = [] if cue is None else codec.pieces(cue)
    ids += [*prompt.ids[first:last], *codec.pieces(_BLANK), *ending]
    return Prompt(tuple(ids), (span,), len(ending), prompt.asked)


def _line(text: str) -> str:
    return " ".join(text.split())


def _fitting(heads: Sequence[Sequence[int]], texts: Sequence[Sequence[int]], left: int, newline: int) -> int:
    """How many documents have room for their beginnings."""
    for number, (head, text) in enumerate(zip(heads, texts, strict=True)):
        left -= len(head) + newline + min(len(text), _LEAST)
        if left < 0:
            return number
    return len(texts)


def _shares(lengths: Sequence[int], left: int) -> list[int]:
    """Lengths cut at one common height, so that they sum up to no more than `left`."""
    if sum(lengths) <= left:
        return list(lengths)
    ordered = sorted(lengths)
    for place, length in enumerate(ordered):
        height = max(left, 0) // (len(ordered) - place)
        if length > height:
            return [min(length, height) for length in lengths]
        left -= length
    return list(lengths)
