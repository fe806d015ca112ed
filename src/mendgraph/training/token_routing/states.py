"""What frozen experts say about passages, computed once: their states and what each next token costs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.errors import DataError
from mendgraph.training.token_routing.passages import Passage, digest

ROWS_AT_ONCE = {"cpu": 2}
"""Kind of device -> passages per forward pass, sorted by length; a CPU's cache is small."""
_ROWS = 16
LONGEST = 512
"""Tokens of a passage that are read, however much longer the experts' context is."""
_IDENTITY = "identity"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Passages as tokens; the N tokens of all P passages follow each other.

    Attributes:
        labels: (N,) ids to predict, each from the tokens before it; a start token is read before the first.
        passage: (N,) which passage a token belongs to.
        domain: (N,) index of its domain in `domains`.
        starts: (P,) first token of each passage.
        bytes: (P, D) UTF-8 bytes of the tokens, by passage and domain.
    """

    labels: IntArray
    passage: IntArray
    domain: IntArray
    starts: IntArray
    bytes: FloatArray
    passages: tuple[Passage, ...]
    domains: tuple[str, ...]

    @property
    def lengths(self) -> IntArray:
        return np.diff(np.append(self.starts, len(self.labels)))

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(row.kind for row in self.passages)


@dataclass(frozen=True, slots=True)
class States:
    """States of M experts over tokens.

    Attributes:
        hidden: (M, N, H) half precision: what each token is predicted from.
        nats: (M, N) negative log-likelihood of each token.
    """

    experts: tuple[str, ...]
    tokens: Tokens
    hidden: Tensor
    nats: NDArray[np.float32]


def beginning(states: States, tokens: int) -> States:
    """The first passages, as many as have at most so many tokens together, one at least."""
    whole = states.tokens
    ends = whole.starts + whole.lengths
    count = max(1, int(np.searchsorted(ends, tokens, side="right")))
    end = int(ends[count - 1])
    kept = Tokens(
        whole.labels[:end],
        whole.passage[:end],
        whole.domain[:end],
        whole.starts[:count],
        whole.bytes[:count],
        whole.passages[:count],
        whole.domains,
    )
    return States(states.experts, kept, states.hidden[:, :end], states.nats[:, :end])


def tokenize(ensemble: Ensemble, passages: Sequence[Passage], domains: Sequence[str]) -> Tokens:
    """Stretch by stretch, so that every token has one domain; cut where the experts' context ends."""
    room = min(LONGEST, ensemble.positions)
    kept: list[Passage] = []
    labels: list[int] = []
    passage: list[int] = []
    domain: list[int] = []
    starts: list[int] = []
    sizes: list[list[float]] = []
    for row in passages:
        ids: list[int] = []
        where: list[int] = []
        size = [0.0] * len(domains)
        for text, name in zip(row.texts, row.domains, strict=True):
            own = ensemble.vocabulary.encode(text)[: room - len(ids)]
            place = domains.index(name)
            size[place] += len(ensemble.vocabulary.decode(own).encode())
            ids += own
            where += [place] * len(own)
        if not ids:
            continue
        starts.append(len(labels))
        labels += ids
        passage += [len(kept)] * len(ids)
        domain += where
        sizes.append(size)
        kept.append(row)
    if not kept:
        raise DataError("no passage has a token")
    return Tokens(
        np.array(labels, np.int64),
        np.array(passage, np.int64),
        np.array(domain, np.int64),
        np.array(starts, np.int64),
        np.array(sizes),
        tuple(kept),
        tuple(domains),
    )


def read_states(
    ensemble: Ensemble,
    tokens: Tokens,
    *,
    cache: Path | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> States:
    """Runs all experts over the tokens, or reads what an earlier call left in the file `cache`.

    Raises:
        OutOfMemory, BadOutput: an expert cannot.
    """
    identity = _identity(ensemble, tokens)
    known = _cached(cache, identity) if cache is not None else None
    if known is not None:
        return States(ensemble.names, tokens, *known)
    count, total = len(ensemble.names), len(tokens.labels)
    hidden = torch.empty(count, total, ensemble.hidden_size, dtype=torch.float16)
    nats = torch.empty(count, total, dtype=torch.float32)
    lengths = tokens.lengths
    order = np.argsort(lengths, kind="stable")
    start_id = min(ensemble.vocabulary.end_ids, default=ensemble.vocabulary.pad_id)
    done = 0
    size = ROWS_AT_ONCE.get(ensemble.device.type, _ROWS)
    for first in range(0, len(order), size):
        rows = order[first : first + size]
        spans = [slice(tokens.starts[row], tokens.starts[row] + lengths[row]) for row in rows]
        ids = _batch([tokens.labels[span] for span in spans], start_id, ensemble.vocabulary.pad_id)
        states = ensemble.hidden(ids)  # (M, B, T, H); what pads the ends is seen by nothing before it
        for row, span in enumerate(spans):
            length = span.stop - span.start
            own = states[:, row, :length]
            labels = torch.from_numpy(tokens.labels[span]).to(own.device)
            hidden[:, span] = own.half().cpu()
            for expert in range(count):
                nats[expert, span] = label_nats(ensemble, expert, own[expert], labels).cpu()
            done += length
        progress("states", done, total)
    if cache is not None:
        cache.parent.mkdir(parents=True, exist_ok=True)
        save_file({"hidden": hidden, "nats": nats}, cache, metadata={_IDENTITY: identity})
    return States(ensemble.names, tokens, hidden, nats.numpy())


def label_nats(ensemble: Ensemble, expert: int, states: Tensor, labels: Tensor) -> Tensor:
    """(n, H), (n,) -> (n,) negative log-likelihoods."""
    with torch.inference_mode():
        found: Tensor = torch.nn.functional.cross_entropy(
            project(ensemble, expert, states), labels, reduction="none"
        )
        return found


def project(ensemble: Ensemble, expert: int, states: Tensor) -> Tensor:
    """(n, H) states in any precision -> (n, V) logits in float32, with gradient to the states."""
    output = next(ensemble.seats[expert][0].output.parameters())
    return ensemble.project(expert, states.to(output.device, output.dtype)).float()


def _batch(rows: Sequence[IntArray], start: int, pad: int) -> Tensor:
    """Inputs (B, T) that predict `rows`: the start token, then all but the last; padded at the end."""
    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), pad, dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, 0] = start
        ids[number, 1 : len(row)] = torch.from_numpy(row[:-1])
    return ids


def _identity(ensemble: Ensemble, tokens: Tokens) -> str:
    return json.dumps(
        {
            "experts": list(ensemble.names),
            "weights": ensemble.fingerprint,
            "precision": str(next(ensemble.hosts[0].decoder.parameters()).dtype),
            "passages": digest(tokens.passages),
            "tokens": len(tokens.labels),
        }
    )


def _cached(path: Path, identity: str) -> tuple[Tensor, NDArray[np.float32]] | None:
    """None where the file is missing, cut short, or of other weights or passages."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get(_IDENTITY) != identity:
                return None
            return file.get_tensor("hidden"), file.get_tensor("nats").numpy()
    except SafetensorError:
        return None
