"""The REPL's commands.  Each takes the session and the rest of the line."""

from __future__ import annotations

import time
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.padding import Padding
from rich.text import Text

from mendgraph.cli.command import Command
from mendgraph.cli.console import one_line
from mendgraph.cli.glyphs import shortened
from mendgraph.cli.health import health_table
from mendgraph.cli.opening import learning_hint
from mendgraph.cli.questions import QUESTION_COMMANDS
from mendgraph.cli.render import headline, score_of, scores, summary, text_of, why_table
from mendgraph.cli.routes import ROUTING_COMMANDS
from mendgraph.cli.session import INDENT, PAIRS, Session
from mendgraph.cli.sides import is_sourced
from mendgraph.cli.writing import WRITING_COMMANDS, killed, restored
from mendgraph.core.reflection import parsed
from mendgraph.core.values import Answer
from mendgraph.errors import ConfigError, DataError, MendError, UnknownNameError

HANG_S = 10.0
LONGEST_HANG_S = 600.0


def commands(session: Session) -> dict[str, Command]:
    """Those that mean something to the session's graph."""
    return {name: one for name, one in COMMANDS.items() if one.only in ("", session.graph.name)}


def obey(session: Session, line: str) -> None:
    """Runs ``/name argument``.

    Raises:
        MendError: unknown command, or an argument it cannot take.
    """
    name, _, argument = line.strip().removeprefix("/").partition(" ")
    known = commands(session)
    command = known.get(name.lower())
    if command is None:
        begun = [other for other in known if name and other.startswith(name.lower())]
        near = (begun or get_close_matches(name.lower(), known, n=1))[:1]
        raise MendError(
            f"no command /{name}", hint=f"did you mean /{near[0]}?" if near else "/help lists them"
        )
    command.run(session, argument.strip())


def _why(session: Session, argument: str) -> None:
    answer = _last(session)
    session.say(shortened(text_of(answer), 70), "dim")
    session.say(headline(answer, session.glyphs))
    if answer.trail:
        session.say()
        session.console.print(Padding(why_table(answer), (0, 0, 0, len(INDENT))))


def _top(session: Session, argument: str) -> None:
    answer = _last(session)
    models = [a for a in answer.trail if a.prediction is not None and a.tier != "user"]
    if is_sourced(answer):
        session.say(Text("the kind of conflict", "dim"))
        for line in scores(answer.value["levels"], session.glyphs):
            session.say(line)
        return
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
    from mendgraph.testing import Fault

    if killed(session, argument):
        return
    tier = _breakable(session, argument)
    if session.graph.tiers[tier].policy.isolation == "process":
        session.faults.strike(tier, Fault("kill", tier=tier))
        what = "its worker process is killed at every call"
    else:
        session.faults.strike(tier, Fault("crash", tier=tier, message="killed with /kill"))
        what = "every call fails"
    session.say(
        Text.assemble((f"{tier} is down", "red"), (f": {what}; the next text shows how it heals", "dim"))
    )


def _hang(session: Session, argument: str) -> None:
    from mendgraph.testing import Fault

    name, _, given = argument.partition(" ")
    tier = _breakable(session, name)
    try:
        seconds = float(given or HANG_S)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= LONGEST_HANG_S:
        raise ConfigError(f"/hang: expected seconds above 0, at most {LONGEST_HANG_S:g}, got {given!r}")
    session.faults.strike(tier, Fault("hang", tier=tier, seconds=seconds))
    policy = session.graph.tiers[tier].policy
    where = f"{session.graph.name}.supervision"
    if policy.isolation == "inline":
        so = f"it runs inline, where nothing can cut that short; --set {where}.isolation=thread can"
    elif policy.deadline_s is None:
        so = f"it has no deadline; --set {where}.deadline_s=2 gives it one"
    else:
        so = f"its deadline is {policy.deadline_s:g} s"
    session.say(Text.assemble((f"{tier} hangs for {seconds:g} s at every call", "red"), (f"; {so}", "dim")))


def _nan(session: Session, argument: str) -> None:
    from mendgraph.testing import Fault

    tier = _breakable(session, argument)
    session.faults.strike(tier, Fault("nan", tier=tier))
    session.say(Text.assemble((f"every score of {tier} is NaN", "red"), ("; see who notices", "dim")))


def _restore(session: Session, argument: str) -> None:
    if restored(session, argument):
        return
    ill = sorted(session.ill)
    if argument != "all" and _tier(session, argument) not in ill:
        raise ConfigError(
            f"nothing was done to tier {argument!r}", hint=f"{', '.join(ill) or 'no tier'} can be restored"
        )
    for tier in ill if argument == "all" else [argument]:
        session.down.discard(tier)
        session.faults.clear(tier)
    session.say("every tier is back" if argument == "all" else f"{argument} is back", "green")
    health = session.graph.health()
    for tier in ill:
        if health[tier]["breaker"] != "closed" and tier not in session.ill:
            session.say(f"the breaker of {tier} is open until a probe succeeds; /health shows it", "dim")


def _health(session: Session, argument: str) -> None:
    session.console.print(Padding(health_table(session.graph.health()), (0, 0, 0, len(INDENT))))


def _graph(session: Session, argument: str) -> None:
    from mendgraph.cli.drawing import as_text

    drawn = as_text(session.graph.graph.get_graph(), unicode=not session.console.options.ascii_only)
    for line in drawn.splitlines():
        session.say(Text.assemble(*_coloured(line, set(session.ill))))


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
    session.say(f"{store.count()} corrections so far{learning_hint(session.graph.name)}", "dim")


def _swap(session: Session, argument: str) -> None:
    before = _last(session)
    pair = parsed(before.input)
    if pair is None:
        raise DataError("the last row could not be read", hint="score a pair first")
    if not argument:
        raise ConfigError("/swap needs what another client said", hint="e.g. /swap I got the job!")
    thread: Any = {"configurable": {"thread_id": uuid4().hex}}
    row = {"prompt": argument, "response": pair[1]}
    [after] = session.graph.run(
        [row], ask="never", threshold=session.threshold, down=sorted(session.down), config=thread
    )
    width = 30
    for answer, prompt in ((before, pair[0]), (after, argument)):
        session.say(
            Text.assemble((f"{shortened(prompt, width):<{width}}  ", "dim"), headline(answer, session.glyphs))
        )
    scores = score_of(before), score_of(after)
    if scores[0] is not None and scores[1] is not None:
        session.say(f"the prompt makes a difference of {scores[0] - scores[1]:+.2f}", "dim")


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
        from mendgraph.cli.output import columns_for, writer

        with writer(path, columns_for(session.graph.name)) as write:
            write(session.answers)
    session.say(f"written to {one_line(str(path))}", "dim")


def _help(session: Session, argument: str) -> None:
    listed = commands(session).values()
    width = max(len(command.usage) for command in listed)
    for command in listed:
        session.say(Text.assemble((f"{command.usage:<{width}}", "cyan"), f"  {command.help}"))
    session.say()
    whole = session.paired or session.routing or session.questioning
    several = "" if whole else "; several lines are several rows"
    session.say(f"Enter sends, Alt-Enter starts a new line{several}.", "dim")
    session.say("A text that begins with / needs a space before it. Ctrl-C cancels, Ctrl-D quits.", "dim")


def _quit(session: Session, argument: str) -> None:
    session.over = True


def _last(session: Session) -> Answer:
    if not session.last:
        raise DataError("no answer yet", hint="type a text first")
    return session.last[-1]


def _breakable(session: Session, name: str) -> str:
    if not session.faults.possible:
        raise ConfigError("these tiers cannot be broken", hint="open the graph with `mend chat`")
    return _tier(session, name)


def _tier(session: Session, name: str) -> str:
    if name not in session.graph.tiers:
        raise UnknownNameError("tier", name, session.graph.tiers)
    return name


COMMANDS: Mapping[str, Command] = {
    command.name: command
    for command in (
        Command("why", "/why", "the whole trail of the last answer", _why),
        Command("top", "/top", "the probability of every label", _top),
        Command("swap", "/swap PROMPT", "the score of the last response to another client", _swap, PAIRS),
        *ROUTING_COMMANDS,
        *WRITING_COMMANDS,
        *QUESTION_COMMANDS,
        Command("stats", "/stats", "what happened in this session", _stats),
        Command("threshold", "/threshold .8|off", "confidence every check asks for", _threshold),
        Command("kill", "/kill TIER", "break a tier and watch the graph heal", _kill),
        Command("hang", "/hang TIER [10]", "let it hang for some seconds at every call", _hang),
        Command("nan", "/nan TIER", "let it give scores that are no numbers", _nan),
        Command("restore", "/restore TIER|all", "make it well again", _restore),
        Command("health", "/health", "how the tiers are: breakers, latencies, errors", _health),
        Command("graph", "/graph", "draw the graph", _graph),
        Command("correct", "/correct LABEL", "say what the last text really is", _correct),
        Command("save", "/save FILE", "answers as .jsonl, .csv or .parquet; charts as .png", _save),
        Command("help", "/help", "this list", _help),
        Command("quit", "/quit", "leave", _quit),
    )
}
