"""The graph's questions, put to the user: by number, by name, or skipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from rich.text import Text

from mendgraph.cli.console import one_line
from mendgraph.cli.glyphs import bar, percent, shortened
from mendgraph.cli.session import Session

Read = Callable[[Sequence[str]], str]
"""Reads one reply; is given the labels to complete.  Raises KeyboardInterrupt or EOFError when cancelled."""


def ask_user(
    session: Session, question: Mapping[str, Any], read: Read, *, several: bool = False
) -> dict[str, str | None]:
    """Row number -> label, or None where skipped; cancelling skips this row and all that follow.

    Args:
        several: the run has more rows than one, so that each question must say which row it is about.
    """
    replies: dict[str, str | None] = {str(row["row"]): None for row in question["rows"]}
    for row in question["rows"]:
        _show(session, question, row, several=several)
        try:
            replies[str(row["row"])] = _reply(session, question, row, read)
        except (KeyboardInterrupt, EOFError):
            session.say("skipped", "dim")
            break
    return replies


def understood(reply: str, options: Sequence[str], labels: Sequence[str]) -> str | None:
    """The label meant by a number, a name or its beginning; None for an empty reply.

    Raises:
        ValueError: it means none, or several; the message is for the user.
    """
    wanted = reply.strip().lower()
    if not wanted:
        return None
    if wanted.startswith("/"):
        raise ValueError("first the question: a number, a name, or Enter to skip it")
    if wanted.isdecimal():
        if 1 <= int(wanted) <= len(options):
            return options[int(wanted) - 1]
        raise ValueError(f"a number from 1 to {len(options)}, please")
    if wanted in labels:
        return wanted
    begun = [label for label in labels if label.startswith(wanted)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise ValueError(f"{' or '.join(begun)}?")
    near = get_close_matches(wanted, labels, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise ValueError(f"{meant}known: {', '.join(labels)}")


def _show(session: Session, question: Mapping[str, Any], row: Mapping[str, Any], *, several: bool) -> None:
    session.say()
    about = f"  {row['row'] + 1}: {shortened(row['text'], 60)}" if several else ""
    session.say(Text.assemble((one_line(question["question"]), "bold cyan"), (about, "dim")))
    if not row["options"]:
        numbered = (
            Text.assemble((f"{n}", "bold cyan"), f" {label}") for n, label in enumerate(question["labels"], 1)
        )
        session.say(Text("   ").join(numbered))
        return
    width = max(len(option["label"]) for option in row["options"])
    for number, option in enumerate(row["options"], start=1):
        share = option["probability"]
        session.say(
            Text.assemble(
                (f"{number}", "bold cyan"),
                f"  {option['label']:<{width}}  ",
                bar(share, session.glyphs, style="cyan", width=14),
                f" {percent(share)}",
            )
        )


def _reply(session: Session, question: Mapping[str, Any], row: Mapping[str, Any], read: Read) -> str | None:
    labels = question["labels"]
    # Where every tier failed nothing is more plausible than the rest: any label may be chosen.
    options = [option["label"] for option in row["options"]] or labels
    while True:
        try:
            label = understood(read(labels), options, labels)
        except ValueError as error:
            session.say(one_line(str(error)), "yellow")
            continue
        if label is None:
            session.say("skipped", "dim")
        return label
