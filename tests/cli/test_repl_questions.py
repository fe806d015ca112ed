"""The REPL over questions in a real pseudo-terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pexpect")

from tests.cli.test_repl import Terminal

READY = "conflict › "
NEW = "[2021] The Ostra Bridge opened in 1931."
OLD = "People saw the Ostra Bridge open in 1927."


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, "conflict")
    terminal.sees("tiers  reader  types", "then its documents", READY)
    yield terminal
    terminal.process.close(force=True)


def test_documents_are_typed_pasted_and_looked_up(terminal: Terminal, tmp_path: Path) -> None:
    terminal.types("When did the Ostra Bridge open?", until="document 1 › ")
    terminal.types(NEW, until="document 1 (Enter alone ends it) › ")
    terminal.types("", until="document 2 (Enter alone asks) › ")
    # As a terminal sends what is pasted, in one piece with its line breaks.
    terminal.types(f"\x1b[200~{OLD}\n\n\x1b[201~", until="document 3 (Enter alone asks) › ")
    answered = terminal.types("", until="forward pass")
    assert "1931" in answered
    assert "L1 temporal conflict" in answered
    assert "▸1927◂" in answered
    terminal.sees(READY)

    terminal.types("/kill reader", until="reader is down")
    terminal.sees("conflict (reader down) › ")
    healed = terminal.types("/date d2 2025", until="now ")
    assert "before" in healed
    terminal.sees("conflict (reader down) › ")
    terminal.types("/restore all", until="every tier is back")
    terminal.sees(READY)
    terminal.types("/health", until="p95 ms")
    terminal.sees(READY)

    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text(OLD)
    terminal.types(f"/docs {tmp_path / 'notes'}", until="1 passages in")
    terminal.sees("conflict (7 from notes) › ")
    assert "1927" in terminal.types("When did the Ostra Bridge open?", until="by reader")
    terminal.sees("conflict (7 from notes) › ")
    terminal.presses("d")
    terminal.sees("3 answers")
    assert terminal.leaves() == 0


def test_a_question_can_be_cancelled(terminal: Terminal) -> None:
    terminal.types("When?", until="document 1 › ")
    terminal.presses("c")
    terminal.sees("stopped", READY)
    terminal.types("When?", until="document 1 › ")
    terminal.presses("d")
    terminal.sees("the question is left", READY)
    terminal.types("/go", until="there is no question yet")
