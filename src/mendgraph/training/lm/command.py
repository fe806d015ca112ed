"""`mend train lm`: the recipe, then the cards."""

from __future__ import annotations

from pathlib import Path

from mendgraph.adapters.hub import quiet
from mendgraph.errors import UnknownNameError
from mendgraph.training.lm.cards import matrix_table, scores_of_all, write_cards
from mendgraph.training.lm.recipe import PARTS, Options, make
from mendgraph.training.lm.trainer import Echo

CARDS = "cards"
ALL = "model"


def train_lm(part: str, data: Path, out: Path, options: Options, *, echo: Echo = lambda line: None) -> str:
    """Makes one part, or all of them for ``model``; ``cards`` writes manifests and cards of what is there.

    Returns:
        Markdown table of bits per byte, models by domains; empty where nothing was finished.

    Raises:
        UnknownNameError: no such part.
    """
    if part not in (ALL, CARDS, *PARTS):
        raise UnknownNameError("part", part, (ALL, CARDS, *PARTS))
    with quiet():
        if part != CARDS:
            make(PARTS if part == ALL else (part,), data, out, options, echo=echo)
        finished = write_cards(data, out, echo=echo) if part in (ALL, CARDS, *PARTS[2:]) else []
    for artifact in finished:
        echo(f"ready: {artifact.folder}")
    return matrix_table(scores_of_all(out)) if finished else ""
