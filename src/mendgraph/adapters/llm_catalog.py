"""From the configured LLMs to values of the core, and to the columns of an artefact that knows other LLMs too."""

from __future__ import annotations

from collections.abc import Sequence

from mendgraph.config import RoutingSpec
from mendgraph.core.routing import LLM, Catalog, Terms
from mendgraph.errors import ArtifactError

__all__ = ["catalog_of", "columns"]


def catalog_of(spec: RoutingSpec) -> Catalog:
    """The LLMs to choose among, and the terms unless a row says otherwise."""
    llms = (
        LLM(name, llm.input_price, llm.output_price, llm.output_tokens, llm.latency_s)
        for name, llm in spec.llms.items()
    )
    return Catalog(tuple(llms), Terms(spec.max_cost, spec.cost_weight, spec.max_latency_s))


def columns(tier: str, known: Sequence[str], catalog: Catalog) -> list[int]:
    """Where the catalog's LLMs stand among those an artefact knows.

    Raises:
        ArtifactError: it does not know one of them.
    """
    missing = [name for name in catalog.names if name not in known]
    if missing:
        raise ArtifactError(
            f"tier {tier!r} does not know {', '.join(missing)}; it knows {', '.join(known)}",
            hint="leave them out of prompt_routing.llms, train a router on their outcomes, "
            "or let them join it: RouterModel.join",
        )
    return [list(known).index(name) for name in catalog.names]
