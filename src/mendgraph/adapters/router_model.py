"""A trained router: prompts in, one score and one expected quality per LLM out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.adapters.outcomes import nan_rows
from mendgraph.adapters.prompt_vectors import PromptInputs, PromptVectors, with_weights
from mendgraph.core.arrays import FloatArray
from mendgraph.errors import ArtifactError, DataError, HashMismatch, ShapeMismatch, UnknownNameError
from mendgraph.modules.router import FixedRows, Head, MixtureHead, ReferenceHead, RouterNetwork, StrengthHead

__all__ = ["ENCODER", "HEAD", "HEADS", "RouterModel", "fit_row"]

HEAD = "router.safetensors"
ENCODER = "encoder.safetensors"
ADAPTER = "adapter_model.safetensors"
ROWS = "rows"
HEADS = ("strength", "mixture", "reference")

LOGISTIC, IDENTITY = "logistic", "identity"
OUTCOME, WIN_RATE = "outcome", "win_rate"
"""What quality is: the expected outcome, or, for routers taught by comparisons alone, the chance to win against the
other LLMs of the pool."""

STRENGTH_SPREAD = 1.0
"""Least standard deviation that a new LLM's row may have around the known ones', in logits."""


@dataclass(frozen=True, slots=True)
class RouterModel:
    """A head over the vectors of prompts.

    A prompt's score for an LLM is ``tanh(logit)``, in [-1, 1], and ``sigmoid(slope * 2 logit + intercept)`` the quality
    to expect.  Where a head was fitted by least squares the link is the identity: the score is the logit itself, held
    within [-1, 1], and the quality linear in it.  Safe across threads.

    Attributes:
        models: names, in the order of all columns.
        link: `LOGISTIC` or `IDENTITY`.
        slope, intercept: of quality, fitted on held-out prompts.
        meaning: of quality, `OUTCOME` or `WIN_RATE`.
        fingerprint: of the artefact; changes with every LLM that joins.
    """

    models: tuple[str, ...]
    vectors: PromptVectors
    network: RouterNetwork
    link: str = LOGISTIC
    slope: float = 1.0
    intercept: float = 0.0
    meaning: str = OUTCOME
    fingerprint: str = ""

    @classmethod
    def open(cls, artifact: Artifact, encoder: SharedEncoder) -> RouterModel:
        """What a training run wrote.

        Raises:
            HashMismatch: it was trained over another encoder.
            ArtifactError: a part is missing or does not fit.
        """
        manifest = artifact.manifest
        base = manifest.base_model
        if base is None or base.sha256 != encoder.backbone.sha256:
            raise HashMismatch(
                f"{manifest.name!r} was made over {base.name if base else 'an unknown encoder'}, this is another one",
                hint="configure the encoder that it was made over",
            )
        adapter = None
        if ADAPTER in manifest.files:
            adapter = f"{manifest.name}@{artifact.fingerprint}"
            encoder.add_adapter(adapter, artifact, merge=True)
        elif ENCODER in manifest.files:
            encoder = with_weights(encoder, artifact.tensors(ENCODER), artifact.fingerprint)
        vectors = PromptVectors(encoder, PromptInputs.from_dict(manifest.settings), adapter)
        tensors = {name: part.float() for name, part in artifact.tensors(HEAD).items()}
        with renamed(f"read the settings of {manifest.name!r}", loading=True):
            quality = manifest.settings["quality"]
            slope, intercept = float(quality["slope"]), float(quality["intercept"])
            link, meaning = str(quality["link"]), str(quality["meaning"])
        network = _network(manifest.settings, tensors, vectors.width, len(manifest.labels))
        return cls(manifest.labels, vectors, network, link, slope, intercept, meaning, artifact.fingerprint)

    def representation(self, prompts: Sequence[str]) -> FloatArray:
        """(N, D) float64: what the head reads.  `rated` takes it instead of prompts that were encoded before."""
        return np.asarray(self.vectors.of(prompts).numpy(), dtype=np.float64)

    def scores(self, prompts: Sequence[str]) -> FloatArray:
        """(N, M) in [-1, 1]; only their order within a prompt is meant."""
        return self.rate(prompts)[0]

    def quality(self, prompts: Sequence[str]) -> FloatArray:
        """(N, M) in [0, 1]: the quality to expect of each LLM's answer."""
        return self.rate(prompts)[1]

    def rate(self, prompts: Sequence[str]) -> tuple[FloatArray, FloatArray]:
        """`scores` and `quality`; every prompt is encoded once."""
        return self.rated(self.vectors.of(prompts))

    def rated(self, vectors: Tensor | ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Scores and quality, (N, M) each, of prompts given as (N, D) `representation`."""
        inputs = torch.as_tensor(vectors, dtype=torch.float32)
        with torch.inference_mode():
            logits = nan_rows(self.network(inputs)).double()
            scores = logits.tanh() if self.link == LOGISTIC else logits.clamp(-1.0, 1.0)
            quality = self._quality(logits)
        return scores.numpy(), quality.numpy()

    def with_encoder(self, encoder: SharedEncoder) -> RouterModel:
        """The same over another view of the same weights, e.g. with another batch size."""
        return replace(self, vectors=PromptVectors(encoder, self.vectors.inputs, self.vectors.adapter))

    def columns(self, names: Sequence[str]) -> list[int]:
        """Where these LLMs' columns are.

        Raises:
            UnknownNameError: the router does not know one; it could `join`.
        """
        for name in names:
            if name not in self.models:
                raise UnknownNameError("LLM of the router", name, self.models)
        return [self.models.index(name) for name in names]

    def join(self, name: str, prompts: Sequence[str], outcomes: ArrayLike) -> RouterModel:
        """A router that knows one LLM more, from k prompts with its outcomes in [0, 1]; nothing else is trained.

        With few outcomes the new LLM is taken for one like the known ones, only stronger or weaker.

        Raises:
            DataError: no outcomes, not one per prompt, or not in [0, 1]; or the name is taken.
        """
        targets = np.asarray(outcomes, dtype=np.float64)
        if name in self.models:
            raise DataError(f"the router knows {name!r} already", hint="join it under another name")
        if targets.shape != (len(prompts),) or not len(prompts):
            raise DataError(f"join: {len(prompts)} prompts, but outcomes of shape {targets.shape}")
        if not ((targets >= 0) & (targets <= 1)).all():
            raise DataError("join: outcomes must lie in [0, 1]", hint="scale them first")
        row = fit_row(self.network, self.vectors.of(prompts), torch.from_numpy(targets), self.link)
        rows = torch.cat([self.network.rows().detach(), row[None]])
        changed = sha256_of_json({"router": self.fingerprint, "name": name, "row": row.tolist()})[:16]
        return replace(
            self,
            models=(*self.models, name),
            network=RouterNetwork(self.network.head, FixedRows(rows)).eval(),
            fingerprint=changed,
        )

    def _quality(self, logits: Tensor) -> Tensor:
        if self.meaning == WIN_RATE:
            lead = logits[:, :, None] - logits[:, None, :]
            wins = (self.slope * 2.0 * lead).sigmoid().sum(2)
            found: Tensor = (wins - 0.5) / max(len(self.models) - 1, 1)  # without the half win against itself
        elif self.link == IDENTITY:
            found = (self.slope * 0.5 * (logits + 1.0) + self.intercept).clamp(0.0, 1.0)
        else:
            found = (self.slope * 2.0 * logits + self.intercept).sigmoid()
        return found


def fit_row(network: RouterNetwork, vectors: Tensor, outcomes: Tensor, link: str = LOGISTIC) -> Tensor:
    """(R,) the row of a new LLM: penalised likelihood of its (k,) outcomes, everything else fixed.

    The penalty pulls it to the mean of the known rows, with their own spread as its unit (an empirical prior).
    """
    head = network.head
    with torch.no_grad():
        rows = network.rows()
        sides = head.prompts(vectors.clone())
        mean, spread = rows.mean(0), rows.std(0, correction=0)
    spread = spread.clamp(min=float(spread.mean()) or STRENGTH_SPREAD)
    if isinstance(head, StrengthHead):
        spread[0] = spread[0].clamp(min=STRENGTH_SPREAD)
    row = mean.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([row], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        logits = head.meet(sides, row[None]).squeeze(1)
        if link == LOGISTIC:
            fit = F.binary_cross_entropy_with_logits(2.0 * logits, outcomes.to(logits), reduction="sum")
        else:  # outcomes spread about as much as -1 and 1 do: one unit of variance
            fit = 0.5 * (logits - (2.0 * outcomes.to(logits) - 1.0)).square().sum()
        total: Tensor = fit + 0.5 * ((row - mean) / spread).square().sum()
        total.backward()
        return total

    with torch.enable_grad():
        optimizer.step(loss)
    found: Tensor = row.detach()
    return found


def _network(
    settings: Mapping[str, Any], tensors: dict[str, Tensor], width: int, models: int
) -> RouterNetwork:
    with renamed("read a router's settings", loading=True):
        kind, dims = str(settings["head"]), tuple(map(int, settings["hidden_dims"]))
        rank, groups = int(settings["rank"]), int(settings["groups"])
    if kind not in HEADS:
        raise ArtifactError(f"unknown router head {kind!r}; known: {', '.join(HEADS)}", hint="train it again")
    head: Head
    if kind == "mixture":
        head = MixtureHead(width, groups, rank)
    else:
        head = StrengthHead(width, rank, dims) if kind == "strength" else ReferenceHead(width, dims)
    rows = tensors.pop(ROWS, torch.empty(0))
    wanted = {name: tuple(part.shape) for name, part in head.state_dict().items()}
    given = {name: tuple(part.shape) for name, part in tensors.items()}
    if wanted != given or rows.shape != (models, head.row):
        raise ShapeMismatch(
            f"the router's head has {given} and rows {tuple(rows.shape)}, needs {wanted} and {(models, head.row)}",
            hint="use the encoder it was trained with, or train it again",
        )
    head.load_state_dict(tensors)
    return RouterNetwork(head, FixedRows(rows)).eval().requires_grad_(False)
