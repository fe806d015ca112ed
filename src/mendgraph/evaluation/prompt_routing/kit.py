"""Everything the fits read, opened once: the encoder runs over a prompt a single time for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.hub import locate
from mendgraph.adapters.prompt_vectors import PromptInputs, PromptVectors
from mendgraph.config import Config
from mendgraph.core.arrays import FloatArray
from mendgraph.core.prompt_features import FEATURES, prompt_features
from mendgraph.core.routing_baselines import gram_vectors
from mendgraph.evaluation.prompt_routing.baselines import baselines
from mendgraph.evaluation.prompt_routing.learned import recipe_fit
from mendgraph.evaluation.prompt_routing.readings import Columns, Reader, Readings, SideBySide
from mendgraph.evaluation.prompt_routing.trials import Fit
from mendgraph.evaluation.prompt_routing.two_models import ROUTER
from mendgraph.training.prompt_routing.pooling import detect_pooling
from mendgraph.training.prompt_routing.specs import ModelSpec

GRAMS = 4096
"""Width of the n-gram baseline's vectors."""

LAST = -1


@dataclass(frozen=True, slots=True, eq=False)
class Kit:
    """
    Attributes:
        inputs: what the recipe's head reads.
        blocks: see `PromptInputs.blocks`.
    """

    spec: ModelSpec
    inputs: Reader
    blocks: tuple[int, int]
    sentences: Reader
    grams: Reader

    def fits(self) -> dict[str, Fit]:
        """The router first, then what it has to beat."""
        return {
            ROUTER: recipe_fit(self.spec, self.inputs, self.blocks),
            **baselines(self.sentences, self.grams),
        }


def open_kit(config: Config, spec: ModelSpec, step: Callable[[int, int], None]) -> Kit:
    """
    Args:
        spec: the recipe, over a frozen encoder; which one is the configuration's business.
        step: told how many of how many new prompts are encoded.
    """
    routing = config.prompt_routing
    encoder = SharedEncoder.open(
        routing.encoder,
        device=routing.device,
        precision=routing.precision,
        max_length=spec.max_length,
        batch_size=routing.batch_size,
    )
    pooling = detect_pooling(locate(routing.encoder)) if spec.pooling == "auto" else spec.pooling
    # the last layer, which the neighbours read, comes along: the encoder runs once
    read = PromptInputs(pooling, (*spec.layers, LAST), spec.spread_layers, 0, (), spec.max_length)
    vectors = PromptVectors(encoder, read)

    def encode(prompts: Sequence[str]) -> FloatArray:
        with torch.inference_mode():
            return np.asarray(vectors.of(prompts).numpy(), dtype=np.float64)

    states = Readings(encode, step)
    width = (vectors.width - encoder.hidden_size * len(read.spread_layers)) // len(read.layers)
    start, end = width * len(spec.layers), width * len(read.layers)
    grams = Readings(lambda prompts: gram_vectors(prompts, GRAMS))
    own = grams if spec.grams == GRAMS else Readings(lambda prompts: gram_vectors(prompts, spec.grams))
    parts: list[Reader] = [Columns(states, slice(start)), Columns(states, slice(end, None))]
    parts += [own] if spec.grams else []
    parts += [Readings(prompt_features)] if spec.prompt_features else []
    return Kit(
        spec,
        SideBySide(parts),
        (spec.grams, len(FEATURES) if spec.prompt_features else 0),
        Columns(states, slice(start, end)),
        grams,
    )
