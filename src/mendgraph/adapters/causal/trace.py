"""Who wrote which token, how sure everybody was, and who dropped out: as values, JSON and coloured HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

__all__ = ["Loss", "TracedToken", "to_html"]

_HUES = 360
_GOLDEN = 137.508  # degrees; neighbouring experts get colours far apart


@dataclass(frozen=True, slots=True)
class TracedToken:
    """One token.

    Attributes:
        id, token: its number, and its text by itself.
        expert: who wrote it; in a mixture, who had the largest share in its probability.
        confidences: expert -> confidence in [0, 1], of those that were asked: the weights of the mixture, which sum to
            1, or in lazy decoding each one's own; empty when one expert was forced.
        probability: of the token, in (0, 1], before temperature and filters.
    """

    id: int
    token: str
    expert: str
    confidences: Mapping[str, float]
    probability: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "token": self.token,
            "expert": self.expert,
            "confidences": dict(self.confidences),
            "probability": self.probability,
        }


@dataclass(frozen=True, slots=True)
class Loss:
    """An expert that takes no part from token number `step` on, and why."""

    expert: str
    step: int
    kind: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        return {"expert": self.expert, "step": self.step, "kind": self.kind, "message": self.message}


def to_html(
    prompt: str, tokens: Sequence[TracedToken], experts: Sequence[str], losses: Sequence[Loss] = ()
) -> str:
    """One page: each token in the colour of its expert, paler where it was less probable; hover for the numbers."""
    hues = {name: round(number * _GOLDEN) % _HUES for number, name in enumerate(experts)}
    legend = " ".join(_chip(hues[name], name) for name in experts)
    left = "".join(
        f"<li>{escape(loss.expert)} from token {loss.step} on: {escape(loss.message)}</li>" for loss in losses
    )
    body = "".join(_span(token, hues.get(token.expert, 0)) for token in tokens)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Tokens by expert</title><style>'
        "body{font:16px/1.7 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
        "pre{white-space:pre-wrap;font:inherit}.prompt{color:#777}"
        "</style></head>\n"
        f"<body><p>{legend}</p>\n{f'<ul>{left}</ul>' if left else ''}"
        f'<pre><span class="prompt">{escape(prompt)}</span>{body}</pre></body></html>\n'
    )


def _chip(hue: int, name: str) -> str:
    return f'<span style="background:hsl({hue} 70% 80%);padding:0 .4em">{escape(name)}</span>'


def _span(token: TracedToken, hue: int) -> str:
    asked = ", ".join(f"{name} {value:.2f}" for name, value in token.confidences.items())
    title = f"{token.expert}, probability {token.probability:.3f}" + (f"; {asked}" if asked else "")
    light = 96 - 22 * token.probability
    return f'<span style="background:hsl({hue} 70% {light:.0f}%)" title="{escape(title)}">{escape(token.token)}</span>'
