"""The REPL's commands and questions, without a terminal."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from rich.console import Console

from mendgraph.cli.asking import ask_user, understood
from mendgraph.cli.commands import COMMANDS, obey
from mendgraph.cli.completion import Completions
from mendgraph.cli.faults import switchboard
from mendgraph.cli.keyboard import Keyboard
from mendgraph.cli.repl import answer, memory
from mendgraph.cli.session import Session
from mendgraph.errors import MendError
from mendgraph.graphs.emotion import LABELS
from mendgraph.runtime.corrections import CorrectionStore
from tests.cli import scripted

OPTIONS = ("neutral", "joy", "love")


class Typist:
    """Replies from a list; an exception in it is raised."""

    def __init__(self, *replies: str | BaseException) -> None:
        self._replies: Iterator[str | BaseException] = iter(replies)

    def reply(self, labels: Sequence[str]) -> str:
        said = next(self._replies)
        if isinstance(said, BaseException):
            raise said
        return said


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    console = Console(file=io.StringIO(), width=100, markup=False, highlight=False, emoji=False)
    with switchboard() as faults:
        graph = scripted.load("emotion", checkpointer=memory(), wrap=faults.wrap)
        yield Session(graph, console, tmp_path / "corrections.sqlite", faults=faults)


def say(session: Session, *rows: str, replies: Sequence[str | BaseException] = ()) -> str:
    """What is shown while the rows are answered."""
    assert isinstance(session.console.file, io.StringIO)
    before = len(session.console.file.getvalue())
    session.keep(answer(session, rows, cast(Keyboard, Typist(*replies))))
    return session.console.file.getvalue()[before:]


def do(session: Session, line: str) -> str:
    assert isinstance(session.console.file, io.StringIO)
    before = len(session.console.file.getvalue())
    obey(session, line)
    return session.console.file.getvalue()[before:]


def test_a_row_settled_at_once_tells_no_story(session: Session) -> None:
    assert say(session, "so happy") == ""
    assert session.last[0].label == "joy"


def test_healing_is_told_step_by_step(session: Session) -> None:
    first, second = say(session, "a doubt").splitlines()
    assert "↓ primary" in first
    assert "anger" in first
    assert "needs 60%" in first
    assert "✓ backup" in second
    assert "surprise" in second


def test_of_several_rows_only_the_troubled_are_told_of(session: Session) -> None:
    told = say(session, "so happy", "a doubt", "so happy")
    assert {line.split()[0] for line in told.splitlines()} == {"2"}


@pytest.mark.parametrize(
    ("reply", "label"),
    [("1", "sadness"), ("2", "joy"), ("fear", "fear"), ("SUR", "surprise"), (" 1 ", "sadness")],
)
def test_the_graph_asks_and_takes_a_number_or_a_name(session: Session, reply: str, label: str) -> None:
    told = say(session, "mixed", replies=[reply])
    assert "Which label fits?" in told
    said = session.last[0]
    assert (said.label, said.source, said.status) == (label, "user", "accepted")


@pytest.mark.parametrize("reply", ["", "  ", KeyboardInterrupt(), EOFError()])
def test_a_question_can_be_skipped(session: Session, reply: str | BaseException) -> None:
    say(session, "mixed", replies=[reply])
    assert session.last[0].status == "abstained"
    assert session.last[0].trail[-1].reason.endswith("the user skipped it")


def test_a_reply_nobody_understands_is_asked_again(session: Session) -> None:
    told = say(session, "mixed", replies=["7", "joyy", "s", "/why", "2"])
    assert "a number from 1 to" in told
    assert "did you mean joy?" in told
    assert "sadness or surprise?" in told
    assert "first the question" in told
    assert session.last[0].source == "user"


def test_cancelling_skips_the_remaining_questions_but_keeps_the_earlier_replies(session: Session) -> None:
    say(session, "mixed one", "mixed two", "so happy", "mixed three", replies=["1", KeyboardInterrupt()])
    assert [a.status for a in session.last] == ["accepted", "abstained", "accepted", "abstained"]
    assert session.last[0].source == "user"


def test_nothing_of_a_run_stays_in_memory(session: Session) -> None:
    saver = session.graph.graph.checkpointer
    say(session, "mixed", replies=["1"])
    say(session, "so happy")
    assert list(saver.list(None)) == []  # type: ignore[union-attr]


def test_a_killed_tier_heals_and_comes_back(session: Session) -> None:
    assert "primary is down" in do(session, "/kill primary")
    told = say(session, "so happy")
    assert "✗ primary" in told
    assert session.last[0].source == "backup"
    with pytest.raises(MendError, match=r"nothing was done to tier 'backup'.*primary can be restored"):
        obey(session, "/restore backup")
    assert "primary is back" in do(session, "/restore primary")
    say(session, "so happy")
    assert session.last[0].source == "primary"


def test_restore_all(session: Session) -> None:
    for tier in ("primary", "backup"):
        do(session, f"/kill {tier}")
    say(session, "so happy", replies=[""])
    assert session.last[0].status == "failed"
    told = say(session, "so happy", replies=["8"])
    assert " ".join(f"{n} {label}" for n, label in enumerate(LABELS, start=1)) in " ".join(told.split())
    assert session.last[0].label == "disgust"
    assert "breaker of primary is open" in do(session, "/restore all")
    time.sleep(0.3)  # both cool down
    say(session, "so happy")
    assert session.last[0].source == "primary"


def test_a_tier_that_keeps_failing_is_left_alone_and_probed_when_it_is_well(session: Session) -> None:
    do(session, "/kill primary")
    assert "killed with /kill" in say(session, "so happy")
    say(session, "so happy")
    assert "left alone" in say(session, "so happy")
    assert "open" in (broken := do(session, "/health"))
    assert "killed with /kill" in broken
    do(session, "/restore primary")
    time.sleep(0.3)
    assert say(session, "so happy") == ""  # the probe answered
    assert "open" not in do(session, "/health")


def test_a_hanging_tier_answers_late_where_nothing_can_cut_it_short(session: Session) -> None:
    told = do(session, "/hang primary 0.2")
    assert "primary hangs for 0.2 s at every call" in told
    assert "runs inline" in told
    started = time.monotonic()
    say(session, "so happy")
    assert time.monotonic() - started >= 0.2
    assert session.last[0].source == "primary"
    for wrong in ("/hang primary soon", "/hang primary -1", "/hang primary 1e9"):
        with pytest.raises(MendError, match="expected seconds"):
            obey(session, wrong)


def test_scores_that_are_no_numbers_are_noticed(session: Session) -> None:
    do(session, "/nan primary")
    assert "no probabilities" in say(session, "so happy")
    assert session.last[0].source == "backup"
    do(session, "/restore all")
    say(session, "so happy")
    assert session.last[0].source == "primary"


def test_tiers_opened_without_switches_cannot_be_broken(tmp_path: Path) -> None:
    session = Session(scripted.load("emotion"), Console(file=io.StringIO()), tmp_path / "unused")
    with pytest.raises(MendError, match="cannot be broken"):
        obey(session, "/kill primary")


def test_threshold_is_set_and_forgotten(session: Session) -> None:
    do(session, "/threshold .99")
    say(session, "so happy", replies=[""])
    assert session.last[0].status == "abstained"
    do(session, "/threshold off")
    say(session, "so happy")
    assert session.last[0].accepted


@pytest.mark.parametrize("value", ["", "1.1", "-0.1", "nan", "much"])
def test_a_bad_threshold_is_refused_and_changes_nothing(session: Session, value: str) -> None:
    with pytest.raises(MendError, match="expected a number from 0 to 1"):
        obey(session, f"/threshold {value}")
    assert session.threshold is None


def test_why_shows_the_whole_trail_with_figures(session: Session) -> None:
    say(session, "a doubt")
    shown = do(session, "/why")
    for expected in ("a doubt", "primary", "0.400", "0.600", "passes on", "backup", "0.800", "accepted"):
        assert expected in shown


def test_top_shows_what_the_models_said_not_the_user(session: Session) -> None:
    say(session, "mixed", replies=["joy"])
    first, *shown = do(session, "/top").splitlines()
    assert "as backup sees it" in first
    assert shown[0].split()[0] == "sadness"
    assert len(shown) == len(LABELS)


def test_stats_count_the_session(session: Session) -> None:
    say(session, "so happy", "a doubt")
    shown = do(session, "/stats")
    assert "2 answers, mean confidence 0.88, 1 healed (50%)" in shown
    assert "asked 2, settled 1" in shown


def test_the_drawing_names_every_node(session: Session) -> None:
    shown = do(session, "/graph")
    for name in ("start", "prepare", "primary", "check_primary", "backup", "settle", "ask", "end"):
        assert f"● {name}" in shown


def test_a_correction_is_stored_with_what_the_graph_said(session: Session) -> None:
    say(session, "so happy")
    do(session, "/correct love")
    stored = CorrectionStore(session.corrections, LABELS).all()
    assert [(c.text, c.label, c.answer.label) for c in stored] == [("so happy", "love", "joy")]
    with pytest.raises(MendError, match=r"unknown label 'lov'.*did you mean 'love'"):
        obey(session, "/correct lov")


def test_save_writes_answers_or_charts(session: Session, tmp_path: Path) -> None:
    say(session, "so happy", "a doubt")
    do(session, f"/save {tmp_path / 'session.jsonl'}")
    assert [json.loads(line)["label"] for line in (tmp_path / "session.jsonl").read_text().splitlines()] == [
        "joy",
        "surprise",
    ]
    do(session, f"/save {tmp_path / 'session.png'}")
    assert (tmp_path / "session.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(MendError, match="unknown kind"):
        obey(session, f"/save {tmp_path / 'session.doc'}")


@pytest.mark.parametrize("line", ["/why", "/top", "/stats", "/correct joy", "/save x.jsonl"])
def test_commands_that_need_an_answer_say_so(session: Session, line: str) -> None:
    with pytest.raises(MendError, match="type a text first"):
        obey(session, line)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("/k", "did you mean /kill?"),
        ("/stast", "did you mean /stats?"),
        ("/", "/help lists"),
        ("/xyzzy", "/help lists"),
    ],
)
def test_an_unknown_command_names_the_nearest(session: Session, line: str, hint: str) -> None:
    with pytest.raises(MendError, match="no command") as caught:
        obey(session, line)
    assert caught.value.hint.startswith(hint)


def test_help_lists_every_command_and_quit_quits(session: Session) -> None:
    shown = do(session, "/help")
    elsewhere = {name for name, command in COMMANDS.items() if command.only}
    assert {name for name, command in COMMANDS.items() if command.usage not in shown} == elsewhere
    do(session, "/quit")
    assert session.over


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/ki", ["/kill"]),
        ("/s", ["/stats", "/save"]),
        ("/kill ", ["primary", "backup"]),
        ("/kill b", ["backup"]),
        ("/correct s", ["sadness", "surprise"]),
        ("/threshold ", ["off"]),
        ("/restore ", []),
        ("so h", []),
        ("line\n/ki", []),
    ],
)
def test_completion_offers_what_fits(session: Session, typed: str, offered: list[str]) -> None:
    found = Completions(session).get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in found] == offered


def test_completion_restores_only_what_is_down(session: Session) -> None:
    session.down.add("backup")
    completions = Completions(session)
    found = [
        list(completions.get_completions(Document(typed), CompleteEvent()))
        for typed in ("/restore ", "/kill ")
    ]
    assert [[c.text for c in each] for each in found] == [["backup", "all"], ["primary"]]


@given(st.text())
def test_any_reply_is_a_label_a_skip_or_a_reason(reply: str) -> None:
    try:
        meant = understood(reply, OPTIONS, LABELS)
    except ValueError as error:
        meant = str(error)
        assert reply.strip().lower() not in LABELS
    else:
        assert meant is None or meant in LABELS
    assert (meant is None) == (reply.strip() == "")


@given(st.lists(st.sampled_from(LABELS), min_size=1, max_size=4))
def test_every_row_gets_its_own_reply(labels: list[str]) -> None:
    console = Console(file=io.StringIO(), width=100)
    session = Session(scripted.load("emotion"), console, Path("unused"))
    rows = [
        {"row": n, "text": "t", "options": [{"label": "joy", "probability": 0.5}]} for n in range(len(labels))
    ]
    question = {"question": "Which?", "rows": rows, "labels": list(LABELS), "error": ""}
    assert ask_user(session, question, Typist(*labels).reply) == {
        str(n): label for n, label in enumerate(labels)
    }
