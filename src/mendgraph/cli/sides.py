"""Answers found in documents: whether they disagree, who says what, and where in the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from mendgraph.cli.console import one_line, readable
from mendgraph.cli.glyphs import Glyphs, bar, percent, shortened
from mendgraph.core.answers import same_answer
from mendgraph.core.conflict import parsed
from mendgraph.core.values import Answer

STYLES = {"none": "green", "temporal": "cyan", "numerical": "magenta", "entity": "yellow", "semantic": "red"}
"""Level of conflict -> the colour of what contradicts."""

MOST = 4
"""Documents quoted for each side; the others are named."""

AROUND = 140
"""Characters kept on both sides of what is marked in a quotation."""

NAMED = 200
"""Characters that the names of documents take which are not quoted."""

WIDEST = 24
"""Cells of a document's name."""


def is_sourced(answer: Answer) -> bool:
    """Whether the answer was found in documents."""
    found = isinstance(answer.value, Mapping) and "passages" in answer.value and "sides" in answer.value
    return found and answer.error is None


def question_of(text: str) -> str:
    """The question of a row that was given as JSON; any other text as it is."""
    row = parsed(text)
    return text if row is None else str(row["question"])


def texts_of(answer: Answer) -> dict[str, str]:
    """Document -> its text, where the row brought its documents."""
    given = (parsed(answer.input) or {}).get("documents") or ()
    return {str(one["id"]): str(one["text"]) for one in given if isinstance(one, Mapping) and "id" in one}


def level_told(value: Mapping[str, Any]) -> str:
    """``L1 temporal``, or ``none``."""
    return " ".join(filter(None, (value.get("code"), value["level"]))) if value["conflict"] else "none"


def opening(answer: Answer, g: Glyphs) -> Text:
    """The answer on one line, or that there is none, with the likeliest side."""
    said = one_line(answer.best_guess or "")
    if answer.accepted:
        sure = bar(answer.confidence, g, style="green")
        return Text.assemble(
            (said, "bold green"),
            "  ",
            sure,
            f" {percent(answer.confidence)}  ",
            (f"by {answer.source}", "dim"),
        )
    found = Text.assemble(("no answer", "bold yellow"))
    if said:
        found.append("  likeliest ").append(said, "bold")
    if said and answer.confidence is not None:
        found.append("  ").append_text(bar(answer.confidence, g, style="yellow"))
        found.append(f" {percent(answer.confidence)}")
    return found


def found_told(answer: Answer, g: Glyphs) -> Iterator[Text | Table]:
    """Conflict or not, and who says what; nothing where the answer is of another kind."""
    if is_sourced(answer):
        yield verdict(answer.value, g)
        yield from sides_told(answer, g)


def verdict(value: Mapping[str, Any], g: Glyphs) -> Text:
    """Conflict or not, with its level and probability."""
    share = value["probability"]
    style = STYLES[value["level"] if value["conflict"] else "none"]
    said, of = (f"{level_told(value)} conflict", "") if value["conflict"] else ("no conflict", " conflict")
    return Text.assemble(
        (said, f"bold {style}"), "  ", bar(share, g, style=style), f" {percent(share).strip()}{of}"
    )


def quoted(passage: Mapping[str, Any], g: Glyphs, style: str, text: str = "") -> Text:
    """A passage on one line, with what it says marked by colour and by `Glyphs.marks`.

    Args:
        text: of the whole document, which the passage's span is in; without it the words themselves are looked for.
    """
    sentence = str(passage["text"])
    start, end = _span(passage, sentence, text)
    before, said, after = sentence[:start], sentence[start:end], sentence[end:]
    if start == end:
        return Text(shortened(sentence, 2 * AROUND))
    opened, closed = g.marks
    left, right = one_line(f"{before}|")[:-1], one_line(f"|{after}")[1:]
    left = f"…{left[-AROUND:]}" if len(left) > AROUND else left
    right = f"{right[:AROUND]}…" if len(right) > AROUND else right
    return Text.assemble(left, (f"{opened}{one_line(said)}{closed}", f"bold {style}"), right)


def marked(text: str, spans: Sequence[tuple[int, int]], g: Glyphs, style: str) -> Text:
    """A whole text with parts of it marked; spans outside of it are passed over."""
    opened, closed = g.marks
    found, place = Text(), 0
    for start, end in sorted(spans):
        if place <= start < end <= len(text):
            found.append(readable(text[place:start]))
            found.append(f"{opened}{readable(text[start:end])}{closed}", f"bold {style}")
            place = end
    return found.append(readable(text[place:]))


def _span(passage: Mapping[str, Any], sentence: str, text: str) -> tuple[int, int]:
    """Where in the sentence the value stands; an empty span where it does not."""
    start, end = int(passage["start"]), int(passage["end"])
    if 0 <= start < end <= len(text):
        place = text.find(sentence)
        while place >= 0:  # a sentence may occur twice in a document
            if place <= start and end <= place + len(sentence):
                return start - place, end - place
            place = text.find(sentence, place + 1)
    said = one_line(str(passage.get("says") or ""))
    place = sentence.casefold().find(said.casefold()) if said else -1
    return (place, place + len(said)) if place >= 0 else (0, 0)


def sides_told(answer: Answer, g: Glyphs) -> Iterator[Text | Table]:
    """Every side with its documents, quoted; of an accepted answer without a conflict, the passages it rests on."""
    value = answer.value
    texts = texts_of(answer)
    style = STYLES[value["level"] if value["conflict"] else "none"]
    left = {str(passage["document"]): passage for passage in value["passages"]}
    width = min(max((cell_len(one_line(name)) for name in left), default=0), WIDEST)
    for side in value["sides"] if _open(answer) else ():
        chosen = answer.accepted and same_answer(str(side["value"]), answer.label or "")
        yield _heading(side, g, style, chosen)
        names = [str(one) for one in side["documents"]]
        found = [(name, left.pop(name)) for name in names if name in left]
        yield _quotations(found, names, width, texts, g, style)
    if silent := silent_in(answer):
        yield Text(f"  on no side: {shortened(', '.join(map(one_line, silent)), NAMED)}", "dim")
    if left:
        yield _quotations(list(left.items()), list(left), width, texts, g, style)


def silent_in(answer: Answer) -> list[str]:
    """Documents that take no side, where there are any to take."""
    heard = {str(name) for side in answer.value["sides"] for name in side["documents"]}
    return [name for name in texts_of(answer) if name not in heard] if _open(answer) else []


def _open(answer: Answer) -> bool:
    """Whether sides are to be told: there is a conflict, or no answer."""
    return answer.value["conflict"] or not answer.accepted


def _heading(side: Mapping[str, Any], g: Glyphs, style: str, chosen: bool) -> Text:
    count = len(side["documents"])
    return Text.assemble(
        (f"{g.accept if chosen else g.heard} ", "green" if chosen else "dim"),
        (one_line(str(side["value"])), f"bold {style}"),
        (f"  {count} document{'' if count == 1 else 's'}", "dim"),
        ("  believed" if chosen else "", "green"),
    )


def _quotations(
    found: Sequence[tuple[str, Mapping[str, Any]]],
    names: Sequence[str],
    width: int,
    texts: Mapping[str, str],
    g: Glyphs,
    style: str,
) -> Table:
    """The first passages of a side; of the other documents in `names` only those."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=width + 2, no_wrap=True, style="dim", overflow="ellipsis")
    table.add_column(overflow="fold")
    shown = dict(found[:MOST])
    for name, passage in shown.items():
        table.add_row(f"  {one_line(name)}", quoted(passage, g, style, texts.get(name, "")))
    others = [one_line(name) for name in names if name not in shown]
    first = f"  {others.pop(0)}" if others and not shown else ""
    if first or others:
        rest = f"and {shortened(', '.join(others), NAMED)}" if others else ""
        table.add_row(first, Text(rest, "dim"))
    return table


def account_of(answer: Answer, g: Glyphs) -> Iterator[Text]:
    """Why, what was done, what it cost, and what was cut."""
    value = answer.value
    if value["reason"]:
        yield Text(one_line(value["reason"]))
    count = len(texts_of(answer))
    steps = [f"{count} document{'' if count == 1 else 's'}"] if count else []
    done = f" {g.arrow} ".join(map(one_line, [*steps, *value["done"]]))
    yield Text(f"{done}{'  ' if done else ''}{cost_told(value)}", "dim")
    for note in value["notes"]:
        yield Text(f"note: {one_line(note)}", "yellow")


def cost_told(value: Mapping[str, Any]) -> str:
    passes = value["passes"]
    if not passes:
        return "no forward pass of the language model"
    word = "forward pass" if passes == 1 else "forward passes"
    return f"{passes:.2f}".rstrip("0").rstrip(".") + f" {word}, {value['tokens']:,} tokens"
