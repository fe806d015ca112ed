"""Splits that share nothing, and the leaks that are found where they do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.errors import ConfigError, DataError
from mendgraph.training.prompt_routing.leaks import families, leak_report
from mendgraph.training.prompt_routing.prepare import SPLITS, prepare_prompt_routing, read_prepared
from mendgraph.training.prompt_routing.readers import read_routellm
from mendgraph.training.prompt_routing.split import folds, holdout
from tests.training.prompt_routing.routing_tables import sentence, write_llmrouter, write_routellm


def test_variants_of_one_prompt_are_a_family() -> None:
    noise = np.random.default_rng(0)
    long = sentence(noise, 30)
    prompts = [long, sentence(noise, 30), f"Really: {long}?", long.upper() + "!", sentence(noise, 30)]
    assert families(prompts).tolist() == [0, 1, 0, 0, 4]


def test_a_template_makes_no_family() -> None:
    noise = np.random.default_rng(0)
    template = "for which of these two scenarios does the main character do something wrong"
    prompts = [f"{template} {sentence(noise, 6)}" for _ in range(30)]
    assert families(prompts).tolist() == list(range(30))


def test_a_leak_report_counts_exact_and_near() -> None:
    noise = np.random.default_rng(0)
    train = [sentence(noise, 20) for _ in range(5)]
    held = [train[0].upper(), f"{train[1]} indeed", sentence(noise, 20)]
    found = leak_report(train, held)
    assert (found.held, found.exact, found.near) == (3, 1, 1)
    assert found.examples == ((train[1][:100], held[1][:100]),)


keys = st.lists(st.integers(0, 6), min_size=2, max_size=40)


@given(keys, st.integers(2, 4), st.integers(0, 9))
def test_folds_share_out_every_row_and_split_no_key(names: list[int], count: int, seed: int) -> None:
    if len(set(names)) < count:
        with pytest.raises(DataError, match="groups"):
            folds(names, count, seed)
        return
    found = folds(names, count, seed)
    assert sorted(np.concatenate(found).tolist()) == list(range(len(names)))
    owners = [{names[row] for row in fold} for fold in found]
    assert sum(map(len, owners)) == len(set(names))


@given(keys, st.floats(0.2, 0.8), st.integers(0, 9))
def test_a_holdout_splits_no_key(names: list[int], share: float, seed: int) -> None:
    try:
        rest, held = holdout(names, share, seed)
    except DataError:
        return
    assert sorted([*rest.tolist(), *held.tolist()]) == list(range(len(names)))
    assert not {names[row] for row in rest} & {names[row] for row in held}
    assert 0 < len(held) < len(names)


def test_a_holdout_has_about_its_share() -> None:
    rest, held = holdout(range(1000), 0.12, 3)
    assert (len(rest), len(held)) == (880, 120)
    assert np.array_equal(holdout(range(1000), 0.12, 3)[1], held)
    with pytest.raises(DataError, match="share must lie"):
        holdout([1, 2], 1.0, 0)


def test_prepared_parts_share_no_family(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write_routellm(raw)
    taught = read_routellm(raw / "routellm_gsm8k.parquet")["train"].prompts[0]
    write_llmrouter(raw, f"{taught} indeed")  # its test has a variant of a prompt of GSM8K's train
    summary = prepare_prompt_routing(raw, out)
    tables = {split: read_prepared(out, split) for split in SPLITS}
    assert summary.leaked == {"gsm8k": 1}
    assert {split: sum(row.values()) for split, row in summary.prompts.items()} == {
        split: len(table) for split, table in tables.items()
    }
    assert taught not in (*tables["train"].prompts, *tables["dev"].prompts)
    for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        found = leak_report(tables[one].prompts, tables[other].prompts)
        assert (found.exact, found.near) == (0, 0)
    assert {"mmlu/anatomy", "gsm8k", "llmrouter/sums"} <= set(tables["train"].groups)
    assert "| gsm8k | 1 |" in summary.to_markdown()
    assert len(tables["train"].models) == 4


def test_preparing_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="come from a folder alone"):
        prepare_prompt_routing(None, tmp_path)
    with pytest.raises(DataError, match=r"routellm_mmlu\.parquet' is not there"):
        prepare_prompt_routing(tmp_path, tmp_path)
