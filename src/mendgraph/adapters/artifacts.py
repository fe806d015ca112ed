"""Artefact folders: weights and tables beside a manifest that says what they are and what they must hash to."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors.torch import load_file
from torch import Tensor

from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.hashing import sha256_of, sha256_of_json
from mendgraph.errors import ArtifactError, ArtifactMissing, HashMismatch

__all__ = ["Artifact", "BaseModelRef", "DataSource", "Manifest", "open_artifact", "resolve", "write_artifact"]

MANIFEST = "manifest.json"
_EMBEDDED = Path(__file__).parents[1] / "weights"
_REFETCH = "restore the folder from where it came, or train it again"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseModelRef(_Frozen):
    """The model an adapter was trained on; `sha256` is that of its weights file."""

    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class DataSource(_Frozen):
    """One data set the weights have seen."""

    name: str
    licence: str
    rows: int = Field(ge=0)
    source: str = ""


class Manifest(_Frozen):
    """What ``manifest.json`` holds.

    Attributes:
        format: version of this layout.
        kind: what the files are, e.g. ``adapter``, ``neighbours``, ``calibration``.
        task: what they answer, e.g. ``emotion``; also the name of an adapter's main head.
        files: relative POSIX path -> SHA-256 hex digest.
        labels: label order of every score vector.
        settings: what inference needs: max_length, pooling, ...
        training, data, versions, metrics: how the weights came to be and what they reached.
    """

    format: Literal[1] = 1
    name: str
    kind: str
    task: str
    files: dict[str, str]
    base_model: BaseModelRef | None = None
    labels: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    training: dict[str, Any] = {}
    data: list[DataSource] = []
    versions: dict[str, str] = {}
    metrics: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Artifact:
    """A folder whose manifest and files were verified when it was opened, and are again when read."""

    folder: Path
    manifest: Manifest

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change with any file or with the base model, and with nothing else."""
        base = self.manifest.base_model
        return sha256_of_json({"files": self.manifest.files, "base": base.sha256 if base else None})[:16]

    def path(self, name: str) -> Path:
        """A file the manifest names, verified."""
        wanted = self.manifest.files.get(name)
        if wanted is None:
            raise ArtifactMissing(
                f"artefact {self.manifest.name!r} has no {name!r}, only {', '.join(sorted(self.manifest.files))}",
                hint=_REFETCH,
            )
        path = _inside(self.folder, name)
        with renamed(f"read {path}", loading=True):
            found = sha256_of(path)
        if found != wanted:
            raise HashMismatch(
                f"{path} has SHA-256 {found[:16]}..., its manifest says {wanted[:16]}...", hint=_REFETCH
            )
        return path

    def tensors(self, name: str) -> dict[str, Tensor]:
        """Tensors of a safetensors file, on the CPU."""
        path = self.path(name)
        with renamed(f"read {path}", loading=True):
            return dict(load_file(path))

    def json(self, name: str) -> Any:
        path = self.path(name)
        with renamed(f"read {path}", loading=True):
            return json.loads(path.read_text(encoding="utf-8"))


def open_artifact(folder: str | Path) -> Artifact:
    """Verify a folder against its manifest.

    Raises:
        ArtifactMissing: no folder, no manifest, or a file that the manifest names is not there.
        HashMismatch: a file is not the one that was written.
        ArtifactError: the manifest is malformed, or names a path outside the folder.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    if not path.is_file():
        raise ArtifactMissing(
            f"no {MANIFEST} in {str(folder)!r}", hint="give the folder that a training run wrote"
        )
    with renamed(f"read {path}", loading=True):
        text = path.read_text(encoding="utf-8")
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ArtifactError(f"{path}: {where}: {first['msg']}", hint=_REFETCH) from error
    artifact = Artifact(folder, manifest)
    for name in manifest.files:
        artifact.path(name)
    return artifact


def write_artifact(
    folder: str | Path, *, name: str, kind: str, task: str, files: Iterable[str], **fields: Any
) -> Artifact:
    """Hash files that already lie in `folder` and write the manifest last, so that a torn write has none.

    Args:
        files: their paths relative to `folder`, with ``/``.
        fields: the other fields of `Manifest`.
    """
    folder = Path(folder)
    hashes = {}
    for relative in sorted(files):
        path = _inside(folder, relative)
        with renamed(f"hash {path}", loading=True):
            hashes[relative] = sha256_of(path)
    manifest = Manifest(name=name, kind=kind, task=task, files=hashes, **fields)
    with renamed(f"write {folder / MANIFEST}", loading=True):
        _replace(folder / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
    return Artifact(folder, manifest)


def resolve(spec: str | Path) -> Path:
    """Folder of ``embedded:emotion/primary`` (shipped in the package) or of a path, ``~`` expanded."""
    text = str(spec)
    if text.startswith("embedded:"):
        return _inside(_EMBEDDED, text.removeprefix("embedded:"))
    return Path(text).expanduser()


def _inside(folder: Path, relative: str) -> Path:
    """`folder / relative`, refused when it leads out of the folder by ``..``, an absolute path or a symlink."""
    pure = PurePosixPath(relative)
    path = folder / pure
    root = folder.resolve()
    absolute = pure.is_absolute() or Path(relative).is_absolute()
    if absolute or ".." in pure.parts or "\\" in relative or root not in path.resolve().parents:
        raise ArtifactError(
            f"path {relative!r} leads out of {str(folder)!r}",
            hint="manifests name only files beside themselves",
        )
    return path


def _replace(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(
                0o644
            )  # a temporary file is private; a manifest is as public as its weights
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
