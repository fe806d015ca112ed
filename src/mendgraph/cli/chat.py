"""`mend chat`: a conversation with a graph."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from mendgraph.cli import documents
from mendgraph.cli.faults import Faults, switchboard
from mendgraph.cli.journals import fix_texts
from mendgraph.cli.opening import open_graph
from mendgraph.cli.options import (
    ConfigFile,
    Down,
    GraphName,
    JournalFile,
    JournalText,
    Overrides,
    Threshold,
)


def chat(
    graph: GraphName,
    threshold: Threshold = None,
    down: Down = None,
    docs: documents.Docs = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    journal: JournalFile = None,
    journal_text: JournalText = None,
) -> None:
    """Talk with a graph: type texts, watch them heal, be asked where nothing is sure.

    /help lists the commands, e.g. /why, /kill TIER, /hang TIER 5, /restore all, /health, /correct LABEL. Where stdin or
    stdout is no terminal, every line of stdin is answered by a line of JSON on stdout, and nothing is asked.

    > mend chat emotion

    > mend chat conflict --docs notes/

    > cat texts.txt | mend chat emotion > answers.jsonl
    """
    from mendgraph.cli import repl
    from mendgraph.home import home

    overrides = [*(overrides or ()), *documents.settings(graph, None, docs, None)]
    fix_texts(journal, journal_text)
    talking = repl.interactive()
    saver = repl.memory() if talking else None
    dead = tuple(down or ())
    with ExitStack() as stack:
        faults = stack.enter_context(switchboard()) if talking else Faults()
        opened = stack.enter_context(
            open_graph(
                graph,
                config=config,
                overrides=overrides,
                journal=journal,
                checkpointer=saver,
                wrap=faults.wrap,
            )
        )
        documents.ready(opened)
        if talking:
            repl.chat(opened, folder=home(), threshold=threshold, down=dead, faults=faults)
        else:
            repl.pipe(opened, sys.stdin, threshold=threshold, down=dead)
