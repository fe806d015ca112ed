"""The reflection graph measured by cross-validation and on real sessions, beside its baselines."""

from __future__ import annotations

from mendgraph.evaluation.reflection.measure import evaluate

__all__ = ["evaluate"]
