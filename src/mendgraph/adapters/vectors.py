"""Sentence vectors of the bare encoder, computed once per text for every tier that reads them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.errors import HashMismatch

CAPACITY = 4096
"""Texts remembered, about 6 MB of vectors: enough for one chunk of a long run."""


class SentenceVectors:
    """Mean-pooled vectors of texts, remembered for the tiers that come next.  Safe across threads."""

    def __init__(self, encoder: SharedEncoder) -> None:
        self.encoder = encoder
        self._seen: OrderedDict[str, Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def refuse_foreign(self, artifact: Artifact) -> None:
        """Vectors of another encoder may be as wide, and mean nothing here.

        Raises:
            HashMismatch: the artefact names another encoder as its base.
        """
        base, found = artifact.manifest.base_model, self.encoder.backbone.sha256
        if base is not None and base.sha256 != found:
            raise HashMismatch(
                f"{artifact.manifest.name!r} was made over {base.name} {base.sha256[:16]}..., "
                f"this encoder has SHA-256 {found[:16]}...",
                hint="configure the encoder that it was made over",
            )

    def of(self, texts: Sequence[str]) -> Tensor:
        """(N, H) float32, in the order of `texts`."""
        with self._lock:
            known = {text: self._seen[text] for text in texts if text in self._seen}
        missing = list(dict.fromkeys(text for text in texts if text not in known))
        if missing:
            fresh = dict(zip(missing, self.encoder.encode(missing), strict=True))
            known.update(fresh)
            with self._lock:
                self._seen.update(fresh)
                while len(self._seen) > CAPACITY:
                    self._seen.popitem(last=False)
        if not texts:
            return torch.empty(0, self.encoder.hidden_size)
        return torch.stack([known[text] for text in texts])
