"""`mend run`: texts, pairs or a conversation in, answers out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mendgraph.cli import documents, routing, ways
from mendgraph.cli.answering import answered
from mendgraph.cli.asked import STDIN, Asked, asked, roles_of
from mendgraph.cli.console import story_console
from mendgraph.cli.journals import fix_texts
from mendgraph.cli.limits import Limits
from mendgraph.cli.opening import fields_of, open_graph, waiting_for_nobody
from mendgraph.cli.options import (
    Budget,
    ConfigFile,
    Deadline,
    Down,
    GraphName,
    JournalFile,
    JournalText,
    Overrides,
    PlotFile,
    PromptText,
    ResponseText,
    Speakers,
    Threshold,
)
from mendgraph.cli.printing import print_answers, summarise, telling_what_is_written, writing
from mendgraph.cli.run_options import (
    AsJson,
    Ask,
    Chunk,
    Column,
    InputFile,
    JobName,
    OutputFile,
    Texts,
    Wait,
)
from mendgraph.errors import DataError

if TYPE_CHECKING:
    from mendgraph.cli.meter import Meter

ALL_FAILED = 3


def run(
    graph: GraphName,
    texts: Texts = None,
    input_file: InputFile = None,
    column: Column = None,
    prompt: PromptText = None,
    response: ResponseText = None,
    plot: PlotFile = None,
    speakers: Speakers = None,
    output: OutputFile = None,
    as_json: AsJson = False,
    question: documents.Question = None,
    docs: documents.Docs = None,
    max_cost: routing.MaxCost = None,
    cost_weight: routing.CostWeight = None,
    max_latency: routing.MaxLatency = None,
    without: routing.Without = None,
    execute: routing.Execute = False,
    mode: ways.Mode = None,
    force: ways.Force = None,
    max_new_tokens: ways.MaxNewTokens = None,
    temperature: ways.Temperature = None,
    top_p: ways.TopP = None,
    top_k: ways.TopK = None,
    stop: ways.Stop = None,
    seed: ways.Seed = None,
    threshold: Threshold = None,
    ask: Ask = None,
    down: Down = None,
    deadline: Deadline = None,
    budget: Budget = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    journal: JournalFile = None,
    journal_text: JournalText = None,
    job: JobName = None,
    chunk: Chunk = None,
    wait: Wait = False,
) -> None:
    """Answer texts (reflection: pairs; conflict: questions), each with the reason for its answer.

    One text shows its answer on stdout and the steps that led there on stderr. Many rows become a table, or
    tab-separated lines where stdout is no terminal. A row that cannot be read fails with a reason; the others
    are answered all the same.

    A question is answered from documents: those of its row, or those found for it in --docs. Where they disagree the
    answer says who says what, and which of them it believes, if any.

    A conversation is read as turns: every counsellor's answer to a client is scored, turns of one speaker in a row
    are joined, and the report says which turns share a score.

    A durable job (--job) reads --input, writes --output when every row is answered, and answers no row twice: not
    after Ctrl-C, a crash, kill -9 or a power cut. `mend jobs` lists them.

    Exit codes: 0 the run worked, even where rows abstained; 3 every row failed; 1 an error; 2 wrong usage.

    > mend run emotion "Oh great, another Monday. Just perfect."

    > mend run emotion --input reviews.csv --column body --output answers.jsonl --deadline 60

    > mend run emotion --input big.parquet --output out.parquet --job reviews

    > mend run reflection --prompt "I can't sleep." --response "Your nights have become long and lonely."

    > mend run reflection --input session.txt --plot session.png

    > mend run prompt_routing "Prove that 2 is irrational." --max-cost 0.0002

    > mend run token_routing "The heart is" --mode soft --max-new-tokens 60 --temperature 0.8

    > mend run conflict --question "When did the bridge open?" --docs notes/ --top-k 5

    > mend run conflict --input questions.jsonl --json
    """
    from mendgraph.cli.output import columns_for
    from mendgraph.cli.rows import chunks

    looking = documents.settings(graph, question, docs, top_k)
    overrides = [*(overrides or ()), *looking]
    if graph == documents.GRAPH:
        wanted = documents.questions(
            texts,
            question,
            input_file,
            {"--prompt": prompt, "--response": response, "--column": column},
            lookup=documents.lookup(config, overrides),
        )
    else:
        wanted = asked(graph, texts, prompt, response, input_file, column)
    source = wanted.source
    if not wanted.conversation and (plot is not None or speakers):
        raise typer.BadParameter(
            "--plot and --speaker belong to a conversation; `mend stats --plots` draws rows"
        )
    terms = routing.terms_of(graph, max_cost, cost_weight, max_latency, without, execute)
    writes = ways.ways_of(
        graph,
        {
            "mode": mode,
            "force": force,
            "max_new_tokens": max_new_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "top_k": None if graph == documents.GRAPH else top_k,
            "stop": stop,
            "seed": seed,
        },
    )
    fix_texts(journal, journal_text)
    if source is not None and output is not None and _same(source, output):
        raise DataError(f"--output is the input file {str(output)!r}", hint="give another name")
    if job is not None:
        from mendgraph.cli.job import Wish, run_job

        if source is None or source == STDIN or output is None or as_json:
            raise typer.BadParameter("--job needs --input FILE and --output FILE, and writes nowhere else")
        if deadline is not None or budget is not None:
            raise typer.BadParameter("a durable job answers every row in full: no --deadline, no --budget")
        if wanted.conversation:
            raise typer.BadParameter("a conversation is scored as a whole: no --job")
        if terms or execute:
            raise typer.BadParameter(
                "a durable job takes its terms from its rows and the configuration, and calls no LLM",
                param_hint="--job",
            )
        if writes:
            raise typer.BadParameter(
                "a durable job writes as its rows and the configuration say: give --set "
                "token_routing.max_new_tokens=150, or columns mode, seed and the like",
                param_hint="--job",
            )
        over, taken = tuple(overrides), tuple(down or ())
        chosen = None if ask is None else ask.value
        wish = Wish(
            job,
            graph,
            source,
            column or fields_of(graph)[0],
            wanted.columns,
            output,
            chunk,
            wait,
            chosen,
            threshold,
            taken,
            config,
            over,
            journal,
        )
        done = Counter(run_job(wish))
        summarise(done, output)
        return _end(done)
    if chunk is not None or wait:
        raise typer.BadParameter("--chunk and --wait belong to --job NAME")
    if wanted.conversation:
        from mendgraph.cli.conversation import converse

        return _end(
            converse(
                graph,
                wanted,
                roles=roles_of(speakers),
                options={
                    "ask": ask and ask.value,
                    "threshold": threshold,
                    "down": tuple(down or ()),
                    "deadline_s": deadline,
                    "budget": budget,
                },
                config=config,
                overrides=overrides,
                journal=journal,
                as_json=as_json,
                output=output,
                plot=plot,
            )
        )
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        opened = open_graph(graph, config=config, overrides=overrides, journal=journal)
        stack.callback(opened.close)
        documents.ready(opened)
        options: dict[str, Any] = {
            "ask": waiting_for_nobody(opened, ask and ask.value),
            "threshold": threshold,
            "down": tuple(down or ()),
        }
        limits = Limits(deadline, budget)
        stream = routing.executing(opened) if execute else opened.stream
        write = stack.enter_context(
            writing(output, (*columns_for(graph), *(["response"] if execute else [])))
        )
        meter = stack.enter_context(_metered(wanted))
        if output is not None:
            stack.push(telling_what_is_written(counts, output))
        for piece in chunks(wanted.rows(), opened.most_rows):
            options.update(limits.left())
            rows = ways.with_ways_of(routing.with_terms_of(piece, terms), writes)
            answers = answered(stream(rows, **options), len(piece), meter.advance)
            limits.spend(answers, opened.context.costs)
            write(answers)
            if as_json or output is None:
                with meter.hidden():
                    print_answers(
                        answers, as_json=as_json, first=counts.total() + 1, several=source is not None
                    )
            counts.update(a.status for a in answers)
    if source is not None or output is not None:
        summarise(counts, output)
    _end(counts)


def _end(counts: Counter[str]) -> None:
    if counts and set(counts) == {"failed"}:
        raise typer.Exit(ALL_FAILED)


def _same(source: Path, output: Path) -> bool:
    return source.exists() and output.exists() and source.samefile(output)


@contextmanager
def _metered(wanted: Asked) -> Iterator[Meter]:
    from mendgraph.cli.meter import Meter, meter
    from mendgraph.cli.rows import count_rows

    if wanted.source is None or not story_console().is_terminal:
        yield Meter()
        return
    with meter(count_rows(wanted.source, wanted.columns)) as shown:
        yield shown
