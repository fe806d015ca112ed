"""Two texts read together by an artefact's adapter on the shared encoder, and judged by its head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.forward import run_batches
from mendgraph.adapters.tokens import Tokens
from mendgraph.core.arrays import FloatArray
from mendgraph.errors import ArtifactError, ConfigError
from mendgraph.modules.answer_head import first_and_last, inside
from mendgraph.modules.lora import use_adapter
from mendgraph.modules.pair_head import PairHead, pair_states

__all__ = ["CUT", "HEAD", "MarkingReader", "PairReader"]

HEAD = "head.safetensors"
CUT = "longest_first"


class PairReader:
    """
    Attributes:
        max_length: tokens of both texts; the longer one is cut first.

    Args:
        head: kind of head, made for the encoder's width, `features`, its own width and `labels`.
        part: of `mend train conflict`, for the way out.

    Raises:
        ArtifactError: the artefact is of another version.
        ConfigError: the encoder cannot read two texts.
    """

    def __init__(
        self,
        encoder: SharedEncoder,
        artifact: Artifact,
        head: type[PairHead],
        *,
        labels: Sequence[str],
        features: Sequence[str],
        part: str,
        merge: bool,
    ) -> None:
        manifest = artifact.manifest
        self._name = manifest.name
        if not encoder.backbone.tokenizer.wants_types:
            raise ConfigError(f"{self._name!r}: the encoder does not tell the two texts of a pair apart")
        with renamed(f"read the settings of {self._name!r}", loading=True):
            settings = manifest.settings
            width, known = int(settings["head_width"]), tuple(settings["features"])
            self.max_length = min(int(settings["max_length"]), encoder.backbone.positions)
        if tuple(manifest.labels) != tuple(labels) or known != tuple(features):
            raise ArtifactError(
                f"{self._name!r} was made with other labels or features than this version has",
                hint=f"train it again: mend train conflict --part {part}",
            )
        self._encoder = encoder
        self._head: nn.Module = head(encoder.hidden_size, len(features), width, len(labels))
        with renamed(f"read the head of {self._name!r}", loading=True):
            self._head.load_state_dict({key: part.float() for key, part in artifact.tensors(HEAD).items()})
        self._head.eval().requires_grad_(False)
        # Named by content: two graphs may each have an adapter of one name on one encoder.
        self._adapter = f"{self._name}@{artifact.fingerprint}"
        encoder.add_adapter(self._adapter, artifact, merge=merge)

    def logits(
        self, texts: Sequence[tuple[str, str]], features: Sequence[Sequence[float]]
    ) -> tuple[Tensor, int]:
        """(N, labels), and how many pairs were cut."""
        tokens = self._encoder.backbone.tokenizer.pairs(texts, self.max_length, CUT)
        states = self._passed(tokens, pair_states)
        with torch.inference_mode():
            found: Tensor = self._head(states, torch.tensor(features, dtype=torch.float32))
        return found, sum(len(ids) >= self.max_length for ids in tokens.ids)

    def _passed(self, tokens: Tokens, of: Callable[[Tensor, Tensor | None, Tensor], Tensor]) -> Tensor:
        """(N, K) by `of`, from states (B, T, H), mask (B, T) or None, and segment ids (B, T) to (B, K)."""
        backbone = self._encoder.backbone
        model: Any = backbone.model

        def forward(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
            if types is None:
                raise ConfigError(f"{self._name!r}: the tokenizer gave no segment ids")
            states = model(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
            return of(states, mask, types)

        with use_adapter(self._adapter):
            return run_batches(
                tokens,
                forward,
                limits=self._encoder.limits,
                working=self._encoder.working,
                pad_id=backbone.tokenizer.pad_id,
                device=backbone.device,
            )


class MarkingReader(PairReader):
    """`PairReader` whose head marks something in the second text too."""

    def marks(
        self, texts: Sequence[tuple[str, str]], features: Sequence[Sequence[float]]
    ) -> tuple[Tensor, list[FloatArray], Tokens]:
        """(N, labels) logits; for each pair (T, 2) log-probabilities that the first and the last token of what is
        marked is this one, -inf outside the second text; and the tokens, with their places in the text."""
        tokens = self._encoder.backbone.tokenizer.pairs(texts, self.max_length, CUT, offsets=True)
        longest = max(len(ids) for ids in tokens.ids)
        head: Any = self._head

        def of(states: Tensor, mask: Tensor | None, types: Tensor) -> Tensor:
            places = first_and_last(head.marks(states.cpu()), inside(types, mask).cpu())
            missing = longest - places.shape[1]
            wide = functional.pad(places, (0, 0, 0, missing), value=float("-inf"))
            return torch.cat([pair_states(states, mask, types).cpu(), wide.flatten(1)], dim=1)

        found = self._passed(tokens, of)
        width = found.shape[1] - 2 * longest
        with torch.inference_mode():
            logits: Tensor = self._head(found[:, :width], torch.tensor(features, dtype=torch.float32))
        places = found[:, width:].reshape(len(tokens), longest, 2).double().numpy()
        return logits, [row[: len(ids)] for row, ids in zip(places, tokens.ids, strict=True)], tokens
