"""The REPL: texts or pairs in, healing told as it happens, answers out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rich.padding import Padding
from rich.text import Text

import mendgraph
from mendgraph.cli.asking import ask_user
from mendgraph.cli.background import interruptible
from mendgraph.cli.commands import obey
from mendgraph.cli.console import answers_console, one_line, print_json
from mendgraph.cli.faults import Faults
from mendgraph.cli.live import Narrator
from mendgraph.cli.opening import fields_of
from mendgraph.cli.questions import question_rows, show_found
from mendgraph.cli.ranking import is_route
from mendgraph.cli.render import answers_table, headline
from mendgraph.cli.routes import show_ranking
from mendgraph.cli.routing import with_terms_of
from mendgraph.cli.rows import NotJson, json_row
from mendgraph.cli.session import CONFLICT, INDENT, Session
from mendgraph.cli.sides import is_sourced
from mendgraph.cli.writing import write
from mendgraph.core.reflection import parsed
from mendgraph.core.values import Answer
from mendgraph.errors import MendError

if TYPE_CHECKING:
    from langgraph.checkpoint.memory import InMemorySaver

    from mendgraph.app import MendGraph
    from mendgraph.cli.keyboard import Keyboard


def memory() -> InMemorySaver:
    """A checkpointer for questions.  Strict: a cascade's state is plain data, so no class is ever restored."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    return InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))


def chat(
    graph: MendGraph,
    *,
    folder: Path,
    threshold: float | None = None,
    down: Sequence[str] = (),
    faults: Faults | None = None,
) -> None:
    """Talks with the user until they leave.

    Args:
        graph: opened with `memory()` as its checkpointer, or its questions could not be asked.
        folder: where the history and the corrections are kept.
        faults: the switches of the graph's faulty tiers.
    """
    from mendgraph.cli.keyboard import Keyboard

    session = Session(graph, answers_console(), folder / "corrections.sqlite", threshold, set(down))
    session.faults = faults or session.faults
    graph.request([], threshold=threshold, down=down)  # says now what would be wrong with every text
    keyboard = Keyboard(session, folder / "history")
    _greet(session)
    while not session.over:
        try:
            line = keyboard.line()
        except KeyboardInterrupt:
            continue
        except EOFError:
            break
        try:
            _take(session, keyboard, line)
        except MendError as error:
            session.say(Text.assemble((one_line(error.message), "red"), (f"  {one_line(error.hint)}", "dim")))
            session.say()
        except KeyboardInterrupt:
            session.say("stopped", "dim")
            session.say()
    if session.answers:
        count = len(session.answers)
        session.say(f"{count} answer{'s' if count > 1 else ''}", "dim")


def pipe(
    graph: MendGraph, lines: Iterable[str], *, threshold: float | None = None, down: Sequence[str] = ()
) -> None:
    """A line in, an answer as JSON out, each before the next line is read; for programs, so it never asks.

    Where a row has several fields a line is a JSON object with them, or a question whose documents are looked up.
    """
    several = len(fields_of(graph.name)) > 1
    for line in lines:
        row = json_row(line) if several else line.rstrip("\r\n")
        if isinstance(row, NotJson) and graph.name == CONFLICT:
            row = line.rstrip("\r\n")
        for answer in graph.run([row], ask="return", threshold=threshold, down=down):
            print_json(answer.to_dict())


def interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _greet(session: Session) -> None:
    health = session.graph.health()
    names: list[str | tuple[str, str]] = []
    for name, state in health.items():
        names += [(name, "" if state["state"] == "up" and name not in session.down else "red strike"), "  "]
    session.say()
    session.say(
        Text.assemble(
            ("mendgraph", "bold cyan"), (f" {mendgraph.__version__}", "dim"), f"  {session.graph.name}"
        )
    )
    session.say(Text.assemble(("tiers  ", "dim"), *names[:-1]))
    what = "Type a text, or paste several lines."
    if session.routing:
        what = "Type or paste a prompt; it may have many lines."
    if session.writing:
        what = "Type a prompt and watch it be continued; Ctrl-C pauses."
    if session.paired:
        what = "Type what the client said, then what the counsellor answered. Enter alone keeps the client's turn."
    if session.questioning:
        what = "Type a question, then its documents, or /docs FOLDER first to have them looked up."
    session.say(f"{what} /help lists the commands, Ctrl-D quits.", "dim")
    session.say()


def _take(session: Session, keyboard: Keyboard, line: str) -> None:
    if line.startswith("/"):
        obey(session, line)
        session.say()
        return
    if session.writing:
        if line.strip():
            session.keep([write(session, keyboard, line, obey)])
            session.say()
        return
    rows = _rows(session, keyboard, line)
    if not rows:
        return
    answers = answer(session, rows, keyboard)
    session.keep(answers)
    if len(answers) == 1:
        if len(answers[0].trail) > 1:
            session.say()
        session.say(headline(answers[0], session.glyphs))
        if is_route(answers[0]):
            show_ranking(session, answers[0])
        if is_sourced(answers[0]):
            show_found(session, answers[0])
    else:
        session.say()
        session.console.print(Padding(answers_table(answers, session.glyphs), (0, 0, 0, len(INDENT))))
    session.say()


def _rows(session: Session, keyboard: Keyboard, line: str) -> list[object]:
    if session.routing:  # a prompt may have many lines
        return list(with_terms_of([line], session.terms)) if line.strip() else []
    if session.questioning:
        return question_rows(session, keyboard, line, obey)
    return _pair(session, keyboard, line) if session.paired else _texts(line)


def _texts(line: str) -> list[object]:
    return [row.strip() for row in line.splitlines() if row.strip()]


def _pair(session: Session, keyboard: Keyboard, line: str) -> list[object]:
    """One row: both turns where they were pasted together, else the counsellor's is asked for."""
    if parsed(line) is not None:
        return [line]
    session.prompt = line.strip() or session.prompt
    if not session.prompt:
        return []
    try:
        response = keyboard.response(session.prompt)
    except EOFError:
        return []
    return [{"prompt": session.prompt, "response": response}] if response.strip() else []


def answer(session: Session, rows: Sequence[object], keyboard: Keyboard) -> list[Answer]:
    """Runs the graph, tells its steps, and puts its questions until every row is settled."""
    from langgraph.types import Command

    graph = session.graph
    run: Any = graph.graph.stream  # its parts have a type for every mode; here they are mode and payload
    thread: Any = {"configurable": {"thread_id": uuid4().hex}}
    request: Any = graph.request(
        rows, ask="interrupt", threshold=session.threshold, down=sorted(session.down)
    )
    narrator = Narrator(session, len(rows))
    answers: dict[int, Answer] = {}
    while request is not None:
        question = None
        with session.console.status(Text("thinking", "dim"), spinner_style="cyan"):
            for mode, part in interruptible(run(request, thread, stream_mode=["custom", "updates"])):
                if mode == "custom":
                    narrator.hear(part)
                    if part["event"] == "answer":
                        answers[part["row"]] = Answer.from_dict(part["answer"])
                elif "__interrupt__" in part:
                    question = part["__interrupt__"][0].value
        request = None
        if question is not None:
            replies = ask_user(session, question, keyboard.reply, several=len(rows) > 1)
            request = Command(resume=replies)
    saver = graph.graph.checkpointer
    if saver is not None and not isinstance(saver, bool):
        saver.delete_thread(thread["configurable"]["thread_id"])
    return [answers[row] for row in range(len(rows))]
