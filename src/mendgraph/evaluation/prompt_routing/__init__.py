"""The prompt router measured by draws and folds and as the shipped graph, beside its baselines."""

from __future__ import annotations

from mendgraph.evaluation.prompt_routing.measure import evaluate

__all__ = ["evaluate"]
