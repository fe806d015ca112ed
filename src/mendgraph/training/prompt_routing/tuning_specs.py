"""What of an encoder may change."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mendgraph.training.prompt_routing.spec_base import Dropout, Spec

__all__ = [
    "BitFitSpec",
    "FinetuningSpec",
    "FrozenSpec",
    "FullSpec",
    "LastLayersSpec",
    "LoraSpec",
    "QLoraSpec",
]


class FrozenSpec(Spec):
    """The encoder stays as it is: every prompt is encoded once, and training takes seconds."""

    kind: Literal["frozen"] = "frozen"


class _LowRank(Spec):
    rank: int = Field(default=16, ge=1, le=512)
    alpha: int = Field(default=32, ge=1)
    dropout: Dropout = 0.05
    target_modules: Literal["auto"] | tuple[str, ...] = "auto"


class LoraSpec(_LowRank):
    """Low-rank adapters (Hu et al. 2021); ``auto`` targets every linear layer of the encoder's blocks."""

    kind: Literal["lora"] = "lora"


class QLoraSpec(_LowRank):
    """The same over weights held in 4 bits (Dettmers et al. 2023); needs bitsandbytes and a CUDA device."""

    kind: Literal["qlora"] = "qlora"
    load_in_4bit: bool = True
    bnb_4bit_compute_dtype: Literal["float16", "bfloat16", "float32"] = "float16"
    bnb_4bit_quant_type: Literal["nf4", "fp4"] = "nf4"


class LastLayersSpec(Spec):
    """The upper `num_layers` layers, all their weights."""

    kind: Literal["last_layers"] = "last_layers"
    num_layers: int = Field(default=2, ge=1)


class BitFitSpec(Spec):
    """Biases only (Ben Zaken et al. 2022)."""

    kind: Literal["bitfit"] = "bitfit"


class FullSpec(Spec):
    """Every weight."""

    kind: Literal["full"] = "full"


FinetuningSpec: TypeAlias = Annotated[
    FrozenSpec | LoraSpec | QLoraSpec | LastLayersSpec | BitFitSpec | FullSpec, Field(discriminator="kind")
]
