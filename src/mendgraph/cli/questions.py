"""The REPL where questions are answered from documents: given one by one, or looked up in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from rich.padding import Padding
from rich.text import Text

from mendgraph.cli.answering import answered
from mendgraph.cli.command import Command
from mendgraph.cli.console import one_line
from mendgraph.cli.draft import GO, Draft
from mendgraph.cli.render import headline
from mendgraph.cli.session import CONFLICT, INDENT, Session
from mendgraph.cli.sides import STYLES, account_of, found_told, is_sourced, marked, texts_of
from mendgraph.core.conflict import parsed
from mendgraph.core.values import Answer
from mendgraph.errors import ConfigError, DataError, MendError, UnknownNameError


class Lines(Protocol):
    """Where documents are heard from; see `Keyboard.document`."""

    def document(self, draft: Draft) -> str: ...


def question_rows(
    session: Session, keyboard: Lines, line: str, obey: Callable[[Session, str], None]
) -> list[object]:
    """One row: a question with its documents, which are asked for unless they came along or are to be looked up.

    Args:
        obey: runs a command line of the REPL.
    """
    if parsed(line) is not None:
        return [line]
    draft = Draft.of(line)
    if draft is None:
        return []
    while draft.documents or draft.lines or not folder_of(session):
        try:
            sent = keyboard.document(draft)
        except EOFError:
            sent = GO
        if sent.startswith("/") and sent.strip() != GO:
            _obeyed(session, sent, obey)
            if session.over:
                return []
            continue
        if draft.take(sent):
            return [draft.row()]
        if sent.strip() == GO:
            session.say("the question is left", "dim")
            return []
    return [{"question": draft.question}]


def _obeyed(session: Session, line: str, obey: Callable[[Session, str], None]) -> None:
    try:
        obey(session, line)
    except MendError as error:
        session.say(Text.assemble((one_line(error.message), "red"), (f"  {one_line(error.hint)}", "dim")))


def show_found(session: Session, answer: Answer) -> None:
    """Under the answer: conflict or not, who says what, why, and what it cost."""
    g = session.glyphs
    for line in found_told(answer, g):
        session.console.print(Padding(line, (0, 0, 0, len(INDENT)), expand=False))
    for said in account_of(answer, g):
        session.say(said)


def folder_of(session: Session) -> str:
    """Where documents are looked up; "" where the user gives them."""
    graph: Any = session.graph
    return str(graph.docs or "")


def looking_told(session: Session) -> list[str]:
    """In a few words, for the prompt of the REPL."""
    folder = folder_of(session)
    return [f"{session.graph.top_k} from {Path(folder).name or folder}"] if folder else []  # type: ignore[attr-defined]


def names_in(session: Session) -> list[str]:
    """Documents of the last answer."""
    return list(texts_of(session.last[-1])) if session.last else []


def _docs(session: Session, argument: str) -> None:
    graph: Any = session.graph
    if argument == "off":
        graph.search_in(None)
        session.say("you give the documents again", "dim")
        return
    if not argument:
        where = folder_of(session)
        session.say(f"looking in {where}" if where else "no folder: you give the documents", "dim")
        return
    folder = Path(argument).expanduser()
    with session.console.status(Text("reading documents", "dim"), spinner_style="cyan"):
        count = graph.search_in(folder)
    session.say(
        Text.assemble(
            (f"{count:,} passages in {one_line(str(folder))}", "green"),
            (f"; a question is answered from the closest {graph.top_k}", "dim"),
        )
    )


def _take(session: Session, argument: str) -> None:
    graph: Any = session.graph
    if not argument.isdecimal() or int(argument) < 1:
        raise ConfigError(f"/take: expected a number of at least 1, got {argument!r}")
    graph.top_k = int(argument)
    session.say(f"a question is answered from the closest {graph.top_k}", "dim")


def _ask(session: Session, argument: str) -> None:
    if not argument:
        raise ConfigError("/ask needs a question", hint="e.g. /ask Who built it?")
    _again(session, {**_last_row(session), "question": argument})


def _without(session: Session, argument: str) -> None:
    row, names = _last_row(session), argument.split()
    if not names:
        raise ConfigError("/without needs a document", hint=f"known: {', '.join(names_in(session))}")
    for name in names:
        _document(row, name)
    left = [one for one in row["documents"] if one["id"] not in names]
    if not left:
        raise ConfigError("no document would be left")
    _again(session, {**row, "documents": left})


def _trust(session: Session, argument: str) -> None:
    _changed(session, "/trust", "reliability", argument)


def _date(session: Session, argument: str) -> None:
    _changed(session, "/date", "date", argument)


def _changed(session: Session, command: str, field: str, argument: str) -> None:
    row = _last_row(session)
    name, _, told = argument.partition(" ")
    if not told.strip():
        raise ConfigError(f"{command} needs a document and its {field}")
    one = _document(row, name)
    documents = [{**one, field: told.strip()} if other is one else other for other in row["documents"]]
    _again(session, {**row, "documents": documents})


def _read(session: Session, argument: str) -> None:
    """The whole text of a document, what it says marked."""
    one = _document(_last_row(session), argument)
    answer = session.last[-1]
    value: Mapping[str, Any] = answer.value if is_sourced(answer) else {"passages": (), "level": "none"}
    told = [f"{name} {one[name]}" for name in ("source", "date", "reliability") if one.get(name) is not None]
    session.say(Text.assemble((one_line(argument), "bold"), (f"  {', '.join(told)}", "dim")))
    spans = [
        (passage["start"], passage["end"]) for passage in value["passages"] if passage["document"] == argument
    ]
    session.say(marked(one["text"], spans, session.glyphs, STYLES[value["level"]]))


def _go(session: Session, argument: str) -> None:
    raise DataError("there is no question yet", hint="type one, then its documents")


def _last_row(session: Session) -> dict[str, Any]:
    row = parsed(session.last[-1].input) if session.last else None
    if row is None or not row.get("documents"):
        raise DataError("no documents yet", hint="ask a question first")
    return row


def _document(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    known = {str(one["id"]): one for one in row["documents"]}
    if name not in known:
        raise UnknownNameError("document", name, known)
    found: Mapping[str, Any] = known[name]
    return found


def _again(session: Session, row: Mapping[str, Any]) -> None:
    """Answers a changed row, and shows the answer under the one before."""
    before = session.last[-1]
    thread: Any = {"configurable": {"thread_id": uuid4().hex}}
    options: Any = {"ask": "never", "threshold": session.threshold, "down": sorted(session.down)}
    with session.console.status(Text("thinking", "dim"), spinner_style="cyan"):
        events: Iterator[dict[str, Any]] = session.graph.stream([dict(row)], config=thread, **options)
        [after] = answered(events, 1, lambda rows: None)
    session.say(Text.assemble(("before  ", "dim"), headline(before, session.glyphs)))
    session.say(Text.assemble(("now     ", "dim"), headline(after, session.glyphs)))
    if is_sourced(after):
        show_found(session, after)
    session.keep([after])


QUESTION_COMMANDS = (
    Command("go", "/go", "ask with the documents given so far", _go, CONFLICT),
    Command("docs", "/docs FOLDER|off", "look the documents up instead of giving them", _docs, CONFLICT),
    Command("take", "/take 8", "how many passages to look up for a question", _take, CONFLICT),
    Command("ask", "/ask QUESTION", "another question about the same documents", _ask, CONFLICT),
    Command(
        "without", "/without DOCUMENT...", "the last question without some documents", _without, CONFLICT
    ),
    Command("trust", "/trust DOCUMENT .9", "the same with another reliability of a source", _trust, CONFLICT),
    Command("date", "/date DOCUMENT 2021", "the same with another date of a document", _date, CONFLICT),
    Command("read", "/read DOCUMENT", "a whole document, what it says marked", _read, CONFLICT),
)
