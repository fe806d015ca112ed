"""Line editing: history, completion, several lines at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.styles import Style

from mendgraph.cli.completion import Completions
from mendgraph.cli.draft import Draft
from mendgraph.cli.live_score import REFRESH_S, LiveScore
from mendgraph.cli.questions import looking_told
from mendgraph.cli.routes import terms_told
from mendgraph.cli.session import INDENT, Session
from mendgraph.cli.writing import ways_told

STYLE = Style.from_dict(
    {
        "name": "ansicyan bold",
        "note": "ansiyellow",
        "continuation": "ansicyan",
        "quiet": "fg:ansidefault dim",
        "bottom-toolbar": "noreverse",
        "auto-suggestion": "fg:ansidefault italic dim",
    }
)


class Keyboard:
    """The user at a terminal.

    Args:
        history: file that keeps what was typed; where it cannot be written, nothing is kept.
    """

    def __init__(self, session: Session, history: Path) -> None:
        self._session = session
        self._lines: PromptSession[str] = PromptSession(
            history=_history(history),
            completer=Completions(session),
            auto_suggest=AutoSuggestFromHistory(),
            multiline=True,
            key_bindings=_enter_sends(),
            prompt_continuation=self._continuation,
            style=STYLE,
            reserve_space_for_menu=6,
        )
        # Of a response, or of documents.
        self._responses: PromptSession[str] = PromptSession(
            history=InMemoryHistory(),
            multiline=True,
            key_bindings=_enter_sends(),
            prompt_continuation=self._continuation,
            style=STYLE,
        )
        self._replies: PromptSession[str] = PromptSession(style=STYLE, reserve_space_for_menu=4)

    def line(self) -> str:
        """What the user sends; several lines when pasted or typed with Alt-Enter.

        Raises:
            KeyboardInterrupt: the line was cancelled (Ctrl-C).
            EOFError: the user leaves (Ctrl-D on an empty line).
        """
        return self._lines.prompt(self._prompt())

    def response(self, prompt: str) -> str:
        """What the counsellor answers to `prompt`, scored while it is typed.

        Raises:
            KeyboardInterrupt, EOFError: as `line`.
        """
        words: StyleAndTextTuples = [("class:name", f"counsellor {self._session.glyphs.arrow} ")]
        with LiveScore(self._session, prompt) as live:
            return self._responses.prompt(
                words,
                bottom_toolbar=lambda: live.toolbar(self._responses.default_buffer.text),
                refresh_interval=REFRESH_S,
            )

    def document(self, draft: Draft) -> str:
        """A line of a document, or several that were pasted.

        Raises:
            KeyboardInterrupt, EOFError: as `line`.
        """
        what, alone = draft.hint()
        words: StyleAndTextTuples = [
            ("class:name", what),
            ("class:quiet", f" ({alone})" if alone else ""),
            ("class:name", f" {self._session.glyphs.arrow} "),
        ]
        return self._responses.prompt(words)

    def reply(self, labels: Sequence[str]) -> str:
        """The answer to a question, on one line."""
        arrow = self._session.glyphs.arrow
        prompt: StyleAndTextTuples = [
            ("", f"{INDENT}number or name, Enter skips "),
            ("class:name", f"{arrow} "),
        ]
        return self._replies.prompt(prompt, completer=WordCompleter(list(labels)))

    def _prompt(self) -> StyleAndTextTuples:
        session = self._session
        notes = [f"{tier} {word}" for tier, word in sorted(session.ill.items())]
        if session.threshold is not None:
            notes.append(f"threshold {session.threshold:.2f}")
        if session.questioning:
            notes += looking_told(session)
        notes += ways_told(session) if session.writing else terms_told(session.terms)
        note = f" ({', '.join(notes)})" if notes else ""
        return [
            ("class:name", session.graph.name),
            ("class:note", note),
            ("class:name", f"{' client' if session.paired else ''} {session.glyphs.arrow} "),
        ]

    def _continuation(self, width: int, number: int, wrapped: int) -> StyleAndTextTuples:
        return [("class:continuation", f"{self._session.glyphs.dot} ".rjust(width))]


def _history(path: Path) -> History:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a", encoding="utf-8").close()
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def _enter_sends() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys
