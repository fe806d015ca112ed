"""`mend run token_routing`, and its REPL, over tiny experts."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from mendgraph.assembly import load
from mendgraph.cli import typed
from mendgraph.cli.background import still_busy
from mendgraph.cli.commands import obey
from mendgraph.cli.main import app
from mendgraph.cli.repl import memory
from mendgraph.cli.session import Session
from mendgraph.cli.typed import Typed
from mendgraph.cli.writing import write
from mendgraph.cli.written import Palette
from mendgraph.errors import MendError
from tests.experts import save_router, stretch

PROMPT = stretch("math", 1)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_router(tmp_path_factory.mktemp("writing"), "soft", "lazy", "policy")


@pytest.fixture
def session(config: Path, tmp_path: Path) -> Iterator[Session]:
    with load("token_routing", config=config, checkpointer=memory()) as graph:
        console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100, markup=False)
        yield Session(graph, console, tmp_path / "corrections.sqlite")


def mend(*arguments: object) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, [str(one) for one in arguments], env={"TERMINAL_WIDTH": "200"})
    return found.exit_code, found.stdout, found.stderr


def shown(session: Session) -> str:
    file: Any = session.console.file
    text: str = file.getvalue()
    return text


class Typist:
    """Presses Ctrl-C when so many tokens are shown, then types lines at the pause.

    Args:
        late: presses it when the experts have written everything, though not all of it is shown.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, after: int, *lines: str | BaseException, late: bool = False
    ) -> None:
        self.left, self.lines, self.late = after, list(lines), late
        monkeypatch.setattr(typed, "sleep", self._slept)

    def _slept(self, seconds: float) -> None:
        self.left -= 1
        if self.left == 0:
            while self.late and still_busy():
                time.sleep(0.01)
            raise KeyboardInterrupt

    def line(self) -> str:
        said = self.lines.pop(0) if self.lines else ""
        if isinstance(said, BaseException):
            raise said
        return said


def test_ways_are_options(config: Path) -> None:
    run = ("run", "token_routing", "--config", config, "--json")
    code, out, _ = mend(*run, "--prompt", PROMPT, "--force", "medical", "--max-new-tokens", 5)
    answer = json.loads(out)
    assert code == 0
    assert [token["expert"] for token in answer["value"]["tokens"]] == ["medical"] * 5
    drawn = [mend(*run, PROMPT, "--temperature", 1.5, "--seed", seed)[1] for seed in (1, 1, 2)]
    texts = [json.loads(one)["value"]["text"] for one in drawn]
    assert texts[0] == texts[1] != texts[2]


def test_ways_that_are_wrong_are_told(config: Path) -> None:
    code, _, err = mend("run", "emotion", "so happy", "--force", "math")
    assert code == 2
    assert "--force belongs to token_routing" in err
    code, out, _ = mend("run", "token_routing", PROMPT, "--config", config, "--mode", "sofft")
    assert code == 3
    assert "did you mean 'soft'?" in out


def test_a_file_of_prompts_brings_its_own_ways(config: Path, tmp_path: Path) -> None:
    rows = [
        {"prompt": PROMPT, "force": "math", "max_new_tokens": None},
        {"prompt": PROMPT, "max_new_tokens": 3},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    code, out, _ = mend("run", "token_routing", "-i", tmp_path / "rows.jsonl", "--config", config, "--json")
    first, second = (json.loads(line)["value"]["tokens"] for line in out.splitlines())
    assert code == 0
    assert {token["expert"] for token in first} == {"math"}
    assert len(second) == 3


def test_a_text_is_shown_as_it_was_written(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = write(session, Typist(monkeypatch, 0), PROMPT, obey)
    assert answer.accepted
    assert answer.value["text"] in shown(session)
    assert "12 tokens, cut at the length asked for" in shown(session)


def test_steering_in_mid_answer_holds_from_there_on(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.terms["max_new_tokens"] = 40
    answer = write(session, Typist(monkeypatch, 1, "/force medical", ""), PROMPT, obey)
    tokens = answer.value["tokens"]
    before, paused, _ = shown(session).partition("paused")
    assert paused
    assert tokens[-1]["expert"] == "medical"
    assert {token["expert"] for token in tokens} != {"medical"}
    said = answer.value["text"]
    seen = before.removeprefix("  ").rpartition("\n")[0]  # then the pause is told on a line of its own
    assert seen
    assert said.startswith(seen)


def test_an_interrupt_after_the_last_token_shows_the_rest(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = write(session, Typist(monkeypatch, 2, late=True), PROMPT, obey)
    assert answer.value["text"] in shown(session)
    assert "paused" not in shown(session)


def test_an_expert_killed_in_mid_answer_is_gone(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    graph: Any = session.graph
    session.terms["max_new_tokens"] = 40
    answer = write(session, Typist(monkeypatch, 1, "/kill math", ""), PROMPT, obey)
    assert [loss["expert"] for loss in answer.value["dropped"]] == ["math"]
    assert answer.value["tokens"][-1]["expert"] != "math"
    assert "math out from token" in shown(session)
    assert graph.switches.now() == ["math"]
    obey(session, "/restore math")
    assert not write(session, Typist(monkeypatch, 0), PROMPT, obey).value["dropped"]


def test_a_second_interrupt_leaves_the_text(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(session, Typist(monkeypatch, 2, KeyboardInterrupt()), PROMPT, obey)
    assert "tokens, " not in shown(session)


def test_what_is_wrong_at_the_pause_is_told_and_asked_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = write(session, Typist(monkeypatch, 2, "/force maths", "hello", ""), PROMPT, obey)
    assert "did you mean 'math'?" in shown(session)
    assert "the text is not finished yet" in shown(session)
    assert answer.accepted


@pytest.mark.parametrize("interrupted_at", [1, 2, 3])
def test_an_interrupted_chunk_is_shown_whole(monkeypatch: pytest.MonkeyPatch, interrupted_at: int) -> None:
    console = Console(file=(file := io.StringIO()), force_terminal=True, color_system=None)
    Typist(monkeypatch, interrupted_at)
    tokens = [{"token": word, "expert": "math"} for word in ("one ", "two ", "three")]
    with pytest.raises(KeyboardInterrupt):
        Typed(console, Palette(["math"])).chunk(tokens, "one two three")
    assert file.getvalue() == "one two three"


@pytest.mark.parametrize("stray", ["/mode", "/force maths", "/tokens none", "/temperature -1"])
def test_commands_say_what_they_expect(session: Session, stray: str) -> None:
    with pytest.raises(MendError, match=r"expected|unknown"):
        obey(session, stray)
    assert not session.terms
