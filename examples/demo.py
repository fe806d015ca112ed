"""The tour that `make demo` gives: telling sentences, each with what became of it and why."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.text import Text

import mendgraph
from mendgraph import Answer, MendGraph
from mendgraph.cli.glyphs import Glyphs, glyphs
from mendgraph.cli.render import answers_table, headline, trail

TOUR = (
    ("a plain sentence, settled by the first model", "I'm so happy today!"),
    ("praise that is not meant", "Oh great, another Monday. Just perfect."),
    ("a sure answer, doubted by the irony check", "I just love Mondays."),
    ("negation", "not happy at all"),
    ("nothing but emoji", "😭💔"),
    ("an unsure one: all tiers are weighed, then the user is asked", "I don't know how I feel about this."),
)
BATCH: tuple[object, ...] = (
    "She finally said yes!!!",
    "",
    "what time is the meeting?",
    "ugh, mould in the fridge again",
)
LINES = 5


def tell(console: Console, g: Glyphs, title: str, answer: Answer) -> None:
    console.print(Text.assemble((f"“{answer.input}”", "bold"), (f"   {title}", "dim")))
    for line in shortened(trail(answer, g)):
        console.print(line)
    console.print(Text.assemble("  = ", headline(answer, g)))
    console.print()


def shortened(lines: Sequence[RenderableType]) -> list[RenderableType]:
    if len(lines) <= LINES:
        return list(lines)
    hidden = len(lines) - LINES + 1
    return [*lines[: LINES - 3], Text(f"    ... {hidden} more steps ...", style="dim"), *lines[-2:]]


def main(graph: MendGraph | None = None) -> int:
    terminal = sys.stdout.isatty()
    width = min(shutil.get_terminal_size().columns, 120) if terminal else 112
    console = Console(width=width, highlight=False)
    g = glyphs(console)
    started = time.perf_counter()
    graph = graph or mendgraph.load("emotion")
    for (title, _), answer in zip(TOUR, graph.run([text for _, text in TOUR], ask="return"), strict=True):
        tell(console, g, title, answer)

    first = next(iter(set(graph.tiers) & {"primary"}), next(iter(graph.tiers)))
    [healed] = graph.run("I hate this so much", down=[first], ask="return")
    tell(console, g, f"the {first} tier is dead: the others answer", healed)

    console.print(Text("A batch is one run, and a bad row harms no other:", style="bold"))
    console.print(answers_table(graph.run(BATCH), g))
    console.print()

    health = graph.health()
    down = {name: tier["error"] for name, tier in health.items() if tier["state"] == "down"}
    console.print(
        f"mendgraph {mendgraph.__version__}: {len(health) - len(down)} of {len(health)} tiers up, "
        f"{sum(tier['calibrated'] for tier in health.values())} calibrated, "
        f"{time.perf_counter() - started:.1f} s with loading"
    )
    for name, error in down.items():
        console.print(Text(f"  {name} is down: {error}", style="red"))
    console.print(
        'Next:  .venv/bin/mend chat emotion   .venv/bin/mend run emotion "..."   .venv/bin/mend doctor'
    )
    graph.close()
    return 1 if len(down) == len(health) else 0


if __name__ == "__main__":
    sys.exit(main())
