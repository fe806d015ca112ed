"""Reading in pieces, lagging, going back and dropping rows: the states are those of reading everything at once."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import MambaConfig

from mendgraph.adapters.causal.caches import ExpertCache, require_rollback, state_bytes
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import Expert
from mendgraph.adapters.causal.host import Host
from mendgraph.adapters.causal.reading import Reading
from mendgraph.errors import ArtifactError
from tests import languages

LENGTH = 24
TOLERANCE = 2e-5
NAMES = ("apart", "adapted", "sliding")
TEXTS = [
    torch.randint(
        2, languages.VOCABULARY, (LENGTH - gap,), generator=torch.Generator().manual_seed(gap)
    ).tolist()
    for gap in (0, 3, 7)
]


@cache
def ensemble_of(name: str) -> Ensemble:
    if name == "sliding":
        return Ensemble([Expert("general", "memory")], [Host.of(languages.gemma())], languages.vocabulary())
    return languages.apart(("qwen2", "llama", "qwen2")) if name == "apart" else languages.adapted("llama")


def at_once(ensemble: Ensemble, text: list[int]) -> Tensor:
    """(M, H) after the last token of one text, alone and without a cache."""
    return ensemble.hidden(torch.tensor([text]))[:, 0, -1]


@settings(max_examples=12)
@given(
    name=st.sampled_from(NAMES),
    stops=st.lists(st.integers(1, LENGTH - 8), max_size=5),
    seed=st.integers(0, 5),
)
def test_any_pieces_and_any_lag_give_the_states_of_one_reading(
    name: str, stops: list[int], seed: int
) -> None:
    ensemble = ensemble_of(name)
    noise = torch.Generator().manual_seed(seed)
    begun = LENGTH - 8  # the shortest text then has one token
    reading = Reading(ensemble, [0, 1, 2], [text[: len(text) - LENGTH + begun] for text in TEXTS], room=4)
    for column in range(begun, LENGTH):
        if column - begun in stops:  # some experts read now, the others catch up later
            some = [e for e in range(len(ensemble.experts)) if torch.rand((), generator=noise) < 0.5]
            assert set(reading.states(some).states) == set(some)
        reading.append([text[column - gap] for text, gap in zip(TEXTS, (0, 3, 7), strict=True)])
    passed = reading.states(range(len(ensemble.experts)))
    assert not passed.failures
    for row, text in enumerate(TEXTS):
        wanted = at_once(ensemble, text)
        for expert, state in passed.states.items():
            assert torch.allclose(state[row], wanted[expert], atol=TOLERANCE)


@settings(max_examples=12)
@given(name=st.sampled_from(NAMES), back=st.integers(0, 14), rows=st.sampled_from([[0, 1, 2], [1], [2, 0]]))
def test_going_back_and_dropping_rows_leaves_no_trace(name: str, back: int, rows: list[int]) -> None:
    ensemble = ensemble_of(name)
    everybody = range(len(ensemble.experts))
    reading = Reading(ensemble, [0, 1, 2], TEXTS, room=LENGTH)
    reading.states(everybody)
    changed = [[*TEXTS[row][: len(TEXTS[row]) - back], 5, 6][: len(TEXTS[row])] for row in rows]
    assert reading.common(rows, changed) > 0
    reading.follow(rows, changed)
    found = reading.states(everybody).states
    for place, text in enumerate(changed):
        wanted = at_once(ensemble, text)
        for expert in everybody:
            assert torch.allclose(found[expert][place], wanted[expert], atol=TOLERANCE)


def test_a_reading_follows_only_what_it_began() -> None:
    reading = Reading(ensemble_of("adapted"), [0, 1], [[5, 6, 7], [8, 9]], room=8)
    assert reading.common([2], [[5, 6, 7]]) == 0
    assert reading.common([0], [[9, 6, 7]]) == 0
    assert reading.common([0, 1], [[5, 6, 7, 8], [8, 9]]) == 0
    assert reading.common([0, 1], [[5, 6, 3], [8, 3]]) == 2
    assert reading.common([1], [[8, 9, 9]]) == 3
    reading.follow([1], [[8, 9, 9]])
    assert reading.texts == [[8, 9, 9]]


def test_catching_up_is_one_pass() -> None:
    ensemble = languages.adapted("qwen2")
    host = ensemble.hosts[0]
    passes: list[tuple[tuple[int, ...], int]] = []
    run = host.run
    host.run = lambda chosen, ids, **more: (passes.append((chosen, ids.shape[1])), run(chosen, ids, **more))[
        1
    ]  # type: ignore[method-assign, assignment, func-returns-value]
    reading = Reading(ensemble, [0], [[5, 6, 7]], room=8)
    for token in (8, 9):
        reading.states([1])
        reading.append([token])
    reading.states([0, 1, 2])
    assert passes == [((1,), 3), ((1,), 1), ((0, 2), 5), ((1,), 1)]


def test_memory_is_what_the_formula_says() -> None:
    ensemble = ensemble_of("adapted")
    reading = Reading(ensemble, [0, 1], [[5, 6, 7], [8, 9]], room=64)
    reading.states([1])
    per_token = state_bytes(languages.llama().config, torch.float32)
    assert per_token == 2 * 2 * 2 * 8 * 4  # keys and values, layers, heads, width, bytes
    assert reading.cache_bytes == per_token * 64 * 2
    reading.states([0, 1, 2])
    assert reading.cache_bytes == 3 * per_token * 64 * 2


def test_capacity_grows_by_doubling() -> None:
    cache = ExpertCache(1, 1, 32)
    cache.open((0,), 33)
    assert cache.capacity == 64


def test_a_pass_counts_only_when_it_is_closed() -> None:
    cache = ExpertCache(1, 1, 32)
    cache.open((0, 1), 5)
    assert cache.lengths == {0: 0, 1: 0}
    cache.close((0, 1), 5)
    cache.crop(3)
    assert cache.lengths == {0: 3, 1: 3}


def test_layers_without_keys_and_values_are_refused() -> None:
    config = MambaConfig(num_hidden_layers=1)
    with pytest.raises(ArtifactError, match="cannot be rolled back"):
        require_rollback(config, "'a mamba'")
    assert require_rollback(languages.llama().config, "'a llama'") == 2
