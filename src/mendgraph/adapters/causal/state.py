"""What decoding remembers between two chunks: plain data, enough to go on in another process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from mendgraph.adapters.causal.sampling import Sampling
from mendgraph.adapters.causal.trace import Loss, TracedToken
from mendgraph.errors import ConfigError

__all__ = ["MODES", "Finish", "Mode", "Options", "Row", "State"]

Mode = Literal["soft", "hard", "lazy", "fusion", "forced"]
MODES: tuple[Mode, ...] = get_args(Mode)
Finish = Literal["", "end", "stop", "length", "context", "failed"]


@dataclass(frozen=True, slots=True)
class Options:
    """How a text is written.

    Attributes:
        mode: ``soft`` mixture of all; ``hard`` best head; ``lazy`` the same expert until its head doubts; ``fusion``
            best head plus complementary logits; ``forced`` one expert, the others are not run.
        expert: who is forced, or who begins in lazy decoding (None: the best head begins).
        doubt: trust below which lazy decoding asks the others, in [0, 1].
        stop: texts that end the answer and are cut off with what follows.
        seed: row number n draws with seed + n.
    """

    mode: Mode = "soft"
    expert: str | None = None
    max_new_tokens: int = 128
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    seed: int = 0
    doubt: float = 0.5

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ConfigError(f"mode: unknown {self.mode!r}", hint=f"one of {', '.join(MODES)}")
        if self.mode == "forced" and self.expert is None:
            raise ConfigError("mode: 'forced' needs an expert", hint="name one, e.g. expert='general'")
        if self.max_new_tokens < 1 or not 0 <= self.doubt <= 1 or "" in self.stop:
            raise ConfigError(
                f"decoding: max_new_tokens {self.max_new_tokens} must be >= 1, doubt {self.doubt} in [0, 1], "
                f"stop {list(self.stop)} without empty texts"
            )

    def to_dict(self) -> dict[str, Any]:
        sampling = self.sampling
        return {
            "mode": self.mode,
            "expert": self.expert,
            "max_new_tokens": self.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "stop": list(self.stop),
            "seed": self.seed,
            "doubt": self.doubt,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Options:
        rest = {
            key: value for key, value in data.items() if key not in ("temperature", "top_p", "top_k", "stop")
        }
        sampling = Sampling(data["temperature"], data["top_p"], data["top_k"])
        return cls(sampling=sampling, stop=tuple(data["stop"]), **rest)


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt and what has been written after it.

    Attributes:
        prompt, ids: token ids; a token that ends the text is among `ids`.
        text: what `ids` say, cut at a stop.
        active: the expert that wrote the last token.
        finish: "" while it can go on; ``end`` of text, ``stop``, ``length`` reached, ``context`` full, or ``failed``
            when no expert is left.
        tokens: one per id.
        losses: experts that dropped out.
        window: where the text decoder stands, see `TextStream`.
    """

    prompt: tuple[int, ...]
    ids: tuple[int, ...] = ()
    text: str = ""
    active: str | None = None
    finish: Finish = ""
    tokens: tuple[TracedToken, ...] = ()
    losses: tuple[Loss, ...] = ()
    window: tuple[int, int] = (0, 0)

    def to_dict(self) -> dict[str, Any]:
        return {
            "prompt": list(self.prompt),
            "ids": list(self.ids),
            "text": self.text,
            "active": self.active,
            "finish": self.finish,
            "tokens": [token.to_dict() for token in self.tokens],
            "losses": [loss.to_dict() for loss in self.losses],
            "window": list(self.window),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Row:
        return cls(
            prompt=tuple(data["prompt"]),
            ids=tuple(data["ids"]),
            text=data["text"],
            active=data["active"],
            finish=data["finish"],
            tokens=tuple(TracedToken(**token) for token in data["tokens"]),
            losses=tuple(Loss(**loss) for loss in data["losses"]),
            window=(data["window"][0], data["window"][1]),
        )


@dataclass(frozen=True, slots=True)
class State:
    """All rows of a batch, and how they are written."""

    rows: tuple[Row, ...]
    options: Options

    @property
    def done(self) -> bool:
        return all(row.finish for row in self.rows)

    @property
    def texts(self) -> list[str]:
        return [row.text for row in self.rows]

    def without(self, expert: str, why: str = "switched off") -> State:
        """The same, with an expert that takes no part from here on."""
        return replace(self, rows=tuple(_without(row, expert, why) for row in self.rows))

    def to_dict(self) -> dict[str, Any]:
        return {"rows": [row.to_dict() for row in self.rows], "options": self.options.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> State:
        rows: Sequence[Mapping[str, Any]] = data["rows"]
        return cls(tuple(Row.from_dict(row) for row in rows), Options.from_dict(data["options"]))


def _without(row: Row, expert: str, why: str) -> Row:
    if row.finish or any(loss.expert == expert for loss in row.losses):
        return row
    return replace(row, losses=(*row.losses, Loss(expert, len(row.ids), "tier_down", why)))
