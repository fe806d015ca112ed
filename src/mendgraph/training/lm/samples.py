"""What a model writes: the same prompts, greedily and drawn, for its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

PROMPTS = (
    "Question: What are the symptoms of asthma?\nAnswer:",
    "Question: A box holds 6 pens. How many pens are in 4 boxes?\nAnswer:",
    "The old captain looked at the sea and",
)
_NEW_TOKENS = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """`drawn` at temperature 0.8 and top-p 0.95."""

    prompt: str
    greedy: str
    drawn: str


def samples(model: Any, tokenizer: PreTrainedTokenizerBase, seed: int = 0) -> list[Sample]:
    """Continuations of `PROMPTS`, each ended by END or after 60 tokens."""
    found = []
    model.eval()
    for prompt in PROMPTS:
        inputs = tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)
        texts = []
        for how in ({"do_sample": False}, {"do_sample": True, "temperature": 0.8, "top_p": 0.95}):
            torch.manual_seed(seed)
            with torch.inference_mode():
                ids = model.generate(**inputs, max_new_tokens=_NEW_TOKENS, **how)
            written = ids[0, inputs["input_ids"].shape[1] :]
            texts.append(str(tokenizer.decode(written, skip_special_tokens=True)))
        found.append(Sample(prompt, *texts))
    return found
