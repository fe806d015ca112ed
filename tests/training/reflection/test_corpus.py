"""Prompts that are variants of one another stay together, in every split."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.errors import DataError
from mendgraph.training.reflection.corpus import digest, gather, leak_free
from mendgraph.training.reflection.split import folds, holdout
from tests.training.reflection.corpora import groups, pair_rows


def test_a_group_has_all_responses_best_level_first() -> None:
    group = groups(1)[0]
    assert [level for _, level in group.responses] == [2, 2, 1, 0, 0, 0]
    assert group.good == group.high + group.medium


def test_prompts_with_one_reflection_in_common_are_one_family() -> None:
    rows = pair_rows(3)
    shared = rows[0].response.upper()
    rows[-6] = replace(rows[-6], response=shared)
    assert [group.family for group in gather(rows)] == [0, 1, 0]


def test_prompts_with_a_run_of_words_in_common_are_one_family() -> None:
    rows = pair_rows(2)
    variant = "really, " + rows[0].prompt
    found = gather([row if row.prompt_id == 0 else replace(row, prompt=variant) for row in rows])
    assert {group.family for group in found} == {0}


def test_a_common_bad_response_makes_no_family() -> None:
    rows = pair_rows(2)
    rows[-1] = replace(rows[-1], response=rows[5].response)
    assert [group.family for group in gather(rows)] == [0, 1]


def test_train_loses_the_variants_of_dev() -> None:
    train, dev = pair_rows(4), pair_rows(2, first=10)
    dev[0] = replace(dev[0], response=train[0].response)
    kept, held, shared = leak_free(train, dev)
    assert ([g.prompt_id for g in kept], [g.prompt_id for g in held], shared) == ([1, 2, 3], [10, 11], 1)


def test_one_prompt_in_both_splits_is_refused() -> None:
    with pytest.raises(DataError, match="prompt 0 is in train and in dev"):
        leak_free(pair_rows(2), pair_rows(1))


@given(st.integers(4, 20), st.integers(2, 4), st.integers(0, 5))
def test_folds_share_out_every_prompt_once(prompts: int, count: int, seed: int) -> None:
    found = folds(groups(prompts), count, seed)
    assert sorted(at for fold in found for at in fold) == list(range(prompts))
    assert max(map(len, found)) - min(map(len, found)) <= 1


@given(st.lists(st.integers(0, 5), min_size=8, max_size=20), st.integers(0, 3))
def test_no_fold_splits_a_family(families: list[int], seed: int) -> None:
    found = [replace(g, family=family) for g, family in zip(groups(len(families)), families, strict=True)]
    if len(set(families)) < 2:
        with pytest.raises(DataError, match="families of prompts"):
            folds(found, 2, seed)
        return
    one, other = folds(found, 2, seed)
    assert not {families[at] for at in one} & {families[at] for at in other}


def test_a_holdout_is_about_its_share_and_the_same_for_one_seed() -> None:
    found = groups(20)
    rest, held = holdout(found, 0.2, 3)
    assert (len(rest), len(held)) == (16, 4)
    assert holdout(found, 0.2, 3) == (rest, held)


def test_the_digest_changes_with_the_content() -> None:
    assert digest(groups(3)) == digest(groups(3)) != digest(groups(3, seed=1))
