"""Texts whose tokens have the colour of the expert that wrote them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from mendgraph.cli.console import one_line, readable
from mendgraph.core.values import Answer

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")


def is_text(answer: Answer) -> bool:
    """Whether the answer is a text that experts wrote."""
    return isinstance(answer.value, Mapping) and "tokens" in answer.value and "finish" in answer.value


class Palette:
    """Expert -> colour, in the order in which they are met."""

    def __init__(self, experts: Sequence[str] = ()) -> None:
        self._colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(experts)}

    def of(self, expert: str) -> str:
        return self._colours.setdefault(expert, COLOURS[len(self._colours) % len(COLOURS)])

    def pieces(self, tokens: Sequence[Mapping[str, Any]], text: str) -> Iterator[Text]:
        """`text` token by token, each in its expert's colour.

        Tokens that are parts of one character, or were cut off by a stop, are not in the text as they stand: where the
        two part, the rest gets the colour of the last token.
        """
        place = 0
        for token in tokens:
            if not text.startswith(token["token"], place):
                break
            yield Text(readable(token["token"]), self.of(token["expert"]))
            place += len(token["token"])
        if place < len(text):
            yield Text(readable(text[place:]), self.of(tokens[-1]["expert"]) if tokens else "")

    def piece(self, tokens: Sequence[Mapping[str, Any]], text: str) -> Text:
        """All `pieces` in one."""
        return Text.assemble(*self.pieces(tokens, text))

    def legend(self) -> Text:
        return Text("  ").join(Text(name, colour) for name, colour in self._colours.items())


def coloured(answer: Answer) -> Text:
    """The whole text of an answer."""
    return Palette(experts_in(answer)).piece(answer.value["tokens"], answer.value["text"])


def experts_in(answer: Answer) -> list[str]:
    """Those that could have written, in their order as far as it is known, then those that wrote."""
    tokens = answer.value["tokens"]
    asked = {name: None for token in tokens for name in token["confidences"]}
    return list(asked | {token["expert"]: None for token in tokens})


def story_of(answer: Answer) -> Text:
    """Who wrote how much, how it ended, and who dropped out."""
    tokens = answer.value["tokens"]
    counts: dict[str, int] = {}
    for token in tokens:
        counts[token["expert"]] = counts.get(token["expert"], 0) + 1
    palette = Palette(experts_in(answer))
    found = Text("  ").join(
        Text(f"{name} {count / len(tokens):.0%}", palette.of(name)) for name, count in counts.items()
    )
    sure = "" if answer.confidence is None else f", {answer.confidence:.0%} of the tokens expected right"
    ends = {
        "end": "ended",
        "stop": "stopped",
        "length": "cut at the length asked for",
        "context": "context full",
    }
    found.append(f"  {len(tokens)} tokens, {ends.get(answer.value['finish'], 'not finished')}{sure}", "dim")
    found.append(_healed(answer), "yellow")
    for loss in answer.value["dropped"]:
        found.append(
            f"  {loss['expert']} out from token {loss['step']} on ({one_line(loss['message'])})", "red"
        )
    return found


def _healed(answer: Answer) -> str:
    """How many chunks another tier wrote than the first, and why if the first could not."""
    kept = [one for one in answer.trail if one.verdict == "accept"]
    first = answer.trail[0].tier if answer.trail else ""
    others = Counter(one.tier for one in kept if one.tier != first)
    told = "".join(f"  {count} of {len(kept)} chunks by {tier}" for tier, count in others.items())
    failed = next((one.failure for one in answer.trail if one.tier == first and one.failure), None)
    return f"{told}: {one_line(failed.message)}" if told and failed else told
