"""Rows that no sender should send, through tiers that read them with a real tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from mendgraph.graphs.emotion import LABELS
from mendgraph.testing import Scripted
from tests.cascades import cascade
from tests.faults.models import TEXTS, configured, fingerprint, opened, same
from tests.faults.ward import ROWS, Recorded, Ward, well
from tests.tiny import save_classifier

ANSWERED: dict[str, str] = {
    "1 MB of text": "so very happy today " * 50_000,
    "1 MB without a space": "x" * 1_000_000,
    "lone surrogates": "happy \ud800 today \udfff",
    "NUL bytes": "happy\x00 to\x00day",
    "right-to-left marks": "\u202ehappy\u202c \u2067today\u2069\u200f",
    "10,000 emoji": "😀" * 10_000,
}
REFUSED: dict[str, tuple[object, str]] = {
    "empty": ("", "empty"),
    "whitespace": (" \t\r\n\u3000 ", "only whitespace"),
    "nothing but NUL bytes": ("\x00\x00", "only control or formatting characters"),
    "nothing but marks": ("\u202e\u200f\u2067", "only control or formatting characters"),
    "nothing but surrogates": ("\ud800\ud800", "only control or formatting characters"),
    "None": (None, "NoneType"),
    "a number": (7, "int"),
    "not a number": (float("nan"), "float"),
    "bytes": (b"happy", "bytes"),
    "a list": (["happy"], "list"),
    "a mapping": ({"text": "happy"}, "dict"),
    "an object": (object(), "object"),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng():
        return save_classifier(tmp_path_factory.mktemp("inputs") / "tiny", LABELS)


@pytest.fixture
def graph(model: Path, tmp_path: Path) -> Iterator[Recorded]:
    config = configured({"kind": "classifier", "model": str(model)})
    with opened(config, tmp_path, fingerprint(config)) as recorded:
        yield recorded


def unharmed(graph: Recorded) -> None:
    health = graph.health
    assert (health["state"], health["breaker"], health["failures"], health["error"]) == (
        "up",
        "closed",
        0,
        None,
    )


@pytest.mark.parametrize("text", ANSWERED.values(), ids=ANSWERED)
def test_an_odd_text_is_answered_and_harms_no_neighbour(text: str, graph: Recorded) -> None:
    before = graph.run(TEXTS)
    answers = graph.run([*TEXTS[:5], text, *TEXTS[5:]])
    odd = answers.pop(5)
    assert (odd.status, odd.source) == ("accepted", "primary")
    assert odd.label in LABELS
    assert [step.verdict for step in odd.trail] == ["accept"]
    assert odd.input == text.encode("utf-8", "replace").decode()
    same(answers, before)
    unharmed(graph)
    same(graph.run(TEXTS), before)


@pytest.mark.parametrize(("row", "words"), REFUSED.values(), ids=REFUSED)
def test_a_row_that_is_no_text_fails_alone_and_says_why(row: object, words: str, graph: Recorded) -> None:
    before = graph.run(TEXTS)
    answers = graph.run([*TEXTS[:5], row, *TEXTS[5:]])
    odd = answers.pop(5)
    assert (odd.status, odd.label, odd.best_guess, odd.trail) == ("failed", None, None, ())
    assert odd.error is not None
    assert odd.error.kind == "input"
    assert words in odd.error.message
    assert odd.error.hint
    same(answers, before)
    unharmed(graph)


def test_bad_rows_among_a_thousand_good_ones_fail_alone_and_are_recorded(tmp_path: Path) -> None:
    rows: list[object] = [*ROWS * 125]
    bad = {17 + 80 * number: row for number, (row, _) in enumerate(REFUSED.values())}
    for place, row in bad.items():
        rows[place] = row
    with Ward(tmp_path) as ward:
        answers = ward.run(rows)
        well([answer for place, answer in enumerate(answers) if place not in bad])
        for place in bad:
            error = answers[place].error
            assert answers[place].status == "failed"
            assert error is not None
            assert error.kind == "input"
            assert error.message
        assert (ward.health["calls"], ward.health["failures"]) == (1, 0)


def test_a_run_of_nothing_but_bad_rows_calls_no_tier(tmp_path: Path) -> None:
    primary = Scripted({})
    answers = cascade({"primary": primary}).run([row for row, _ in REFUSED.values()])
    assert {answer.status for answer in answers} == {"failed"}
    assert len(answers) == len(REFUSED)
    assert primary.asked == []
