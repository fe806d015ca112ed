"""What nine models' quality costs: the recipe's frontier over cross-validated predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mendgraph.adapters.llm_catalog import catalog_of
from mendgraph.config import Config
from mendgraph.core.arrays import FloatArray
from mendgraph.core.routing import Catalog, tokens_in
from mendgraph.errors import DataError
from mendgraph.evaluation.prompt_routing.frontier import Frontier, frontier, frontier_table
from mendgraph.evaluation.prompt_routing.plots import frontier_chart
from mendgraph.evaluation.prompt_routing.trials import Trials
from mendgraph.evaluation.prompt_routing.two_models import ROUTER
from mendgraph.evaluation.report import Section
from mendgraph.training.prompt_routing.outcomes import Outcomes

NEIGHBOURS = "nearest neighbours"
EVERY = 4
"""Points of the frontier that are printed."""


def money_section(config: Config, trials: Trials, *, resamples: int) -> tuple[Section, Frontier]:
    """Of the first repeat of a cross-validation.

    Raises:
        DataError: a model of the trials has no price in the configuration.
    """
    costs = costs_of(catalog_of(config.prompt_routing), trials.test)
    expected = {name: trials.predicted[name][0] for name in (ROUTER, NEIGHBOURS) if name in trials.predicted}
    found = frontier(expected, trials.test.scores, costs, trials.test.models, resamples=resamples)
    note = (
        "Cross-validated; the router takes the greatest quality - price * cost. Prices and lengths of answers as "
        "configured. over mixtures: above what calling two single models at random in the best proportion gives for "
        "the same money. 95 % intervals over prompts."
    )
    table = frontier_table("Quality for money, nine models", found, ROUTER, EVERY, note)
    return Section("frontier", (table,), {"nine_models": found}), found


def costs_of(catalog: Catalog, table: Outcomes) -> FloatArray:
    """(N, M) dollars."""
    unpriced = [name for name in table.models if name not in catalog.names]
    if unpriced:
        raise DataError(
            f"no price for {', '.join(unpriced)}",
            hint="name them in prompt_routing.llms of the configuration",
        )
    columns = [catalog.names.index(name) for name in table.models]
    return np.stack([catalog.costs(tokens_in(prompt))[columns] for prompt in table.prompts])


def write_frontier(found: Frontier, folder: Path) -> Path:
    return frontier_chart(found, "Nine models: quality for money", folder / "routing_frontier.png")
