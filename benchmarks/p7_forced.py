"""P7: tokens per second of token routing forced to one expert, against that expert's own greedy `generate()`.

The ids are asserted to be equal first.  An expert is a model of its own, or a LoRA adapter, which is compared with
PEFT's `generate()`.  An adapter merged into its base would cost what the model of the same size costs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Figure, Goal, figure, interleaved, summary
from benchmarks.language_models import (
    Size,
    each_size,
    ensemble,
    generate,
    model,
    parameters,
    prompts,
    stacked,
    with_adapters,
    write,
)
from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.host import Host

GOAL = Goal(0.90, 0.98, "higher")


def measure(
    name: str,
    theirs: Any,
    decoder: Decoder,
    expert: str,
    rows: Sequence[list[int]],
    *,
    new: int,
    repeats: int,
    **more: Any,
) -> Figure:
    ours = partial(write, decoder, rows, new, "forced", expert)
    if ours() != generate(theirs, rows, new):
        raise AssertionError(f"{name}: the ids differ from those of generate()")
    taken = interleaved(
        {"ours": lambda _: ours(), "theirs": lambda _: generate(theirs, rows, new)}, repeats=repeats, warmup=1
    )
    tokens = len(rows) * new
    return figure(
        f"{name}, {len(rows)} rows, generate() / ours",
        GOAL,
        taken["theirs"],
        taken["ours"],
        rows=len(rows),
        new_tokens=new,
        tokens_per_second={side: round(tokens / float(np.median(t)), 1) for side, t in taken.items()},
        ours=summary(taken["ours"]),
        theirs=summary(taken["theirs"]),
        ids_equal=True,
        **more,
    )


def figures(size: Size) -> list[Figure]:
    alone = model(size)
    count = parameters(alone)
    whole = Decoder(ensemble([Host.of(model(size))], ["general"]))
    adapted = with_adapters(model(size))
    several = Decoder(stacked(size, adapted))
    found = []
    for rows in (prompts(1, size.vocab_size), prompts(4, size.vocab_size)):
        run = partial(measure, rows=rows, new=size.new, repeats=size.repeats, parameters=count)
        found.append(run(f"model of {size.name}", alone, whole, "general"))
        found.append(run(f"adapter over {size.name}", adapted, several, "general"))
    return found


if __name__ == "__main__":
    each_size(
        "p7_forced",
        "tokens per second when one expert is forced, as a multiple of its generate()",
        figures,
        repeats=int(sys.argv[1]) if len(sys.argv) > 1 else None,
    )
