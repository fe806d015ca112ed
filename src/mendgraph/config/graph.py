"""One graph and its tiers."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from mendgraph.config.frozen import Frozen
from mendgraph.core.supervision import Supervision
from mendgraph.settings_file import merged


class TierSpec(BaseModel):
    """One tier.  `kind` names a builder; every key not listed here is an argument of that builder.

    Attributes:
        cost: of answering one row, in whatever unit the graph's `budget` is in.
        supervision: what differs from the graph's.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str
    cost: float = Field(default=1.0, ge=0.0)
    supervision: dict[str, Any] = {}

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class GraphSpec(Frozen):
    """One graph and its tiers, in the order they are tried."""

    encoder: str = "embedded"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    max_length: int = Field(default=128, ge=8, le=8192)
    batch_size: int = Field(default=32, ge=1)
    ask: Literal["never", "return", "interrupt"] = "return"
    deadline_s: float | None = Field(default=None, gt=0.0)
    budget: float | None = Field(default=None, ge=0.0)
    journal: str | None = None
    policy: str
    supervision: Supervision = Supervision()
    tiers: dict[str, TierSpec]

    def supervision_of(self, tier: str) -> Supervision:
        """The graph's supervision with what the tier's own stanza changes."""
        return _SUPERVISION.validate_python(
            merged(_SUPERVISION.dump_python(self.supervision), self.tiers[tier].supervision)
        )

    @model_validator(mode="after")
    def _supervisions_are_sound(self) -> Self:
        for name in self.tiers:
            try:
                self.supervision_of(name)
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(map(str, ("tiers", name, "supervision", *first["loc"])))
                raise ValueError(f"{place}: {first['msg']}") from error
        return self


_SUPERVISION = TypeAdapter(Supervision)
