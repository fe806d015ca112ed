"""The REPL's commands.  Each takes the session and the rest of the line."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rich.padding import Padding
from rich.text import Text

from mendgraph.cli.console import one_line
from mendgraph.cli.glyphs import shortened
from mendgraph.cli.render import headline, scores, summary, why_table
from mendgraph.cli.session import INDENT, Session
from mendgraph.core.values import Answer
from mendgraph.errors import ConfigError, DataError, MendError, UnknownNameError

Run = Callable[[Session, str], None]


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    usage: str
    help: str
    run: Run


def obey(session: Session, line: str) -> None:
    """Runs ``/name argument``.

    Raises:
        MendError: unknown command, or an argument it cannot take.
    """
    name, _, argument = line.strip().removeprefix("/").partition(" ")
    command = COMMANDS.get(name.lower())
    if command is None:
        begun = [known for known in COMMANDS if name and known.startswith(name.lower())]
        near = (begun or get_close_matches(name.lower(), COMMANDS, n=1))[:1]
        raise MendError(
            f"no command /{name}", hint=f"did you mean /{near[0]}?" if near else "/help lists them"
        )
    command.run(session, argument.strip())


def _why(session: Session, argument: str) -> None:
    answer = _last(session)
    session.say(shortened(answer.input, 70), "dim")
    session.say(headline(answer, session.glyphs))
    if answer.trail:
        session.say()
        session.console.print(Padding(why_table(answer), (0, 0, 0, len(INDENT))))


def _top(session: Session, argument: str) -> None:
    answer = _last(session)
    models = [a for a in answer.trail if a.prediction is not None and a.tier != "user"]
    step = models[-1] if models else None
    if step is None or step.prediction is None:
        raise DataError("the last answer has no probabilities", hint="no tier could read that text")
    session.say(Text(f"as {step.tier} sees it", "dim"))
    for line in scores(step.prediction.scores, session.glyphs):
        session.say(line)


def _stats(session: Session, argument: str) -> None:
    if not session.answers:
        raise DataError("no answers yet", hint="type a text first")
    for line in summary(session.statistics.summary(), session.glyphs):
        session.say(line)


def _threshold(session: Session, argument: str) -> None:
    if argument == "off":
        session.threshold = None
        session.say("the fitted thresholds decide again", "dim")
        return
    try:
        value = float(argument)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise ConfigError(f"/threshold: expected a number from 0 to 1, or off, got {argument!r}")
    session.threshold = value
    session.say(f"every check now asks for {value:.2f}", "dim")


def _kill(session: Session, argument: str) -> None:
    tier = _tier(session, argument)
    session.down.add(tier)
    session.say(Text.assemble((f"{tier} is down", "red"), ("; the next text shows how it heals", "dim")))


def _restore(session: Session, argument: str) -> None:
    if argument == "all":
        session.down.clear()
        session.say("every tier is back", "green")
        return
    tier = _tier(session, argument)
    if tier not in session.down:
        raise ConfigError(
            f"tier {tier!r} was not killed", hint=f"killed: {', '.join(sorted(session.down)) or 'none'}"
        )
    session.down.remove(tier)
    session.say(f"{tier} is back", "green")


def _graph(session: Session, argument: str) -> None:
    from mendgraph.cli.drawing import as_text

    drawn = as_text(session.graph.graph.get_graph(), unicode=not session.console.options.ascii_only)
    for line in drawn.splitlines():
        session.say(Text.assemble(*_coloured(line, session.down)))


def _coloured(line: str, down: set[str]) -> list[tuple[str, str]]:
    name, gap, ways = line.partition("  ")
    return [(name, "red" if name.rpartition(" ")[2] in down else ""), (gap + ways, "dim")]


def _correct(session: Session, argument: str) -> None:
    from mendgraph.runtime.corrections import CorrectionStore

    answer = _last(session)
    label = argument.lower()
    store = CorrectionStore(session.corrections, session.graph.labels, graph=session.graph.name)
    store.add(answer.input, label, answer, time.time())
    session.say(Text.assemble(("noted: ", "green"), f"{shortened(answer.input, 50)!r} is {label}"))
    session.say(f"{store.count()} corrections so far; `mend learn {session.graph.name}` uses them", "dim")


def _save(session: Session, argument: str) -> None:
    if not argument:
        raise ConfigError(
            "/save needs a file name", hint="e.g. /save session.jsonl, or /save session.png for charts"
        )
    if not session.answers:
        raise DataError("no answers yet", hint="type a text first")
    path = Path(argument).expanduser()
    if path.suffix.lower() == ".png":
        from mendgraph.evaluation.charts import session_chart

        session_chart(session.answers, path)
    else:
        from mendgraph.cli.output import writer

        with writer(path) as write:
            write(session.answers)
    session.say(f"written to {one_line(str(path))}", "dim")


def _help(session: Session, argument: str) -> None:
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        session.say(Text.assemble((f"{command.usage:<{width}}", "cyan"), f"  {command.help}"))
    session.say()
    session.say("Enter sends, Alt-Enter starts a new line; several lines are several rows.", "dim")
    session.say("A text that begins with / needs a space before it. Ctrl-C cancels, Ctrl-D quits.", "dim")


def _quit(session: Session, argument: str) -> None:
    session.over = True


def _last(session: Session) -> Answer:
    if not session.last:
        raise DataError("no answer yet", hint="type a text first")
    return session.last[-1]


def _tier(session: Session, name: str) -> str:
    if name not in session.graph.tiers:
        raise UnknownNameError("tier", name, session.graph.tiers)
    return name


COMMANDS: Mapping[str, Command] = {
    command.name: command
    for command in (
        Command("why", "/why", "the whole trail of the last answer", _why),
        Command("top", "/top", "the probability of every label", _top),
        Command("stats", "/stats", "what happened in this session", _stats),
        Command("threshold", "/threshold .8|off", "confidence every check asks for", _threshold),
        Command("kill", "/kill TIER", "switch a tier off and watch the graph heal", _kill),
        Command("restore", "/restore TIER|all", "switch it on again", _restore),
        Command("graph", "/graph", "draw the graph", _graph),
        Command("correct", "/correct LABEL", "say what the last text really is", _correct),
        Command("save", "/save FILE", "answers as .jsonl, .csv or .parquet; charts as .png", _save),
        Command("help", "/help", "this list", _help),
        Command("quit", "/quit", "leave", _quit),
    )
}
