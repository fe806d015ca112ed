"""Byte-level BPE: nothing is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from mendgraph.errors import DataError
from mendgraph.training.lm.tokenizer import END, PAD, byte_lengths, encode, load_tokenizer, train_tokenizer
from tests.training.lm.corpora import SPEC, sentence

TOKENIZER = train_tokenizer((sentence(n) for n in range(200)), SPEC.vocab_size, context=SPEC.context)


TEXTS = st.text(max_size=40).filter(lambda text: END not in text and PAD not in text)
"""Special tokens in a text are read as such."""


@given(TEXTS)
def test_any_text_comes_back(text: str) -> None:
    ids = TOKENIZER.encode(text, add_special_tokens=False)
    assert TOKENIZER.decode(ids) == text


@given(st.lists(TEXTS, max_size=6))
def test_tokens_weigh_the_bytes_of_the_text(texts: list[str]) -> None:
    stream = encode(TOKENIZER, texts)
    assert byte_lengths(TOKENIZER)[stream].sum() == sum(len(text.encode()) for text in texts)


@given(st.integers(0, 10**9))
def test_digits_stand_alone(number: int) -> None:
    tokens = TOKENIZER.tokenize(f"a {number}")
    assert [token for token in tokens if any(c.isdigit() for c in token)] == list(str(number))


def test_stream_begins_and_ends_with_end() -> None:
    stream = encode(TOKENIZER, ["the river", "a tree"])
    end = TOKENIZER.eos_token_id
    assert stream.dtype == np.uint16
    assert (stream[0], stream[-1], int((stream == end).sum())) == (end, end, 3)


def test_saved_folder_opens_with_auto_tokenizer(tmp_path: Path) -> None:
    TOKENIZER.save_pretrained(tmp_path)
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    text = "The doctor's dose is 12 of 7 – ½.\n\nAnswer:"
    assert loaded.encode(text) == TOKENIZER.encode(text) == load_tokenizer(tmp_path).encode(text)
    assert (loaded.eos_token, loaded.pad_token, len(loaded)) == (END, PAD, SPEC.vocab_size)
    assert loaded.padding_side == "left"


def test_too_little_text_is_refused() -> None:
    with pytest.raises(DataError, match="tokens instead of 400"):
        train_tokenizer(["few words"], 400, context=8)


def test_missing_folder_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--part tokenizer"):
        load_tokenizer(tmp_path)
