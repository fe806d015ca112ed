"""Real torch models that run out of memory, or whose logits are no numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from mendgraph.config import Config
from mendgraph.core.supervision import Supervision
from mendgraph.graphs.emotion import LABELS
from mendgraph.testing import Fault
from tests.faults.models import TEXTS, Forwards, backed_up, configured, fingerprint, opened, same
from tests.faults.ward import Recorded, Ward, well
from tests.runtime.worker.processes import wait_until
from tests.tiny import save_classifier, tokenizer


@dataclass(frozen=True)
class Model:
    config: Config
    mark: str


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    with torch.random.fork_rng():
        folder = save_classifier(tmp_path_factory.mktemp("model") / "tiny", LABELS)
    config = configured({"kind": "classifier", "model": str(folder)})
    return Model(config, fingerprint(config))


@pytest.fixture
def forwards(monkeypatch: pytest.MonkeyPatch) -> Forwards:
    return Forwards(monkeypatch)


@pytest.fixture
def graph(model: Model, tmp_path: Path, forwards: Forwards) -> Iterator[Recorded]:
    with opened(model.config, tmp_path, model.mark) as recorded:
        yield recorded


def notes_of(graph: Recorded) -> set[str]:
    return {note for answer in graph.run(TEXTS) for note in answer.trail[0].notes}


def test_a_batch_too_large_for_memory_is_split_in_order_and_the_size_remembered(
    graph: Recorded, forwards: Forwards
) -> None:
    before = graph.run(TEXTS)
    forwards.room, forwards.sizes[:] = 5, []
    answers = graph.run(TEXTS)
    same(answers, before)
    assert forwards.sizes == [16, 8, 4, 4, 4, 4]
    note = "out of memory at 16 rows; answered in pieces of 4"
    assert {answer.trail[0].notes for answer in answers} == {(note,)}
    health = graph.health
    assert (health["state"], health["breaker"], health["failures"]) == ("up", "closed", 0)

    forwards.sizes[:] = []
    same(graph.run(TEXTS), before)
    assert forwards.sizes == [4, 4, 4, 4], "what fits is remembered"
    forwards.sizes[:] = []
    same(graph.run(TEXTS), before)
    assert max(forwards.sizes) == 5, "and grown again"

    forwards.room = 1000
    for _ in range(100):
        if 16 in forwards.sizes:
            break
        same(graph.run(TEXTS), before)
    assert forwards.sizes[-1] == 16
    assert notes_of(graph) == set()


def test_a_row_too_large_for_memory_goes_to_the_next_tier(graph: Recorded, forwards: Forwards) -> None:
    before = graph.run(TEXTS[:1])
    forwards.room = 0
    backed_up(graph.run(TEXTS[:1]), "out_of_memory", "OutOfMemoryError: CUDA out of memory")
    health = graph.health
    assert (health["state"], health["breaker"], health["failures"]) == ("up", "closed", 1)
    assert "CUDA out of memory" in health["error"]
    forwards.room = 1000
    same(graph.run(TEXTS[:1]), before)
    assert graph.health["breaker"] == "closed"


def test_a_tier_that_says_it_ran_out_of_memory_is_called_with_fewer_rows(tmp_path: Path) -> None:
    with Ward(tmp_path, Supervision(max_batch=8, backoff_s=0.0)) as ward:
        ward.strike(Fault("out_of_memory", above=3))
        answers = ward.run()
        well(answers)
        note = "out of memory at 8 rows; answered in pieces of 2"
        assert {answer.trail[0].notes for answer in answers} == {(note,)}
        health = ward.health
        assert (health["batch"], health["breaker"], health["failures"]) == (2, "closed", 0)
        well(ward.run())
        assert ward.health["batch"] == 3
        ward.end()
        for _ in range(100):
            if ward.health["batch"] == 8:
                break
            well(ward.run())
        assert ward.health["batch"] == 8
        assert ward.run()[0].trail[0].notes == ()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_logits_that_are_no_numbers_are_healed_row_by_row(
    number: float, graph: Recorded, forwards: Forwards
) -> None:
    before = graph.run(TEXTS)
    word = tokenizer().vocab["dog"]
    odd = ["a dog" if row == 6 else text.replace("dog", "cat") for row, text in enumerate(TEXTS)]
    healthy = graph.run(odd)

    def spoil(logits: torch.Tensor, ids: torch.Tensor) -> None:
        logits[ids.eq(word).any(1), 2] = number

    forwards.spoil = spoil
    answers = graph.run(odd)
    backed_up([answers[6]], "bad_output", "not finite")
    same(answers[:6] + answers[7:], healthy[:6] + healthy[7:])
    assert (graph.health["state"], graph.health["failures"]) == ("up", 0)

    def spoil_all(logits: torch.Tensor, ids: torch.Tensor) -> None:
        logits.fill_(number)

    forwards.spoil = spoil_all
    for _ in range(2):
        backed_up(graph.run(TEXTS), "bad_output", "not finite")
    health = graph.health
    assert health["breaker"] != "closed"
    assert health["failures"] == 2
    assert "failed on all 16 rows" in health["error"]
    forwards.spoil = None
    wait_until(lambda: graph.health["breaker"] == "half_open", "the cool-down is over")
    same(graph.run(TEXTS), before)
    assert graph.health["breaker"] == "closed"
