"""Opens journals for commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mendgraph.cli.options import TextChoice
from mendgraph.errors import ConfigError, JournalError

if TYPE_CHECKING:
    from mendgraph.runtime.journal import Journal
    from mendgraph.runtime.journal_reader import JournalReader

SQLITE = frozenset({".sqlite", ".db"})
LINES = ".jsonl"


def open_journal(path: Path, text: TextChoice | None = None) -> Journal:
    """The journal that the suffix names.

    Raises:
        ConfigError: the suffix is unknown, the file cannot be written, or it keeps texts in another way.
    """
    from mendgraph.runtime.journal import JsonLinesJournal
    from mendgraph.runtime.sqlite_journal import SqliteJournal

    kind = path.suffix.lower()
    if kind != LINES and kind not in SQLITE:
        raise ConfigError(
            f"--journal: unknown kind of file {path.name!r}",
            hint=f"known: {', '.join(sorted(SQLITE))}, {LINES}",
        )
    if kind == LINES and text not in (None, TextChoice.stored):
        raise ConfigError(
            f"--journal-text {text.value}: lines of JSON are whole answers",
            hint="record to FILE.sqlite instead",
        )
    try:
        if kind == LINES:
            return JsonLinesJournal(path)
        return SqliteJournal(path, text=text.value if text else None)
    except JournalError as error:
        raise ConfigError(f"--journal: {error.message}", hint=error.hint) from error


def fix_texts(path: Path | None, text: TextChoice | None) -> None:
    """Makes the journal with its texts kept as asked; whoever opens it later keeps to that.

    Raises:
        ConfigError: as `open_journal`; or there is no journal to keep texts in.
    """
    if text is None:
        return
    if path is None:
        raise typer.BadParameter("--journal-text needs --journal FILE.sqlite")
    open_journal(path, text).close()


def recorded_path(path: Path | None) -> Path:
    """The file given, or the one in the home folder."""
    from mendgraph.home import home

    found = path or home() / "journal.sqlite"
    if found.suffix.lower() == LINES:
        raise ConfigError(
            f"{found} holds answers and no runs",
            hint="count it with mend stats; record to FILE.sqlite for more",
        )
    return found


def read_journal(path: Path | None) -> JournalReader:
    """Raises JournalError where there is none."""
    from mendgraph.runtime.journal_reader import JournalReader

    return JournalReader(recorded_path(path))
