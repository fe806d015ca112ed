"""The REPL's commands for choosing among LLMs, and how it shows a choice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from rich.padding import Padding
from rich.text import Text

from mendgraph.cli.background import interruptible
from mendgraph.cli.command import Command
from mendgraph.cli.console import one_line
from mendgraph.cli.ranking import is_route, ranking
from mendgraph.cli.render import trail
from mendgraph.cli.routing import executing
from mendgraph.cli.session import INDENT, ROUTING, Session
from mendgraph.core.routing import dollars
from mendgraph.core.values import Answer
from mendgraph.errors import ConfigError, DataError, UnknownNameError


def show_ranking(session: Session, answer: Answer) -> None:
    session.say()
    session.console.print(Padding(ranking(answer, session.glyphs), (0, 0, 0, len(INDENT))))
    session.say()
    session.say(one_line(answer.value["why"]), "dim")


def terms_told(terms: Mapping[str, Any]) -> list[str]:
    """In a few words each, for the prompt of the REPL."""
    told = [f"{model} down" for model in terms.get("down", ())]
    if "max_cost" in terms:
        told.append(f"budget {dollars(terms['max_cost'])}")
    if "lambda" in terms:
        told.append(f"lambda {terms['lambda']:g}")
    return told


def _budget(session: Session, argument: str) -> None:
    if _set(session, "max_cost", "/budget", argument.removeprefix("$")):
        session.say(
            f"an LLM may cost {dollars(session.terms['max_cost'])} for a prompt and its answer", "dim"
        )
    else:
        session.say("an LLM may cost what it costs", "dim")


def _worth(session: Session, argument: str) -> None:
    if _set(session, "lambda", "/lambda", argument):
        session.say(f"one $ is now worth {session.terms['lambda']:g} of expected quality", "dim")
    else:
        session.say("the configuration says again what one $ is worth", "dim")


def _down(session: Session, argument: str) -> None:
    model = _model(session, argument)
    found = session.terms.setdefault("down", [])
    if model not in found:
        found.append(model)
    if len(found) == len(session.graph.labels):
        session.say("now every LLM is down; /up brings one back", "red")
    else:
        session.say(Text.assemble((f"{model} is down", "red"), ("; the next prompt goes elsewhere", "dim")))


def _up(session: Session, argument: str) -> None:
    found: list[str] = session.terms.get("down", [])
    if argument != "all" and _model(session, argument) not in found:
        raise ConfigError(f"{argument} is not down", hint=f"down are: {', '.join(found) or 'none'}")
    left = [] if argument == "all" else [model for model in found if model != argument]
    session.terms["down"] = left
    if not left:
        del session.terms["down"]
    session.say("every LLM is back" if argument == "all" else f"{argument} is back", "green")


def _call(session: Session, argument: str) -> None:
    """Routes the last prompt again, under the same terms as then, and calls the LLM."""
    if not session.last or not is_route(session.last[-1]):
        raise DataError("no prompt yet", hint="type one first")
    stream = executing(session.graph)
    answer: Answer | None = None
    with session.console.status(Text("waiting for the LLM", "dim"), spinner_style="cyan"):
        options: Any = {"ask": "never", "threshold": session.threshold, "down": sorted(session.down)}
        for event in interruptible(stream([session.last[-1].input], **options)):
            if event["event"] == "answer":
                answer = Answer.from_dict(event["answer"])
    _show_response(session, cast(Answer, answer))


def _show_response(session: Session, answer: Answer) -> None:
    value = answer.value
    steps = [
        line
        for line, step in zip(trail(answer, session.glyphs), answer.trail, strict=True)
        if _of_llm(step.tier, answer)
    ]
    for line in steps:
        session.console.print(line)
    if answer.error is not None:
        session.say(
            Text.assemble(
                (one_line(answer.error.message), "red"), (f"  {one_line(answer.error.hint)}", "dim")
            )
        )
        return
    session.say()
    session.say(Text.assemble((f"{value['answered_by']}", "bold green")))
    session.say(Text(value["response"]))


def _of_llm(tier: str, answer: Answer) -> bool:
    return tier in answer.value["quality"]


def _set(session: Session, term: str, command: str, argument: str) -> bool:
    """Whether the term holds a number now."""
    if argument == "off":
        session.terms.pop(term, None)
        return False
    try:
        number = float(argument)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ConfigError(f"{command}: expected a number of at least 0, or off, got {argument!r}")
    session.terms[term] = number
    return True


def _model(session: Session, name: str) -> str:
    if name not in session.graph.labels:
        raise UnknownNameError("LLM", name, session.graph.labels)
    return name


ROUTING_COMMANDS = (
    Command("budget", "/budget $|off", "most $ for a prompt and its answer", _budget, ROUTING),
    Command("lambda", "/lambda 100|off", "expected quality that one $ is worth", _worth, ROUTING),
    Command("down", "/down LLM", "do not choose this LLM", _down, ROUTING),
    Command("up", "/up LLM|all", "choose it again", _up, ROUTING),
    Command("call", "/call", "have the chosen LLM answer the last prompt", _call, ROUTING),
)
