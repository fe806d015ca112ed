"""Hashed n-gram features and the linear model on them."""

from __future__ import annotations

import math
from collections import Counter
from random import Random
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.lexical import LexicalModel, counts, weigh

words = st.text("abcdeghüß!?'", min_size=1, max_size=8)
sentences = st.lists(words, max_size=8)
anything = st.text(max_size=40) | st.sampled_from(
    ["", "   ", "😀😀", "a\x00b", "\u202eabc", "lone \ud800", "!?!"]
)
known = st.lists(anything, min_size=1, max_size=5)


def vocabulary(texts: list[str]) -> npt.NDArray[np.uint32]:
    """Every feature of `texts`, as a model keeps them."""
    found = {key for text in texts for block in counts(text) for key in block}
    return np.array(sorted(found), dtype=np.uint32)


def model(texts: list[str], *, seed: int = 0) -> LexicalModel:
    keys = vocabulary(texts)
    noise = np.random.default_rng(seed)
    return LexicalModel(
        keys,
        noise.uniform(1, 5, len(keys)).astype(np.float32),
        noise.normal(size=(len(keys), 3)).astype(np.float32),
        noise.normal(size=3).astype(np.float32),
    )


@given(anything)
def test_any_text_has_32_bit_features_and_case_is_no_feature(text: str) -> None:
    found = counts(text)
    assert found == counts(text.lower())
    assert all(0 <= key < 2**32 and n >= 1 for block in found for key, n in block.items())


@given(sentences, st.randoms(use_true_random=False))
def test_character_features_do_not_see_the_order_of_words(found: list[str], shuffler: Random) -> None:
    mixed = list(found)
    shuffler.shuffle(mixed)
    assert counts(" ".join(found))[1] == counts(" ".join(mixed))[1]
    assert counts(" ".join(found))[1] == sum((counts(word)[1] for word in found), Counter())


def test_word_features_see_pairs_in_order() -> None:
    there, back = counts("good not bad")[0], counts("bad not good")[0]
    shared = {crc32(b"wgood"), crc32(b"wnot"), crc32(b"wbad")}
    assert there.keys() & back.keys() == shared
    assert there.keys() - shared == {crc32(b"wgood not"), crc32(b"wnot bad")}


def test_features_by_hand() -> None:
    found, grams = counts("No no!!")
    assert found == Counter({crc32(b"wno"): 2, crc32(b"w!!"): 1, crc32(b"wno no"): 1, crc32(b"wno !!"): 1})
    assert grams[crc32(b"c no")] == 2  # " no " and " no!! "
    assert grams[crc32(b"c no ")] == 2  # as four characters, and as the word that five do not fit


def test_white_space_makes_no_difference() -> None:
    assert counts(" so  very\thappy\n") == counts("so very happy")
    assert counts(" \n\t") == counts("") == (Counter(), Counter())


@given(known, anything)
def test_weighed_features_have_length_one_and_only_known_columns(texts: list[str], text: str) -> None:
    fitted = model(texts)
    for block in counts(text):
        columns, values = weigh(block, fitted.keys, fitted.idf)
        assert len(columns) == len(values) == len(set(columns.tolist()))
        assert set(fitted.keys[columns].tolist()) == set(block) & set(fitted.keys.tolist())
        assert (values > 0).all()
        if len(columns):
            assert float((values**2).sum()) == pytest.approx(1.0)


def test_weights_grow_with_the_logarithm_of_the_count() -> None:
    keys = np.array([3, 9], dtype=np.uint32)
    idf = np.array([1.0, 2.0], dtype=np.float32)
    columns, values = weigh(Counter({9: 1, 3: 4, 5: 7}), keys, idf)
    found = dict(zip(columns.tolist(), values.tolist(), strict=True))
    raw = {0: 1.0 + math.log(4), 1: 2.0}
    assert found == pytest.approx({c: v / math.hypot(*raw.values()) for c, v in raw.items()})


@given(known, st.lists(anything, max_size=6))
def test_a_batch_equals_its_texts_one_by_one(texts: list[str], asked: list[str]) -> None:
    fitted = model(texts)
    together = fitted.logits(asked)
    assert together.shape == (len(asked), 3)
    assert np.isfinite(together).all()
    for text, row in zip(asked, together, strict=True):
        assert (fitted.logits([text])[0] == row).all()


@given(known)
def test_texts_without_a_known_feature_get_the_bias(texts: list[str]) -> None:
    fitted = model(["zzzz"])
    for text in [
        "",
        "   ",
        *(t for t in texts if not set(vocabulary([t]).tolist()) & set(fitted.keys.tolist())),
    ]:
        assert fitted.logits([text])[0] == pytest.approx(fitted.bias)


def test_a_model_without_features_says_the_bias() -> None:
    fitted = model([""])
    assert len(fitted.keys) == 0
    assert fitted.logits(["anything"])[0] == pytest.approx(fitted.bias)


def test_a_megabyte_is_counted_whole_and_one_endless_word_in_part() -> None:
    found, grams = counts("happy " * 170_000)
    assert found[crc32(b"whappy")] == 170_000
    assert grams[crc32(b"chappy")] == 170_000
    assert sum(counts("x" * 1_000_000)[1].values()) == sum(66 - n + 1 for n in range(2, 6))
