"""What the REPL offers while you type: commands, tiers, labels, files."""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter, WordCompleter
from prompt_toolkit.document import Document

from mendgraph.cli.commands import commands
from mendgraph.cli.questions import names_in
from mendgraph.cli.session import Session
from mendgraph.cli.writing import downed
from mendgraph.core.token_routing import MODES


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
        elif name in ("/save", "/docs"):
            yield from PathCompleter(expanduser=True).get_completions(Document(argument), complete_event)
        else:
            words = WordCompleter(self._words(name))
            yield from words.get_completions(Document(argument), complete_event)

    def _experts(self) -> list[str]:
        return list(getattr(self._session.graph, "experts", ()))

    def _words(self, command: str) -> list[str]:
        session = self._session
        well = [tier for tier in session.graph.tiers if tier not in session.ill]
        dead = downed(session)
        return {
            "/kill": [*well, *self._experts()],
            "/force": [*self._experts(), "off"],
            "/mode": [*MODES, "off"],
            "/tokens": ["off"],
            "/temperature": ["off"],
            "/hang": well,
            "/nan": well,
            "/restore": [*sorted(session.ill), *dead, "all"] if session.ill or dead else [],
            "/correct": list(session.graph.labels),
            **dict.fromkeys(("/read", "/without", "/trust", "/date"), names_in(session)),
            "/threshold": ["off"],
            "/budget": ["off"],
            "/lambda": ["off"],
            "/down": [label for label in session.graph.labels if label not in session.terms.get("down", ())],
            "/up": [*session.terms.get("down", ()), "all"] if session.terms.get("down") else [],
        }.get(command, [])
