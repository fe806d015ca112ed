"""Writing: forced to one expert it is that expert's own `generate`; batches, chunks and processes change nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2Config, GPT2LMHeadModel

from mendgraph.adapters.causal.decoding import Decoder, Event
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import Expert
from mendgraph.adapters.causal.host import Host
from mendgraph.adapters.causal.sampling import Sampling
from mendgraph.adapters.causal.state import MODES, Mode, Options, State
from mendgraph.errors import ConfigError, InputError, UnknownNameError
from tests import languages
from tests.tiny import lively

NEW = 16
PROMPTS = ("the cat sat on", "12 + 30 =", "a dose of water helps the heart; na")
KINDS = ("apart", "adapted")
DRAWN = Sampling(0.9, 0.95, 50)


@cache
def ensemble_of(kind: str) -> Ensemble:
    return languages.apart() if kind == "apart" else languages.adapted("llama")


def decoder_of(kind: str) -> Decoder:
    """A new one, that has read nothing yet."""
    ensemble = ensemble_of(kind)
    return Decoder(ensemble, languages.heads(ensemble.names, fusion_rank=4))


def options_of(mode: Mode, **more: Any) -> Options:
    return Options(
        mode=mode, expert="math" if mode == "forced" else None, max_new_tokens=NEW, doubt=0.6, **more
    )


def written(decoder: Decoder, prompts: Sequence[str], options: Options) -> State:
    return decoder.decode(decoder.begin(prompts, options))


def generated(model: Any, prompts: Sequence[str], new: int = NEW) -> list[list[int]]:
    """What `generate` writes greedily after left-padded prompts; without what follows the end."""
    inputs = languages.tokenizer()(list(prompts), return_tensors="pt", padding=True)
    with torch.no_grad():
        found = model.generate(**inputs, max_new_tokens=new, do_sample=False)
    rows = found[:, inputs["input_ids"].shape[1] :].tolist()
    return [upto_end(row) for row in rows]


def upto_end(ids: list[int]) -> list[int]:
    return ids[: ids.index(0) + 1] if 0 in ids else ids


@pytest.mark.parametrize("maker", languages.MAKERS)
@pytest.mark.parametrize("prompts", [PROMPTS[:1], PROMPTS, PROMPTS[1:]], ids=["alone", "three", "two"])
def test_forced_to_a_model_the_ids_are_those_of_its_generate(maker: str, prompts: Sequence[str]) -> None:
    ensemble = languages.apart((maker, "qwen2", maker))
    decoder = Decoder(ensemble)
    for seed, name in ((0, "general"), (2, "medical")):
        state = written(decoder, prompts, Options(mode="forced", expert=name, max_new_tokens=48))
        assert [list(row.ids) for row in state.rows] == generated(languages.MAKERS[maker](seed), prompts, 48)


@pytest.mark.parametrize("maker", languages.MAKERS)
@pytest.mark.parametrize("prompts", [PROMPTS[:1], PROMPTS], ids=["alone", "three"])
def test_forced_to_an_adapter_the_ids_are_those_of_peft(maker: str, prompts: Sequence[str]) -> None:
    decoder = Decoder(languages.adapted(maker))
    model = languages.peft_model(languages.MAKERS[maker](), seed=1)
    state = written(decoder, prompts, Options(mode="forced", expert="math", max_new_tokens=48))
    assert [list(row.ids) for row in state.rows] == generated(model, prompts, 48)


@settings(max_examples=10)
@given(
    maker=st.sampled_from([*languages.MAKERS]),
    seed=st.integers(0, 30),
    rows=st.lists(
        st.lists(st.integers(2, languages.VOCABULARY - 1), min_size=1, max_size=9), min_size=1, max_size=4
    ),
)
def test_forced_to_any_model_after_any_ids_too(maker: str, seed: int, rows: list[list[int]]) -> None:
    model = languages.MAKERS[maker](seed)
    width = max(map(len, rows))
    ids = torch.tensor([[1] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    with torch.no_grad():
        found = model.generate(ids, attention_mask=mask, max_new_tokens=NEW, do_sample=False)  # type: ignore[operator]
    decoder = Decoder(Ensemble([Expert("a", "memory")], [Host.of(model)], languages.vocabulary()))
    state = decoder.decode(decoder.begin(rows, Options(mode="forced", expert="a", max_new_tokens=NEW)))
    assert [list(row.ids) for row in state.rows] == [upto_end(row) for row in found[:, width:].tolist()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sampling", [Sampling(), DRAWN], ids=["greedy", "sampled"])
def test_a_batch_writes_what_each_prompt_writes_alone(kind: str, mode: Mode, sampling: Sampling) -> None:
    decoder = decoder_of(kind)
    batch = written(decoder, PROMPTS, options_of(mode, sampling=sampling))
    for number, (row, prompt) in enumerate(zip(batch.rows, PROMPTS, strict=True)):
        alone = written(decoder, [prompt], options_of(mode, sampling=sampling, seed=number)).rows[0]
        assert (row.ids, row.text, row.finish) == (alone.ids, alone.text, alone.finish)
        assert [token.expert for token in row.tokens] == [token.expert for token in alone.tokens]


@settings(max_examples=12)
@given(
    kind=st.sampled_from(KINDS),
    mode=st.sampled_from(MODES),
    sampling=st.sampled_from([Sampling(), DRAWN]),
    chunks=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    elsewhere=st.booleans(),
)
def test_chunks_and_processes_change_nothing(
    kind: str, mode: Mode, sampling: Sampling, chunks: list[int], elsewhere: bool
) -> None:
    decoder = decoder_of(kind)
    options = options_of(mode, sampling=sampling)
    whole = written(decoder, PROMPTS, options)
    state = decoder.begin(PROMPTS, options)
    while not state.done:
        for new in chunks:
            if elsewhere:  # only JSON survives
                state = State.from_dict(json.loads(json.dumps(state.to_dict())))
                decoder = decoder_of(kind)
            state = decoder.decode(state, new)
    assert [(row.ids, row.text, row.finish) for row in state.rows] == [
        (row.ids, row.text, row.finish) for row in whole.rows
    ]


@pytest.mark.parametrize("mode", MODES)
def test_events_make_up_the_state(mode: Mode) -> None:
    decoder = decoder_of("adapted")
    running = decoder.run(decoder.begin(PROMPTS, options_of(mode, sampling=DRAWN, stop=("e", "zz"))))
    events: list[Event] = []
    state = None
    while state is None:
        try:
            events.append(next(running))
        except StopIteration as end:
            state = end.value
    for number, row in enumerate(state.rows):
        mine = [event for event in events if event.row == number]
        assert "".join(event.piece for event in mine) == row.text
        assert tuple(event.token for event in mine) == row.tokens
        assert tuple(token.id for token in row.tokens) == row.ids


def test_the_trace_adds_up() -> None:
    decoder = decoder_of("apart")
    soft = written(decoder, PROMPTS, options_of("soft")).rows[0]
    hard = written(decoder, PROMPTS, options_of("hard")).rows[0]
    assert len({token.expert for token in hard.tokens}) > 1  # or the test shows nothing
    for token in (*soft.tokens, *hard.tokens):
        assert sum(token.confidences.values()) == pytest.approx(1, abs=1e-5)
        assert 0 < token.probability <= 1
        assert token.token == languages.vocabulary().token(token.id)
    for token in hard.tokens:
        assert token.expert == max(token.confidences, key=lambda name: token.confidences[name])
    assert all(
        token.confidences == {} for token in written(decoder, PROMPTS, options_of("forced")).rows[0].tokens
    )


def test_a_mixture_has_the_mixed_probability() -> None:
    decoder = decoder_of("apart")
    ensemble, heads = decoder.ensemble, decoder.heads
    assert heads is not None
    token = written(decoder, PROMPTS[:1], options_of("soft")).rows[0].tokens[0]
    states = ensemble.hidden(torch.tensor([ensemble.vocabulary.encode(PROMPTS[0])]))[:, :, -1]
    weights = heads.mixture(heads(states))
    mixed = (weights[:, :, None] * ensemble.logits(states).softmax(-1)).sum(0)[0].detach()
    assert token.id == int(mixed.argmax())
    assert token.probability == pytest.approx(float(mixed.max()), rel=1e-4)


def test_lazy_runs_one_expert_until_its_head_doubts() -> None:
    decoder = decoder_of("apart")
    asked = [
        len(token.confidences) for token in written(decoder, PROMPTS[:1], options_of("lazy")).rows[0].tokens
    ]
    assert asked[0] == 3
    assert {1, 3} >= set(asked)
    always = Options(mode="lazy", doubt=1.0, max_new_tokens=NEW)
    assert {len(t.confidences) for t in written(decoder, PROMPTS[:1], always).rows[0].tokens} == {3}
    never = Options(mode="lazy", doubt=0.0, max_new_tokens=NEW, expert="medical")
    row = written(decoder, PROMPTS[:1], never).rows[0]
    assert {(token.expert, *token.confidences) for token in row.tokens} == {("medical", "medical")}
    assert list(row.ids) == generated(languages.qwen(2), PROMPTS[:1])[0]


def test_a_mode_can_change_between_chunks() -> None:
    decoder = decoder_of("adapted")
    state = decoder.decode(decoder.begin(PROMPTS, options_of("soft")), 4)
    forced = State(state.rows, options_of("forced"))
    after = decoder.decode(forced)
    again = decoder_of("adapted").decode(forced)
    assert [row.ids for row in after.rows] == [row.ids for row in again.rows]
    assert {token.expert for row in after.rows for token in row.tokens[4:]} == {"math"}


def test_a_stop_ends_the_text_before_it() -> None:
    decoder = decoder_of("adapted")
    free = written(decoder, PROMPTS[:1], options_of("hard")).rows[0]
    stop = free.text[3:5]
    row = written(decoder, PROMPTS[:1], options_of("hard", stop=(stop,))).rows[0]
    assert row.finish == "stop"
    assert row.text == free.text[: free.text.index(stop)]
    assert row.ids == free.ids[: len(row.ids)]


def test_the_context_ends_the_text() -> None:
    ensemble = ensemble_of("apart")
    long = [5] * (ensemble.positions - 3)
    row = written(Decoder(ensemble), [long], Options(mode="forced", expert="math", max_new_tokens=50)).rows[0]  # type: ignore[list-item]
    assert (row.finish, len(row.ids)) in {("context", 3), ("end", len(row.ids))}
    with pytest.raises(InputError, match="prompt 1 has"):
        Decoder(ensemble).begin(["a", [5] * ensemble.positions], Options(mode="forced", expert="math"))


def gpt2() -> Ensemble:
    """With a table of 32 positions, beyond which it breaks."""
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=languages.VOCABULARY, n_positions=32, n_embd=32, n_layer=2, n_head=4, eos_token_id=None
    )
    return Ensemble(
        [Expert("old", "memory")], [Host.of(lively(GPT2LMHeadModel(config)))], languages.vocabulary()
    )


def test_rows_that_have_ended_neither_break_nor_cost_the_others() -> None:
    ensemble = gpt2()
    decoder = Decoder(ensemble)
    texts = [[5] * 30, [6, 7], [8, 9, 10], [7] * 31]
    options = Options(mode="forced", expert="old", max_new_tokens=24)
    batch = decoder.decode(decoder.begin(texts, options))
    assert [row.finish for row in batch.rows] == ["context", "length", "length", "context"]
    for row, text in zip(batch.rows, texts, strict=True):
        alone = decoder.decode(decoder.begin([text], options)).rows[0]
        assert (row.ids, row.text, row.finish) == (alone.ids, alone.text, alone.finish)
    host, sizes = ensemble.hosts[0], []
    run = host.run
    host.run = lambda chosen, ids, **more: (sizes.append(len(ids)), run(chosen, ids, **more))[1]  # type: ignore[method-assign, func-returns-value]
    decoder.decode(decoder.begin(texts, options))
    assert sizes == [4, 4] + [2] * 22
    sizes.clear()
    decoder.decode(decoder.begin(texts[:3], options))
    assert sizes == [3] * 24  # copying what was read would cost more than it saves


def test_texts_in_turn_do_not_rob_each_other_of_what_they_read() -> None:
    ensemble = languages.adapted()
    decoder = Decoder(ensemble, languages.heads())
    host, lengths = ensemble.hosts[0], []
    run = host.run
    host.run = lambda chosen, ids, **more: (lengths.append(ids.shape[1]), run(chosen, ids, **more))[1]  # type: ignore[method-assign, func-returns-value]
    states = [
        decoder.begin([[5, *text]], options_of("soft")) for text in ([6, 7, 8], [9, 10, 11], [12, 13, 14])
    ]
    while not all(state.done for state in states):
        states = [decoder.decode(state, 3) for state in states]
    assert sorted(lengths)[-4:] == [1, 4, 4, 4]


def test_a_state_of_other_experts_goes_on_with_those_there_are() -> None:
    decoder = decoder_of("apart")
    begun = decoder.decode(decoder.begin(PROMPTS[:1], options_of("lazy")), 4)
    moved = State((replace(begun.rows[0], active="law"),), begun.options)
    assert decoder.decode(moved).rows[0].finish in ("length", "end")


def test_what_is_not_there_is_refused_with_a_way_out() -> None:
    bare = Decoder(ensemble_of("apart"))
    with pytest.raises(ConfigError, match="needs heads"):
        bare.begin(["a"], Options(mode="hard"))
    with pytest.raises(UnknownNameError, match="did you mean 'math'"):
        bare.begin(["a"], Options(mode="forced", expert="maths"))
    with pytest.raises(ConfigError, match="these have none"):
        Decoder(ensemble_of("apart"), languages.heads()).begin(["a"], Options(mode="fusion"))
    with pytest.raises(ConfigError, match="needs an expert"):
        Options(mode="forced")
    with pytest.raises(InputError, match="prompt 1 is a int"):
        bare.begin(["a", 5], Options(mode="forced", expert="math"))  # type: ignore[list-item]
    with pytest.raises(InputError, match="ids outside"):
        bare.begin([["a"]], Options(mode="forced", expert="math"))  # type: ignore[list-item]
    with pytest.raises(InputError, match="ids outside"):
        bare.begin([[10**6]], Options(mode="forced", expert="math"))
    with pytest.raises(ConfigError, match="heads are for"):
        Decoder(ensemble_of("apart"), languages.heads(("a", "b", "c")))


def test_threads_write_what_one_writes() -> None:
    decoder = decoder_of("adapted")
    jobs: list[tuple[str, Mode]] = [(PROMPTS[number % 3], MODES[number % 5]) for number in range(10)]

    def chunked(job: tuple[str, Mode]) -> tuple[int, ...]:
        state = decoder.begin([job[0]], options_of(job[1]))
        while not state.done:
            state = decoder.decode(state, 3)
        return state.rows[0].ids

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(chunked, jobs))
    assert found == [written(decoder, [prompt], options_of(mode)).rows[0].ids for prompt, mode in jobs]


@pytest.mark.parametrize("mode", MODES)
def test_half_precision_writes_too(mode: Mode) -> None:
    ensemble = Ensemble(
        [Expert(name, "memory") for name in languages.NAMES],
        [Host.of(languages.llama(seed).bfloat16()) for seed in range(3)],
        languages.vocabulary(),
    )
    decoder = Decoder(ensemble, languages.heads(fusion_rank=4))
    state = written(decoder, PROMPTS, options_of(mode))
    assert all(row.finish in ("length", "end") and not row.losses for row in state.rows)
    if mode == "forced":
        assert [list(row.ids) for row in state.rows] == generated(languages.llama(1).bfloat16(), PROMPTS)
