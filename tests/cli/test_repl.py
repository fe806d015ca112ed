"""The REPL in a real pseudo-terminal."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pexpect = pytest.importorskip("pexpect")

SCRIPT = str(Path(__file__).with_name("scripted.py"))
READY = "emotion › "
ASKED = "Enter skips › "
CONTROLS = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]?|[=>]|$)|\r")
SECONDS = 60


class Terminal:
    """A REPL and the hands of its user.

    Args:
        located: the terminal says where its cursor is when asked, and so may show a toolbar.
    """

    def __init__(self, home: Path, graph: str = "emotion", *, located: bool = False) -> None:
        environment = {
            **os.environ,
            "MENDGRAPH_HOME": str(home),
            "TERM": "xterm-256color",
            "NO_COLOR": "1",
            "PROMPT_TOOLKIT_NO_CPR": "" if located else "1",
            "PYTHONWARNINGS": "error",
            "PYTHONIOENCODING": "utf-8",
        }
        self.process = pexpect.spawn(
            sys.executable,
            [SCRIPT, "chat", graph],
            env=environment,
            dimensions=(40, 100),
            encoding="utf-8",
            timeout=SECONDS,
        )
        self.raw = ""
        self._located = located
        self._told = 0  # how often it said where its cursor is
        self._seen = 0

    def sees(self, *words: str) -> str:
        """What was shown until the last of `words`, which must come in this order."""
        start = self._seen
        deadline = time.monotonic() + SECONDS  # a live display never falls silent
        for each in words:
            # Styles may change in the middle of a word: only what is left without them can be compared.
            while (found := CONTROLS.sub("", self.raw).find(each, self._seen)) < 0:
                assert time.monotonic() < deadline, f"never saw {each!r}, but {self.raw[-500:]!r}"
                self.raw += self.process.read_nonblocking(4096, timeout=SECONDS)
                while self._located and self.raw.count("\x1b[6n") > self._told:
                    self._told += 1
                    self.process.send("\x1b[5;1R")
            self._seen = found + len(each)
        return CONTROLS.sub("", self.raw)[start : self._seen]

    def types(self, text: str, *, until: str = READY) -> str:
        self.process.send(text + "\r")
        return self.sees(until)

    def presses(self, key: str) -> None:
        self.process.sendcontrol(key)

    def leaves(self) -> int:
        self.process.expect(pexpect.EOF)
        self.process.close()
        return int(self.process.exitstatus)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    terminal.sees("tiers  primary  backup", READY)
    yield terminal
    terminal.process.close(force=True)


def test_a_conversation(terminal: Terminal, tmp_path: Path) -> None:
    assert "joy" in terminal.types("so happy", until="by primary")
    terminal.sees(READY)
    healed = terminal.types("a doubt", until="by backup")
    assert "↓ primary" in healed
    assert "✓ backup" in healed
    terminal.sees(READY)

    terminal.types("/kill primary", until="primary is down")
    terminal.sees("emotion (primary down) › ")
    assert "✗ primary" in terminal.types("so happy", until="by backup")
    terminal.sees("emotion (primary down) › ")
    terminal.types("/restore all", until="every tier is back")
    terminal.sees(READY)

    terminal.types("so happy", until="by primary")
    terminal.sees(READY)
    assert "0.950" in terminal.types("/why", until="reaches")
    terminal.sees(READY)
    terminal.types("/nonsense", until="no command /nonsense")
    terminal.sees(READY)
    terminal.presses("d")
    terminal.sees("4 answers")
    assert terminal.leaves() == 0
    assert "so happy" in (tmp_path / "history").read_text(encoding="utf-8")


def test_questions_by_number_by_name_and_skipped(terminal: Terminal) -> None:
    asked = terminal.types("mixed feelings", until=ASKED)
    assert "Which label fits?" in asked
    assert "1  sadness" in asked
    terminal.types("1", until="by user")
    terminal.sees(READY)
    terminal.types("mixed feelings", until=ASKED)
    terminal.types("joyy", until="did you mean joy?")
    terminal.sees(ASKED)
    terminal.types("love", until="by user")
    terminal.sees(READY)
    terminal.types("mixed feelings", until=ASKED)
    terminal.types("", until="skipped")
    terminal.sees("best guess only", READY)
    terminal.types("/quit", until="3 answers")
    assert terminal.leaves() == 0


def test_ctrl_c_cancels_the_line_and_the_question_and_a_run_but_never_the_session(terminal: Terminal) -> None:
    terminal.process.send("half a li")
    terminal.presses("c")
    terminal.sees(READY)
    terminal.types("mixed feelings", until=ASKED)
    terminal.presses("c")
    terminal.sees("skipped", "best guess only", READY)
    terminal.types("hang", until="thinking")
    terminal.presses("c")
    terminal.sees("stopped", READY)
    terminal.types("so happy", until="by primary")
    terminal.sees(READY)
    terminal.presses("d")
    terminal.sees("2 answers")
    assert terminal.leaves() == 0


def test_pasted_lines_are_rows_answered_together(terminal: Terminal) -> None:
    terminal.process.send("\x1b[200~so happy\na doubt\n\nmixed\x1b[201~\r")
    asked = terminal.sees("3: mixed", ASKED)
    assert "2 ↓ primary" in asked
    table = terminal.types("joy")
    rows = [line.split() for line in table.splitlines() if re.match(r"\s+\d  ", line)]
    assert [(row[0], row[-1]) for row in rows] == [("1", "primary"), ("2", "backup"), ("3", "user")]


def test_texts_cannot_command_the_terminal(terminal: Terminal) -> None:
    terminal.process.send("\x1b[200~happy [bold]x[/nope] \x1b]0;owned\x07\x1b[201~\r")
    terminal.sees("by primary", READY)
    assert "[bold]x[/nope]" in terminal.types("/why", until="reaches")
    assert "\x1b]0;owned" not in terminal.raw


def test_tab_completes_a_command(terminal: Terminal) -> None:
    terminal.process.send("/ki")
    terminal.sees("break a tier")  # the menu is open
    terminal.types("\t backup", until="backup is down")
