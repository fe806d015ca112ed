"""Every Python block of the README runs, and every `mend` line in it parses."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from mendgraph.cli.main import app
from tests.loading import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(README.read_text(encoding="utf-8")) if kind == language]


def commands() -> list[str]:
    """Lines typed by a user, with continuation lines joined."""
    lines = "\n".join(blocks("console")).replace("\\\n", " ").splitlines()
    typed = [
        line.removeprefix("$ ").split(" | ")[0].split(" > ")[0] for line in lines if line.startswith("$ ")
    ]
    return [line for line in typed if line.startswith("mend ")]


def test_the_readme_has_both_kinds_of_examples() -> None:
    assert blocks("python")
    assert commands()


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_the_block_runs(number: int, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    exec(compile(blocks("python")[number], f"README.md, block {number}", "exec"), {"__name__": "readme"})  # noqa: S102


@pytest.mark.parametrize("line", commands())
def test_the_command_parses(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsed with all its options, not run; folders of the reader's own are made for it."""
    group = typer.main.get_command(app)
    name, *words = shlex.split(line, comments=True)[1:]
    for folder in (word for word in words if word.endswith("/") and not Path(word).exists()):
        (tmp_path / folder).mkdir(parents=True)
        monkeypatch.chdir(tmp_path)
    context = group.make_context("mend", [name])
    command = group.commands[name]  # type: ignore[attr-defined]  # typer's class of groups is private
    assert command.make_context(name, words, parent=context).info_name == name
