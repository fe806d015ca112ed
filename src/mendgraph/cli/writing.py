"""The REPL where the answer is a text: it appears as it is written, and can be steered on the way."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from rich.text import Text

from mendgraph.cli.background import interruptible, still_busy
from mendgraph.cli.command import Command
from mendgraph.cli.session import INDENT, WRITING, Session
from mendgraph.cli.typed import Typed
from mendgraph.cli.written import Palette, story_of
from mendgraph.core.token_routing import MODES
from mendgraph.core.values import Answer
from mendgraph.errors import ConfigError, MendError, UnknownNameError

if TYPE_CHECKING:
    from mendgraph.token_routing import TokenRoutingGraph

_SHORT = {"max_new_tokens": "tokens"}
PATIENCE_S = 30.0
"""How long a pause waits for the chunk under way."""


class Lines(Protocol):
    """Where a paused answer hears what to do; see `Keyboard.line`."""

    def line(self) -> str: ...


def write(session: Session, keyboard: Lines, prompt: str, obey: Any) -> Answer:
    """Writes after a prompt.  Ctrl-C pauses between two chunks; Enter goes on, a second Ctrl-C leaves it.

    Args:
        obey: runs a command line of the REPL.
    """
    graph = _writer(session)
    run: Any = graph.graph.stream
    thread: Any = {"configurable": {"thread_id": uuid4().hex}}
    request: Any = graph.request(
        [{"prompt": prompt, **session.terms}],
        ask="never",
        threshold=session.threshold,
        down=sorted(session.down),
    )
    shown = Typed(session.console, Palette(graph.experts))
    session.console.print(Text(INDENT), end="")
    try:
        while True:
            try:
                answer = _watched(shown, run(request, thread, stream_mode="custom", durability="sync"))
            except KeyboardInterrupt:
                found = _paused(graph, thread)
                shown.catch_up(found)
                session.say()
                if not found.get("answers"):
                    if not _steered(session, keyboard, thread, obey):
                        raise
                    request = None
                    session.console.print(Text(INDENT), end="")
                    continue
                answer = Answer.from_dict(found["answers"][0])  # the pause came too late
            else:
                session.say()
            if answer.error is None:
                session.say(story_of(answer))
            return answer
    finally:
        _forget(graph, thread)


def _watched(shown: Typed, events: Iterable[Mapping[str, Any]]) -> Answer:
    for event in interruptible(events):
        if event["event"] == "chunk":
            shown.chunk(event["tokens"], event["text"])
        elif event["event"] == "answer":
            answer = Answer.from_dict(event["answer"])
    return answer


def _paused(graph: TokenRoutingGraph, thread: Any) -> Mapping[str, Any]:
    """What the run knows when the chunk under way has come to its end."""
    deadline = time.monotonic() + PATIENCE_S
    while still_busy() and time.monotonic() < deadline:
        time.sleep(0.02)
    values: Mapping[str, Any] = graph.graph.get_state(thread).values
    return values


def _steered(session: Session, keyboard: Lines, thread: Any, obey: Any) -> bool:
    """Whether to go on; what the commands changed holds for the rest of the text."""
    session.say(
        "paused: /force, /mode, /kill and /restore hold from here on; Enter goes on, Ctrl-C stops", "dim"
    )
    while True:
        try:
            line = keyboard.line()
        except (KeyboardInterrupt, EOFError):
            return False
        if not line.strip():
            break
        if not line.startswith("/"):
            session.say("the text is not finished yet; Enter goes on, Ctrl-C stops", "dim")
            continue
        try:
            obey(session, line)
        except MendError as error:
            session.say(Text.assemble((error.message, "red"), (f"  {error.hint}", "dim")))
        if session.over:
            return False
    graph = session.graph.graph
    rows = graph.get_state(thread).values.get("rows", [])
    steered = [_with(row, session.terms) for row in rows]
    if steered != rows:
        graph.update_state(thread, {"rows": steered})
    return True


def _with(row: Mapping[str, Any], terms: Mapping[str, Any]) -> dict[str, Any]:
    ways = {name: value for name, value in row["facts"]["ways"].items() if name not in ("mode", "force")}
    return {**row, "facts": {**row["facts"], "ways": {**ways, **terms}}}


def _forget(graph: TokenRoutingGraph, thread: Any) -> None:
    saver = graph.graph.checkpointer
    if saver is not None and not isinstance(saver, bool):
        saver.delete_thread(thread["configurable"]["thread_id"])


def ways_told(session: Session) -> list[str]:
    """In a few words each, for the prompt of the REPL."""
    return [
        *(f"{expert} down" for expert in downed(session)),
        *(f"{_SHORT.get(name, name)} {value}" for name, value in session.terms.items()),
    ]


def downed(session: Session) -> list[str]:
    """Experts that are switched off."""
    return _writer(session).switches.now() if session.writing else []


def killed(session: Session, name: str) -> bool:
    """Switches an expert off, if `name` is one."""
    if not session.writing or name not in _writer(session).experts:
        return False
    _writer(session).kill(name)
    session.say(Text.assemble((f"{name} is down", "red"), ("; the others go on, from the next chunk", "dim")))
    return True


def restored(session: Session, name: str) -> bool:
    """Brings an expert back, if `name` is one; ``all`` brings back all of them, and says no more."""
    if not session.writing:
        return False
    graph = _writer(session)
    if name == "all":
        for expert in graph.experts:
            graph.restore(expert)
        return False
    if name not in graph.experts:
        return False
    graph.restore(name)
    session.say(f"{name} is back for the next text", "green")
    return True


def _force(session: Session, argument: str) -> None:
    if argument == "off":
        session.terms.pop("force", None)
        session.say("the heads choose again", "dim")
        return
    experts = _writer(session).experts
    if argument not in experts:
        raise UnknownNameError("expert", argument, experts)
    session.terms["force"] = argument
    session.say(f"{argument} writes everything; /force off lets the heads choose again", "dim")


def _mode(session: Session, argument: str) -> None:
    if argument == "off":
        session.terms.pop("mode", None)
        session.say("the configuration says again how the experts decode", "dim")
        return
    if argument not in MODES:
        raise UnknownNameError("mode", argument, MODES)
    session.terms["mode"] = argument
    session.say(f"the experts now decode in {argument} mode", "dim")


def _tokens(session: Session, argument: str) -> None:
    _number(session, "max_new_tokens", "/tokens", argument, int, 1)


def _temperature(session: Session, argument: str) -> None:
    _number(session, "temperature", "/temperature", argument, float, 0)


def _number(session: Session, way: str, command: str, argument: str, kind: Any, least: float) -> None:
    if argument == "off":
        session.terms.pop(way, None)
        return
    try:
        value = kind(argument)
    except ValueError:
        value = None
    if value is None or not least <= value < float("inf"):
        raise ConfigError(f"{command}: expected a number of at least {least:g}, or off, got {argument!r}")
    session.terms[way] = value
    session.say(f"{way} is now {value:g}", "dim")


def _writer(session: Session) -> TokenRoutingGraph:
    graph: Any = session.graph
    return graph  # type: ignore[no-any-return]


WRITING_COMMANDS = (
    Command("force", "/force EXPERT|off", "one expert writes everything", _force, WRITING),
    Command("mode", "/mode soft|hard|lazy|fusion|off", "how the experts share the writing", _mode, WRITING),
    Command("tokens", "/tokens 128|off", "most tokens of a text", _tokens, WRITING),
    Command("temperature", "/temperature .8|off", "0 takes the likeliest token", _temperature, WRITING),
)
