"""Experts of one second's training, and their states over a few passages, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.training.token_routing.passages import DOMAINS
from mendgraph.training.token_routing.states import States, read_states, tokenize
from tests.experts import open_experts, passages


@pytest.fixture(scope="session")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    return open_experts(tmp_path_factory.mktemp("experts"))


@pytest.fixture(scope="session")
def states(ensemble: Ensemble) -> dict[str, States]:
    sizes = {"train": 12, "dev": 4, "test": 6}
    return {
        split: read_states(ensemble, tokenize(ensemble, passages(split, count, seed=number), DOMAINS))
        for number, (split, count) in enumerate(sizes.items())
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "heads"
