"""Inference graphs that mend themselves.

import mendgraph

graph = mendgraph.load("emotion")
for answer in graph.run(["I'm so happy today!", "Oh great, another Monday. Just perfect."]):
    print(answer.label, answer.confidence, answer.source)
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mendgraph.adapters.cross_scorer_model import CrossScorerModel
    from mendgraph.app import MendGraph
    from mendgraph.assembly import load
    from mendgraph.classifier import EmotionClassifier, create_classifier
    from mendgraph.core.tier import Tier
    from mendgraph.core.values import Answer, Attempt, Failure, Input, Prediction
    from mendgraph.errors import MendError

    __version__: str

_HOME = {
    "Answer": "mendgraph.core.values",
    "Attempt": "mendgraph.core.values",
    "CrossScorerModel": "mendgraph.adapters.cross_scorer_model",
    "EmotionClassifier": "mendgraph.classifier",
    "Failure": "mendgraph.core.values",
    "Input": "mendgraph.core.values",
    "MendError": "mendgraph.errors",
    "MendGraph": "mendgraph.app",
    "Prediction": "mendgraph.core.values",
    "Tier": "mendgraph.core.tier",
    "create_classifier": "mendgraph.classifier",
    "load": "mendgraph.assembly",
}

__all__ = [
    "Answer",
    "Attempt",
    "CrossScorerModel",
    "EmotionClassifier",
    "Failure",
    "Input",
    "MendError",
    "MendGraph",
    "Prediction",
    "Tier",
    "create_classifier",
    "load",
]

with suppress(ModuleNotFoundError):  # bare training machines have no loguru
    from loguru import logger

    logger.disable("mendgraph")  # a library is silent until its user says logger.enable("mendgraph")


def __getattr__(name: str) -> Any:
    """Loads the public names on first use: importing the package costs no torch and no langgraph."""
    if name == "__version__":
        return version("mendgraph")
    if name not in _HOME:
        raise AttributeError(f"module 'mendgraph' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
