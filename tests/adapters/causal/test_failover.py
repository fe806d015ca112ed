"""An expert that breaks in mid-sentence: the others go on as if it had never been there, and the trace says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.failover import attempt
from mendgraph.adapters.causal.state import Mode, Options, State
from mendgraph.errors import OutOfMemory, TierError
from mendgraph.modules.stacked_lora import StackedLinear
from tests import languages

PROMPTS = ("the cat sat on", "12 + 30 =", "a dose of water")
NEW, BREAKS = 14, 5
MAKERS: dict[str, Callable[[], Ensemble]] = {"apart": languages.apart, "adapted": languages.adapted}


def decoder_of(ensemble: Ensemble) -> Decoder:
    return Decoder(ensemble, languages.heads(ensemble.names, fusion_rank=4))


def prefix(kind: str, mode: Mode) -> State:
    """The text when it was still well."""
    decoder = decoder_of(MAKERS[kind]())
    state = decoder.begin(PROMPTS, Options(mode=mode, max_new_tokens=NEW, doubt=0.6))
    return decoder.decode(state, BREAKS)


def raising(ensemble: Ensemble, expert: int) -> None:
    """The expert raises whenever it is in a pass."""
    host, seat = ensemble.seats[expert]
    run = host.run

    def broken(chosen: tuple[int, ...], *given_: Any, **more: Any) -> Any:
        if seat in chosen:
            raise RuntimeError("CUDA error: device-side assert triggered")
        return run(chosen, *given_, **more)

    host.run = broken  # type: ignore[method-assign]


def poisoned(ensemble: Ensemble, expert: int) -> None:
    """The expert's weights turn into NaN."""
    host, seat = ensemble.seats[expert]
    if not host.stacked:
        with torch.no_grad():
            next(host.decoder.parameters()).fill_(torch.nan)
    for layer in host.decoder.modules():
        if isinstance(layer, StackedLinear):
            layer.up[seat] = torch.nan


FAULTS = {"raising": raising, "poisoned": poisoned}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("mode", ["soft", "hard", "lazy", "fusion"])
@pytest.mark.parametrize("expert", [0, 1])
def test_the_others_go_on_as_if_it_had_never_been_there(
    kind: str, fault: str, mode: Mode, expert: int
) -> None:
    begun = prefix(kind, mode)
    ensemble = MAKERS[kind]()
    FAULTS[fault](ensemble, expert)
    broken = decoder_of(ensemble).decode(begun)
    name = ensemble.names[expert]
    never = decoder_of(MAKERS[kind]()).decode(begun.without(name))
    for row, wanted in zip(broken.rows, never.rows, strict=True):
        assert (row.ids, row.text, row.finish) == (wanted.ids, wanted.text, wanted.finish)
        assert {token.expert for token in row.tokens[BREAKS:]} <= set(ensemble.names) - {name}
        if mode != "lazy" and not begun.rows[0].finish:
            assert [(loss.expert, loss.step) for loss in row.losses] == [(name, BREAKS)]
            assert row.losses[0].kind == ("crashed" if fault == "raising" else "bad_output")


def mute(ensemble: Ensemble, expert: int) -> None:
    """The expert reads, but cannot compute logits."""
    host, seat = ensemble.seats[expert]
    logits = host.logits

    def broken(states: torch.Tensor, chosen: tuple[int, ...] = ()) -> torch.Tensor:
        if seat in chosen:
            raise OutOfMemory("too much")
        return logits(states, chosen)

    host.logits = broken  # type: ignore[method-assign]


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("mode", ["soft", "hard", "lazy"])
def test_an_expert_that_cannot_speak_is_replaced(kind: str, mode: Mode) -> None:
    begun = prefix(kind, mode)
    ensemble = MAKERS[kind]()
    name = begun.rows[0].tokens[-1].expert
    mute(ensemble, ensemble.index(name))
    after = decoder_of(ensemble).decode(begun)
    never = decoder_of(MAKERS[kind]()).decode(begun.without(name))
    assert [(row.ids, row.text) for row in after.rows] == [(row.ids, row.text) for row in never.rows]
    assert {(loss.expert, loss.kind) for row in after.rows for loss in row.losses} == {
        (name, "out_of_memory")
    }


@pytest.mark.parametrize("mode", ["soft", "hard", "lazy", "fusion"])
def test_what_one_row_breaks_stays_well_in_the_others(mode: Mode) -> None:
    odd = 290  # math has no finite state after this token
    texts = [[5, odd, 7], [5, 6, 7, 8], [9, 6]]
    ensemble = languages.apart()
    with torch.no_grad():
        ensemble.seats[1][0].decoder.get_input_embeddings().weight[odd] = torch.nan  # type: ignore[operator]
    options = Options(mode=mode, max_new_tokens=NEW, doubt=1.0 if mode == "lazy" else 0.6)
    decoder = decoder_of(ensemble)
    rows = decoder.decode(decoder.begin(texts, options)).rows
    assert [[(loss.expert, loss.step) for loss in row.losses] for row in rows] == [[("math", 0)], [], []]
    well = decoder_of(languages.apart())
    alone = [well.begin([text], replace(options, seed=row)) for row, text in enumerate(texts)]
    alone[0] = alone[0].without("math")
    assert [row.ids for row in rows] == [well.decode(state).rows[0].ids for state in alone]
    assert all(0 < token.probability <= 1 for row in rows for token in row.tokens)


def test_a_forced_expert_that_breaks_is_replaced() -> None:
    ensemble = languages.adapted()
    poisoned(ensemble, 1)
    forced = Options(mode="forced", expert="math", max_new_tokens=NEW)
    with_heads = decoder_of(ensemble)
    row = with_heads.decode(with_heads.begin(PROMPTS, forced)).rows[0]
    assert row.finish in ("length", "end")
    assert [loss.expert for loss in row.losses] == ["math"]
    assert {token.expert for token in row.tokens} <= {"general", "medical"}
    bare = Decoder(ensemble)
    row = bare.decode(bare.begin(PROMPTS, forced)).rows[0]
    assert {token.expert for token in row.tokens} == {"general"}


def test_when_nobody_is_left_what_was_written_stays() -> None:
    begun = prefix("adapted", "soft")
    ensemble = languages.adapted()
    for expert in range(3):
        poisoned(ensemble, expert)
    after = decoder_of(ensemble).decode(begun)
    for row, before in zip(after.rows, begun.rows, strict=True):
        assert row.finish == "failed"
        assert (row.ids, row.text) == (before.ids, before.text)
        assert {loss.expert for loss in row.losses} == set(languages.NAMES)


def test_an_expert_can_be_switched_off_in_mid_sentence() -> None:
    decoder = decoder_of(languages.adapted())
    running = decoder.run(decoder.begin(PROMPTS[:1], Options(mode="hard", max_new_tokens=NEW)))
    events = [next(running) for _ in range(BREAKS)]
    victim = events[-1].token.expert
    decoder.down.add(victim)
    rest = list(running)
    assert rest
    assert victim not in {event.token.expert for event in rest}
    assert all(victim not in event.token.confidences for event in rest)


@settings(max_examples=20)
@given(bad=st.sets(st.integers(0, 4)), asked=st.lists(st.integers(0, 4), min_size=1, unique=True))
def test_only_the_guilty_fail(bad: set[int], asked: list[int]) -> None:
    def run(experts: tuple[int, ...]) -> torch.Tensor:
        if bad & set(experts):
            raise OutOfMemory("too much")
        return torch.tensor(experts)[:, None, None]

    passed = attempt(run, tuple(asked), tuple("abcde"))
    assert set(passed.failures) == bad & set(asked)
    assert {expert: int(state) for expert, state in passed.states.items()} == {
        expert: expert for expert in asked if expert not in bad
    }
    assert all(failure.kind == "out_of_memory" for failure in passed.failures.values())


def test_a_bug_is_not_an_experts_fault() -> None:
    def run(experts: tuple[int, ...]) -> torch.Tensor:
        raise KeyError(experts)

    with pytest.raises(KeyError):
        attempt(run, (0, 1), ("a", "b"))
    assert not issubclass(KeyError, TierError | RuntimeError)


def test_switching_off_twice_is_once() -> None:
    state = prefix("adapted", "soft").without("math").without("math")
    assert [len(row.losses) for row in state.rows] == [1, 1, 1]
    assert replace(state) == State.from_dict(state.to_dict())
