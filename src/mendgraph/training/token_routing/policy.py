"""What the graph needs to judge a chunk of text: how likely its tokens are right, and when that is too little."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.foreign import renamed
from mendgraph.core.arrays import PROBABILITY_FLOOR, FloatArray, IntArray, sigmoid
from mendgraph.core.metrics import ece
from mendgraph.core.token_routing import best_expert, lazy_expert
from mendgraph.errors import UnknownNameError
from mendgraph.modules.expert_heads import ExpertHeads
from mendgraph.training.token_routing.calibrate import fit_trust
from mendgraph.training.token_routing.scoring import Heard, hear
from mendgraph.training.token_routing.states import States, beginning, project

POLICY = "policy.json"
CHUNK = 16
"""Tokens of a chunk when the threshold is fitted."""
MOST = 30_000
"""Tokens of dev that are used; each costs a product with the whole vocabulary."""
_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class ChunkPolicy:
    """When a chunk is in doubt.

    Attributes:
        slope, intercept: Platt scaling of a token's probability: the chance that the reference text has that token.
        threshold: mean calibrated confidence of a chunk's tokens below which it is decoded again.
        chunk: tokens per chunk at fitting.
        ece_raw, ece_fitted: calibration error on the rows it was not fitted on.
        fingerprint: of the experts.
    """

    mode: str
    slope: float
    intercept: float
    threshold: float
    chunk: int
    ece_raw: float
    ece_fitted: float
    fingerprint: str


def fit_policy(
    heads: ExpertHeads,
    mode: str,
    dev: States,
    ensemble: Ensemble,
    *,
    doubt: float,
    doubtful: float = 0.1,
    chunk: int = CHUNK,
) -> ChunkPolicy:
    """On the likeliest token of every place of dev, or of its beginning; the error is measured on every other passage.

    Args:
        doubtful: share of the chunks that are to be decoded again.
    """
    dev = beginning(dev, MOST)
    top, right = likeliest(heads, mode, dev, ensemble, doubt)
    odd = dev.tokens.passage % 2 == 1
    if not odd.any():
        odd = np.arange(len(top)) % 2 == 1
    evidence = _logit(top)
    half = fit_trust(evidence[~odd], right[~odd])
    slope, intercept = fit_trust(evidence, right)
    sure = sigmoid(slope * evidence + intercept)
    means = [
        sure[start : start + chunk].mean()
        for begin, length in zip(dev.tokens.starts, dev.tokens.lengths, strict=True)
        for start in range(begin, begin + length, chunk)
    ]
    return ChunkPolicy(
        mode,
        slope,
        intercept,
        float(np.quantile(means, doubtful)),
        chunk,
        ece(top[odd], right[odd]),
        ece(sigmoid(half[0] * evidence[odd] + half[1]), right[odd]),
        ensemble.fingerprint,
    )


def likeliest(
    heads: ExpertHeads, mode: str, states: States, ensemble: Ensemble, doubt: float
) -> tuple[FloatArray, FloatArray]:
    """(N,) probability of each place's likeliest token under a mode, (N,) 1 where it is the token that came."""
    said = hear(heads, states)
    chosen = torch.from_numpy(_speaker(mode, said, states, doubt))
    weights = heads.mixture(torch.from_numpy(said.scores).float())
    labels = torch.from_numpy(states.tokens.labels)
    top, right = [], []
    with torch.inference_mode():
        for start in range(0, len(labels), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            hidden, speaker = states.hidden[:, part].float(), chosen[part]
            if mode == "soft":
                chances = torch.stack(
                    [torch.softmax(project(ensemble, m, own), -1) for m, own in enumerate(hidden)]
                )
                found = torch.einsum("mn,mnv->nv", weights[:, part], chances)
            else:
                rows = hidden[speaker, torch.arange(len(speaker))]
                if mode == "fusion":
                    rows = rows + heads.complement(hidden, speaker)
                found = torch.empty(len(rows), ensemble.vocab_size)
                for expert in speaker.unique().tolist():
                    mine = speaker == expert
                    found[mine] = torch.softmax(project(ensemble, expert, rows[mine]), -1)
            best = found.max(dim=-1)
            top.append(best.values.clamp(max=1.0))
            right.append((best.indices == labels[part]).float())
    return torch.cat(top).double().numpy(), torch.cat(right).double().numpy()


def save_policy(policy: ChunkPolicy, path: Path) -> None:
    path.write_text(json.dumps(asdict(policy), indent=2) + "\n", encoding="utf-8")


def read_policy(path: Path) -> ChunkPolicy:
    """
    Raises:
        ArtifactError: the file is missing or damaged.
    """
    with renamed(f"read {path}", loading=True):
        return ChunkPolicy(**json.loads(path.read_text(encoding="utf-8")))


def _speaker(mode: str, said: Heard, states: States, doubt: float) -> IntArray:
    if mode == "lazy":
        return lazy_expert(said.trust, states.tokens.starts, doubt)[0]
    if mode in ("soft", "hard", "fusion"):
        return best_expert(said.scores)
    raise UnknownNameError("mode", mode, ("soft", "hard", "lazy", "fusion"))


def _logit(chance: FloatArray) -> FloatArray:
    inside = np.clip(chance, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return np.asarray(np.log(inside) - np.log1p(-inside), dtype=np.float64)
