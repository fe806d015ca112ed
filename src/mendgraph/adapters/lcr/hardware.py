"""What there is to compute on."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict, dataclass
from typing import Any, TextIO

import torch

from mendgraph.adapters.device import compute_threads

__all__ = ["HardwareManager", "HardwareReport"]

_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class HardwareReport:
    """
    Attributes:
        memory: bytes of main memory; None where the platform does not tell.
        vector_instructions: the widest that torch uses on this CPU, e.g. ``AVX512``.
        gpus: name and bytes of memory of each.
    """

    platform: str
    cpus: int | None
    threads: int
    memory: int | None
    vector_instructions: str
    gpus: tuple[tuple[str, int], ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_text(self) -> str:
        memory = "unknown" if self.memory is None else f"{self.memory / _GIB:.1f} GiB"
        lines = [
            f"platform   {self.platform}",
            f"processors {self.cpus}, {self.threads} threads for one operation, {self.vector_instructions}",
            f"memory     {memory}",
        ]
        lines += [f"gpu {n}      {name}, {size / _GIB:.1f} GiB" for n, (name, size) in enumerate(self.gpus)]
        return "\n".join(lines if self.gpus else [*lines, "gpu        none"])


class HardwareManager:
    """Under the name that users of LCR know."""

    def report(self) -> HardwareReport:
        return HardwareReport(
            platform=platform.platform(),
            cpus=os.cpu_count(),
            threads=compute_threads(),
            memory=_memory(),
            vector_instructions=torch.backends.cpu.get_cpu_capability(),
            gpus=tuple(
                (torch.cuda.get_device_name(number), torch.cuda.get_device_properties(number).total_memory)
                for number in range(torch.cuda.device_count())
            ),
        )

    def print_hardware_report(self, file: TextIO | None = None) -> None:
        (file or sys.stdout).write(self.report().to_text() + "\n")


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
