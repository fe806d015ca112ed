"""Readers: stopping and going on changes nothing; batches are as single rows; refined states reach the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mendgraph.adapters.reader.prompt import NOTHING
from mendgraph.adapters.reader.reader import Reader
from mendgraph.adapters.reader.writing import Sampling
from mendgraph.errors import ArtifactError, BadOutput, ConfigError, InputError
from tests import languages
from tests.readers import DOCUMENTS, QUESTION, models, reader, save_reader

NAMES = ("llama", "qwen2", "gpt2")
OTHER = ("the dose of water helps", "12 + 30 = 42")


@pytest.fixture(scope="module")
def readers() -> dict[str, Reader]:
    return {name: reader(model, longest=6) for name, model in models().items()}


def _generated(name: str, ids: tuple[int, ...]) -> list[int]:
    """What transformers writes greedily after `ids`."""
    model: Any = models()[name]
    with torch.no_grad():
        found = model.generate(torch.tensor([ids]), max_new_tokens=6, do_sample=False, eos_token_id=None)
    said: list[int] = found[0, len(ids) :].tolist()
    return said


@pytest.mark.parametrize("name", NAMES)
def test_reads_as_transformers_generates(readers: dict[str, Reader], name: str) -> None:
    read = readers[name].read(QUESTION, DOCUMENTS)
    wanted = _generated(name, read.prompt.ids)
    ends = [place for place, token in enumerate(wanted) if token in readers[name].codec.end_ids]
    assert list(read.answer.ids) == wanted[: ends[0] + 1 if ends else None]
    assert len(read.answer.log_probabilities) == len(read.answer.ids)
    assert read.states.shape == (len(read.prompt.ids), 32)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_states_give_the_same_answer(readers: dict[str, Reader], name: str) -> None:
    one = readers[name]
    midway = one.begin([one.prompt(QUESTION, DOCUMENTS), one.prompt(QUESTION, OTHER)])
    plain = one.write(one.finish(midway))
    assert one.answer_from(midway, midway.states) == plain


@pytest.mark.parametrize("name", NAMES)
def test_other_states_give_another_answer(readers: dict[str, Reader], name: str) -> None:
    one = readers[name]
    midway = one.begin([one.prompt(QUESTION, DOCUMENTS)])
    noise = torch.randn(midway.states.shape, generator=torch.Generator().manual_seed(0))
    plain, other = one.write(one.finish(midway)), one.answer_from(midway, midway.states + noise)
    assert other[0].log_probabilities != plain[0].log_probabilities


@pytest.mark.parametrize("name", NAMES)
def test_batching_is_as_one_by_one(readers: dict[str, Reader], name: str) -> None:
    one = readers[name]
    prompts = [one.prompt(QUESTION, DOCUMENTS), one.prompt("what", OTHER), one.prompt("why so", ("no",))]
    together = one.finish(one.begin(prompts))
    written, values = one.write(together), one.values(prompts)
    doubts = one.disagreement(together, prompts)
    for number, prompt in enumerate(prompts):
        alone = one.finish(one.begin([prompt]))
        assert one.write(alone)[0].ids == written[number].ids
        assert one.values([prompt])[0] == values[number]
        assert one.disagreement(alone, [prompt])[0] == pytest.approx(doubts[number], abs=1e-5)
        assert 0 <= doubts[number] <= 1


@pytest.mark.parametrize("name", NAMES)
def test_a_value_is_what_reading_the_document_by_itself_gives(readers: dict[str, Reader], name: str) -> None:
    one = readers[name]
    prompt = one.prompt(QUESTION, DOCUMENTS)
    read = [one.read(QUESTION, [document]) for document in DOCUMENTS]
    heard = [None if each.answer.text in ("", NOTHING) else each.answer.text for each in read]
    assert one.values([prompt]) == [heard]
    told = one.heard([prompt])[0]
    assert [each.tokens for each in told] == [
        len(each.prompt.ids) + len(each.answer.ids) - 1 for each in read
    ]
    assert sum(each.tokens for each in told) >= sum(len(each.prompt.ids) for each in read)


@pytest.mark.parametrize("name", NAMES)
def test_sampling_leaves_the_reading_as_it_was(readers: dict[str, Reader], name: str) -> None:
    one = readers[name]
    ready = one.finish(one.begin([one.prompt(QUESTION, DOCUMENTS)]))
    before = one.write(ready)
    one.samples(ready, 3, Sampling(1.0))
    assert one.write(ready) == before


def test_states_at_the_border_are_those_transformers_reports(readers: dict[str, Reader]) -> None:
    read = readers["llama"].read(QUESTION, DOCUMENTS)
    assert read.border == 1
    with torch.no_grad():
        found = models()["llama"](torch.tensor([read.prompt.ids]), output_hidden_states=True).hidden_states
    torch.testing.assert_close(read.states, found[read.border + 1][0], rtol=1e-4, atol=1e-5)


def test_samples_follow_their_seed_and_near_zero_temperature_is_greedy(readers: dict[str, Reader]) -> None:
    one = readers["llama"]
    ready = one.finish(one.begin([one.prompt(QUESTION, DOCUMENTS), one.prompt(QUESTION, OTHER)]))
    hot = one.samples(ready, 4, Sampling(1.5, seed=1))
    assert [len(row) for row in hot] == [4, 4]
    assert one.samples(ready, 4, Sampling(1.5, seed=1)) == hot
    assert one.samples(ready, 4, Sampling(1.5, seed=2)) != hot
    greedy = one.write(ready)
    cold = one.samples(ready, 2, Sampling(1e-4))
    assert [[each.ids for each in row] for row in cold] == [[each.ids] * 2 for each in greedy]


def test_what_does_not_fit_is_said(readers: dict[str, Reader]) -> None:
    read = readers["llama"].read(QUESTION, ["the cat sat on the mat " * 100])
    assert read.cut[0].startswith("document 1 lost its last")
    assert len(read.prompt.ids) <= readers["llama"].room


def test_questions_and_documents_must_be_there(readers: dict[str, Reader]) -> None:
    with pytest.raises(InputError, match="no question"):
        readers["llama"].read("  ", DOCUMENTS)
    for empty in ((), ("", " \n")):
        with pytest.raises(InputError, match="no documents to read"):
            readers["llama"].read(QUESTION, empty)


def test_states_that_are_not_finite_are_told(readers: dict[str, Reader]) -> None:
    one = readers["llama"]
    midway = one.begin([one.prompt(QUESTION, DOCUMENTS)])
    with pytest.raises(BadOutput, match="logits are not finite"):
        one.answer_from(midway, midway.states * float("nan"))


def test_opens_a_folder_with_and_without_an_adapter(tmp_path: Path) -> None:
    folder = save_reader(tmp_path / "model")
    one = Reader.open(str(folder), device="cpu", longest=4)
    adapted = languages.peft_model(languages.llama(num_hidden_layers=4), rank=2)
    adapted.save_pretrained(tmp_path / "adapter")
    other = Reader.open(str(folder), adapter=str(tmp_path / "adapter"), device="cpu", longest=4, layer=0)
    assert (one.border, other.border) == (1, 0)
    assert one.fingerprint != other.fingerprint
    wanted = reader(adapted.merge_and_unload(), longest=4).read(QUESTION, DOCUMENTS)
    assert other.read(QUESTION, DOCUMENTS).answer.ids == wanted.answer.ids


def test_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="layers 0 to 3, got 3"):
        reader(layer=3)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    languages.llama().save_pretrained(tmp_path)
    with pytest.raises(ArtifactError, match="load the tokenizer"):
        Reader.open(str(tmp_path), device="cpu")
