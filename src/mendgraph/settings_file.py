"""YAML files and ``key.sub=value`` settings as one mapping.  The only file that knows YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mendgraph.errors import ConfigError

_EMBEDDED = "embedded:"


@cache
def _text(path: Path, stamp: int) -> str:
    return path.read_text(encoding="utf-8")


def read_mapping(path: Path) -> dict[str, Any]:
    """A YAML file as a mapping of keys; an empty file as an empty one.

    Raises:
        ConfigError: no such file, or it holds something else.
    """
    try:
        data = yaml.safe_load(_text(path, path.stat().st_mtime_ns))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file", hint="check --config or MENDGRAPH_CONFIG") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a mapping of keys, got {type(data).__name__}")
    return data


def merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`extra` over `base`; mappings merge key by key, everything else is replaced.

    A tier of another kind is replaced too: its arguments would mean nothing to the new kind.
    """
    result = dict(base)
    for key, value in extra.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and _one_kind(old, value):
            value = merged(old, value)
        result[key] = value
    return result


def _one_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return "kind" not in old or "kind" not in new or old["kind"] == new["kind"]


def settings_of(overrides: Sequence[str]) -> dict[str, Any]:
    """Overrides as one mapping, so that a tier's kind and its arguments may come in any order."""
    data: dict[str, Any] = {}
    for override in overrides:
        data = merged(data, with_absolute_paths(_parsed(override), Path.cwd()))
    return data


def _parsed(override: str) -> dict[str, Any]:
    key, sign, value = override.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"--set {override!r}: expected key.sub=value", hint="e.g. training.num_epochs=2")
    try:
        data: Any = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override!r}: the value is not YAML: {error}") from error
    for part in reversed(key.strip().split(".")):
        data = {part: data}
    result: dict[str, Any] = data
    return result


def with_absolute_paths(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths of artefacts, relative to the file that names them, made absolute.

    An expert may also be the name of a model on the hub: it stays as it is unless there is such a folder, or it is
    written as a path is (``./``, ``~``).
    """

    def fixed(key: str, value: Any) -> Any:
        if key == "experts" and isinstance(value, dict):
            return {name: _expert(one, folder) for name, one in value.items()}
        if isinstance(value, dict):
            return {k: fixed(k, v) for k, v in value.items()}
        if key == "members" and isinstance(value, list):
            return [fixed("path", member) for member in value]
        if (
            key
            in {
                "path",
                "policy",
                "journal",
                "folds",
                "heads",
                "docs",
                "detector",
                "refinement",
                "answerability",
            }
            and isinstance(value, str)
            and not value.startswith(_EMBEDDED)
        ):
            return _absolute(value, folder)
        return value

    return {key: fixed(key, value) for key, value in data.items()}


def _absolute(value: str, folder: Path) -> str:
    # os.path's leaves a home nobody knows as it is; pathlib's raises.
    return str((folder / os.path.expanduser(value)).resolve())


def _expert(stanza: Any, folder: Path) -> Any:
    if not isinstance(stanza, dict):
        return stanza

    def placed(key: str, value: Any) -> Any:
        if key not in ("path", "adapter") or not isinstance(value, str) or value.startswith(_EMBEDDED):
            return value
        found = _absolute(value, folder)
        return found if value.startswith((".", "~", "/")) or Path(found).is_dir() else value

    return {key: placed(key, value) for key, value in stanza.items()}
