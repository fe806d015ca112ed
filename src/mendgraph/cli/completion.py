"""What the REPL offers while you type: commands, tiers, labels, files."""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter, WordCompleter
from prompt_toolkit.document import Document

from mendgraph.cli.commands import commands
from mendgraph.cli.session import Session


class Completions(Completer):
    """Completes only lines that begin with a slash; texts are left alone."""

    def __init__(self, session: Session) -> None:
        self._session = session
        known = commands(session)
        self._commands = WordCompleter(
            [f"/{name}" for name in known],
            meta_dict={f"/{command.name}": command.help for command in known.values()},
            sentence=True,  # a slash is no part of a word: by words, "/ki" would be completed to "/ki/kill"
        )

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        before = document.text_before_cursor
        if not before.startswith("/") or "\n" in before:
            return
        name, space, argument = before.partition(" ")
        if not space:
            yield from self._commands.get_completions(document, complete_event)
        elif name == "/save":
            yield from PathCompleter(expanduser=True).get_completions(Document(argument), complete_event)
        else:
            words = WordCompleter(self._words(name))
            yield from words.get_completions(Document(argument), complete_event)

    def _words(self, command: str) -> list[str]:
        session = self._session
        well = [tier for tier in session.graph.tiers if tier not in session.ill]
        return {
            "/kill": well,
            "/hang": well,
            "/nan": well,
            "/restore": [*sorted(session.ill), "all"] if session.ill else [],
            "/correct": list(session.graph.labels),
            "/threshold": ["off"],
        }.get(command, [])
