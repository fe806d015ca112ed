"""What a step is made of."""

from __future__ import annotations

from mendgraph.training.reflection.batches import Batches
from mendgraph.training.reflection.losses import MISMATCH
from tests.training.reflection.corpora import FAST, groups

FOUND = groups(12)
SETTINGS = FAST.model_copy(update={"mismatches": 3, "mismatch_pool": 6})


def test_an_epoch_holds_every_response_once_and_the_mismatches() -> None:
    batches = list(Batches(FOUND, SETTINGS).epoch(0))
    own = sorted(
        pair
        for batch in batches
        for pair, level in zip(batch.pairs, batch.levels, strict=True)
        if level != MISMATCH
    )
    assert own == sorted((group.prompt, text) for group in FOUND for text, _ in group.responses)
    assert sum(level == MISMATCH for batch in batches for level in batch.levels) == 3 * len(FOUND)
    assert len(batches) == len(Batches(FOUND, SETTINGS)) == 3


def test_a_mismatch_is_a_reflection_of_another_family() -> None:
    own = {group.prompt: group for group in FOUND}
    good = {text: group.family for group in FOUND for text in group.good}
    for batch in Batches(FOUND, SETTINGS).epoch(1):
        for (prompt, text), level in zip(batch.pairs, batch.levels, strict=True):
            if level == MISMATCH:
                assert good[text] != own[prompt].family


def test_every_pair_of_an_epoch_was_foretold() -> None:
    batches = Batches(FOUND, SETTINGS)
    assert {pair for number in range(4) for batch in batches.epoch(number) for pair in batch.pairs} <= set(
        batches.pairs()
    )


def test_pools_of_two_folds_have_most_in_common() -> None:
    whole, part = (set(Batches(found, SETTINGS).pairs()) for found in (groups(30), groups(24)))
    drawn = part - {(group.prompt, text) for group in groups(24) for text, _ in group.responses}
    assert len(drawn & whole) > 0.5 * len(drawn)


def test_epochs_differ_and_repeat_with_the_seed() -> None:
    batches = Batches(FOUND, SETTINGS)
    assert list(batches.epoch(0)) == list(batches.epoch(0)) != list(batches.epoch(1))


def test_a_blind_batch_shows_no_prompt() -> None:
    settings = SETTINGS.model_copy(update={"blind": True, "mismatches": 0})
    pairs = [pair for batch in Batches(FOUND, settings).epoch(0) for pair in batch.pairs]
    assert {prompt for prompt, _ in pairs} == {""}
    assert len(pairs) == 6 * len(FOUND)
