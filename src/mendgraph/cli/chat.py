"""`mend chat`: a conversation with a graph."""

from __future__ import annotations

import sys

from mendgraph.cli.opening import open_graph
from mendgraph.cli.options import ConfigFile, Down, GraphName, JournalFile, Overrides, Threshold


def chat(
    graph: GraphName,
    threshold: Threshold = None,
    down: Down = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    journal: JournalFile = None,
) -> None:
    """Talk with a graph: type texts, watch them heal, be asked where nothing is sure.

    /help lists the commands, e.g. /why, /top, /kill TIER, /threshold .8, /correct LABEL. Where stdin or
    stdout is no terminal, every line of stdin is answered by a line of JSON on stdout, and nothing is asked.

    > mend chat emotion

    > cat texts.txt | mend chat emotion > answers.jsonl
    """
    from mendgraph.cli import repl
    from mendgraph.home import home

    talking = repl.interactive()
    saver = repl.memory() if talking else None
    dead = tuple(down or ())
    with open_graph(graph, config=config, overrides=overrides, journal=journal, checkpointer=saver) as opened:
        if talking:
            repl.chat(opened, folder=home(), threshold=threshold, down=dead)
        else:
            repl.pipe(opened, sys.stdin, threshold=threshold, down=dead)
