"""Weights that break on disk, and come back.  Only copies made for it can be damaged."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from mendgraph.errors import ConfigError

MARKER = ".scratch_copy"
INTACT = ".intact"


def scratch_copy(folder: Path | str, into: Path | str) -> Path:
    """A copy of an artefact folder at `into`, which `Damage` may break."""
    copied = Path(shutil.copytree(folder, into))
    (copied / MARKER).touch()
    return copied


class Damage:
    """One broken file.  As a context manager: broken inside the block, whole again after it.

    Args:
        path: a file, or an artefact folder: then the largest file of its manifest.
        how: ``truncate`` to half its size, ``flip`` a bit in its middle, or ``remove``.

    Raises:
        ConfigError: the path lies in no `scratch_copy`, or there is no such file.
    """

    def __init__(self, path: Path | str, how: str = "truncate") -> None:
        path = Path(path)
        if not any((place / MARKER).is_file() for place in (path, *path.parents)):
            raise ConfigError(
                f"will not damage {str(path)!r}: it is no scratch copy",
                hint="copy the artefact with mendgraph.testing.scratch_copy and damage the copy",
            )
        self.path = _largest(path) if path.is_dir() else path
        self.how = how
        self._intact = self.path.with_name(self.path.name + INTACT)
        if not (self.path.is_file() or self._intact.is_file()):
            raise ConfigError(f"no file {str(self.path)!r} to damage")

    @property
    def inflicted(self) -> bool:
        """True also where another process did it: the intact copy beside the file says so."""
        return self._intact.is_file()

    def inflict(self) -> None:
        """Does nothing to a file that is broken already."""
        if self.inflicted:
            return
        part = self._intact.with_name(self._intact.name + ".part")
        shutil.copy2(self.path, part)
        os.replace(part, self._intact)
        if self.how == "remove":
            self.path.unlink()
            return
        content = bytearray(self.path.read_bytes())
        if self.how == "flip":
            content[len(content) // 2] ^= 1
        else:
            del content[len(content) // 2 :]
        self.path.write_bytes(content)

    def repair(self) -> None:
        """Puts the intact file back at once, whole."""
        if self.inflicted:
            os.replace(self._intact, self.path)

    def __enter__(self) -> Damage:
        self.inflict()
        return self

    def __exit__(self, *raised: object) -> None:
        self.repair()


def _largest(folder: Path) -> Path:
    """Of the files the manifest names, those that are moved away included."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise ConfigError(f"no manifest.json in {str(folder)!r}", hint="name a file, or an artefact folder")
    files: list[Path] = [folder / name for name in json.loads(manifest.read_text(encoding="utf-8"))["files"]]
    return max(files, key=lambda file: _size(file.with_name(file.name + INTACT)) or _size(file))


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0
