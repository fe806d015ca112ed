"""How good token routing is, beside what is simpler."""

from mendgraph.evaluation.token_routing.evaluate import evaluate

__all__ = ["evaluate"]
