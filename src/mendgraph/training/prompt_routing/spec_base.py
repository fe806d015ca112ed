"""What all specs share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Dims",
    "Dropout",
    "Rate",
    "Spec",
]


class Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Dims: TypeAlias = tuple[Annotated[int, Field(ge=1)], ...]
Dropout: TypeAlias = Annotated[float, Field(ge=0.0, lt=1.0)]
Rate: TypeAlias = Annotated[float, Field(gt=0.0)]
