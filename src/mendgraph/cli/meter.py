"""The progress bar of long runs: on stderr, and only where that is a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from mendgraph.cli.console import story_console


class Meter:
    """Counts rows; draws nothing without a `Progress`."""

    def __init__(self, progress: Progress | None = None, total: int | None = None, done: int = 0) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total, completed=done, rate="") if progress else None

    def advance(self, rows: int) -> None:
        if self._progress is None or self._task is None:
            return
        self._progress.advance(self._task, rows)
        speed = self._progress.tasks[0].speed
        self._progress.update(self._task, rate=f"{speed:,.0f} rows/s" if speed else "")

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Takes the bar away while the block prints, so that both do not write over each other."""
        if self._progress is None:
            yield
            return
        self._progress.stop()
        yield
        self._progress.start()


@contextmanager
def meter(total: int | None, done: int = 0) -> Iterator[Meter]:
    """A bar over `total` rows (None: unknown), `done` of them behind it, that vanishes at the end."""
    progress = Progress(
        SpinnerColumn(style="cyan"),
        BarColumn(style="dim", complete_style="cyan", finished_style="green", pulse_style="cyan"),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", style="dim"),
        TimeRemainingColumn(),
        console=story_console(),
        transient=True,
    )
    with progress:
        yield Meter(progress, total, done)
