"""`mend run reflection`: pairs and conversations in, scores out; durable jobs and replay of pairs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mendgraph.core.values import Answer
from tests.cli.conftest import Mend

PAIRS: list[tuple[str | None, str | None]] = [
    ("I drink, and I know it.", "You drink, and you know it."),
    ("I\ncan't", "So you can't."),
    ("I am sad", ""),
    (None, "You are sad."),
    ("I am sad", "a doubt"),
    ("I am sad", "mixed"),
]
STATUS = ["accepted", "accepted", "failed", "failed", "accepted", "needs_clarification"]
LEVELS = ["complex", "simple", None, None, "simple", "simple"]


def answers_in(text: str) -> list[Answer]:
    return [Answer.from_dict(json.loads(line)) for line in text.splitlines()]


def write_csv(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["id", "prompt", "response"], *([n, *pair] for n, pair in enumerate(PAIRS))]
        )


def write_tsv(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t").writerows([["response", "prompt"], *((r, p) for p, r in PAIRS)])


def write_jsonl(path: Path) -> None:
    path.write_text("".join(json.dumps({"prompt": p, "response": r}) + "\n" for p, r in PAIRS))


def write_parquet(path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    prompts, responses = zip(*PAIRS, strict=True)
    parquet.write_table(pyarrow.table({"response": list(responses), "prompt": list(prompts)}), path)


FILES: list[tuple[str, Callable[[Path], None]]] = [
    (".csv", write_csv),
    (".tsv", write_tsv),
    (".jsonl", write_jsonl),
    (".parquet", write_parquet),
]


def test_one_pair_shows_its_score_on_stdout_and_its_story_on_stderr(mend: Mend) -> None:
    ran = mend("run", "reflection", "--prompt", "I am sad", "--response", "a doubt")
    assert ran.code == 0
    assert "score 0.50" in ran.out
    assert "simple" in ran.out
    assert len(ran.out.splitlines()) == 1
    assert [line.split()[1] for line in ran.err.splitlines()] == ["primary", "backup"]


def test_json_is_one_answer(mend: Mend) -> None:
    ran = mend("run", "reflection", "--prompt", "I am sad", "--response", "You are sad.", "--json")
    [answer] = answers_in(ran.out)
    assert answer.input == "client: I am sad\ncounsellor: You are sad."
    assert answer.value == {"score": pytest.approx(0.925), "level": "complex"}


@pytest.mark.parametrize(("suffix", "write"), FILES)
def test_every_kind_of_file_gives_its_pairs_in_order_and_bad_ones_fail_alone(
    mend: Mend, tmp_path: Path, suffix: str, write: Callable[[Path], None]
) -> None:
    path = tmp_path / f"pairs{suffix}"
    write(path)
    ran = mend("run", "reflection", "-i", path, "--json")
    said = answers_in(ran.out)
    assert ran.code == 0
    assert [a.status for a in said] == STATUS
    assert [a.best_guess for a in said] == LEVELS
    assert said[1].input == "client: I can't\ncounsellor: So you can't."
    assert all(a.error and a.error.hint for a in said if a.status == "failed")


def test_standard_input_is_lines_of_json(mend: Mend) -> None:
    lines = '{"prompt": "a", "response": "You"}\n{broken\n{"prompt": "a"}\n'
    for command in (("run", "reflection", "-", "--json"), ("chat", "reflection")):
        said = answers_in(mend(*command, stdin=lines).out)
        assert [a.status for a in said] == ["accepted", "failed", "failed"]


def test_a_table_of_answers_has_the_score(mend: Mend, tmp_path: Path) -> None:
    write_csv(tmp_path / "pairs.csv")
    ran = mend("run", "reflection", "-i", tmp_path / "pairs.csv")
    assert (
        ran.out.splitlines()[1]
        == "accepted\tsimple\t0.900\tprimary\t0.500\tclient: I can't counsellor: So you can't."
    )
    for name in ("answers.csv", "answers.parquet"):
        mend("run", "reflection", "-i", tmp_path / "pairs.csv", "-o", tmp_path / name)
    with (tmp_path / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["score"] for row in rows][2:4] == ["", ""]
    assert float(rows[0]["score"]) == pytest.approx(0.925)
    table = pytest.importorskip("pyarrow.parquet").read_table(tmp_path / "answers.parquet")
    assert table.column("score").to_pylist()[0] == pytest.approx(0.925)


def test_a_durable_job_over_pairs_answers_as_a_plain_run_does(mend: Mend, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "pairs.jsonl")
    command = ("run", "reflection", "-i", tmp_path / "pairs.jsonl", "-o")
    plain, job = tmp_path / "plain.csv", tmp_path / "job.csv"
    mend(*command, plain)
    ran = mend(*command, job, "--job", "pairs", "--chunk", 2)
    assert ran.code == 0
    assert ran.err.startswith("6 rows: 3 accepted, 2 failed, 1 needs clarification")
    assert job.read_bytes() == plain.read_bytes()
    job.unlink()
    assert mend(*command, job, "--job", "pairs").code == 0
    assert job.read_bytes() == plain.read_bytes()


TURNS = [
    ("Therapist", "Welcome."),
    ("Client", "I drink."),
    ("Client", "A lot."),
    ("Therapist", "You drink"),
    ("Therapist", "a lot."),
    ("Client", "Yes."),
    ("Mother", "Every day."),
    ("Doctor", "Why?"),
]


def conversation(path: Path) -> Path:
    if path.suffix == ".txt":
        path.write_text("".join(f"{speaker}: {text}\n" for speaker, text in TURNS))
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps({"speaker": s, "text": t, "n": 1}) + "\n" for s, t in TURNS))
    elif path.suffix == ".parquet":
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(
            pyarrow.table({"speaker": [s for s, _ in TURNS], "text": [t for _, t in TURNS]}), path
        )
    else:
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([["speaker", "text"], *TURNS])
    return path


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".jsonl", ".parquet"])
def test_a_conversation_is_known_by_its_content(mend: Mend, tmp_path: Path, suffix: str) -> None:
    path = conversation(tmp_path / f"session{suffix}")
    ran = mend("run", "reflection", "-i", path, "--json")
    report = json.loads(ran.out)
    assert [turn["score"] and round(turn["score"], 3) for turn in report["turns"]] == [
        None, None, None, 0.925, 0.925, None, None, 0.075,
    ]  # fmt: skip
    assert report["turns"][4]["shared"] == [4, 5]
    assert report["turns"][6]["note"] == "left out: 'Mother' is neither client nor counsellor"
    assert report["summary"]["exchanges"] == 2
    assert ran.err.startswith("8 turns, 2 answers to the client, mean score 0.50, 1 none, 1 complex")


def test_a_conversation_as_lines_as_a_file_and_as_a_chart(mend: Mend, tmp_path: Path) -> None:
    path, out, chart = (
        conversation(tmp_path / "session.txt"),
        tmp_path / "turns.csv",
        tmp_path / "session.png",
    )
    lines = [line.split("\t") for line in mend("run", "reflection", "-i", path).out.splitlines()]
    assert lines[3] == ["4", "Therapist", "0.925", "complex", "0.900", "4 5", "You drink", ""]
    ran = mend("run", "reflection", "-i", path, "-o", out, "--plot", chart)
    assert (ran.code, ran.out) == (0, "")
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["shared"] for row in rows] == ["", "", "", "4 5", "4 5", "", "", ""]
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_names_of_a_conversation_can_be_told(mend: Mend, tmp_path: Path) -> None:
    path = tmp_path / "session.txt"
    path.write_text("Ann: I drink.\nBob: You drink.\n")
    ran = mend("run", "reflection", "-i", path)
    assert ran.code == 1
    assert "nobody in the conversation is known" in ran.err
    assert "--speaker Ann=client" in ran.err
    told = mend(
        "run", "reflection", "-i", path, "--speaker", "Ann=client", "--speaker", "Bob=therapist", "--json"
    )
    assert json.loads(told.out)["turns"][1]["level"] == "complex"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "rows.csv",
            "a,b\n1,2\n",
            "has the columns 'a', 'b'\nhint: pairs need prompt and response; a conversation needs speaker and text",
        ),
        ("rows.csv", "prompt,text\n1,2\n", "has the columns 'prompt', 'text'"),
        ("rows.txt", "just a text\n", "line 1 of the conversation names no speaker: 'just a text'"),
        (
            "rows.csv",
            "speaker,text\nClient,a\nPatient,b\n",
            "only the client speaks in this conversation of 2 turns",
        ),
        ("rows.csv", "speaker,text\n", "the conversation has no turns"),
        ("rows.xls", "", "unknown kind"),
    ],
)
def test_wrong_files_are_clean_errors(mend: Mend, tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    ran = mend("run", "reflection", "-i", tmp_path / name)
    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err


def test_an_empty_file_is_no_error(mend: Mend, tmp_path: Path) -> None:
    for name in ("rows.csv", "rows.jsonl"):
        (tmp_path / name).touch()
        assert mend("run", "reflection", "-i", tmp_path / name).err == "no rows\n"


def test_a_conversation_in_which_every_answer_failed_is_exit_code_3(mend: Mend, tmp_path: Path) -> None:
    path = conversation(tmp_path / "session.csv")
    ran = mend("run", "reflection", "-i", path, "--down", "primary", "--down", "backup")
    assert ran.code == 3
    assert "2 failed" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("reflection",),
        ("reflection", "a text"),
        ("reflection", "--prompt", "a"),
        ("reflection", "--prompt", "a", "--response", "b", "--input", "x.csv"),
        ("reflection", "--prompt", "a", "--response", "b", "--plot", "x.png"),
        ("emotion", "--prompt", "a", "--response", "b"),
        ("emotion", "a text", "--speaker", "Ann=client"),
    ],
)
def test_wrong_usage_is_exit_code_2(mend: Mend, arguments: tuple[str, ...]) -> None:
    ran = mend("run", *arguments)
    assert (ran.code, ran.out) == (2, "")


def test_a_conversation_is_no_job(mend: Mend, tmp_path: Path) -> None:
    path = conversation(tmp_path / "session.txt")
    assert mend("run", "reflection", "-i", path, "-o", tmp_path / "o.csv", "--job", "j").code == 2
    assert mend("run", "reflection", "-i", path, "--speaker", "Ann").code == 2
    wrong: Any = mend("run", "reflection", "-i", path, "--speaker", "Ann=judge")
    assert "'judge' is no role in a conversation" in wrong.err
