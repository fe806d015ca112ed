"""The REPL over questions: documents given bit by bit, looked up, and changed afterwards."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document as Typed
from rich.console import Console

from mendgraph.cli.commands import COMMANDS, commands, obey
from mendgraph.cli.completion import Completions
from mendgraph.cli.draft import Draft
from mendgraph.cli.questions import folder_of, looking_told, question_rows
from mendgraph.cli.repl import answer, memory
from mendgraph.cli.session import Session
from mendgraph.errors import MendError
from tests.questions import DOCUMENTS, QUESTION, question_cascade, tiers

OLD = "People saw the Ostra Bridge open in 1927."
NEW = "[2021] The Ostra Bridge opened in 1931."


class Typist:
    """Types documents, or leaves."""

    def __init__(self, *lines: str | BaseException) -> None:
        self.lines = list(lines)
        self.hints: list[tuple[str, str]] = []

    def document(self, draft: Draft) -> str:
        self.hints.append(draft.hint())
        said = self.lines.pop(0)
        if isinstance(said, BaseException):
            raise said
        return said


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with question_cascade(tiers(), checkpointer=memory()) as graph:
        console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100, markup=False)
        yield Session(graph, console, tmp_path / "corrections.sqlite")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for one in DOCUMENTS:
        (folder / f"{one.id}.txt").write_text(one.text)
    return folder


def do(session: Session, line: str) -> str:
    file: Any = session.console.file
    before = len(file.getvalue())
    obey(session, line)
    text: str = file.getvalue()[before:]
    return text


def ask(session: Session, *documents: str) -> None:
    rows = question_rows(session, Typist(*documents, "/go"), QUESTION, obey)
    session.keep(answer(session, rows, Any))  # type: ignore[arg-type]  # nothing is asked back


def test_documents_are_asked_for_until_a_second_empty_line(session: Session) -> None:
    typist = Typist(NEW, "It has towers.", "", OLD, "", "")
    [row] = question_rows(session, typist, QUESTION, obey)
    assert row == {"question": QUESTION, "documents": [f"{NEW}\nIt has towers.", OLD]}
    assert typist.hints[-1] == ("document 3", "Enter alone asks")


def test_a_question_may_come_with_its_documents(session: Session) -> None:
    [row] = question_rows(session, Typist("/go"), f"{QUESTION}\n\n{NEW}\n\n{OLD}", obey)
    assert row == {"question": QUESTION, "documents": [NEW, OLD]}
    whole = '{"question": "When?", "documents": ["a"]}'
    assert question_rows(session, Typist(), whole, obey) == [whole]
    assert question_rows(session, Typist(), "  ", obey) == []


def test_leaving_early_asks_with_what_is_there_or_leaves_the_question(session: Session) -> None:
    [row] = question_rows(session, Typist(NEW, EOFError()), QUESTION, obey)
    assert row == {"question": QUESTION, "documents": [NEW]}
    assert question_rows(session, Typist(EOFError()), QUESTION, obey) == []
    with pytest.raises(KeyboardInterrupt):
        question_rows(session, Typist(NEW, KeyboardInterrupt()), QUESTION, obey)


def test_commands_work_between_documents(session: Session) -> None:
    [row] = question_rows(session, Typist(NEW, "/kill reader", "/help", "/go"), QUESTION, obey)
    assert row == {"question": QUESTION, "documents": [NEW]}
    assert "these tiers cannot be broken" in session.console.file.getvalue()  # type: ignore[attr-defined]
    assert question_rows(session, Typist(NEW, "/quit"), QUESTION, obey) == []


def test_a_folder_answers_at_once_and_can_be_left_again(session: Session, notes: Path) -> None:
    assert "no folder" in do(session, "/docs")
    assert "3 passages in" in do(session, f"/docs {notes}")
    assert looking_told(session) == ["7 from notes"]
    rows = question_rows(session, Typist(), QUESTION, obey)
    assert rows == [{"question": QUESTION}]
    [found] = answer(session, rows, Any)  # type: ignore[arg-type]
    assert found.label == "1931"
    do(session, "/take 1")
    [found] = answer(session, rows, Any)  # type: ignore[arg-type]
    assert not found.value["conflict"]
    assert "you give the documents" in do(session, "/docs off")
    assert folder_of(session) == ""
    assert looking_told(session) == []


def test_a_folder_given_between_documents_is_used_at_once(session: Session, notes: Path) -> None:
    assert question_rows(session, Typist(f"/docs {notes}"), QUESTION, obey) == [{"question": QUESTION}]


def test_the_last_question_is_asked_again_under_other_circumstances(session: Session) -> None:
    ask(session, NEW, "", OLD)
    said = do(session, "/without d1")
    assert "before  1931" in said
    assert "now     1927" in said
    assert "no conflict" in said
    assert session.last[-1].label == "1927"
    ask(session, NEW, "", OLD)
    assert "now     1927" in do(session, "/date d2 2024-05")
    assert session.last[-1].value["conflict"]
    assert "now     1931" in do(session, "/date d1 2025")  # on top of the other change
    assert "reliability" not in do(session, "/read d1")
    do(session, "/trust d1 .9")
    assert "date 2025, reliability 0.9" in do(session, "/read d1")
    assert "now     no answer" in do(session, "/ask When, without a doubt?")
    assert session.statistics.summary()["total"] == 7


def test_a_document_can_be_read_whole(session: Session) -> None:
    ask(session, f"{NEW} {'Its towers are older. ' * 40}", "", OLD)
    said = do(session, "/read d1")
    assert "▸1931◂" in said
    assert "date 2021" in said
    assert said.count("towers") == 40


def test_top_shows_the_levels(session: Session) -> None:
    ask(session, NEW, "", OLD)
    said = do(session, "/top")
    assert "the kind of conflict" in said
    assert said.index("temporal") < said.index("semantic")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/go", "no question yet"),
        ("/ask Who?", "no documents yet"),
        ("/read d1", "no documents yet"),
        ("/take none", "expected a number"),
        ("/take 0", "expected a number"),
        ("/docs /nowhere", "no documents at"),
        ("/swap hello", "no command /swap"),
    ],
)
def test_what_cannot_be_done_yet_is_told(session: Session, line: str, said: str) -> None:
    with pytest.raises(MendError, match=said):
        obey(session, line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/read d3", "unknown document 'd3'"),
        ("/without", "needs a document"),
        ("/without d1 d2", "no document would be left"),
        ("/without d3", "unknown document 'd3'"),
        ("/trust d1", "needs a document and its reliability"),
        ("/date", "needs a document and its date"),
        ("/ask", "needs a question"),
    ],
)
def test_what_is_wrong_is_told(session: Session, line: str, said: str) -> None:
    ask(session, NEW, "", OLD)
    with pytest.raises(MendError, match=said):
        obey(session, line)
    assert len(session.answers) == 1


def test_a_reliability_that_is_none_is_told_as_a_failed_row(session: Session) -> None:
    ask(session, NEW, "", OLD)
    assert "reliability 'much' is no number" in do(session, "/trust d1 much")


def test_every_repl_has_its_own_commands_and_the_shared_ones(session: Session) -> None:
    known = commands(session)
    assert {"kill", "hang", "nan", "restore", "health", "why", "docs", "ask"} <= set(known)
    assert not {"swap", "force", "budget"} & set(known)
    said = do(session, "/help")
    assert all(known[name].usage in said for name in known)
    assert all(not COMMANDS[name].only or COMMANDS[name].only == "conflict" for name in known)


def test_completion_knows_documents_and_folders(session: Session, notes: Path) -> None:
    ask(session, NEW, "", OLD)

    def offered(text: str) -> list[str]:
        found = Completions(session).get_completions(Typed(text), CompleteEvent())
        return [completion.text for completion in found]

    assert offered("/read ") == ["d1", "d2"]
    assert offered("/without d") == ["d1", "d2"]
    assert offered("/tr") == ["/trust"]
    assert offered(f"/docs {notes.parent}/no") == ["tes"]
