"""Heads and losses side by side, on the same vectors and the same split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import torch

from mendgraph.core.arrays import FloatArray
from mendgraph.evaluation.prompt_routing.choices import BEST_SINGLE, choice_table, choices
from mendgraph.evaluation.prompt_routing.datasets import Table
from mendgraph.evaluation.prompt_routing.kit import Kit
from mendgraph.evaluation.prompt_routing.trials import Fit, Trials
from mendgraph.evaluation.prompt_routing.two_models import ROUTER
from mendgraph.evaluation.report import Section
from mendgraph.training.prompt_routing.head_alone import fit_head
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.specs import (
    AdamWSpec,
    BradleyTerryLossSpec,
    DavidsonLossSpec,
    HeadSpec,
    LossSpec,
    MarginLossSpec,
    ModelSpec,
    RaoKupperLossSpec,
    ReferenceHeadSpec,
    RegressionLossSpec,
    StrengthHeadSpec,
)
from mendgraph.training.prompt_routing.split import holdout

HEADS: tuple[HeadSpec, ...] = (StrengthHeadSpec(), ReferenceHeadSpec())
LOSSES: tuple[LossSpec, ...] = (
    RegressionLossSpec(),
    BradleyTerryLossSpec(),
    DavidsonLossSpec(),
    RaoKupperLossSpec(),
    MarginLossSpec(),
)
BATCH = 64
"""Prompts per step."""


def ablation_section(
    table: Table, kit: Kit, *, share: float, epochs: int, resamples: int, echo: Callable[[str], None]
) -> Section:
    """Every head with every loss, trained on one part of the training prompts and judged on the rest.

    Args:
        share: of the training prompts that judge; families of near duplicates stay whole.
    """
    rest, judged = holdout(table.families, share, 0)
    train, test = table.train.take(rest), table.train.take(judged)
    fits = kit.fits()
    predicted: dict[str, FloatArray] = {}
    for name in (ROUTER, BEST_SINGLE):
        predicted[f"{name}, as shipped" if name == ROUTER else name] = fits[name](train, test.prompts, 0)[
            None
        ]
    for head, loss in product(HEADS, LOSSES):
        echo(f"ablation: {head.kind} head, {loss.kind} loss")
        fit = trained_fit(kit, head, loss, epochs)
        predicted[f"{head.kind} head, {loss.kind}"] = fit(train, test.prompts, 0)[None]
    trials = Trials(test, predicted, np.zeros((1, len(test)), dtype=np.int64))
    measured = choices(trials, [table.families[row] for row in judged], resamples=resamples)
    note = (
        f"LLMRouter's training prompts: {len(train):,} to train on, {len(test):,} judged; AdamW, {epochs} epochs, the "
        "best of them by loss on prompts held out of the former. A loss's scores have a scale of their own; choices "
        "do not depend on it."
    )
    return Section("ablation", (choice_table("Heads and losses", measured, trials, note),), measured)


def trained_fit(kit: Kit, head: HeadSpec, loss: LossSpec, epochs: int) -> Fit:
    """A head trained in epochs on the recipe's own inputs."""
    spec = ModelSpec(
        head=head,
        loss=loss,
        optimizer_spec=AdamWSpec(learning_rate=1e-3, weight_decay=0.1),
        prompt_features=False,
    )

    def fit(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
        vectors = torch.from_numpy(kit.inputs.of(train.prompts)).float()
        own = spec.model_copy(update={"seed": seed})
        network = fit_head(own, kit.blocks, train, vectors, epochs=epochs, batch_size=BATCH)
        with torch.inference_mode():
            logits = network(torch.from_numpy(kit.inputs.of(prompts)).float())
        found: FloatArray = (2 * logits.double()).sigmoid().numpy()
        return found

    return fit
