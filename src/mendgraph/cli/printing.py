"""The answers of `mend run`, on the terminal and in files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from mendgraph.cli.console import answers_console, one_line, print_json, story, story_console
from mendgraph.core.values import Answer


def print_answers(answers: Sequence[Answer], *, as_json: bool, first: int, several: bool) -> None:
    """On stdout: JSON lines; or one answer with its story on stderr, a table, or tab-separated lines.

    Args:
        first: number of the first answer in the whole run.
        several: the run may have more answers than these.
    """
    if as_json:
        for answer in answers:
            print_json(answer.to_dict())
    elif len(answers) == 1 and not several:
        _print_one(answers[0])
    elif answers_console().is_terminal:
        from mendgraph.cli.glyphs import glyphs
        from mendgraph.cli.render import answers_table

        console = answers_console()
        console.print(answers_table(answers, glyphs(console), first=first))
    else:
        for answer in answers:
            typer.echo("\t".join(_fields(answer)))


def _print_one(answer: Answer) -> None:
    from mendgraph.cli.glyphs import glyphs
    from mendgraph.cli.ranking import is_route, ranking
    from mendgraph.cli.render import headline, trail
    from mendgraph.cli.sides import account_of, found_told, is_sourced
    from mendgraph.cli.written import coloured, is_text, story_of

    console, steps = answers_console(), story_console()
    if is_text(answer):
        console.print(coloured(answer), soft_wrap=True)
        console.file.flush()
        steps.print(story_of(answer), soft_wrap=True)
        return
    console.print(headline(answer, glyphs(console)), soft_wrap=True)
    if is_route(answer) and answer.value.get("response") is not None:
        console.print(answer.value["response"], soft_wrap=True)
    for found in found_told(answer, glyphs(console)):
        console.print(found)
    console.file.flush()
    if is_sourced(answer):
        for said in account_of(answer, glyphs(steps)):
            steps.print(said, soft_wrap=True)
    if is_route(answer):
        steps.print(ranking(answer, glyphs(steps)))
        steps.print(f"  {one_line(answer.value['why'])}", style="dim", soft_wrap=True)
    for line in trail(answer, glyphs(steps)):
        steps.print(line)


def _fields(answer: Answer) -> tuple[str, ...]:
    """Status, label (best guess unless accepted), confidence, tier, score or conflict if the answer has one, text."""
    from mendgraph.cli.render import score_of, text_of
    from mendgraph.cli.sides import is_sourced, level_told

    sure = "" if answer.confidence is None else f"{answer.confidence:.3f}"
    said = one_line(answer.error.message) if answer.error else answer.best_guess or ""
    score = score_of(answer)
    figures: tuple[str, ...] = () if score is None else (f"{score:.3f}",)
    if is_sourced(answer):
        figures = (level_told(answer.value), f"{answer.value['probability']:.3f}")
    return (answer.status, said, sure, answer.source, *figures, text_of(answer))


def summarise(counts: Counter[str], output: Path | None) -> None:
    """How many rows ended how, on stderr."""
    parts = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in counts.most_common())
    where = f"; written to {output}" if output else ""
    story(f"{counts.total():,} rows: {parts}{where}" if counts else f"no rows{where}")


@contextmanager
def writing(output: Path | None, columns: Sequence[str]) -> Iterator[Callable[[Sequence[Answer]], None]]:
    """A function that appends answers to `output`, if there is one."""
    if output is None:
        yield lambda answers: None
        return
    from mendgraph.cli.output import writer

    with writer(output, columns) as write:
        yield write


def telling_what_is_written(counts: Counter[str], output: Path) -> Callable[..., None]:
    """For an exit stack: a run that is interrupted says what it leaves behind."""

    def leave(kind: type[BaseException] | None, *others: object) -> None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            summarise(counts, output)

    return leave
