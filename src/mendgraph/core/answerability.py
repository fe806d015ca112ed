"""Whether a document answers a question: the labels, and the two texts that are read together."""

from __future__ import annotations

from typing import Final

from mendgraph.core.answers import normal_form
from mendgraph.core.evidence import body_of, closeness
from mendgraph.core.resolution import without_rule

__all__ = ["FEATURES", "LABELS", "NOTHING", "VALUE", "features", "label_of", "texts"]

NOTHING: Final = "nothing"
VALUE: Final = "value"
LABELS: Final = (NOTHING, VALUE, "yes", "no")
"""What a document says to a question: nothing, a value that has to be read from it, or yes or no."""

FEATURES: Final = ("closeness",)
"""Names of the numbers that `features` gives."""


def label_of(answer: str | None) -> str:
    """Label of a document that answers so; None where it does not."""
    if answer is None:
        return NOTHING
    form = normal_form(answer)
    return form if form in LABELS[2:] else VALUE


def texts(question: str, document: str) -> tuple[str, str]:
    """Question and document without what says nothing of the matter: the rule that is asked for, the header."""
    return without_rule(question), body_of(document)


def features(question: str, document: str) -> list[float]:
    return [closeness(without_rule(question), document)]
