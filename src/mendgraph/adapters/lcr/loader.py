"""The validated loader, under the names that users of LCR know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mendgraph.adapters.artifacts import MANIFEST, resolve
from mendgraph.adapters.checkpoint import Checkpoint, read_checkpoint
from mendgraph.adapters.device import choose_device
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.hashing import sha256_of
from mendgraph.adapters.hub import HUB_SCHEME, locate_file
from mendgraph.adapters.lcr.calibration_check import CalibrationReport, CalibrationValidator
from mendgraph.adapters.lcr.classifier import VARIANTS, TypesClassifier
from mendgraph.adapters.lcr.environment import EnvironmentReport, check_environment
from mendgraph.adapters.lcr.published import (
    LAYER,
    THRESHOLD,
    published_detector,
    published_refinement,
    setting,
)
from mendgraph.adapters.reader.detector import Detector, load_detector
from mendgraph.adapters.reader.refiner import Refiner, load_refinement
from mendgraph.adapters.sequence_model import SequenceModel
from mendgraph.errors import ArtifactError, ArtifactMissing, ConfigError, HashMismatch, UnknownNameError

__all__ = ["LCRModelLoader", "LoadedModels"]

_CONFIG = "config.json"
_HASHES = ("sha256", "checkpoint_sha256")
_LAYERS = ("layer", "layer_idx", "target_layer", "hidden_layer")
_NAMES = {"detector": "detector_llama3_8b.pt", "refinement": "refinement_llama3_8b.pt"}
"""Published weights, for repositories whose files cannot be listed without fetching."""


@dataclass(frozen=True, slots=True)
class LoadedModels:
    """Classifier is None where the folder has none."""

    detector: Detector
    refinement: Refiner
    classifier: TypesClassifier | None


class LCRModelLoader:
    """Loads ``detector``, ``refinement`` and ``classifier`` from the folders of those names.

    Each may be one that `mend train conflict` wrote, or a published one: weights, ``config.json``, and a
    ``*_metadata.json`` that may hold the SHA-256 of the weights.

    Args:
        checkpoint_dir: a folder, ``embedded:conflict``, or a hub repository such as ``lcr-research/lcr-checkpoints``.
        strict_validation: refuse to load where the environment does not fit, and hold calibration to a tenth of a per
            mille.  A CPU fits.
        calibration_check: compare each part's outputs with stored ones when it is loaded.
        verify_integrity: compare published files with the hashes beside them.  Ours are always compared.
        precision: of the classifier; detector and refinement compute in fp32, whatever the reader does.
    """

    def __init__(
        self,
        checkpoint_dir: str | Path = "embedded:conflict",
        strict_validation: bool = True,
        calibration_check: bool = True,
        verify_integrity: bool = True,
        device: str = "auto",
        precision: str = "fp32",
    ) -> None:
        self.checkpoint_dir = str(checkpoint_dir)
        self.strict_validation = strict_validation
        self.calibration_check = calibration_check
        self.verify_integrity = verify_integrity
        self.device = device
        self.precision = precision
        folder = resolve(checkpoint_dir)
        self._folder = folder if folder.is_dir() else None
        if self._folder is None and not _is_repository(self.checkpoint_dir):
            raise ArtifactMissing(
                f"no checkpoints at {self.checkpoint_dir!r}",
                hint="give a folder with detector/ and refinement/",
            )
        self.reports: dict[str, CalibrationReport] = {}
        self.notes: list[str] = []
        """What the checks of files found and did not refuse."""

    def validate_environment(self) -> EnvironmentReport:
        return check_environment(self.device, self.precision)

    def load_detector(self) -> Detector:
        """
        Raises:
            ConfigError: strict validation, and this machine does not fit.
            ArtifactMissing, HashMismatch, ShapeMismatch: the files.
            ArtifactError: its outputs have drifted from the stored ones.
        """
        self._require_environment()
        own = self._own("detector")
        if own is not None:
            detector = load_detector(own, device=choose_device(self.device))
        else:
            weights, config = self._published("detector")
            detector = Detector(
                published_detector(weights.tensors).to(choose_device(self.device)),
                layer=int(setting(config, _LAYERS, LAYER)) - 1,  # `hidden_states` has the embeddings first
                threshold=float(setting(config, ("threshold",), THRESHOLD)),
                fingerprint=sha256_of(weights.path)[:16],
            )
        self._check(*self._validator().validate_detector(detector))
        return detector

    def load_refinement(self) -> Refiner:
        """Raises as `load_detector` does."""
        self._require_environment()
        own = self._own("refinement")
        if own is not None:
            refiner = load_refinement(own, device=choose_device(self.device))
        else:
            weights, config = self._published("refinement")
            refiner = Refiner(
                published_refinement(weights.tensors, config).to(choose_device(self.device)),
                layer=int(setting(config, _LAYERS, LAYER)) - 1,
                fingerprint=sha256_of(weights.path)[:16],
            )
        self._check(*self._validator().validate_refinement(refiner))
        return refiner

    def load_classifier(self, variant: str = "deberta_v3_large") -> TypesClassifier:
        """A sequence classifier in transformers' format in ``classifier/<variant>``.

        Raises:
            UnknownNameError: no such variant, and no folder of that name.
            ArtifactMissing: its folder is not there.
        """
        self._require_environment()
        folder = None if self._folder is None else self._folder / "classifier" / variant
        if folder is None or not folder.is_dir():
            if variant not in VARIANTS:
                raise UnknownNameError("variant", variant, VARIANTS)
            raise ArtifactMissing(
                f"no classifier {variant!r} in {self.checkpoint_dir!r}",
                hint=f"put a classifier made from {VARIANTS[variant]}, saved with save_pretrained, into "
                f"classifier/{variant}",
            )
        model = SequenceModel.open(str(folder), device=self.device, precision=self.precision, max_length=512)
        classifier = TypesClassifier(model, variant)
        self._check(*self._validator().validate_classifier(classifier))
        return classifier

    def load_all(self, variant: str | None = None) -> LoadedModels:
        """
        Args:
            variant: None takes the first of `VARIANTS` that is there, or none.
        """
        base = None if self._folder is None else self._folder / "classifier"
        known = [name for name in VARIANTS if base is not None and (base / name).is_dir()]
        chosen = variant or (known[0] if known else None)
        return LoadedModels(
            self.load_detector(),
            self.load_refinement(),
            None if chosen is None else self.load_classifier(chosen),
        )

    def metadata(self, part: str) -> Mapping[str, Any]:
        """Of ``detector`` or ``refinement``: framework, hardware, seeds, curves, ``validation.expected_*``; or {}."""
        folder = None if self._folder is None else self._folder / part
        found = sorted(folder.glob("*metadata.json")) if folder is not None else []
        return _json(found[0]) if found else {}

    def _require_environment(self) -> None:
        report = self.validate_environment()
        if self.strict_validation and not report.fully_compatible:
            raise ConfigError(
                f"this machine does not fit: {'; '.join(report.reasons)}",
                hint="mend these, or load with strict_validation=False",
            )

    def _own(self, part: str) -> Path | None:
        """The part's folder where `mend train conflict` wrote it."""
        folder = None if self._folder is None else self._folder / part
        return folder if folder is not None and (folder / MANIFEST).is_file() else None

    def _published(self, part: str) -> tuple[Checkpoint, Mapping[str, Any]]:
        if self._folder is None:
            address = f"{HUB_SCHEME}{self.checkpoint_dir}/{part}"
            weights = locate_file(f"{address}/{_NAMES[part]}")
            config = _json(locate_file(f"{address}/{_CONFIG}"))
        else:
            folder = self._folder / part
            weights = _only_weights(folder, part)
            config = _json(folder / _CONFIG) if (folder / _CONFIG).is_file() else {}
        self._require_hash(weights, {**self.metadata(part), **config})
        return read_checkpoint(weights), config

    def _require_hash(self, weights: Path, about: Mapping[str, Any]) -> None:
        if not self.verify_integrity:
            return
        wanted = setting(about, _HASHES, None)
        if not isinstance(wanted, str):
            self.notes.append(f"{weights.name}: nothing beside it says what its SHA-256 should be")
            return
        found = sha256_of(weights)
        if found != wanted.lower():
            raise HashMismatch(
                f"{weights} has SHA-256 {found[:16]}..., its metadata says {wanted[:16]}...",
                hint="fetch it again from where it came",
            )

    def _validator(self) -> CalibrationValidator:
        return CalibrationValidator(strict=self.strict_validation)

    def _check(self, valid: bool, report: CalibrationReport) -> None:
        """What has no stored outputs is told; what differs from them is refused."""
        if not self.calibration_check:
            return
        self.reports[report.part] = report
        if not valid and report.drift is not None:
            raise ArtifactError(
                f"calibration drift detected: the {report.part}'s outputs differ by {report.drift:.1e} from those "
                f"stored with it, {report.tolerance:.0e} is allowed",
                hint="compare versions, device and precision with its metadata, or load with calibration_check=False",
            )


def _only_weights(folder: Path, part: str) -> Path:
    found = sorted([*folder.glob("*.pt"), *folder.glob("*.safetensors")]) if folder.is_dir() else []
    if len(found) != 1:
        raise ArtifactMissing(
            f"{str(folder)!r} should hold the weights of one {part}, it has {len(found)} files of weights",
            hint=f"put one .pt or .safetensors file there, or train one: mend train conflict --part {part}",
        )
    return found[0]


def _json(path: Path) -> Mapping[str, Any]:
    with renamed(f"read {path}", loading=True):
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, Mapping):
        raise ArtifactError(f"{path} holds no JSON object", hint="fetch it again")
    return found


def _is_repository(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "~", "/"))
