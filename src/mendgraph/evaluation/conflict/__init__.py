"""How well conflicts are found, typed and resolved, beside baselines."""

from mendgraph.evaluation.conflict.evaluate import evaluate

__all__ = ["evaluate"]
