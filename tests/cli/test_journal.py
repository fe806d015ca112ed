"""`mend journal`, and how `mend run` writes one."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mendgraph.cli.moments import moment_of, seconds_of
from mendgraph.core.values import Answer
from mendgraph.runtime.journal_reader import JournalReader
from mendgraph.runtime.sqlite_journal import SqliteJournal
from tests.cli.conftest import Mend
from tests.runtime.records import answer, run


@pytest.fixture
def journal(mend: Mend, tmp_path: Path) -> Path:
    """Two runs of today, of three rows and of one."""
    path = tmp_path / "answers.sqlite"
    (tmp_path / "rows.txt").write_text("so happy\na doubt\nmixed\n")
    assert mend("run", "emotion", "--input", tmp_path / "rows.txt", "--journal", path).code == 0
    assert mend("run", "emotion", "happy again", "--journal", path, "--threshold", 0.5).code == 0
    return path


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_runs_are_listed_newest_last(mend: Mend, journal: Path) -> None:
    ran = mend("journal", "list", "--journal", journal)
    first, second = ran.out.splitlines()
    assert "3 rows\task return" in first
    assert "1 rows\task return, threshold 0.5" in second
    assert mend("journal", "list", "--journal", journal, "--since", "1h", "--limit", 1).out.splitlines() == [
        second
    ]
    assert [r["rows"] for r in lines(mend("journal", "list", "--journal", journal, "--json").out)] == [3, 1]


def test_one_run_is_shown_with_its_trails(mend: Mend, journal: Path) -> None:
    ran = mend("journal", "show", "last", "--journal", journal)
    assert ran.code == 0
    assert "happy again" in ran.out
    assert "1 of 1" in ran.err
    [shown] = lines(mend("journal", "show", "last", "--journal", journal, "--json").out)
    assert [a["input"] for a in shown["answers"]] == ["happy again"]
    assert shown["options"]["threshold"] == 0.5
    missing = mend("journal", "show", "nope", "--journal", journal)
    assert (missing.code, missing.err.splitlines()) == (
        1,
        [f"error: no run 'nope' in {journal}", "hint: `mend journal list` shows them"],
    )


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ((), ["happy again", "so happy", "a doubt", "mixed"]),
        (("--contains", "HAPPY"), ["happy again", "so happy"]),
        (("--tier", "backup"), ["a doubt", "mixed"]),
        (("--by", "backup"), ["a doubt"]),
        (("--status", "needs_clarification"), ["mixed"]),
        (("--label", "joy", "--since", "1d"), ["happy again", "so happy"]),
        (("--failure", "deadline"), []),
        (("--limit", 1), ["happy again"]),
    ],
    ids=str,
)
def test_rows_are_queried(mend: Mend, journal: Path, options: tuple[Any, ...], texts: list[str]) -> None:
    ran = mend("journal", "query", "--journal", journal, *options)
    assert [line.split("\t")[-1] for line in ran.out.splitlines()] == texts
    found = lines(mend("journal", "query", "--journal", journal, "--json", *options).out)
    assert [row["input"] for row in found] == texts


def test_wrong_questions_are_usage_errors(mend: Mend, journal: Path) -> None:
    assert mend("journal", "query", "--journal", journal, "--status", "fine").code == 2
    assert mend("journal", "query", "--journal", journal, "--since", "yesterday").code == 2
    assert mend("journal", "prune", "--journal", journal, "--older-than", "30").code == 2


def test_rows_are_exported_for_other_tools(mend: Mend, journal: Path, tmp_path: Path) -> None:
    import pandas

    frames = {}
    for kind in ("parquet", "csv", "jsonl"):
        ran = mend("journal", "export", "--journal", journal, "--output", tmp_path / f"out.{kind}")
        assert (ran.code, ran.err) == (0, f"4 rows written to {tmp_path / f'out.{kind}'}\n")
    frames["parquet"] = pandas.read_parquet(tmp_path / "out.parquet")
    frames["csv"] = pandas.read_csv(tmp_path / "out.csv")
    for frame in frames.values():
        assert list(frame["input"]) == ["so happy", "a doubt", "mixed", "happy again"]
        assert list(frame["tiers"]) == ["primary", "primary backup", "primary backup", "primary"]
        assert json.loads(frame["trail"][1])[1]["tier"] == "backup"
    whole = lines((tmp_path / "out.jsonl").read_text())
    fields = set(Answer("", "failed").to_dict())
    answers = [Answer.from_dict({k: v for k, v in row.items() if k in fields}) for row in whole]
    with JournalReader(journal) as reader:
        assert answers == [entry.answer for entry in reader.rows()]
    refused = mend("journal", "export", "--journal", journal, "--output", tmp_path / "out.xlsx")
    assert "known: .parquet, .csv, .jsonl" in refused.err


def test_texts_that_no_file_can_hold_are_exported_escaped(mend: Mend, tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with SqliteJournal(path) as journal:
        journal.record(run(), {0: answer("a\ud800b\0c")})
    for kind in ("parquet", "csv", "jsonl"):
        assert mend("journal", "export", "--journal", path, "--output", tmp_path / f"out.{kind}").code == 0
    assert b"a\\ud800b" in (tmp_path / "out.csv").read_bytes()


def test_old_runs_are_pruned_after_a_question(mend: Mend, tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with SqliteJournal(path) as journal:
        for days in (40, 31, 1):
            journal.record(run(f"r{days}", at=time.time() - days * 86400), {0: answer()})
    prune = ("journal", "prune", "--older-than", "30d", "--journal", path)
    assert "nothing deleted" in mend(*prune, stdin="n\n").err
    assert mend(*prune, stdin="y\n").err.endswith("2 runs deleted\n")
    assert mend(*prune).err == "0 runs deleted\n"
    with JournalReader(path) as reader:
        assert [r.id for r in reader.runs()] == ["r1"]


def test_a_journal_is_checked_and_salvaged(mend: Mend, journal: Path, tmp_path: Path) -> None:
    ran = mend("journal", "check", "--journal", journal)
    assert (ran.code, ran.err) == (0, "sound\n")
    assert "2 runs, 4 rows" in ran.out
    with closing(sqlite3.connect(journal)) as database:
        database.execute("DELETE FROM runs WHERE rows = 1")
        database.commit()
    ran = mend("journal", "check", "--journal", journal)
    assert ran.code == 1
    assert f"error: journal {journal} is damaged: 1 rows belong to no run" in ran.err
    assert "mend journal salvage NEW.sqlite" in ran.err
    ran = mend("journal", "salvage", tmp_path / "new.sqlite", "--journal", journal)
    assert ran.err == f"1 runs with 3 rows copied to {tmp_path / 'new.sqlite'}\n"
    assert mend("journal", "check", "--journal", tmp_path / "new.sqlite").code == 0


@pytest.mark.parametrize("text", ["hashed", "omitted"])
def test_texts_can_be_kept_out(mend: Mend, tmp_path: Path, text: str) -> None:
    path = tmp_path / "private.db"
    ran = mend("run", "emotion", "happy zyxwvut", "--journal", path, "--journal-text", text)
    assert ran.code == 0
    mend("run", "emotion", "zyxwvut happy", "--journal", path)  # the file remembers
    assert not any(b"zyxwvut" in file.read_bytes() for file in tmp_path.iterdir())
    assert mend("journal", "query", "--journal", path).out.count("accepted\tjoy") == 2
    again = mend("run", "emotion", "happy", "--journal", path, "--journal-text", "stored")
    assert again.err.startswith(f"error: --journal: journal {path} keeps its texts {text}, not stored")
    assert "cannot be searched" in mend("journal", "query", "--journal", path, "--contains", "x").err


def test_kinds_of_journal_go_by_the_suffix(mend: Mend, tmp_path: Path) -> None:
    ran = mend("run", "emotion", "happy", "--journal", tmp_path / "answers.txt")
    assert "unknown kind of file 'answers.txt'" in ran.err
    assert "known: .db, .sqlite, .jsonl" in ran.err
    ran = mend("run", "emotion", "happy", "--journal", tmp_path / "a.jsonl", "--journal-text", "hashed")
    assert "lines of JSON are whole answers" in ran.err
    assert mend("run", "emotion", "happy", "--journal-text", "hashed").code == 2
    (tmp_path / "a.jsonl").touch()
    assert "holds answers and no runs" in mend("journal", "list", "--journal", tmp_path / "a.jsonl").err


def test_statistics_count_either_kind(mend: Mend, journal: Path) -> None:
    [figures] = lines(mend("stats", journal, "--json").out)
    assert (figures["total"], figures["healed"]) == (4, 1)


def test_the_default_journal_is_in_the_home_folder(mend: Mend, own_home: Path) -> None:
    missing = mend("journal", "list")
    assert f"no journal '{own_home / 'journal.sqlite'}'" in missing.err
    mend("run", "emotion", "happy", "--journal", own_home / "journal.sqlite")
    assert mend("journal", "list").out.count("1 rows") == 1


def test_moments() -> None:
    assert [seconds_of(age) for age in ("45s", "90m", "12h", "1.5d", "2W")] == [
        45,
        5400,
        43200,
        129600,
        1209600,
    ]
    assert moment_of("1h") == pytest.approx(time.time() - 3600, abs=5)
    assert moment_of("2025-03-31T18:00+00:00") == 1743444000.0
    assert moment_of("2025-03-31T18:00") == time.mktime((2025, 3, 31, 18, 0, 0, 0, 0, -1))
