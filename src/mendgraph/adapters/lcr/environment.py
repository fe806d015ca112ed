"""Whether this machine can run a checkpoint: packages, device, precision; with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import torch
from packaging.requirements import Requirement

from mendgraph.adapters.device import choose_device, choose_dtype
from mendgraph.errors import ConfigError

__all__ = ["EnvironmentReport", "check_environment"]

_PACKAGES = ("torch", "transformers", "safetensors", "tokenizers", "numpy")
_CAPABILITY = (7, 0)
"""Of an NVIDIA GPU, from which half precision is fast."""


@dataclass(frozen=True, slots=True)
class EnvironmentReport:
    """
    Attributes:
        reasons: why models cannot run as asked; empty when they can.
        warnings: what works but should be known, such as a CPU's speed.
        packages: name -> installed version, or "missing".
    """

    device: str
    precision: str
    packages: Mapping[str, str]
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def fully_compatible(self) -> bool:
        return not self.reasons

    def to_dict(self) -> dict[str, Any]:
        return {
            "fully_compatible": self.fully_compatible,
            "device": self.device,
            "precision": self.precision,
            "packages": dict(self.packages),
            "reasons": list(self.reasons),
            "warnings": list(self.warnings),
        }

    def to_text(self) -> str:
        """One line for each finding, worst first."""
        verdict = "compatible" if self.fully_compatible else "not compatible"
        lines = [f"environment: {verdict}, {self.device}, {self.precision}"]
        lines += [f"  cannot: {reason}" for reason in self.reasons]
        lines += [f"  note: {warning}" for warning in self.warnings]
        lines += [f"  {name} {found}" for name, found in self.packages.items()]
        return "\n".join(lines)


def check_environment(device: str = "auto", precision: str = "fp32") -> EnvironmentReport:
    """Never raises: what is wrong is in the report.

    Versions are held against what this package supports, not against those that a checkpoint was trained with: whether
    a checkpoint still gives the same numbers is measured by its calibration check.
    """
    reasons, warnings = list[str](), list[str]()
    packages = {name: _version(name) for name in _PACKAGES}
    for requirement in _required():
        found = packages.get(requirement.name)
        if found is not None and (
            found == "missing" or not requirement.specifier.contains(found, prereleases=True)
        ):
            reasons.append(f"{requirement.name} {found}, needs {requirement.specifier}")
    name = device
    try:
        place = choose_device(device)
        name = str(place)
        choose_dtype(precision, place)
        if place.type == "cpu":
            warnings.append("no GPU: small models answer in well under a second, large ones are slow")
        elif place.type == "cuda" and torch.cuda.get_device_capability(place) < _CAPABILITY:
            warnings.append(f"{torch.cuda.get_device_name(place)} is slow in half precision: use fp32")
    except ConfigError as error:
        reasons.append(str(error))
    return EnvironmentReport(name, precision, packages, tuple(reasons), tuple(warnings))


def _required() -> Iterable[Requirement]:
    for line in metadata.requires("mendgraph") or ():
        requirement = Requirement(line)
        if requirement.marker is None:
            yield requirement


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"
