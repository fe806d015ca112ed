"""The published reflection scorer under the names its users know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel

from mendgraph.adapters.backbone import load_tokenizer, positions
from mendgraph.adapters.checkpoint import read_checkpoint
from mendgraph.adapters.device import choose_device, choose_dtype
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.forward import Limits, run_batches
from mendgraph.adapters.hub import locate, locate_file, quiet
from mendgraph.adapters.pairs import CUT, note_cuts
from mendgraph.errors import ArtifactMissing, BadOutput, ConfigError, InputError, ShapeMismatch
from mendgraph.modules.cross_scorer import CrossScorer
from mendgraph.modules.first_token import only_first_token
from mendgraph.runtime.working_size import WorkingSize

__all__ = ["PAIR_CHECKPOINT", "CrossScorerModel"]

PAIR_CHECKPOINT = "hf://Khriis/PAIR/reflection_scorer_weight.pt"
"""The scorer of Min et al. (EMNLP 2022): RoBERTa-base, 475 MB."""

Progress = Callable[[int], None]


class CrossScorerModel(CrossScorer):
    """How well a counsellor's response reflects a client's prompt, in [0, 1].

    About 1 is a complex reflection, .5 a simple one, 0 none.  Scores compare responses to one prompt far better than
    responses to different ones.

    The constructor makes the architecture; the weights come with `load_state_dict`, and nothing is scored before::

        model = CrossScorerModel(model_name="roberta-base")
        model.load_state_dict(torch.load("reflection_scorer_weight.pt", map_location="cpu", weights_only=True))

    or, with the file fetched, read safely and loaded in one step, ``CrossScorerModel.from_checkpoint()``.

    As a reward: `score_absolute` rates responses, `score_relative` by how much new ones beat old ones; both take a
    batch, keep no gradient and give plain numbers.  Memory: 500 MB for RoBERTa-base in float32, half of that in 16
    bits, and the activations of one batch of `batch_size` pairs, whatever the number of pairs.

    Args:
        model_name: ``embedded``, a folder, or a hub name; only its configuration and tokenizer are read.
        layout: ``cross_encoder`` or ``roberta``: how `state_dict` names its parts until a checkpoint says otherwise.
        width, activation, dropout: of the head; None takes what the checkpoint and its layout say.
        max_length: tokens of both texts together, special tokens included; at most the model's positions.
        batch_size: pairs per forward pass; long ones go fewer at a time.
    """

    def __init__(
        self,
        model_name: str = "roberta-base",
        *,
        layout: str = "cross_encoder",
        width: int | None = None,
        activation: str | None = None,
        dropout: float | None = None,
        device: str = "auto",
        precision: str = "fp32",
        max_length: int = 512,
        batch_size: int = 32,
    ) -> None:
        if max_length < 8 or batch_size < 1:
            raise ConfigError(
                f"cross scorer: max_length {max_length} must be >= 8 and batch_size {batch_size} >= 1"
            )
        place = choose_device(device)
        dtype = choose_dtype(precision, place)
        folder = locate(model_name, weights=False)
        with renamed(f"make the encoder of {str(folder)!r}", loading=True), quiet():
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            with torch.random.fork_rng(devices=[]):
                encoder = AutoModel.from_config(config, trust_remote_code=False)
        if getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None  # the first token bypasses it
        only_first_token(encoder)
        super().__init__(
            encoder,
            int(config.hidden_size),
            layout=layout,
            width=width,
            activation=activation,
            dropout=dropout,
        )
        self.tokenizer = load_tokenizer(folder)
        rows = encoder.get_input_embeddings().num_embeddings
        if self.tokenizer.size > rows:
            raise ShapeMismatch(
                f"tokenizer in {str(folder)!r} has {self.tokenizer.size} words, the model {rows} embeddings",
                hint="use the tokenizer that belongs to the model",
            )
        self.max_length = min(max_length, positions(config))
        self.loaded = False
        self._limits, self._working = Limits.of(batch_size), WorkingSize(batch_size)
        self.to(device=place, dtype=dtype).eval().requires_grad_(False)

    @classmethod
    def from_checkpoint(
        cls,
        checkpoint: str | Path = PAIR_CHECKPOINT,
        model_name: str = "roberta-base",
        *,
        cache: str | Path | None = None,
        **options: Any,
    ) -> Self:
        """A model with the weights of a file: a path, or ``hf://owner/name/file``.

        Args:
            cache: folder to keep hub files in, instead of the hub's own.
            options: as for the constructor.

        Raises:
            ArtifactError: the file is missing, damaged, unsafe to read, or does not fit.
            HubUnavailable: it is on the hub, is not cached, and the hub cannot be reached.
        """
        found = read_checkpoint(locate_file(checkpoint, cache=cache))
        model = cls(model_name, **options)
        model.load_state_dict(found.tensors)
        return model

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """See `CrossScorer.load_state_dict`."""
        found = super().load_state_dict(state_dict, strict=strict, assign=assign)
        self.loaded = True
        return found

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def score_pair(self, prompt: str, response: str) -> float:
        """The score of one response, in [0, 1]."""
        return self.score_batch([prompt], [response])[0]

    def score_batch(
        self, prompts: Sequence[str], responses: Sequence[str], *, progress: Progress | None = None
    ) -> list[float]:
        """Scores in [0, 1], in order; pairs of like length share a forward pass.

        Puts the model into evaluation mode.

        Args:
            progress: called with the number of pairs that each forward pass has finished.

        Raises:
            InputError: not as many prompts as responses, or one is no text.
            BadOutput: a score is not finite, and which.
            ArtifactMissing: no weights have been loaded.
        """
        pairs = _pairs(prompts, responses)
        scores: list[float] = self.pair_logits(pairs, progress=progress).double().sigmoid().tolist()
        bad = [number for number, score in enumerate(scores) if not 0.0 <= score <= 1.0]
        if bad:
            raise BadOutput(
                f"the score of pair {bad[0]} is not finite ({len(bad)} of {len(scores)})",
                hint="check the weights, or use a wider precision",
            )
        return scores

    def score_absolute(
        self, prompts: str | Sequence[str], responses: Sequence[str], *, progress: Progress | None = None
    ) -> list[float]:
        """Rewards in [0, 1]: the scores of `responses`; one prompt may stand for all of them."""
        return self.score_batch(_for_all(prompts, responses), responses, progress=progress)

    def score_relative(
        self,
        prompts: str | Sequence[str],
        new: Sequence[str],
        old: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> list[float]:
        """Rewards in [-1, 1]: by how much each new response scores above an old one to the same prompt.

        Both sides go through the model in one batch.
        """
        prompts = _for_all(prompts, new)
        if len(new) != len(old):
            raise InputError(f"{len(new)} new responses but {len(old)} old ones", hint="give one of each")
        found = self.score_batch([*prompts, *prompts], [*new, *old], progress=progress)
        return [after - before for after, before in zip(found[: len(new)], found[len(new) :], strict=True)]

    def pair_logits(self, pairs: Sequence[tuple[str, str]], *, progress: Progress | None = None) -> Tensor:
        """(N,) float32 on the CPU; what `score_batch` takes the sigmoids of.  Numbers may not be finite."""
        if not self.loaded:
            raise ArtifactMissing(
                "the scorer has no weights yet", hint="call load_state_dict, or open it with from_checkpoint"
            )
        if not pairs:
            return torch.empty(0)
        if self.training:
            self.eval()

        def forward(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
            logits: Tensor = self(ids, mask, types).unsqueeze(-1)
            if progress is not None:
                progress(len(ids))
            return logits

        tokens = self.tokenizer.pairs(pairs, self.max_length, CUT)
        note_cuts(self.tokenizer, pairs, tokens, self.max_length)
        found = run_batches(
            tokens,
            forward,
            limits=self._limits,
            working=self._working,
            pad_id=self.tokenizer.pad_id,
            device=self.device,
        )
        return found[:, 0]


def _pairs(prompts: Sequence[str], responses: Sequence[str]) -> list[tuple[str, str]]:
    if isinstance(prompts, str) or isinstance(responses, str):
        raise InputError("expected lists of texts, got one text", hint="use score_pair for one pair")
    if len(prompts) != len(responses):
        raise InputError(
            f"{len(prompts)} prompts but {len(responses)} responses", hint="give one response per prompt"
        )
    pairs = list(zip(prompts, responses, strict=True))
    for number, pair in enumerate(pairs):
        for name, text in zip(("prompt", "response"), pair, strict=True):
            if not isinstance(text, str):
                raise InputError(f"{name} {number} is no text but {type(text).__name__}")
    return pairs


def _for_all(prompts: str | Sequence[str], responses: Sequence[str]) -> Sequence[str]:
    return [prompts] * len(responses) if isinstance(prompts, str) else prompts
