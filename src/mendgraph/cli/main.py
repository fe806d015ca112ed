"""The command `mend`."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mendgraph.cli import (
    chaos,
    chat,
    checkpoints,
    correct,
    data,
    doctor,
    evaluate,
    graph,
    jobs,
    journal,
    learn,
    models,
    replay,
    run,
    stats,
    train,
    verify,
)
from mendgraph.cli.background import still_busy
from mendgraph.cli.console import fail, story
from mendgraph.errors import MendError

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
PIPE_CLOSED = 141  # 128 + SIGPIPE


class MendGroup(TyperGroup):
    """Errors of the package become a clean line and an exit code; anything else is a bug and shows itself."""

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except MendError as error:
            fail(error)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            story("stopped")
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            _drop_stdout()
            raise typer.Exit(PIPE_CLOSED) from error
        return result


app = typer.Typer(
    name="mend",
    cls=MendGroup,
    help="Inference graphs that mend themselves: doubtful and failed answers move on to the next tier, and "
    "every answer says who gave it and why.",
    epilog="Answers go to stdout, everything else to stderr. Exit codes: 0 worked, 1 error, 2 wrong usage, "
    "130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        import mendgraph

        typer.echo(f"mendgraph {mendgraph.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log what happens inside to stderr.")
    ] = False,
) -> None:
    if verbose:
        from loguru import logger

        logger.enable("mendgraph")


USE, TEACH, LOOK = "Use", "Train and teach", "Look inside"
app.command("run", rich_help_panel=USE)(run.run)
app.command("chat", rich_help_panel=USE)(chat.chat)
app.add_typer(jobs.app, name="jobs", rich_help_panel=USE)
app.command("data", rich_help_panel=TEACH)(data.data)
app.command("train", rich_help_panel=TEACH)(train.train)
app.command("eval", rich_help_panel=TEACH)(evaluate.evaluate)
app.command("verify", rich_help_panel=TEACH)(verify.verify)
app.command("correct", rich_help_panel=TEACH)(correct.correct)
app.command("learn", rich_help_panel=TEACH)(learn.learn)
app.command("graph", rich_help_panel=LOOK)(graph.graph)
app.command("models", rich_help_panel=LOOK)(models.models)
app.command("inspect", rich_help_panel=LOOK)(checkpoints.inspect)
app.command("convert", rich_help_panel=LOOK)(checkpoints.convert)
app.command("stats", rich_help_panel=LOOK)(stats.stats)
app.add_typer(journal.app, name="journal", rich_help_panel=LOOK)
app.command("replay", rich_help_panel=LOOK)(replay.replay)
app.command("doctor", rich_help_panel=LOOK)(doctor.doctor)
app.command("chaos", rich_help_panel=LOOK)(chaos.chaos)


def main() -> None:
    """Entry point of the command; the process is ours here, so its streams and warnings may be set up."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    try:
        app()
    except SystemExit as ended:
        if still_busy():
            # A left run may compute for long; nothing of it is wanted, and leaving waits for its threads.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ended.code if isinstance(ended.code, int) else 1)
        raise


def _drop_stdout() -> None:
    """The reader is gone: send the rest nowhere, or the interpreter complains while it exits."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return


if __name__ == "__main__":
    main()
