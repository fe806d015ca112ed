"""The shipped recipe as a fit, so that it can be trained again on every draw."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mendgraph.adapters.router_model import IDENTITY
from mendgraph.core.arrays import FloatArray
from mendgraph.errors import ConfigError
from mendgraph.evaluation.prompt_routing.readings import Reader
from mendgraph.evaluation.prompt_routing.trials import Fit
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.ridge import fit_ridge
from mendgraph.training.prompt_routing.specs import ModelSpec


def recipe_fit(spec: ModelSpec, inputs: Reader, blocks: tuple[int, int]) -> Fit:
    """
    Args:
        spec: of a head that is solved for, not trained in epochs.
        inputs: what the head reads.
        blocks: see `PromptInputs.blocks`.

    Raises:
        ConfigError: the spec trains in epochs: a hundred such runs would take a day.
    """
    solver, head = spec.optimizer_spec, spec.head
    if solver.kind != "ridge" or head.kind == "reference":
        raise ConfigError(f"a router that is trained by {solver.kind} cannot be trained again for every draw")

    def fit(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
        del seed
        vectors = torch.from_numpy(inputs.of(train.prompts))
        network = fit_ridge(solver, head, vectors, blocks, train.scores, train.groups)
        with torch.inference_mode():
            logits = network(torch.from_numpy(inputs.of(prompts)).float()).double()
        expected = (logits + 1) / 2 if solver.link == IDENTITY else (2 * logits).sigmoid()
        found: FloatArray = expected.numpy()
        return found

    return fit
