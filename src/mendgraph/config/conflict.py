"""The conflict graph's stanza."""

from __future__ import annotations

from pydantic import Field

from mendgraph.config.graph import GraphSpec
from mendgraph.core.conflict_stages import Verify


class ConflictSpec(GraphSpec):
    """The conflict graph: its tier ``types`` tells levels apart, ``values`` compares without a model, all others read.

    Attributes:
        docs: where documents are looked for when a question comes without: a folder, a .jsonl or a .parquet file.
        top_k: how many of them.
        sure: share of a shallow level from which states are refined; see `mendgraph.core.conflict_stages.Ways`.
        verify: ``policy``, ``samples`` or ``both``; see there.
        samples, temperature, seed: of the samples.
    """

    docs: str | None = None
    top_k: int = Field(default=7, ge=1)
    sure: float = Field(default=0.7, ge=0.0, le=1.0)
    verify: Verify = "policy"
    samples: int = Field(default=8, ge=1, le=256)
    temperature: float = Field(default=0.7, gt=0.0)
    seed: int = Field(default=0, ge=0, lt=2**63)
