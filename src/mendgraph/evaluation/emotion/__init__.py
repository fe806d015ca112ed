"""The emotion graph measured on labelled test sets, beside its baselines."""

from __future__ import annotations

from mendgraph.evaluation.emotion.measure import evaluate

__all__ = ["evaluate"]
