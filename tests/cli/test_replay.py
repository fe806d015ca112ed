"""`mend replay`, on the embedded lexical tier: small, and its weights come with the package."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mendgraph.cli.main import app
from mendgraph.config import load_config
from mendgraph.core.values import Answer
from mendgraph.runtime.corrections import CorrectionStore
from mendgraph.testing import LABELS
from tests.cli.conftest import Outcome

TEXTS = ["I love this so much", "this makes me furious", "meh", "what a surprise", "", "😀"]
LIGHT = [
    f"emotion.tiers.{name}=null" for name in load_config().emotion.tiers if name not in {"emoji", "lexical"}
]
WITHOUT_MODELS = [part for override in LIGHT for part in ("--set", override)]


def mend(*arguments: object) -> Outcome:
    result = CliRunner(env={"NO_COLOR": "1", "TERMINAL_WIDTH": "120"}).invoke(
        app, [str(a) for a in arguments], catch_exceptions=False
    )
    return Outcome(result.stdout, result.stderr, result.exit_code)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return path


def recorded(path: Path, texts: Path, *options: object) -> Path:
    ran = mend("run", "emotion", "--input", texts, "--journal", path, *WITHOUT_MODELS, *options)
    assert ran.code == 0, ran.err
    return path


@pytest.fixture
def journal(tmp_path: Path, texts: Path) -> Path:
    return recorded(tmp_path / "j.sqlite", texts, "--threshold", 0.5)


def replay(journal: Path, *arguments: object) -> Outcome:
    return mend("replay", *arguments, "--journal", journal)


def whole(outcome: Outcome) -> Any:
    return json.loads(outcome.out)


def test_a_run_is_identical_when_nothing_changed(journal: Path) -> None:
    ran = replay(journal, "last")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("identical  ")
    assert whole(replay(journal, "last", "--json"))["rows"] == len(TEXTS)


def test_what_differs_is_shown_with_the_reason_and_exit_code_1(journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as database:
        database.execute("UPDATE facts SET json = json_replace(json, '$.fingerprints.lexical', 'retrained')")
        database.execute(
            "UPDATE rows SET answer = json_replace(answer, '$.best_guess', 'disgust') WHERE row = 0"
        )
        database.commit()
    ran = replay(journal, "last")
    assert ran.code == 1
    assert "1 of 6 rows" in ran.out
    assert [line.split()[:3] for line in ran.out.splitlines() if "best_guess" in line] == [
        ["0", "best_guess", "disgust"]
    ]
    assert "weights of lexical  retrained" in ran.out
    found = whole(replay(journal, "last", "--json"))
    assert (found["identical"], found["causes"][0]["what"]) == (False, "weights of lexical")


def test_texts_that_are_left_out_are_given_and_checked(tmp_path: Path, texts: Path) -> None:
    journal = recorded(tmp_path / "hashed.sqlite", texts, "--journal-text", "hashed")
    missing = replay(journal, "last")
    assert (missing.code, "--input FILE" in missing.err) == (1, True)
    assert replay(journal, "last", "--input", texts).out.startswith("identical")
    other = tmp_path / "other.txt"
    other.write_text("\n".join(["something else", *TEXTS[1:]]))
    assert "row 0 of" in replay(journal, "last", "--input", other).err


def test_a_what_if_needs_no_model_and_shows_what_changes(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*given: object) -> None:
        pytest.fail("a model was opened")

    monkeypatch.setattr("mendgraph.assembly.build_tier", opened)
    ran = replay(journal, "last", "--set", "emotion.threshold=0.99", "--output", tmp_path / "rows.jsonl")
    assert ran.code == 0, ran.err
    assert "coverage" in ran.out
    changed = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert {row["before"]["status"] for row in changed} == {"accepted"}
    assert all(row["after"]["status"] == "needs_clarification" for row in changed)
    found = whole(replay(journal, "--all", "--set", "emotion.threshold=0.99", "--json"))
    assert found["changed"] == len(changed) > 0
    assert (found["runs"], found["rows"], found["unknown"]) == (1, len(TEXTS), 1)  # the emoji tier was sure
    dead = whole(replay(journal, "--since", "1h", "--down", "lexical", "--json"))
    assert dead["statuses"]["failed"] == {
        "before": 1,
        "after": len(TEXTS) - 1,
    }  # the emoji tier answers its row


def test_truth_comes_from_corrections_and_files(journal: Path, tmp_path: Path, own_home: Path) -> None:
    store = CorrectionStore(own_home / "corrections.sqlite", LABELS)
    store.add(TEXTS[0], "love", Answer(TEXTS[0], "failed"), 1.0)
    change = ("--set", "emotion.threshold=0")
    assert whole(replay(journal, "last", *change, "--json"))["judged"] == 1
    truth = tmp_path / "truth.csv"
    truth.write_text(f"text,label\n{TEXTS[1]},anger\n{TEXTS[3]},surprise\nunheard of,joy\n")
    ran = replay(journal, "last", *change, "--truth", truth)
    assert ran.code == 0, ran.err
    assert "accuracy of accepted rows" in ran.out
    assert whole(replay(journal, "last", *change, "--truth", truth, "--json"))["judged"] == 3


def test_unknown_rows_are_counted_and_can_be_asked(tmp_path: Path, texts: Path) -> None:
    journal = recorded(tmp_path / "j.sqlite", texts, "--threshold", 0)
    change = (
        "last",
        "--set",
        "emotion.threshold=1",
        "--set",
        "emotion.tiers.more={kind: lexical, path: embedded:emotion/lexical}",
    )
    found = whole(replay(journal, *change, "--json"))
    assert found["unknown"] == 5
    assert "5 rows would have gone to tiers that were not asked then" in replay(journal, *change).err
    assert whole(replay(journal, *change, "--call-models", "--json"))["unknown"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "name one or more runs"),
        (("last", "--all"), 2, "name one or more runs"),
        (("last", "--call-models"), 2, "that needs a what-if"),
        (("--all",), 2, "that needs a what-if"),
        (("last", "--down", "primary", "--input", "x.txt"), 2, "a what-if needs no texts"),
        (("nope",), 1, "no run 'nope'"),
        (("last", "--down", "primary"), 1, "unknown tiers ['primary'] "),
        (("last", "--set", "emotion.threshold=2"), 1, "expected a number in [0, 1]"),
        (("last", "--set", "emotion.tires=2"), 1, "emotion.tires"),
        (("--since", "2999-01-01", "--down", "lexical"), 1, "no recorded runs fit"),
        (("last", "--down", "lexical", "--output", "x.csv"), 1, "known: .jsonl"),
    ],
    ids=str,
)
def test_wrong_use_says_the_way_out(
    journal: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    ran = replay(journal, *arguments)
    assert ran.code == code
    assert message in " ".join(ran.err.replace("│", " ").split())
