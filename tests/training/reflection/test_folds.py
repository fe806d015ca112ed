"""A cross-validation can be cut at any time and goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mendgraph.errors import DataError
from mendgraph.training.reflection.folds import FoldResult, read_results, run_folds, tasks
from tests import tiny
from tests.training.reflection.corpora import FAST, groups

FOUND = groups(10)
WANTED = list(tasks({"shipped": FAST}, [0], 2))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def results(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[FoldResult]:
    return run_folds(WANTED, FOUND, tmp_path_factory.mktemp("folds") / "folds.jsonl", encoder=encoder)


def test_every_prompt_is_tested_once(results: list[FoldResult]) -> None:
    tested = [prompt for fold in results for prompt in fold.prompts]
    assert sorted(tested) == [group.prompt_id for group in FOUND]


def test_the_comparisons_can_be_made_again_from_the_file(results: list[FoldResult]) -> None:
    leads = results[0].leads(FOUND)
    per_prompt = {"H>M": 2, "M>L": 3, "H>L": 6}
    for kind, count in per_prompt.items():
        assert sum(lead.kind == kind for lead in leads) == count * len(results[0].prompts)
    own = np.array(results[0].logits[0])
    first = [lead.won for lead in leads if lead.prompt_id == results[0].prompts[0] and lead.kind == "H>M"]
    assert first == [float(own[at] > own[2]) for at in (0, 1)]


def test_a_cut_run_goes_on_and_keeps_what_it_has(encoder: Path, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folds.jsonl"
    first = run_folds(WANTED[:1], FOUND, path, encoder=encoder)
    with path.open("a") as file:
        file.write('{"key": "torn')
    assert read_results(path) == first
    told: list[str] = []
    both = run_folds(WANTED, FOUND, path, encoder=encoder, echo=told.append)
    assert both[0] == first[0]
    assert len(both) == 2
    assert told[0] == f"1 of 2 folds are in {path} already"
    assert read_results(path) == both


def test_results_of_other_prompts_or_settings_are_not_taken_for_these(encoder: Path, tmp_path: Path) -> None:
    path = tmp_path / "folds.jsonl"
    run_folds(WANTED[:1], FOUND, path, encoder=encoder)
    told: list[str] = []
    changed = list(tasks({"shipped": FAST.model_copy(update={"head_epochs": 1})}, [0], 2))
    run_folds(changed[:1], FOUND, path, encoder=encoder, echo=told.append)
    run_folds(WANTED[:1], groups(10, seed=1), path, encoder=encoder, echo=told.append)
    assert not any("already" in line for line in told)


def test_a_line_that_is_no_result_is_named(tmp_path: Path) -> None:
    path = tmp_path / "folds.jsonl"
    path.write_text('{"key": 1}\n')
    with pytest.raises(DataError, match=r"folds\.jsonl, line 1"):
        read_results(path)
