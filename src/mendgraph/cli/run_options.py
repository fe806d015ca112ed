"""Arguments and options of `mend run`, whatever the graph."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

JOB = "Durable jobs"


class AskChoice(StrEnum):
    """What a command can do with a row that nothing settled."""

    never = "never"
    back = "return"


Texts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TEXT]...",
        help="Texts, one row each; - reads standard input, a row per line (pairs and questions: as JSON).",
        show_default=False,
    ),
]
InputFile = Annotated[
    Path | None,
    typer.Option(
        "--input",
        "-i",
        help="Rows from a .txt (one per line), .csv, .tsv, .jsonl or .parquet file; - reads standard input. "
        "reflection: columns prompt and response; or a conversation, columns speaker and text, or a .txt. "
        "conflict: columns question and documents.",
        metavar="FILE",
    ),
]
Column = Annotated[
    str | None,
    typer.Option(
        "--column",
        help="The column of the file that holds the text.",
        metavar="NAME",
        show_default="text; for prompt_routing and token_routing: prompt",
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Write the answers to a .csv, .jsonl or .parquet file.",
        metavar="FILE",
        dir_okay=False,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="One answer per line as JSON on stdout, and nothing else.")
]
Ask = Annotated[
    AskChoice | None,
    typer.Option(
        "--ask", help="Rows nothing was sure of: 'return' gives the plausible labels, 'never' abstains."
    ),
]
JobName = Annotated[
    str | None,
    typer.Option(
        "--job",
        help="Make it a durable job of this name: however the command ends, the same command goes on.",
        metavar="NAME",
        rich_help_panel=JOB,
    ),
]
Chunk = Annotated[
    int | None,
    typer.Option(
        "--chunk",
        help="Rows answered and committed at a time; 256 unless you say otherwise.",
        min=1,
        max=2048,
        metavar="ROWS",
        show_default=False,
        rich_help_panel=JOB,
    ),
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait for another process that has the job.", rich_help_panel=JOB)
]
