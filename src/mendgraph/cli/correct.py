"""`mend correct`: tells the graph what a text really means."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from mendgraph.cli.console import story
from mendgraph.cli.opening import learning_hint, open_graph
from mendgraph.cli.options import ConfigFile, GraphName, Overrides
from mendgraph.home import home_file


def correct(
    graph: GraphName,
    text: Annotated[str, typer.Argument(help="The text.", show_default=False)],
    label: Annotated[str, typer.Argument(help="What it really is.", show_default=False)],
    config: ConfigFile = None,
    overrides: Overrides = None,
) -> None:
    """Store a correction, with what the graph says about the text; mend learn refits from them.

    A later correction of the same text replaces the earlier one.

    > mend correct emotion "Well, that went brilliantly." anger
    """
    from mendgraph.errors import UnknownNameError
    from mendgraph.runtime.corrections import CorrectionStore

    with open_graph(graph, config=config, overrides=overrides) as opened:
        if label not in opened.labels:
            raise UnknownNameError("label", label, opened.labels)
        answer = opened.run(text, ask="return")[0]
        store = CorrectionStore(home_file("corrections.sqlite"), opened.labels, graph=graph)
        store.add(text, label, answer, time.time())
    said = f"the graph said {answer.best_guess}" if answer.best_guess else "the graph had no answer"
    story(f"stored: {label} ({said}); {store.count()} corrections so far{learning_hint(graph)}")
