"""The sequence-level router: which expert gets a whole passage, from its first tokens."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mendgraph.core.arrays import FloatArray
from mendgraph.modules.sequence_head import SequenceHead
from mendgraph.training.token_routing.states import States

PROMPT_TOKENS = 32
_STEPS = 400
_DECAYS = (1e-3, 1e-2, 1e-1)


def fit_sequences(
    train: States, dev: States, *, prompt_tokens: int = PROMPT_TOKENS, seed: int = 0
) -> SequenceHead:
    """Minimises the nats that the chosen expert is expected to pay per token; weight decay is chosen on dev."""
    torch.manual_seed(seed)
    inputs, costs = pooled(train, prompt_tokens), mean_costs(train)
    weights = torch.from_numpy(_kind_weights(train.tokens.kinds))
    heads = [_fitted(train.experts, train, inputs, costs, weights, decay, prompt_tokens) for decay in _DECAYS]
    held, paid = pooled(dev, prompt_tokens), mean_costs(dev)
    with torch.inference_mode():
        losses = [float(paid.gather(1, head(held).argmax(1, keepdim=True)).mean()) for head in heads]
    return heads[int(np.argmin(losses))].eval()


def sequence_scores(head: SequenceHead, states: States) -> FloatArray:
    """(M, N): the score of each token's passage."""
    with torch.inference_mode():
        found = head(pooled(states, head.prompt_tokens)).double().numpy()  # (P, M)
    return np.asarray(found[states.tokens.passage].T, dtype=np.float64)


def pooled(states: States, prompt_tokens: int) -> Tensor:
    """(P, M H) mean states of each passage's first tokens."""
    tokens = states.tokens
    ends = tokens.starts + np.minimum(tokens.lengths, prompt_tokens)
    return torch.stack(
        [
            SequenceHead.pool(states.hidden[:, start:end])
            for start, end in zip(tokens.starts, ends, strict=True)
        ]
    )


def mean_costs(states: States) -> Tensor:
    """(P, M) nats per token of each passage under each expert."""
    sums = np.add.reduceat(np.asarray(states.nats, np.float64), states.tokens.starts, axis=1)
    return torch.from_numpy((sums / states.tokens.lengths).T.astype(np.float32))


def _fitted(
    experts: tuple[str, ...],
    train: States,
    inputs: Tensor,
    costs: Tensor,
    weights: Tensor,
    decay: float,
    prompt_tokens: int,
) -> SequenceHead:
    head = SequenceHead(experts, train.hidden.shape[-1], prompt_tokens=prompt_tokens)
    head.mean.copy_(inputs.mean(dim=0))
    head.spread.copy_(inputs.std(dim=0, correction=0).clamp_min(1e-3))
    optimizer = torch.optim.AdamW(head.parameters(), lr=3e-3, weight_decay=decay)
    for _ in range(_STEPS):
        loss = ((torch.softmax(head(inputs), dim=1) * costs).sum(dim=1) * weights).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return head


def _kind_weights(kinds: tuple[str, ...]) -> FloatArray:
    """(P,) weights under which every kind of passage counts the same; mean 1."""
    counts = {kind: kinds.count(kind) for kind in kinds}
    return np.array([len(kinds) / len(counts) / counts[kind] for kind in kinds], np.float32)
