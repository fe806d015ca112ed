"""Whatever a model would rather write, what comes out is a stretch of the text."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.adapters.reader.copying import Copying

WORDS, END = 12, 11
TEXTS = st.lists(st.integers(0, WORDS - 2), min_size=1, max_size=10)


@given(TEXTS, st.integers(0, 2**16), st.data())
def test_what_is_written_stands_in_the_text(text: list[int], seed: int, data: st.DataObject) -> None:
    noise = torch.Generator().manual_seed(seed)
    begins = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    copying, written = Copying(text, begins, END), list[int]()
    for _ in range(len(text) + 1):
        logits = copying.restricted(torch.randn(WORDS, generator=noise) * 5)
        token = int(torch.multinomial(logits.softmax(-1), 1, generator=noise))
        if token == END:
            break
        written.append(token)
        copying.take(token)
    assert written, "an answer has a first word"
    edges = [0, *(place for place, first in enumerate(begins) if first and place), len(text)]
    stretches = [text[first:last] for first in edges for last in edges]
    assert written in stretches, "whole words"


@given(TEXTS)
def test_what_may_come_keeps_its_logit(text: list[int]) -> None:
    logits = torch.arange(WORDS, dtype=torch.float32)
    found = Copying(text, [True] * len(text), END).restricted(logits)
    allowed = sorted(set(text))
    assert found[allowed].tolist() == logits[allowed].tolist()
    assert all(value < -1e8 for word, value in enumerate(found.tolist()) if word not in allowed)


def test_at_the_end_of_the_text_it_ends() -> None:
    copying = Copying([3], [True], END)
    copying.take(3)
    assert int(copying.restricted(torch.zeros(WORDS)).argmax()) == END
    assert int(Copying([], [], END).restricted(torch.zeros(WORDS)).argmax()) == END
