"""`mend run`: texts and files in, answers out."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mendgraph.core.values import Answer
from tests.cli.conftest import Mend

ROWS = ["so happy today", None, 7, "", "a doubt", "mixed feelings"]
STATUS = ["accepted", "failed", "failed", "failed", "accepted", "needs_clarification"]


def answers_in(text: str) -> list[Answer]:
    return [Answer.from_dict(json.loads(line)) for line in text.splitlines()]


def test_one_text_answers_on_stdout_and_tells_its_story_on_stderr(mend: Mend) -> None:
    ran = mend("run", "emotion", "a doubt")
    assert ran.code == 0
    assert "surprise" in ran.out
    assert "80%" in ran.out
    assert "by backup" in ran.out
    assert len(ran.out.splitlines()) == 1
    first, second = ran.err.splitlines()
    assert "primary" in first
    assert "anger" in first
    assert "needs 60%" in first
    assert "backup" in second


def test_json_prints_one_answer_per_line_and_nothing_else(mend: Mend) -> None:
    ran = mend("run", "emotion", "so happy", "mixed", "--json")
    said = answers_in(ran.out)
    assert [a.status for a in said] == ["accepted", "needs_clarification"]
    assert [a.source for a in said] == ["primary", ""]
    assert [len(a.trail) for a in said] == [1, 2]
    assert ran.err == ""


def test_several_texts_become_tab_separated_lines_where_stdout_is_no_terminal(mend: Mend) -> None:
    ran = mend("run", "emotion", "so\thappy", "mixed")
    assert [line.split("\t") for line in ran.out.splitlines()] == [
        ["accepted", "joy", "0.950", "primary", "so happy"],
        ["needs_clarification", "sadness", "0.350", "", "mixed"],
    ]


def test_dash_reads_a_row_per_line(mend: Mend) -> None:
    ran = mend("run", "emotion", "-", "--json", stdin="so happy\r\n\na doubt")
    assert [a.input for a in answers_in(ran.out)] == ["so happy", "", "a doubt"]
    assert ran.err == "3 rows: 2 accepted, 1 failed\n"


def write_text(path: Path) -> list[object]:
    rows: list[object] = ["so happy today", "", "a doubt", "mixed feelings \u2028 two"]
    path.write_text("\n".join(map(str, rows)) + "\n", encoding="utf-8")
    return rows


def write_csv(path: Path) -> list[object]:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "text"], [1, "so happy"], [2, ""], [3], [4, "a doubt,\nor two"]])
    return ["so happy", "", None, "a doubt,\nor two"]


def write_jsonl(path: Path) -> list[object]:
    lines = [json.dumps({"id": n, "text": row}) for n, row in enumerate(ROWS)]
    path.write_text("\n".join([*lines, "{broken", '"mixed, bare"', "[1]", '{"id": 9}']) + "\n")
    return [*ROWS, "{broken", "mixed, bare", [1], None]


def write_parquet(path: Path) -> list[object]:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    texts = [row for row in ROWS if row != 7]
    parquet.write_table(pyarrow.table({"id": list(range(len(texts))), "text": texts}), path)
    return list(texts)


FILES: list[tuple[str, Callable[[Path], list[object]]]] = [
    (".txt", write_text),
    (".csv", write_csv),
    (".jsonl", write_jsonl),
    (".parquet", write_parquet),
]


@pytest.mark.parametrize(("suffix", "write"), FILES)
def test_every_kind_of_file_gives_its_rows_in_order_and_bad_ones_fail_alone(
    mend: Mend, tmp_path: Path, suffix: str, write: Callable[[Path], list[object]]
) -> None:
    path = tmp_path / f"rows{suffix}"
    rows = write(path)
    ran = mend("run", "emotion", "--input", path, "--json")
    said = answers_in(ran.out)
    assert ran.code == 0
    assert len(said) == len(rows)
    for row, answer in zip(rows, said, strict=True):
        readable = isinstance(row, str) and row != "" and "{" not in row
        assert (answer.status != "failed") == readable
        if readable:
            assert answer.input == row
        else:
            assert answer.error is not None
            assert answer.error.kind == "input"
            assert answer.error.hint


@pytest.mark.parametrize(("suffix", "write"), FILES[1:])
def test_a_wrong_column_lists_the_right_ones(
    mend: Mend, tmp_path: Path, suffix: str, write: Callable[[Path], list[object]]
) -> None:
    path = tmp_path / f"rows{suffix}"
    write(path)
    ran = mend("run", "emotion", "--input", path, "--column", "body")
    assert ran.code == 1
    assert (
        ran.err == f"error: {path} has no column 'body'; it has 'id', 'text'\nhint: name it with --column\n"
    )


def test_another_column_can_be_named(mend: Mend, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("body,n\nso happy,1\n", encoding="utf-8-sig")
    ran = mend("run", "emotion", "-i", path, "--column", "body", "--json")
    assert [a.label for a in answers_in(ran.out)] == ["joy"]


def test_bytes_that_are_no_utf8_stop_nothing(mend: Mend, tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_bytes(b"so happy \xff\xfe\nso happy\n\xff\n")
    said = answers_in(mend("run", "emotion", "-i", path, "--json").out)
    assert [a.status for a in said] == ["accepted", "accepted", "failed"]


def read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_parquet(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    return rows


@pytest.mark.parametrize(
    ("suffix", "read"), [(".csv", read_csv), (".jsonl", read_jsonl), (".parquet", read_parquet)]
)
def test_every_kind_of_output_holds_every_row(
    mend: Mend, tmp_path: Path, suffix: str, read: Callable[[Path], list[dict[str, Any]]]
) -> None:
    rows, out = tmp_path / "rows.jsonl", tmp_path / f"answers{suffix}"
    written = write_jsonl(rows)
    ran = mend("run", "emotion", "--input", rows, "--output", out)
    assert ran.out == ""
    assert str(out) in ran.err
    found = read(out)
    assert len(found) == len(written)
    assert [row["status"] for row in found[:6]] == STATUS
    assert [row["best_guess"] for row in found[:6]] == ["joy", None, None, None, "surprise", "sadness"]
    assert float(found[0]["confidence"]) == pytest.approx(0.95)
    assert found[1]["error"]


def test_large_files_run_in_chunks_and_keep_their_order(mend: Mend, tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("".join(f"happy {n}\n" for n in range(5000)))
    ran = mend("run", "emotion", "--input", path, "--json")
    assert [json.loads(line)["input"] for line in ran.out.splitlines()] == [f"happy {n}" for n in range(5000)]
    assert ran.err == "5,000 rows: 5,000 accepted\n"


def test_a_file_is_never_written_over_itself(mend: Mend, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text\nso happy\n")
    ran = mend("run", "emotion", "-i", path, "-o", path)
    assert ran.code == 1
    assert "is the input file" in ran.err
    assert path.read_text() == "text\nso happy\n"


def test_exit_code_3_when_every_row_failed_and_0_when_rows_only_abstained(mend: Mend) -> None:
    assert mend("run", "emotion", "", "  ").code == 3
    assert mend("run", "emotion", "mixed", "--ask", "never").code == 0
    assert mend("run", "emotion", "so happy", "--down", "primary", "--down", "backup").code == 3


def test_an_empty_file_is_no_error(mend: Mend, tmp_path: Path) -> None:
    (tmp_path / "rows.txt").touch()
    ran = mend("run", "emotion", "-i", tmp_path / "rows.txt")
    assert (ran.code, ran.out, ran.err) == (0, "", "no rows\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "emotion"),
        ("run", "emotoin", "text"),
        ("run", "emotion", "text", "--input", "file.txt"),
        ("run", "emotion", "text", "--threshold", "1.5"),
        ("run", "emotion", "text", "--ask", "interrupt"),
        ("run", "emotion", "text", "--no-such-option"),
        ("no-such-command",),
        ("data", "emotion"),
    ],
)
def test_wrong_usage_is_exit_code_2(mend: Mend, arguments: tuple[str, ...]) -> None:
    ran = mend(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--down", "typo"), "error: down: unknown tiers ['typo']\nhint: known: primary, backup\n"),
        (
            ("--output", "answers.xls"),
            "error: cannot write 'answers.xls': unknown kind\nhint: known: .csv, .jsonl, ",
        ),
        (("--journal", "/dev/null/x.jsonl"), "error: --journal: cannot write /dev/null/x.jsonl: "),
    ],
)
def test_errors_are_clean_lines(mend: Mend, arguments: tuple[str, ...], message: str) -> None:
    ran = mend("run", "emotion", "text", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(message)
    assert "Traceback" not in ran.err


def test_a_killed_tier_and_a_threshold_reach_the_graph(mend: Mend) -> None:
    killed = answers_in(mend("run", "emotion", "so happy", "--down", "primary", "--json").out)[0]
    assert killed.source == "backup"
    assert killed.trail[0].failure is not None
    strict = answers_in(mend("run", "emotion", "so happy", "--threshold", "0.99", "--json").out)[0]
    assert strict.status == "needs_clarification"


def test_the_journal_gets_every_final_answer(mend: Mend, tmp_path: Path) -> None:
    journal = tmp_path / "deep" / "answers.jsonl"
    mend("run", "emotion", "so happy", "a doubt", "--journal", journal)
    mend("run", "emotion", "mixed", "--journal", journal)
    assert [a.input for a in answers_in(journal.read_text())] == ["so happy", "a doubt", "mixed"]


@pytest.mark.parametrize(
    "text", ["[bold]happy[/nope]", "happy :smile: [/x]", "happy \x1b[31m \x07 \u202e end"]
)
def test_texts_are_shown_as_text(mend: Mend, text: str) -> None:
    ran = mend("run", "emotion", text, "mixed")
    assert ran.code == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(ran.out)
    shown = ran.out.splitlines()[0].split("\t")[-1]
    assert shown == text.replace("\x1b", "\ufffd").replace("\x07", "\ufffd").replace("\u202e", "\ufffd")
