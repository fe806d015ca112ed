"""P6: prompts per second of the prompt router against scoring LLM by LLM, same weights, for 10 and 100 LLMs.

The other side does for every LLM what a scorer of (prompt, LLM) pairs does: tokenise, encode, pool, compute features,
put prompt, features and LLM embedding side by side, and run the perceptron.  Both sides get the embedded encoder, the
reference head with the same random weights, and 32 prompts at a time.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from benchmarks.harness import Figure, Goal, figure, interleaved, machine, report, summary
from benchmarks.texts import SENTENCES
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.hub import locate
from mendgraph.adapters.prompt_vectors import PromptInputs, PromptVectors
from mendgraph.adapters.router_model import RouterModel
from mendgraph.core.arrays import FloatArray
from mendgraph.core.prompt_features import prompt_features
from mendgraph.modules.pooling import pool
from mendgraph.modules.router import EmbeddedRows, FixedRows, ReferenceHead, RouterNetwork

BATCH = 32
MAX_LENGTH = 256
EMBEDDING = 64
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class PairScorer:
    """One prompt, one LLM, one score: encoder, then a perceptron over the concatenation."""

    encoder: nn.Module
    tokenizer: Any
    head: ReferenceHead
    rows: EmbeddedRows

    def scores(self, prompts: Sequence[str], llm: int) -> Tensor:
        """(N,) of one LLM."""
        parts = [self._batch(prompts[start : start + BATCH], llm) for start in range(0, len(prompts), BATCH)]
        return torch.cat(parts)

    @torch.inference_mode()
    def _batch(self, prompts: Sequence[str], llm: int) -> Tensor:
        batch = self.tokenizer(
            list(prompts), padding=True, truncation=True, max_length=MAX_LENGTH, return_tensors="pt"
        )
        states = self.encoder(**batch).last_hidden_state
        vectors = torch.cat(
            [
                pool("mean", states, batch["attention_mask"]),
                torch.from_numpy(prompt_features(prompts)).float(),
            ],
            dim=1,
        )
        inputs = torch.cat(
            [
                (vectors - self.head.mean) * self.head.scale,
                self.rows.embeddings[llm].expand(len(prompts), -1),
            ],
            dim=1,
        )
        first = self.head.tower[0]
        assert isinstance(first, nn.Linear)  # made below
        whole = torch.cat([first.weight, self.rows.map.weight], dim=1)
        logits: Tensor = self.head.after(nn.functional.linear(inputs, whole, first.bias)).squeeze(-1)
        return logits.tanh()


def prompts_of(count: int, *, seed: int = 0) -> list[str]:
    """One to ten sentences, every one another prompt."""
    rng = random.Random(seed)
    return [f"{number}: " + " ".join(rng.sample(SENTENCES, rng.randint(1, 10))) for number in range(count)]


def sides(llms: int) -> tuple[RouterModel, PairScorer]:
    torch.manual_seed(0)
    shared = SharedEncoder.open("embedded", device="cpu", max_length=MAX_LENGTH, batch_size=BATCH)
    vectors = PromptVectors(shared, PromptInputs(max_length=MAX_LENGTH))
    head = ReferenceHead(vectors.width, (256, 128)).eval()
    head.standardise(vectors.of(prompts_of(64, seed=9)))
    rows = EmbeddedRows(torch.randn(llms, EMBEDDING), head.row, 0)
    network = RouterNetwork(head, FixedRows(rows().detach())).eval().requires_grad_(False)
    names = tuple(f"llm-{number}" for number in range(llms))
    folder = locate("embedded")
    encoder = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    encoder.pooler = None  # neither side pays for it
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return RouterModel(names, vectors, network), PairScorer(
        encoder, tokenizer, head, rows.requires_grad_(False)
    )


def one_by_one(pairs: PairScorer, prompts: Sequence[str], llms: int) -> FloatArray:
    found = torch.stack([pairs.scores(prompts, llm) for llm in range(llms)], dim=1)
    return np.asarray(found.double().numpy(), dtype=np.float64)


def head_only(router: RouterModel, prompts: Sequence[str]) -> None:
    """Prompts encoded once, but the head run LLM by LLM: how much of the gain is the head's."""
    vectors, rows = router.vectors.of(prompts), router.network.rows()
    with torch.inference_mode():
        for llm in range(len(rows)):
            RouterNetwork(router.network.head, FixedRows(rows[llm : llm + 1]))(vectors)


def measure(llms: int, *, prompts: int, repeats: int) -> Figure:
    router, pairs = sides(llms)
    texts = prompts_of(prompts)
    ours, theirs = router.scores(texts[:BATCH]), one_by_one(pairs, texts[:BATCH], llms)
    worst = float(np.abs(ours - theirs).max())
    if worst > TOLERANCE or float(ours.std(axis=1).min()) < TOLERANCE:
        raise AssertionError(f"{llms} LLMs: the sides differ by {worst:.2e}, or all scores are equal")
    taken = interleaved(
        {
            "ours": lambda _: router.rate(texts),
            "theirs": lambda _: one_by_one(pairs, texts, llms),
            "encoded once": lambda _: head_only(router, texts),
        },
        repeats=repeats,
        warmup=1,
    )
    return figure(
        f"{llms} LLMs, {prompts} prompts, LLM by LLM / ours",
        Goal(10.0, 50.0, "higher"),
        taken["theirs"],
        taken["ours"],
        llms=llms,
        prompts=prompts,
        prompts_per_second={
            name: round(prompts / float(np.median(seconds)), 2) for name, seconds in taken.items()
        },
        ours=summary(taken["ours"]),
        theirs=summary(taken["theirs"]),
        encoded_once=summary(taken["encoded once"]),
        largest_difference=worst,
    )


def main(prompts: int = 64, repeats: int = 5) -> None:
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    before = machine()
    figures = [
        measure(10, prompts=prompts, repeats=repeats),
        measure(100, prompts=max(prompts // 2, BATCH), repeats=max(repeats // 2, 1)),
    ]
    report("p6_routing", "prompts per second, as a multiple of scoring LLM by LLM", figures, before)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
