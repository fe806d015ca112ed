"""Shows a text token by token, though it comes chunk by chunk: a chunk is known only once it has been checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic, sleep
from typing import Any

from rich.console import Console
from rich.text import Text

from mendgraph.cli.written import Palette

SLOWEST_S = 0.05
"""Most seconds between two tokens."""


class Typed:
    """Spreads each chunk over the time that the next one is likely to need, so that the text flows at its own pace."""

    def __init__(self, console: Console, palette: Palette) -> None:
        self._console, self._palette = console, palette
        self._since = monotonic()
        self._tokens = self._characters = 0  # shown so far

    def chunk(self, tokens: Sequence[Mapping[str, Any]], text: str) -> None:
        """Prints the text of a chunk; an interrupt prints what is left of it at once and goes on its way."""
        took, self._since = monotonic() - self._since, monotonic()
        pause = min(SLOWEST_S, took / max(1, len(tokens))) if self._console.is_terminal else 0.0
        pieces = list(self._palette.pieces(tokens, text))
        self._tokens += len(tokens)
        self._characters += len(text)
        shown = 0
        try:
            for piece in pieces:
                shown += 1
                self._print(piece)
                sleep(pause)
        except KeyboardInterrupt:
            self._print(Text.assemble(*pieces[shown:]))
            raise

    def catch_up(self, run: Mapping[str, Any]) -> None:
        """Prints at once what a run, as its state says, has written beyond what was shown."""
        for text in filter(None, run.get("texts", ())[:1]):
            rest = self._palette.piece(text["tokens"][self._tokens :], text["text"][self._characters :])
            self._tokens, self._characters = len(text["tokens"]), len(text["text"])
            self._print(rest)

    def _print(self, piece: Text) -> None:
        self._console.print(piece, end="", soft_wrap=True)
        self._console.file.flush()
