"""Which device and which number format a model runs in."""

from __future__ import annotations

import torch

from mendgraph.errors import ConfigError

__all__ = ["choose_device", "choose_dtype", "compute_threads"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str = "auto") -> torch.device:
    """``auto`` takes cuda, then mps, then cpu; any name torch knows is taken as given, if it is there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not index.isdigit()):
        raise ConfigError(f"device: unknown {name!r}", hint="one of auto, cpu, cuda, cuda:0, mps")
    absent = (kind == "cuda" and int(index or 0) >= torch.cuda.device_count()) or (
        kind == "mps" and not torch.backends.mps.is_available()
    )
    if absent:
        raise ConfigError(f"device: {name!r} is not available here", hint="use auto or cpu")
    return torch.device(name)


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Number format of ``fp32``, ``bf16`` or ``fp16``; fp16 is refused on a CPU, where it is slow and overflows."""
    if precision not in _DTYPES:
        raise ConfigError(f"precision: unknown {precision!r}", hint=f"one of {', '.join(_DTYPES)}")
    if precision == "fp16" and device.type == "cpu":
        raise ConfigError("precision: fp16 does not suit the cpu", hint="use bf16 or fp32 there")
    return _DTYPES[precision]


def compute_threads() -> int:
    """How many threads share one operation on the CPU; sums taken in other shares may differ in their last bit."""
    return torch.get_num_threads()
