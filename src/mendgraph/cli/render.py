"""Answers, trails and numbers as rich text.  ANSI colours only, so that dark and light terminals both read well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mendgraph.cli.console import one_line
from mendgraph.core.values import Answer, Attempt

STATUS_STYLES = {"accepted": "green", "needs_clarification": "cyan", "abstained": "yellow", "failed": "red"}
STATUS_WORDS = {
    "accepted": "accepted",
    "needs_clarification": "asks",
    "abstained": "abstained",
    "failed": "failed",
}
VERDICT_WORDS = {"accept": "accepted", "defer": "passes on", "ask": "asks", "abstain": "abstains"}


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The few symbols used, for terminals with and without Unicode."""

    full: str
    rest: str
    mark: str
    steps: str
    arrow: str
    dot: str
    accept: str
    defer: str
    ask: str
    abstain: str
    failed: str
    heard: str

    def of(self, attempt: Attempt) -> tuple[str, str]:
        """Symbol and style of an attempt."""
        if attempt.failure is not None:
            return self.failed, "red"
        return {
            "accept": (self.accept, "green"),
            "defer": (self.defer, "yellow"),
            "ask": (self.ask, "cyan"),
            "abstain": (self.abstain, "yellow"),
        }.get(attempt.verdict or "", (self.heard, "dim"))


UNICODE = Glyphs("━", "─", "┃", "▁▂▃▄▅▆▇█", "›", "·", "✓", "↓", "?", "∅", "✗", "·")
ASCII = Glyphs("#", "-", "|", "_.-=+*#@", ">", ".", "+", "v", "?", "0", "x", ".")


def glyphs(console: Console) -> Glyphs:
    return ASCII if console.options.ascii_only else UNICODE


def bar(
    share: float | None, g: Glyphs, *, style: str, width: int = 20, mark: float | None = None
) -> Text:
    """A bar of `width` cells filled to `share` in [0, 1], with a tick where `mark` lies."""
    filled = round(min(max(share or 0.0, 0.0), 1.0) * width)
    tick = None if mark is None else min(int(mark * width), width - 1)
    text = Text()
    for cell in range(width):
        inside = cell < filled
        text.append(
            g.mark if cell == tick else g.full if inside else g.rest,
            style="bold" if cell == tick else style if inside else "dim",
        )
    return text


def percent(share: float | None) -> str:
    """Three cells and a sign; never 100 unless it is, since almost sure is not sure."""
    if share is None:
        return "   ?"
    return f"{min(round(share * 100), 99 if share < 1.0 else 100):>3}%"


def fitted(text: str, width: int) -> str:
    """The text in exactly `width` terminal cells."""
    flat = one_line(text)
    return set_cell_size(flat, width) if cell_len(flat) <= width else set_cell_size(flat, width - 1) + "…"


def headline(answer: Answer, g: Glyphs) -> Text:
    """The answer on one line: label, confidence, source."""
    if answer.error is not None:
        hint = f"  {answer.error.hint}" if answer.error.hint else ""
        return Text.assemble(("failed", "bold red"), "  ", one_line(answer.error.message), (one_line(hint), "dim"))
    style = STATUS_STYLES[answer.status]
    text = Text.assemble(
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


def step(attempt: Attempt, g: Glyphs, *, name_width: int = 12) -> Text:
    """One attempt on one line."""
    symbol, style = g.of(attempt)
    text = Text.assemble((symbol, f"bold {style}"), f" {fitted(attempt.tier, name_width)} ")
    if attempt.prediction is None:
        return text.append(one_line(attempt.reason or (attempt.failure.message if attempt.failure else "")), style="red")
    said = attempt.prediction
    text.append(f"{said.label:<9}", style=style if attempt.verdict == "accept" else "")
    text.append_text(bar(said.confidence, g, style=style, width=14, mark=attempt.threshold))
    text.append(f" {percent(said.confidence)}  ")
    reason = one_line(attempt.reason) or "heard"
    return text.append(reason, style="dim")


def trail(answer: Answer, g: Glyphs) -> list[Text]:
    width = max((cell_len(a.tier) for a in answer.trail), default=0)
    return [step(attempt, g, name_width=width) for attempt in answer.trail]


def answers_table(answers: Sequence[Answer], g: Glyphs, *, first: int = 1) -> Table:
    """A line per row, for many rows, numbered from `first`."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("#", justify="right", style="dim")
    table.add_column("text", ratio=1, no_wrap=True, overflow="ellipsis", max_width=60)
    table.add_column("label", no_wrap=True)
    table.add_column("confidence", no_wrap=True)
    table.add_column("by", no_wrap=True, style="dim")
    for number, answer in enumerate(answers, start=first):
        style = STATUS_STYLES[answer.status]
        if answer.error is not None:
            table.add_row(str(number), Text(one_line(answer.input)), Text("failed", style), _why(answer, style), "")
            continue
        label = answer.best_guess if answer.accepted else f"{answer.best_guess}?"
        sure = Text.assemble(bar(answer.confidence, g, style=style, width=10), f" {percent(answer.confidence)}")
        by = answer.source or STATUS_WORDS[answer.status]
        table.add_row(str(number), Text(one_line(answer.input)), Text(label or "", f"bold {style}"), sure, by)
    return table


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
        yield Text.assemble(f"  {fitted(name, width)}  ", bar(share, g, style="cyan"), f" {count:>6}", (f"  {percent(share)}", "dim"))


def sparkline(values: Sequence[float], g: Glyphs, *, width: int = 60) -> str:
    """Values in [0, 1] as one character each; more than `width` are averaged in equal groups."""
    if len(values) > width:
        edges = [round(place * len(values) / width) for place in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in zip(edges, edges[1:], strict=False)]
    top = len(g.steps) - 1
    return "".join(g.steps[min(max(round(value * top), 0), top)] for value in values)


def summary(figures: Mapping[str, Any], g: Glyphs) -> Iterable[Text]:
    """What `Statistics.summary` gives, for people."""
    mean = figures["mean_confidence"]
    sure = f", mean confidence {mean:.2f}" if mean is not None else ""
    yield Text(f"{figures['total']:,} answers{sure}, {figures['healed']:,} healed ({percent(figures['healed_share']).strip()})")
    statuses = {name.replace("_", " "): count for name, count in figures["by_status"].items()}
    for title, numbers in (("status", statuses), ("settled by", figures["by_source"]), ("accepted as", figures["by_label"])):
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
