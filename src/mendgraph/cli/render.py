"""Answers, trails and numbers as rich text, in ANSI colours that dark and light terminals both show well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from mendgraph.cli.console import one_line
from mendgraph.cli.glyphs import UNICODE, Glyphs, bar, fitted, percent, sparkline
from mendgraph.cli.sides import STYLES, is_sourced, level_told, opening, question_of
from mendgraph.core.prompts import prompt_of
from mendgraph.core.values import Answer, Attempt

STATUS_STYLES = {"accepted": "green", "needs_clarification": "cyan", "abstained": "yellow", "failed": "red"}
STATUS_WORDS = {
    "accepted": "accepted",
    "needs_clarification": "asks",
    "abstained": "abstained",
    "failed": "failed",
}
VERDICT_WORDS = {"accept": "accepted", "defer": "passes on", "ask": "asks", "abstain": "abstains"}


def score_of(answer: Answer) -> float | None:
    """The score in [0, 1] that the full answer holds beside its label, where the graph gives one."""
    value = answer.value
    found = value.get("score") if isinstance(value, Mapping) else None
    return float(found) if isinstance(found, int | float) else None


def text_of(answer: Answer) -> str:
    """What the user wrote, on one line; terms that came with a prompt, or a question's documents, are left out."""
    if is_sourced(answer) or answer.error is not None:
        return one_line(question_of(answer.input))
    routed = isinstance(answer.value, Mapping) and "runner_up" in answer.value
    return one_line(prompt_of(answer.input) if routed else answer.input)


def headline(answer: Answer, g: Glyphs) -> Text:
    """The answer on one line: score where it has one, label, confidence, source."""
    if answer.error is not None:
        hint = f"; {one_line(answer.error.hint)}" if answer.error.hint else ""
        return Text.assemble(("failed", "bold red"), "  ", one_line(answer.error.message), (hint, "dim"))
    if is_sourced(answer) and answer.status != "needs_clarification":
        return opening(answer, g)
    style = STATUS_STYLES[answer.status]
    text = Text.assemble(
        *_score(answer, g),
        (f"{answer.best_guess}", f"bold {style}"),
        "  ",
        bar(answer.confidence, g, style=style),
        f" {percent(answer.confidence)}  ",
    )
    if answer.accepted:
        return text.append(f"by {answer.source}", style="dim")
    if answer.status == "needs_clarification":
        return text.append(f"not sure: {' or '.join(answer.options)}?", style=style)
    return text.append("best guess only, nothing was sure enough", style=style)


def _score(answer: Answer, g: Glyphs) -> list[Any]:
    score = score_of(answer)
    return [] if score is None else ["score ", (f"{score:.2f} ", "bold"), bar(score, g, style="cyan"), "  "]


def step(attempt: Attempt, g: Glyphs, *, name_width: int = 12, label_width: int = 9, lead: str = "") -> Table:
    """One attempt: what was said on the left, why on the right, wrapped in its own column."""
    symbol, style = g.of(attempt)
    said = attempt.prediction
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(no_wrap=True)
    line.add_column(overflow="fold", style="red" if said is None else "dim")
    left = Text.assemble((lead, "dim"), (symbol, f"bold {style}"), f" {fitted(attempt.tier, name_width)}")
    if said is not None:
        left.append(f"  {said.label:<{label_width}} ", style=style if attempt.verdict == "accept" else "")
        if said.confidence is not None:
            left.append_text(bar(said.confidence, g, style=style, width=14, mark=attempt.threshold))
            left.append(f" {percent(said.confidence)}")
    line.add_row(left, Text(_note(attempt)))
    return line


def _note(attempt: Attempt) -> str:
    """Why, in a few words: the bar already shows the confidence and the threshold it is compared with."""
    if attempt.prediction is None:
        return one_line(attempt.failure.message if attempt.failure else attempt.reason)
    parts = [part for part in one_line(attempt.reason).split("; ") if not part.startswith("confidence ")]
    unsure = attempt.prediction.confidence is not None and attempt.verdict != "accept"
    if attempt.threshold is not None and unsure:
        parts.append(f"needs {percent(attempt.threshold).strip()}")
    return "; ".join(filter(None, [*parts, *map(one_line, attempt.notes)]))


def trail(answer: Answer, g: Glyphs) -> list[Table]:
    width = max((cell_len(a.tier) for a in answer.trail), default=0)
    labels = [a.prediction.label for a in answer.trail if a.prediction is not None]
    widest = max(map(cell_len, labels), default=0)
    return [step(attempt, g, name_width=width, label_width=widest, lead="  ") for attempt in answer.trail]


def answers_table(answers: Sequence[Answer], g: Glyphs, *, first: int = 1) -> Table:
    """A line per row, for many rows, numbered from `first`."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("#", justify="right", style="dim", no_wrap=True)
    # The one column that may be squeezed, which Rich does to those that wrap; its cells do not.
    table.add_column("text", max_width=60, min_width=16)
    scored = any(score_of(answer) is not None for answer in answers)
    if scored:
        table.add_column("score", no_wrap=True)
    sourced = any(map(is_sourced, answers))
    if sourced:
        table.add_column("conflict", no_wrap=True)
    table.add_column("label", no_wrap=True, max_width=24 if sourced else None, overflow="ellipsis")
    table.add_column("confidence", no_wrap=True)
    table.add_column("by", no_wrap=True, style="dim")
    for number, answer in enumerate(answers, start=first):
        style = STATUS_STYLES[answer.status]
        score = score_of(answer)
        figures: list[str | Text] = [f"{score:.2f}" if score is not None else ""] if scored else []
        if sourced:
            figures.append(_conflict(answer))
        if answer.error is not None:
            why = _why(answer, style)
            asked = Text.assemble(text_of(answer), "  ", why) if sourced else Text(text_of(answer))
            failed = (Text("failed", style), "" if sourced else why, "")
            table.add_row(str(number), _cut(asked), *figures, *failed)
            continue
        label = answer.best_guess if answer.accepted else f"{answer.best_guess}?"
        drawn = bar(answer.confidence, g, style=style, width=5 if sourced else 10)
        sure = Text.assemble(drawn, f" {percent(answer.confidence)}")
        by = answer.source or STATUS_WORDS[answer.status]
        said = Text(label or "", f"bold {style}")
        table.add_row(str(number), _cut(Text(text_of(answer))), *figures, said, sure, by)
    return table


def _cut(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _conflict(answer: Answer) -> Text:
    if not is_sourced(answer):
        return Text()
    value = answer.value
    return Text.assemble(
        (level_told(value), STYLES[value["level"]]), (f" {percent(value['probability']).strip()}", "dim")
    )


def _why(answer: Answer, style: str) -> Text:
    return Text(one_line(answer.error.message)[:60] if answer.error else "", style)


def why_table(answer: Answer) -> Table:
    """The whole trail with every figure."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("tier", "says", "sure", "needs", "verdict"):
        table.add_column(name, no_wrap=True, justify="right" if name in {"sure", "needs"} else "left")
    table.add_column("ms", no_wrap=True, justify="right", style="dim")
    table.add_column("reason", overflow="fold")
    for attempt in answer.trail:
        said = attempt.prediction
        _, style = UNICODE.of(attempt)
        table.add_row(
            attempt.tier,
            said.label if said else "",
            _figure(said.confidence if said else None),
            _figure(attempt.threshold),
            Text(_verdict(attempt), style),
            f"{attempt.seconds * 1000:.1f}",
            Text(one_line(attempt.reason)),
        )
    return table


def _verdict(attempt: Attempt) -> str:
    if attempt.failure is not None:
        return "failed" if attempt.verdict in {None, "defer"} else f"failed, {VERDICT_WORDS[attempt.verdict]}"
    return VERDICT_WORDS[attempt.verdict] if attempt.verdict else "heard"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def scores(probabilities: Mapping[str, float], g: Glyphs, *, style: str = "cyan") -> Iterable[Text]:
    """Every label with its probability, likeliest first."""
    width = max(map(cell_len, probabilities), default=0)
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    for place, (label, share) in enumerate(ranked):
        yield Text.assemble(
            (fitted(label, width), "bold" if place == 0 else ""),
            "  ",
            bar(share, g, style=style if place == 0 else "", width=30),
            f" {share * 100:5.1f}%",
        )


def counts(title: str, numbers: Mapping[str, int], g: Glyphs) -> Iterable[Text]:
    """Counts as bars relative to their sum."""
    total = sum(numbers.values())
    width = max(map(cell_len, numbers), default=0)
    yield Text(title, style="bold")
    for name, count in numbers.items():
        share = count / total if total else 0.0
        yield Text.assemble(
            f"  {fitted(name, width)}  ",
            bar(share, g, style="cyan"),
            f" {count:>6}",
            (f"  {percent(share)}", "dim"),
        )


def summary(figures: Mapping[str, Any], g: Glyphs) -> Iterable[Text]:
    """What `Statistics.summary` gives, for people."""
    mean = figures["mean_confidence"]
    sure = f", mean confidence {mean:.2f}" if mean is not None else ""
    share = percent(figures["healed_share"]).strip()
    yield Text(f"{figures['total']:,} answers{sure}, {figures['healed']:,} healed ({share})")
    statuses = {name.replace("_", " "): count for name, count in figures["by_status"].items()}
    for title, numbers in (
        ("status", statuses),
        ("settled by", figures["by_source"]),
        ("accepted as", figures["by_label"]),
    ):
        if numbers:
            yield Text()
            yield from counts(title, numbers, g)
    if figures["tiers"]:
        yield Text()
        yield Text("tiers", style="bold")
        width = max(map(cell_len, figures["tiers"]))
        for name, tally in figures["tiers"].items():
            failed = Text(f", failed {tally['failed']:,}", "red") if tally["failed"] else Text()
            yield Text.assemble(
                f"  {fitted(name, width)}  asked {tally['asked']:,}, settled {tally['settled']:,}", failed
            )
    if figures["confidences"]:
        yield Text()
        yield Text.assemble(("confidence  ", "bold"), (sparkline(figures["confidences"], g), "cyan"))
