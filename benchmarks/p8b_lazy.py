"""P8b: lazy decoding with a small and a large model, against the bare forward passes that it cannot do without.

The small model writes; where its head doubts, the large one is asked and catches up in one prefill.  The other side
runs exactly these passes by hand, with transformers' own caches and nothing else: no heads, no trace, no text.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from transformers import DynamicCache, PreTrainedModel
from transformers.utils import logging

from benchmarks.harness import Figure, Goal, figure, interleaved, machine, report, summary
from benchmarks.language_models import LARGE, SMALL, ensemble, model, prompts, random_heads
from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.host import Host
from mendgraph.adapters.causal.state import Options, Row

GOAL = Goal(1.25, 1.10, "lower")
RATES = (0.05, 0.2, 0.5)  # aimed at; what comes about is measured
VOCABULARY = SMALL.vocab_size


class Passes:
    """The passes of a text that was written lazily: at each token, which model read from where to where."""

    def __init__(self, row: Row, names: Sequence[str]) -> None:
        self.ids = torch.tensor([[*row.prompt, *row.ids]])
        read, active = dict.fromkeys(names, 0), names[0]
        self.steps: list[list[tuple[str, int, int]]] = []
        self.writers: list[str] = []
        for number, token in enumerate(row.tokens):
            column = len(row.prompt) + number
            asked = [active, *(name for name in token.confidences if name != active)]
            self.steps.append([(name, read[name], column) for name in asked])
            read |= dict.fromkeys(asked, column)
            active = token.expert
            self.writers.append(active)
        self.deferrals = sum(len(step) > 1 for step in self.steps)

    def run(self, models: dict[str, PreTrainedModel]) -> None:
        caches = {name: DynamicCache(config=one.config) for name, one in models.items()}
        with torch.inference_mode():
            for step, writer in zip(self.steps, self.writers, strict=True):
                states = {
                    name: models[name]
                    .get_decoder()(
                        input_ids=self.ids[:, start:stop], past_key_values=caches[name], use_cache=True
                    )
                    .last_hidden_state
                    for name, start, stop in step
                }
                models[writer].get_output_embeddings()(states[writer][:, -1]).argmax(-1).tolist()


def measure(
    rate: float, models: dict[str, PreTrainedModel], decoder: Decoder, *, new: int, repeats: int
) -> Figure:
    rows = prompts(1, VOCABULARY)
    doubt = threshold(decoder, rows, new, rate)
    options = Options(mode="lazy", expert="small", max_new_tokens=new, doubt=doubt)
    passes = Passes(decoder.decode(decoder.begin(rows, options)).rows[0], list(models))
    taken = interleaved(
        {
            "ours": lambda _: decoder.decode(decoder.begin(rows, options)),
            "bare": lambda _: passes.run(models),
        },
        repeats=repeats,
        warmup=1,
    )
    found = passes.deferrals / new
    return figure(
        f"deferral rate {found:.2f}, ours / bare passes",
        GOAL,
        taken["ours"],
        taken["bare"],
        deferral_rate=round(found, 4),
        written_by_large=round(passes.writers.count("large") / new, 4),
        new_tokens=new,
        ms_per_token={side: round(float(np.median(t)) / new * 1e3, 3) for side, t in taken.items()},
        ours=summary(taken["ours"]),
        bare=summary(taken["bare"]),
    )


def threshold(decoder: Decoder, rows: list[list[int]], new: int, rate: float) -> float:
    """Doubt at which about this share of a text's tokens is deferred: the quantile of the small model's trust."""
    options = Options(mode="lazy", expert="small", max_new_tokens=new, doubt=0.0)
    row = decoder.decode(decoder.begin(rows, options)).rows[0]
    return float(np.quantile([token.confidences["small"] for token in row.tokens], rate))


def main(repeats: int = 12, new: int = 96) -> None:
    logging.set_verbosity_error()
    before = machine()
    models = {"small": model(SMALL), "large": model(replace(LARGE, vocab_size=VOCABULARY))}
    experts = ensemble([Host.of(one) for one in models.values()], list(models))
    heads = random_heads(experts)
    heads.offset[1] = -100.0  # the large one never trusts itself: after each deferral the small one writes on
    decoder = Decoder(experts, heads)
    found = [measure(rate, models, decoder, new=new, repeats=repeats) for rate in RATES]
    report("p8b_lazy", "time of lazy decoding, as a multiple of the bare passes it needs", found, before)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
