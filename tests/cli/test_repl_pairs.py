"""The REPL over pairs, in a real pseudo-terminal: two fields, the score while typing, another prompt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pexpect")

from tests.cli.test_repl import ASKED, Terminal

CLIENT = "reflection client › "
COUNSELLOR = "counsellor › "


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, "reflection", located=True)
    terminal.sees("tiers  primary  backup", "what the client said", CLIENT)
    yield terminal
    terminal.process.close(force=True)


def test_a_pair_is_asked_for_in_two_fields_and_scored_while_it_is_typed(terminal: Terminal) -> None:
    terminal.types("I am sad", until=COUNSELLOR)
    terminal.process.send("So you")
    terminal.sees("━━━━━━", "simple")  # before it is sent; of a line only what changed is drawn
    terminal.types(" are sad", until="by primary")
    terminal.sees(CLIENT)
    terminal.types("", until=COUNSELLOR)  # the same client again
    healed = terminal.types("a doubt", until="by backup")
    assert "↓ primary" in healed
    terminal.sees(CLIENT)
    assert "client: I am sad counsellor: a doubt" in terminal.types("/why", until="reaches")
    terminal.sees(CLIENT)
    terminal.presses("d")
    terminal.sees("2 answers")
    assert terminal.leaves() == 0


def test_swap_shows_the_score_under_another_prompt(terminal: Terminal) -> None:
    terminal.types("/swap I won", until="no answer yet")
    terminal.sees(CLIENT)
    terminal.types("client: I am sad\x1b\rcounsellor: You are sad.", until="by primary")
    terminal.sees(CLIENT)
    shown = terminal.types("/swap I won the race", until="difference of +0.00")
    assert "I am sad" in shown
    assert "I won the race" in shown
    assert shown.count("score 0.92") == 2
    terminal.sees(CLIENT)
    terminal.types("/swap", until="needs what another client said")


def test_questions_and_cancelling(terminal: Terminal) -> None:
    terminal.types("I am sad", until=COUNSELLOR)
    asked = terminal.types("mixed", until=ASKED)
    assert "How well does the response reflect" in asked
    terminal.types("complex", until="by user")
    terminal.sees(CLIENT)
    terminal.types("I am sad", until=COUNSELLOR)
    terminal.presses("c")
    terminal.sees(CLIENT)
    terminal.types("/kill primary", until="primary is down")
    terminal.sees("reflection (primary down) client › ")
    terminal.types("I am sad", until=COUNSELLOR)
    assert "✗ primary" in terminal.types("a doubt", until="by backup")
    terminal.sees("client › ")
    terminal.presses("d")
    terminal.sees("2 answers")
