"""`mend run conflict`: questions and documents in, answers with their sides out."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mendgraph.cli.glyphs import ASCII
from mendgraph.core.values import Answer
from tests.cli.conftest import Mend
from tests.questions import DOCUMENTS, QUESTION

TEXTS = [one.text for one in DOCUMENTS]
ROWS: list[tuple[str, Any]] = [
    (QUESTION, TEXTS),
    ("When was it, and is there a doubt?", [{"text": text, "id": f"n{n}"} for n, text in enumerate(TEXTS)]),
    ("", TEXTS),
    (QUESTION, []),
    (QUESTION, TEXTS[::2]),
]
STATUS = ["accepted", "abstained", "failed", "failed", "accepted"]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "my notes: {2}"
    folder.mkdir()
    for one, suffix in zip(DOCUMENTS, (".txt", ".md", ".rst"), strict=True):
        (folder / f"{one.id}{suffix}").write_text(one.text)
    return folder


def answers_in(text: str) -> list[Answer]:
    return [Answer.from_dict(json.loads(line)) for line in text.splitlines()]


def write_jsonl(path: Path) -> None:
    path.write_text("".join(json.dumps({"id": 1, "question": q, "documents": d}) + "\n" for q, d in ROWS))


def write_short_names(path: Path) -> None:
    path.write_text("".join(json.dumps({"query": q, "docs": d}) + "\n" for q, d in ROWS))


def write_csv(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = [(json.dumps(d), n, q) for n, (q, d) in enumerate(ROWS)]
        rows[4] = ("\n\n".join(TEXTS[::2]), *rows[4][1:])  # as paragraphs
        csv.writer(file).writerows([("documents", "id", "question"), *rows])


def write_parquet(path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    listed = [[{"text": one["text"] if isinstance(one, dict) else one} for one in docs] for _, docs in ROWS]
    parquet.write_table(pyarrow.table({"question": [q for q, _ in ROWS], "documents": listed}), path)


FILES: list[tuple[str, Callable[[Path], None]]] = [
    (".jsonl", write_jsonl),
    (".jsonl", write_short_names),
    (".csv", write_csv),
    (".parquet", write_parquet),
]


@pytest.mark.parametrize(("suffix", "write"), FILES)
def test_every_kind_of_file_is_read_and_bad_rows_fail_alone(
    mend: Mend, tmp_path: Path, suffix: str, write: Callable[[Path], None]
) -> None:
    path = tmp_path / f"questions{suffix}"
    write(path)
    ran = mend("run", "conflict", "-i", path, "--json")
    said = answers_in(ran.out)
    assert ran.code == 0
    assert [one.status for one in said] == STATUS
    assert [one.best_guess for one in said] == ["1931", "1931", None, None, "1931"]
    assert [one.value["conflict"] for one in said if one.value] == [True, True, False]
    assert said[0].value["level"] == "temporal"


def test_a_question_is_answered_from_a_folder(mend: Mend, notes: Path) -> None:
    for given in (("--question", QUESTION), (QUESTION,)):
        ran = mend("run", "conflict", *given, "--docs", notes, "--json")
        [answer] = answers_in(ran.out)
        assert (ran.code, answer.label) == (0, "1931")
        # What was found came along, so that the answer can be checked, journalled and asked again.
        found = {one["id"] for one in json.loads(answer.input)["documents"]}
        assert found == {"guide.txt", "wiki.md", "leaflet.rst"}


def test_top_k_is_how_many_documents_are_found(mend: Mend, notes: Path) -> None:
    ran = mend("run", "conflict", "--question", QUESTION, "--docs", notes, "--top-k", 1, "--json")
    [answer] = answers_in(ran.out)
    assert len(json.loads(answer.input)["documents"]) == 1
    assert not answer.value["conflict"]
    assert mend("run", "conflict", QUESTION, "--docs", notes, "--top-k", 0).code == 2


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".csv"])
def test_a_file_of_questions_alone_is_answered_from_a_table(mend: Mend, tmp_path: Path, suffix: str) -> None:
    table = tmp_path / "texts.jsonl"
    table.write_text("".join(json.dumps(one.to_dict()) + "\n" for one in DOCUMENTS))
    path = tmp_path / f"questions{suffix}"
    row = json.dumps({"question": QUESTION}) if suffix == ".jsonl" else QUESTION
    path.write_text(f"{'question' if suffix == '.csv' else ''}\n{row}\n".lstrip())
    [answer] = answers_in(mend("run", "conflict", "-i", path, "--docs", table, "--json").out)
    assert answer.label == "1931"
    assert json.loads(answer.input)["documents"][0]["id"] in {one.id for one in DOCUMENTS}


def test_standard_input_is_json_or_questions_to_look_up(mend: Mend, notes: Path) -> None:
    line = json.dumps({"question": QUESTION, "documents": TEXTS})
    for command in (("run", "conflict", "-", "--json"), ("chat", "conflict")):
        said = answers_in(mend(*command, stdin=f"{line}\n{{broken\n").out)
        assert [one.status for one in said] == ["accepted", "failed"]
    for command in (("run", "conflict", "-", "--json"), ("chat", "conflict")):
        said = answers_in(mend(*command, "--docs", notes, stdin=f"{QUESTION}\n{line}\n").out)
        assert [one.label for one in said] == ["1931", "1931"]


def test_one_answer_shows_both_sides_and_where_they_stand_in_the_text(mend: Mend, notes: Path) -> None:
    ran = mend("run", "conflict", "--question", QUESTION, "--docs", notes)
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].startswith("1931  ")
    assert lines[1].startswith("L1 temporal conflict")
    assert "▸1931◂" in ran.out
    assert "guide.txt" in ran.out
    assert "forward pass" in ran.err
    assert "reader" in ran.err


def test_without_unicode_marks_are_ascii(mend: Mend, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mendgraph.cli.glyphs.glyphs", lambda console: ASCII)
    ran = mend("run", "conflict", "--question", QUESTION, "--docs", notes)
    assert ">1931<" in ran.out
    assert ran.out.isascii()


def test_many_answers_are_lines_with_the_level(mend: Mend, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "q.jsonl")
    lines = mend("run", "conflict", "-i", tmp_path / "q.jsonl").out.splitlines()
    assert lines[0].split("\t") == ["accepted", "1931", "0.900", "reader", "L1 temporal", "0.970", QUESTION]
    assert lines[4].split("\t")[4:6] == ["none", "0.030"]
    for name in ("answers.csv", "answers.parquet"):
        mend("run", "conflict", "-i", tmp_path / "q.jsonl", "-o", tmp_path / name)
    with (tmp_path / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["level"] for row in rows] == ["temporal", "temporal", "", "", "none"]
    assert float(rows[0]["passes"]) > 0
    table = pytest.importorskip("pyarrow.parquet").read_table(tmp_path / "answers.parquet")
    assert table.column("probability").to_pylist()[0] == pytest.approx(0.97)


def test_a_durable_job_over_questions_answers_as_a_plain_run_does(
    mend: Mend, tmp_path: Path, notes: Path
) -> None:
    (tmp_path / "q.jsonl").write_text(f"{json.dumps({'question': QUESTION})}\n" * 3)
    command = ("run", "conflict", "-i", tmp_path / "q.jsonl", "--docs", notes, "-o")
    assert mend(*command, tmp_path / "plain.csv").code == 0
    ran = mend(*command, tmp_path / "job.csv", "--job", "questions", "--chunk", 2)
    assert ran.code == 0
    assert (tmp_path / "job.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("conflict",), 2, "nothing to answer"),
        (("conflict", "--question", "When?"), 2, "--docs"),
        (("conflict", "--question", "When?", "--docs", "nowhere"), 2, "does not exist"),
        (("conflict", "--question", "When?", "--docs", ".", "--prompt", "x"), 2, "it takes no --prompt"),
        (("conflict", "When?", "--input", "q.jsonl"), 2, "not both"),
        (("emotion", "so happy", "--docs", "."), 2, "--docs belongs to conflict"),
        (("emotion", "so happy", "--question", "When?"), 2, "--question belongs to conflict"),
        (
            ("conflict", "--question", "When?", "--docs", ".", "--mode", "soft"),
            2,
            "--mode belongs to token_routing",
        ),
    ],
)
def test_what_does_not_fit_together_is_told(
    mend: Mend, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = mend("run", *arguments)
    assert ran.code == code
    assert said in ran.err


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('{"question": "When?"}\n', "no column 'documents'"),
        ('{"text": "a", "documents": ["a"]}\n', "no column 'question'"),
    ],
)
def test_columns_that_are_missing_are_named(mend: Mend, tmp_path: Path, rows: str, said: str) -> None:
    (tmp_path / "q.jsonl").write_text(rows)
    ran = mend("run", "conflict", "-i", tmp_path / "q.jsonl")
    assert ran.code == 1
    assert said in ran.err


def test_what_is_wrong_with_the_documents_is_said_once(
    mend: Mend, tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    for command in (("run", "conflict", QUESTION, "--json"), ("chat", "conflict")):
        ran = mend(*command, "--docs", tmp_path / "empty", stdin=QUESTION)
        assert (ran.code, ran.out) == (1, "")
        assert "expected files that end in" in ran.err
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "bm25s", None)
            ran = mend(*command, "--docs", notes, stdin=QUESTION)
        assert (ran.code, ran.out) == (1, "")
        assert "pip install 'mendgraph[retrieval]'" in ran.err
