"""Checkpoint files of single models: read without running what is in them, and written as safetensors."""

from __future__ import annotations

import os
import re
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError  # the class torch.load refuses with; nothing is unpickled
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mendgraph.adapters.foreign import renamed, translate
from mendgraph.errors import ArtifactError, ArtifactMissing, ConfigError, DataError
from mendgraph.modules.cross_scorer import NESTED, unwrapped

__all__ = ["Checkpoint", "read_checkpoint", "write_safetensors"]

SAFETENSORS = ".safetensors"
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_ZIP, _PICKLE = b"PK", b"\x80\x02"
_REASON = re.compile(
    r"(?:Unsupported |Trying to load |Can only |Invalid magic)[^\n]*?(?= was not an allowed|\.? Please|\n|$)"
)
_BROKEN = (RuntimeError, LookupError, ValueError, TypeError, AttributeError, EOFError, OSError, struct.error)
"""What torch's reader raises on damaged files."""
_DAMAGED = "the file is damaged or not what its name says; fetch it again"
_TENSORS_ONLY = (
    "reading a pickle or a program can run code, so only tensors and plain values are read; ask for a safetensors "
    "file, or for one saved with torch.save(model.state_dict(), path)"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tensors of one file, on the CPU.

    Attributes:
        form: ``safetensors`` or ``pt``.
        nested: the key the tensors lay under, "" when they lay at the top.
        beside: what else lay at the top, e.g. ``epoch`` and ``optimizer_state_dict``; it is not read further.
    """

    path: Path
    form: str
    tensors: Mapping[str, Tensor]
    nested: str = ""
    beside: tuple[str, ...] = ()


def read_checkpoint(path: str | Path, *, under: str = NESTED) -> Checkpoint:
    """A ``.safetensors`` file, or one that ``torch.save`` wrote and that holds tensors and plain values only.

    The kind is told by the content, whatever the name.  Tensors may be mapped from the file, so do not overwrite it
    while they are in use.

    Args:
        under: the key that weights may be nested under.

    Raises:
        ArtifactMissing: no such file.
        ArtifactError: it is damaged, holds no tensors, or holds objects whose reading would run code.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ArtifactMissing(f"no checkpoint at {str(path)!r}", hint="check the path")
    if _is_safetensors(path):
        with renamed(f"read {path}", loading=True):
            return Checkpoint(path, "safetensors", load_file(path))
    content = _loaded(path)
    if not isinstance(content, Mapping):
        raise ArtifactError(
            f"{path} holds a {type(content).__name__}, not weights by name",
            hint="save it with torch.save(model.state_dict(), path)",
        )
    state, nested = unwrapped(content, under)
    odd = sorted(str(key) for key, value in state.items() if not isinstance(value, Tensor))
    if odd or not state:
        what = f"values that are no tensors: {', '.join(odd[:5])}" if odd else "nothing"
        raise ArtifactError(
            f"{path} holds {what}",
            hint=f"save it with torch.save(model.state_dict(), path), or under the key {under}",
        )
    beside = tuple(sorted(str(key) for key in content if key != nested)) if nested else ()
    return Checkpoint(path, "pt", state, nested, beside)


def write_safetensors(checkpoint: Checkpoint, path: str | Path, *, precision: str | None = None) -> None:
    """Write the tensors under their own names; read again and compared before the file gets its name.

    Args:
        precision: ``fp32``, ``bf16`` or ``fp16`` for all floating-point tensors; None keeps each as it is.

    Raises:
        ConfigError: `path` does not end in ``.safetensors``, or the precision is unknown.
        DataError: the file cannot be written.
    """
    path = Path(path).expanduser()
    if path.suffix != SAFETENSORS:
        raise ConfigError(f"{path}: expected a name that ends in {SAFETENSORS}")
    if precision is not None and precision not in _DTYPES:
        raise ConfigError(f"precision: unknown {precision!r}", hint=f"one of {', '.join(_DTYPES)}")
    dtype = None if precision is None else _DTYPES[precision]
    # Copies: safetensors takes no views, and no two names for one storage.
    tensors = {name: _as(tensor, dtype).clone().contiguous() for name, tensor in checkpoint.tensors.items()}
    if overflown := [name for name, t in tensors.items() if _overflows(t, checkpoint.tensors[name])]:
        raise DataError(f"{overflown[0]} does not fit into {precision}", hint="use bf16 or fp32")
    part = path.with_name(f"{path.name}.part")
    try:
        save_file(tensors, part, metadata={"format": "pt"})
        part.chmod(0o644)  # safetensors writes for the owner alone
        if any(
            not torch.equal(_bits(tensors[name]), _bits(found)) for name, found in load_file(part).items()
        ):
            raise DataError(f"{path} reads back differently", hint="check the disk")
        os.replace(part, path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _as(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor


def _bits(tensor: Tensor) -> Tensor:
    return tensor.flatten().view(torch.uint8)


def _overflows(found: Tensor, given: Tensor) -> bool:
    return bool(given.is_floating_point() and (found.isfinite() != given.isfinite()).any())


def _loaded(path: Path) -> Any:
    """What ``torch.load(weights_only=True)`` makes of it."""
    _refuse_others(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except UnpicklingError as error:
        found = _REASON.search(str(error))
        reason = " ".join((found[0] if found else str(error)).split())[:200]
        raise ArtifactError(f"{path} is refused: {reason}", hint=_TENSORS_ONLY) from error
    except _BROKEN as error:
        ours = translate(error, f"read {path}", loading=True)
        raise ours or ArtifactError(
            f"cannot read {path}: {type(error).__name__}: {' '.join(str(error).split())[:200]}", hint=_DAMAGED
        ) from error


def _refuse_others(path: Path) -> None:
    """What ``torch.save`` never writes, told by the first bytes: torch's own errors on these explain nothing."""
    with renamed(f"read {path}", loading=True), path.open("rb") as file:
        head = file.read(2)
    if head == _PICKLE:
        return
    if head == _ZIP:
        if not zipfile.is_zipfile(path):
            raise ArtifactError(f"{path} is cut short", hint=_DAMAGED)
        with renamed(f"read {path}", loading=True), zipfile.ZipFile(path) as archive:
            if not any(name.endswith("/constants.pkl") for name in archive.namelist()):
                return
        raise ArtifactError(f"{path} is refused: it holds a program (TorchScript)", hint=_TENSORS_ONLY)
    if head[:1] == _PICKLE[:1]:
        raise ArtifactError(f"{path} is refused: it is a plain pickle", hint=_TENSORS_ONLY)
    raise ArtifactError(f"{path} is neither a safetensors file nor one that torch wrote", hint=_DAMAGED)


def _is_safetensors(path: Path) -> bool:
    """By its header, or by its name, so that the error of a damaged one says what is wrong with it."""
    with renamed(f"read {path}", loading=True), path.open("rb") as file:
        head = file.read(9)  # eight bytes with the length of the JSON that follows
    return path.suffix == SAFETENSORS or (head[8:] == b"{" and head[:2] not in (_PICKLE, _ZIP))
