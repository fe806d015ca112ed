"""What `mend run` is asked to answer: rows that were given, or those of a file, or a whole conversation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mendgraph.cli.opening import fields_of, options_of
from mendgraph.errors import DataError

if TYPE_CHECKING:
    from mendgraph.cli.rows import Columns
    from mendgraph.core.speakers import Role

STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class Asked:
    """Attributes:
    source: the file to read; None where the rows were given.
    given: those rows.
    columns: what is read of the file.
    conversation: the file's rows are turns of one conversation.
    """

    source: Path | None
    given: Sequence[object]
    columns: Columns
    conversation: bool = False

    def rows(self) -> Iterator[object]:
        from mendgraph.cli.rows import read_rows

        return iter(self.given) if self.source is None else read_rows(self.source, self.columns)


def asked(
    graph: str,
    texts: Sequence[str] | None,
    prompt: str | None,
    response: str | None,
    source: Path | None,
    column: str | None,
) -> Asked:
    """What the arguments of the command amount to.

    Raises:
        BadParameter: they do not fit together, or not this graph.
        DataError: the file's columns are neither those of rows nor of a conversation.
    """
    fields = fields_of(graph)
    paired = len(fields) > 1
    pair = {"prompt": prompt, "response": response}
    halves = [name for name, text in pair.items() if text is not None]
    if sum((bool(texts), bool(halves), source is not None)) > 1:
        what = "--prompt and --response" if halves else "texts"
        raise typer.BadParameter(f"give {what} or --input, not both")
    if prompt is not None and response is None and fields == ("prompt",):
        return Asked(None, [prompt], fields[0])
    if halves and not paired:
        raise typer.BadParameter(f"the {graph} graph reads texts: it takes no --{halves[0]}")
    if halves and len(halves) < len(fields):
        raise typer.BadParameter("--prompt and --response belong together")
    if halves:
        return Asked(None, [pair], fields)
    if list(texts or ()) == ["-"]:
        source, texts = STDIN, None
    if paired and (texts or source is None):
        raise typer.BadParameter(
            f"the {graph} graph reads pairs: give --prompt and --response, or --input FILE"
        )
    if not texts and source is None:
        raise typer.BadParameter("nothing to answer: give a text, --input FILE, or - for standard input")
    if not paired:
        return Asked(source, list(texts or ()), columns_of(graph, source, column or fields[0]))
    assert source is not None
    return _file_of_pairs(source, fields)


def columns_of(graph: str, source: Path | None, column: str) -> Columns:
    """The column of the texts, and with it those of the graph's options that the file has."""
    if source is None or source == STDIN or column not in fields_of(graph) or not options_of(graph):
        return column
    from mendgraph.cli.rows import columns_in

    there = columns_in(source)
    found = [name for name in options_of(graph) if name in there]
    return (column, *found) if found else column


def roles_of(speakers: Sequence[str] | None) -> dict[str, Role]:
    """Of ``NAME=ROLE``.

    Raises:
        ConfigError, BadParameter: not of this form, or no role.
    """
    from mendgraph.core.speakers import role_named

    roles: dict[str, Role] = {}
    for given in speakers or ():
        name, sign, role = given.partition("=")
        if not (sign and name.strip()):
            raise typer.BadParameter(f"--speaker {given!r}: expected NAME=ROLE, e.g. Ann=client")
        roles[name.strip()] = role_named(role.strip())
    return roles


def turns_in(source: Path, roles: Mapping[str, Role]) -> list[object]:
    """The turns of a conversation's file."""
    from mendgraph.cli.rows import read_rows
    from mendgraph.core.conversation import FIELDS, transcript

    if source.suffix.lower() == ".txt":
        return list(transcript(map(str, read_rows(source, "text")), roles))
    return list(read_rows(source, FIELDS))


def _file_of_pairs(source: Path, fields: tuple[str, ...]) -> Asked:
    """Rows or a conversation, whichever its columns say."""
    if source == STDIN:
        return Asked(source, (), fields)
    from mendgraph.cli.rows import columns_in
    from mendgraph.core.conversation import FIELDS

    columns = columns_in(source)
    if source.suffix.lower() == ".txt":
        return Asked(source, (), FIELDS, conversation=True)
    if not columns or set(fields) <= set(columns):
        return Asked(source, (), fields)
    if set(FIELDS) <= set(columns):
        return Asked(source, (), FIELDS, conversation=True)
    raise DataError(
        f"{source} has the columns {', '.join(map(repr, columns))}",
        hint=f"pairs need {' and '.join(fields)}; a conversation needs {' and '.join(FIELDS)}",
    )
