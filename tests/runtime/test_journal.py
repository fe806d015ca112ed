"""What every journal promises, and the journal of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mendgraph.core.values import Answer, Attempt, Prediction
from mendgraph.errors import JournalError
from mendgraph.runtime.journal import Journal, JsonLinesJournal, NullJournal
from mendgraph.runtime.sqlite_journal import SqliteJournal
from mendgraph.runtime.statistics import Statistics
from mendgraph.testing import scores_for
from tests.runtime.records import answer, run

PLAIN = Answer(
    "plain",
    "accepted",
    "joy",
    "joy",
    trail=(Attempt("primary", Prediction("joy", scores_for("joy", 0.9), 0.9)),),
)


@pytest.mark.parametrize(
    "made",
    [
        lambda path: NullJournal(),
        lambda path: Statistics(),
        lambda path: JsonLinesJournal(path),
        lambda path: SqliteJournal(path),
    ],
    ids=["null", "statistics", "lines", "sqlite"],
)
def test_every_journal_keeps_the_protocol(made: Callable[[Path], Journal], tmp_path: Path) -> None:
    journal = made(tmp_path / "deep" / "journal")
    assert isinstance(journal, Journal)
    journal.record(run(), {})
    journal.record(run(), {0: answer(), 3: PLAIN})
    journal.close()


def written(journal: JsonLinesJournal) -> list[Answer]:
    lines = journal.path.read_text(encoding="utf-8").splitlines()
    return [Answer.from_dict(json.loads(line)) for line in lines]


def test_lines_hold_answers_and_the_fallback_log_only_healed_ones(tmp_path: Path) -> None:
    for healed_only, expected in [(False, [answer(), PLAIN]), (True, [answer()])]:
        journal = JsonLinesJournal(tmp_path / "logs" / f"{healed_only}.jsonl", healed_only=healed_only)
        journal.record(run(), {0: answer(), 1: PLAIN})
        assert written(journal) == expected


def test_a_line_cut_short_does_not_swallow_the_next_record(tmp_path: Path) -> None:
    journal = JsonLinesJournal(tmp_path / "a.jsonl")
    journal.record(run(), {0: PLAIN})
    with journal.path.open("a", encoding="utf-8") as file:
        file.write('{"input": "cut sho')
    journal.record(run("r2"), {0: answer()})
    first, torn, second = journal.path.read_text(encoding="utf-8").splitlines()
    assert torn == '{"input": "cut sho'
    assert [Answer.from_dict(json.loads(line)) for line in (first, second)] == [PLAIN, answer()]


def test_lone_surrogates_reach_the_file_as_escapes(tmp_path: Path) -> None:
    journal = JsonLinesJournal(tmp_path / "a.jsonl")
    odd = Answer("a\ud800b", "failed")
    journal.record(run(), {0: odd})
    assert written(journal) == [odd]


def test_a_file_that_cannot_be_written_is_told_and_remembered(tmp_path: Path) -> None:
    journal = JsonLinesJournal(tmp_path / "a.jsonl")
    journal.path.unlink()
    journal.path.mkdir()
    with pytest.raises(JournalError, match=r"cannot write .*a\.jsonl: Is a directory"):
        journal.record(run(), {0: PLAIN})
    assert journal.error is not None
    journal.path.rmdir()
    journal.record(run(), {0: PLAIN})
    assert journal.error is None
    assert written(journal) == [PLAIN]


def test_a_file_that_cannot_be_made_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"cannot write .*a\.jsonl: "):
        JsonLinesJournal(tmp_path / "file" / "a.jsonl")
