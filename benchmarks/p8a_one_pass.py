"""P8a: three adapter experts that decide every token together, against one expert that writes alone.

One side is token routing, mode soft: three adapters in one batched pass, three heads, the mixture.  The other is the
`generate()` of one of them: as an adapter under PEFT and, harder to keep up with, merged into its base.  Beside them:
the three as separate models (three passes), and PEFT's mixed batch of the three adapters without any routing.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from benchmarks.harness import Figure, Goal, figure, interleaved, summary
from benchmarks.language_models import (
    EMBEDDED,
    LARGE,
    NAMES,
    PROMPT,
    SMALL,
    Size,
    each_size,
    ensemble,
    generate,
    model,
    parameters,
    prompts,
    random_heads,
    stacked,
    with_adapters,
    write,
)
from mendgraph.adapters.causal.caches import state_bytes
from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.host import Host

_MODEST, _HIGH = Goal(2.0, 1.65, "lower"), Goal(1.6, 1.3, "lower")
GOALS = {EMBEDDED.name: _MODEST, SMALL.name: _MODEST, LARGE.name: _HIGH}
TOLERANCE = 1e-4


def figures(size: Size) -> list[Figure]:
    adapted = with_adapters(model(size))
    experts = stacked(size, adapted)
    heads = random_heads(experts)
    together = Decoder(experts, heads)
    merged = [with_adapters(model(size), NAMES) for _ in NAMES]
    for one, name in zip(merged, NAMES, strict=True):
        one.set_adapter(name)
    separate = [one.merge_and_unload() for one in merged]
    apart = Decoder(ensemble([Host.of(one) for one in separate], NAMES), heads)
    rows, new = prompts(1, size.vocab_size), size.new
    difference = check_equal(together, apart, rows, new)
    taken = interleaved(
        {
            "one_pass": lambda _: write(together, rows, new, "soft"),
            "one_adapter": lambda _: generate(adapted, rows, new),
            "one_merged": lambda _: generate(separate[0], rows, new),
            "three_passes": lambda _: write(apart, rows, new, "soft"),
            "peft_mixed_batch": lambda _: generate(adapted, rows * 3, new, adapter_names=list(NAMES)),
        },
        repeats=size.repeats,
        warmup=1,
    )
    ours = float(np.median(taken["one_pass"]))
    config = separate[0].config
    details = {
        "parameters": parameters(separate[0]),
        "new_tokens": new,
        "one_pass_as_multiple_of": {
            name: round(ours / float(np.median(seconds)), 3)
            for name, seconds in taken.items()
            if name != "one_pass"
        },
        "sides": {name: summary(seconds) for name, seconds in taken.items()},
        "largest_difference_of_logits": difference,
        "cache_bytes_per_token_and_expert": state_bytes(config, torch.float32),
        "cache_bytes_of_this_run": state_bytes(config, torch.float32) * len(NAMES) * (PROMPT + new),
    }
    return [
        figure(f"{size.name}, three / {name}", GOALS[size.name], taken["one_pass"], taken[side], **details)
        for side, name in (("one_adapter", "one adapter"), ("one_merged", "one adapter, merged"))
    ]


def check_equal(together: Decoder, apart: Decoder, rows: list[list[int]], new: int) -> float:
    """Largest difference of any expert's logits, on the text that both write; refused when they write two."""
    texts = [write(one, rows, new, "soft") for one in (together, apart)]
    if texts[0] != texts[1]:
        raise AssertionError("one pass and three passes write different texts")
    ids = torch.tensor([rows[0] + texts[0][0]])
    found = [one.ensemble.logits(one.ensemble.hidden(ids)) for one in (together, apart)]
    worst = float((found[0] - found[1]).abs().max())
    if worst > TOLERANCE:
        raise AssertionError(f"logits differ by {worst:.2e}")
    return worst


if __name__ == "__main__":
    each_size(
        "p8a_one_pass",
        "time of three adapter experts together, as a multiple of one expert's generate()",
        figures,
        repeats=int(sys.argv[1]) if len(sys.argv) > 1 else None,
    )
