"""`mend run prompt_routing` and the REPL's routing commands, over the prompt-blind tier alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from mendgraph.cli.commands import commands, obey
from mendgraph.cli.main import app
from mendgraph.cli.repl import _take
from mendgraph.cli.session import Session
from mendgraph.errors import MendError
from tests.adapters.test_endpoint import Server, echo
from tests.llms import MODELS, PRICES, Rating, catalog
from tests.routers import router, save_blind


@pytest.fixture
def config(tmp_path: Path) -> Path:
    save_blind(tmp_path / "blind")
    stanza = {
        "llms": PRICES,
        "tiers": {"router": None, "neighbours": None, "blind": {"path": str(tmp_path / "blind")}},
    }
    path = tmp_path / "mendgraph.yaml"
    path.write_text(json.dumps({"prompt_routing": stanza}))
    return path


def run(config: Path, *arguments: str, **more: Any) -> Result:
    result = CliRunner().invoke(app, ["run", "prompt_routing", *arguments, "--config", str(config)], **more)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def answers(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_one_prompt_shows_the_choice_the_ranking_and_the_reason(config: Path) -> None:
    result = run(config, "Prove it.", "--max-cost", "0.001")
    assert result.exit_code == 0
    assert result.stdout.startswith("middle")
    assert "expected quality" in result.stderr
    assert [line.split()[1 if "✓" in line else 0] for line in result.stderr.splitlines()[1:4]] == [
        "middle", "small", "big",
    ]  # fmt: skip
    assert "over budget" in result.stderr


def test_terms_as_options(config: Path) -> None:
    for options, model in (
        ([], "big"),
        (["--max-cost", "0.001"], "middle"),
        (["--lambda", "1e6"], "small"),
        (["--without", "big", "--without", "middle"], "small"),
    ):
        [answer] = answers(run(config, "hello", "--json", *options))
        assert answer["best_guess"] == model
    [failed] = answers(run(config, "hello", "--json", "--max-latency", "2"))
    assert "big is latency unknown" in failed["error"]["message"]


def test_a_file_may_have_terms_of_its_own(config: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(
        'prompt,max_cost,down\n"two\nlines",,\nb,0.001,\nc,,"big, middle"\nd,much,\n'
    )
    output = tmp_path / "out.csv"
    result = run(config, "--input", str(tmp_path / "in.csv"), "--output", str(output))
    assert result.exit_code == 0, result.stderr
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["best_guess"] for row in rows] == ["big", "middle", "small", ""]
    assert float(rows[1]["cost"]) == pytest.approx(0.000101)
    assert float(rows[0]["quality"]) > float(rows[1]["quality"])
    assert rows[3]["error"] == "max_cost: expected a number of at least 0, got 'much'"


def test_a_durable_job_keeps_the_terms_of_its_rows(config: Path, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(
        '{"prompt": "a", "max_cost": 0.001}\n{"prompt": "b", "max_cost": null}\n'
    )
    output = tmp_path / "out.jsonl"
    result = run(config, "--input", str(tmp_path / "in.jsonl"), "--output", str(output), "--job", "routes")
    assert result.exit_code == 0, result.stderr
    found = [json.loads(line) for line in output.read_text().splitlines()]
    assert [answer["best_guess"] for answer in found] == ["middle", "big"]
    refused = run(
        config,
        "--input",
        str(tmp_path / "in.jsonl"),
        "--output",
        str(output),
        "--job",
        "r",
        "--max-cost",
        "1",
    )
    assert refused.exit_code == 2


def test_terms_belong_to_this_graph(config: Path) -> None:
    result = CliRunner().invoke(app, ["run", "emotion", "hello", "--max-cost", "1"])
    assert result.exit_code == 2
    assert "--max-cost belongs to prompt_routing" in result.stderr


def test_execute_prints_what_the_llm_said(config: Path, tmp_path: Path) -> None:
    server = Server()
    try:
        data = json.loads(config.read_text())
        data["prompt_routing"]["llms"] = {
            name: {**PRICES[name], "endpoint": {"base_url": server.url}} for name in MODELS
        }
        config.write_text(json.dumps(data))
        result = run(config, "hello", "--execute", "--ask", "never")
        assert "big heard: hello" in result.stdout
        [answer] = answers(run(config, "hello", "--execute", "--ask", "never", "--json"))
        assert answer["value"]["answered_by"] == "big"
    finally:
        server.close()


def test_execute_without_an_endpoint_says_the_way_out(config: Path) -> None:
    result = run(config, "hello", "--execute")
    assert result.exit_code == 1
    assert "endpoint" in result.stderr


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    graph = router({"router": Rating(catalog(), (0.9, 0.6, 0.3))}, ask="interrupt")
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    yield Session(graph, console, tmp_path / "corrections.sqlite")
    graph.close()


def shown(session: Session) -> str:
    file = session.console.file
    assert isinstance(file, io.StringIO)
    text = file.getvalue()
    file.seek(0)
    file.truncate()
    return text


def prompt(session: Session, text: str) -> str:
    _take(session, None, text)  # type: ignore[arg-type]  # nothing is asked
    return shown(session)


def test_a_prompt_of_many_lines_is_one_row_with_its_ranking(session: Session) -> None:
    text = prompt(session, "line one\nline two")
    assert "big" in text
    assert text.index("big") < text.index("middle") < text.index("small")
    assert session.last[-1].input == "line one\nline two"


def test_budget_down_and_up_change_the_choice(session: Session) -> None:
    obey(session, "/budget $0.001")
    prompt(session, "hello")
    assert session.last[-1].label == "middle"
    obey(session, "/down middle")
    prompt(session, "hello")
    assert session.last[-1].label == "small"
    obey(session, "/up middle")
    obey(session, "/budget off")
    prompt(session, "hello")
    assert (session.last[-1].label, session.terms) == ("big", {})
    obey(session, "/lambda 1e6")
    prompt(session, "hello")
    assert session.last[-1].label == "small"


def test_wrong_arguments_say_the_way_out(session: Session) -> None:
    for line, said in (
        ("/budget much", "expected a number"),
        ("/lambda -1", "expected a number"),
        ("/down huge", "unknown LLM 'huge'"),
        ("/up big", "big is not down"),
        ("/call", "no prompt yet"),
    ):
        with pytest.raises(MendError, match=said):
            obey(session, line)


def test_call_needs_an_endpoint(session: Session) -> None:
    prompt(session, "hello")
    with pytest.raises(MendError, match="no LLM can be called"):
        obey(session, "/call")


def test_call_shows_who_answered_and_who_did_not(tmp_path: Path) -> None:
    server = Server()
    server.replies = [
        lambda body: echo(body) if body["model"] == "middle" else (404, {"error": "no such model"})
    ]
    llms = {name: {**PRICES[name], "endpoint": {"base_url": server.url}} for name in MODELS}
    graph = router({"router": Rating(catalog(), (0.9, 0.6, 0.3))}, settings={"llms": llms})
    session = Session(graph, Console(file=io.StringIO(), width=100), tmp_path / "corrections.sqlite")
    try:
        prompt(session, "hello")
        obey(session, "/call")
    finally:
        server.close()
        graph.close()
    text = shown(session)
    assert "'big' answered with status 404: no such model" in " ".join(text.split())
    assert "middle heard: hello" in text


def test_the_commands_are_for_this_graph_only(session: Session) -> None:
    assert {"budget", "lambda", "down", "up", "call"} <= set(commands(session))
    assert "swap" not in commands(session)
