"""A fresh head with the LLMs' embeddings, and what of the prompts goes into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mendgraph.adapters.prompt_vectors import PromptInputs
from mendgraph.core.arrays import FloatArray
from mendgraph.core.prompt_features import FEATURES
from mendgraph.modules.router import EmbeddedRows, FixedRows, Head, ReferenceHead, RouterNetwork, StrengthHead
from mendgraph.training.prompt_routing.pooling import detect_pooling
from mendgraph.training.prompt_routing.specs import ModelSpec
from mendgraph.training.prompt_routing.tuning import TunedEncoder

__all__ = ["PromptReader", "fresh_network", "plain"]

CHUNK = 1024


class PromptReader(nn.Module):
    """Prompts to the head's inputs: tuned encoder, and features; every prompt's tokens and features kept.

    Args:
        prompts: all that will be asked for, by number.
    """

    def __init__(self, spec: ModelSpec, prompts: Sequence[str], device: torch.device) -> None:
        super().__init__()
        self.encoder = TunedEncoder(
            spec.transformer_model_name,
            spec.finetuning_spec,
            layers=spec.layers,
            spread_layers=spec.spread_layers,
            max_length=spec.max_length,
            device=device,
        )
        self.encoder.pooling = detect_pooling(self.encoder.folder) if spec.pooling == "auto" else spec.pooling
        self.inputs = PromptInputs(
            self.encoder.pooling,
            spec.layers,
            spec.spread_layers,
            spec.grams,
            FEATURES if spec.prompt_features else (),
            self.encoder.max_length,
        )
        self._tokens = self.encoder.tokens(prompts)
        self._beside = self.inputs.beside(prompts)
        self._fixed: Tensor | None = None if self.encoder.tuned else self._read()

    def forward(self, numbers: Sequence[int]) -> Tensor:
        """(B, D) on the encoder's device, with gradients where anything is tuned."""
        at = list(numbers)
        if self._fixed is not None:
            return self._fixed[at].to(self.encoder.device)
        states = self.encoder(self._tokens.take(at))
        return torch.cat([states, self._beside[at].to(states)], dim=1)

    def all(self) -> Tensor:
        """(N, D) on the CPU, of all prompts, without gradients."""
        return self._read() if self._fixed is None else self._fixed

    def _read(self) -> Tensor:
        count = len(self._tokens)
        parts = [
            self.encoder.vectors(self._tokens.take(range(start, min(start + CHUNK, count))))
            for start in range(0, count, CHUNK)
        ]
        return torch.cat([torch.cat(parts), self._beside], dim=1)


def fresh_network(
    spec: ModelSpec, vectors: Tensor, blocks: tuple[int, int], embeddings: Tensor, strengths: FloatArray
) -> RouterNetwork:
    """A head that knows the LLMs' strengths and nothing yet of how prompts change them.

    Args:
        vectors: (N, D) training prompts, which say how inputs are standardised.
        blocks: see `PromptInputs.blocks`.
        embeddings: (M, E)
        strengths: (M,) in nats.
    """
    width = vectors.shape[1]
    if spec.head.kind == "reference":
        head: Head = ReferenceHead(width, spec.dims, spec.dropout)
        rows = EmbeddedRows(embeddings, head.row, 0)
    else:
        assert spec.head.kind == "strength"  # a mixture has no epochs
        head = StrengthHead(width, spec.head.rank, spec.dims, spec.dropout)
        rows = EmbeddedRows(embeddings, head.row, 1)
        with torch.no_grad():
            assert rows.free is not None  # asked for above
            rows.free[:, 0] = torch.from_numpy(strengths / 2.0)
            rows.map.weight.mul_(0.1)  # the strengths speak first
    head.standardise(vectors)
    grams, features = blocks
    if grams:  # one scale for all of them: a rare one would otherwise count as much as a frequent one
        part = slice(-grams - features, -features or None)
        length = vectors[:, part].var(0, correction=0).sum().sqrt().clamp(min=1e-6)
        head.scale[part] = (vectors.shape[1] - grams) ** 0.5 / length
    return RouterNetwork(head, rows)


def plain(network: RouterNetwork) -> dict[str, Tensor]:
    """What an artefact holds: the head's tensors, and the rows as numbers under ``rows``."""
    found = {name: part.detach() for name, part in network.head.state_dict().items()}
    with torch.no_grad():
        found["rows"] = network.rows()
    return {name: part.float().cpu().clone().contiguous() for name, part in found.items()}


def set_plain(network: RouterNetwork, tensors: Mapping[str, Tensor]) -> RouterNetwork:
    """The network with the values that `plain` gave, e.g. after a trip through half precision."""
    head = {name: part.float() for name, part in tensors.items() if name != "rows"}
    network.head.load_state_dict(head)
    return RouterNetwork(network.head, FixedRows(tensors["rows"].float())).eval().requires_grad_(False)
