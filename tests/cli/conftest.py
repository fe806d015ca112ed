"""The command with scripted tiers."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from mendgraph.cli.main import app
from tests.cli import scripted

Mend = Callable[..., "Outcome"]


class Outcome:
    """What a command printed and how it ended."""

    def __init__(self, out: str, err: str, code: int) -> None:
        self.out = out
        self.err = err
        self.code = code


@pytest.fixture
def mend(monkeypatch: pytest.MonkeyPatch) -> Mend:
    monkeypatch.setitem(sys.modules, "mendgraph.assembly", scripted.assembly())
    # Typer looks at the terminal of whoever runs the tests.
    monkeypatch.setenv("TERMINAL_WIDTH", "120")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: object, stdin: str | None = None) -> Outcome:
        result = CliRunner().invoke(app, [str(a) for a in arguments], input=stdin, catch_exceptions=False)
        return Outcome(result.stdout, result.stderr, result.exit_code)

    return run
