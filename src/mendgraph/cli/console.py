"""Where things are printed: answers on stdout, story on stderr."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

from mendgraph.errors import MendError
from mendgraph.runtime.journal import json_line

PLAIN_WIDTH = 120
"""Columns assumed where the output is no terminal."""

_KEPT = "\u200c\u200d"  # joiners: emoji families and Persian are made of them


def answers_console() -> Console:
    """Standard output, as it is now.  User text is never read as markup."""
    return _console(stderr=False)


def story_console() -> Console:
    """Standard error, as it is now."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    return (
        console
        if console.is_terminal
        else Console(stderr=stderr, markup=False, highlight=False, emoji=False, width=PLAIN_WIDTH)
    )


def story(message: str, *, style: str = "dim") -> None:
    """One line for a person."""
    story_console().print(Text(one_line(message), style=style), soft_wrap=True)


def fail(error: MendError) -> None:
    console = story_console()
    console.print(Text.assemble(("error: ", "bold red"), one_line(error.message)), soft_wrap=True)
    if error.hint:
        console.print(Text.assemble(("hint: ", "cyan"), one_line(error.hint)), soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on one line of stdout, at once: whoever reads the pipe waits for it."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    sys.stdout.write(json_line(value, ascii_only=not encoding.startswith("utf")))
    sys.stdout.flush()


def one_line(text: str) -> str:
    """The text on one line, with nothing in it that a terminal would obey (escapes, bidi overrides)."""
    joined = " ".join(text.split())
    if joined.isascii() and joined.isprintable():
        return joined
    return "".join(char if _harmless(char) else "\ufffd" for char in joined)


def readable(text: str) -> str:
    """The text with its lines and tabs, and nothing else in it that a terminal would obey."""
    return "".join(char if char in "\n\t" or _harmless(char) else "\ufffd" for char in text)


def _harmless(char: str) -> bool:
    return char in _KEPT or unicodedata.category(char) not in {"Cc", "Cf", "Cs"}


@contextmanager
def waiting(message: str) -> Iterator[Callable[[str], None]]:
    """A quiet spinner on stderr while the block runs; gives a function that changes its words.

    Nothing is shown where stderr is no terminal.
    """
    console = story_console()
    if not console.is_terminal:
        yield lambda words: None
        return
    with console.status(Text(message, style="dim"), spinner_style="cyan") as status:
        yield lambda words: status.update(Text(one_line(words), style="dim"))
