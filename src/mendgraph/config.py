"""config.yaml as frozen values.  The only file that knows YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mendgraph.errors import ConfigError

DEFAULTS = Path(__file__).with_name("config.yaml")
EMBEDDED = "embedded:"
FILE = "(file)"
"""Where a configuration came from, among its keys."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelSpec(_Frozen):
    """Which base model is trained."""

    name: str = "embedded"
    num_labels: int = Field(default=8, ge=2)
    max_length: int = Field(default=128, ge=8, le=8192)


class LoraSpec(_Frozen):
    """Low-rank adaptation, as in Hu et al. 2021; names as in PEFT."""

    r: int = Field(default=32, ge=1, le=512)
    lora_alpha: int = Field(default=32, ge=1)
    lora_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    target_modules: tuple[str, ...] = ("query", "key", "value", "dense")


class TrainingSpec(_Frozen):
    """How it is trained; names as in transformers' TrainingArguments where they have one."""

    num_epochs: int = Field(default=3, ge=1)
    batch_size: int = Field(default=32, ge=1)
    gradient_accumulation_steps: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0.0)
    warmup_steps: int = Field(default=300, ge=0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)
    aux_weight: float = Field(default=0.25, ge=0.0)
    irony_weight: float = Field(default=1.2, ge=0.0)
    early_stopping_patience: int = Field(default=2, ge=1)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    bootstrap: bool = False
    seed: int = Field(default=0, ge=0, lt=2**32)


class TierSpec(BaseModel):
    """One tier.  `kind` names a builder; every further key is an argument of that builder."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class GraphSpec(_Frozen):
    """One graph and its tiers, in the order they are tried."""

    encoder: str = "embedded"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    max_length: int = Field(default=128, ge=8, le=8192)
    batch_size: int = Field(default=32, ge=1)
    ask: Literal["never", "return", "interrupt"] = "return"
    policy: str
    tiers: dict[str, TierSpec]


class Config(_Frozen):
    """The whole configuration; `source` is the file it came from."""

    source: Path = Field(validation_alias=FILE)
    model: ModelSpec = ModelSpec()
    lora: LoraSpec = LoraSpec()
    training: TrainingSpec = TrainingSpec()
    emotion: GraphSpec

    def graph(self, name: str) -> GraphSpec:
        spec = getattr(self, name, None)
        if not isinstance(spec, GraphSpec):
            raise ConfigError(f"{self.source}: no graph named {name!r}", hint="known graphs: emotion")
        return spec


def load_config(path: Path | str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Defaults, then the user's file, then ``key.sub=value`` overrides.

    The user's file is `path`, else ``$MENDGRAPH_CONFIG``, else ``./mendgraph.yaml`` if it is there.

    Raises:
        ConfigError: ``where: what`` for everything that is wrong at once.
    """
    source = _source(path)
    data = _read(DEFAULTS)
    if source != DEFAULTS:
        data = _merged(data, _absolute(_read(source), source.parent))
    return _checked(_merged(data, _settings(overrides)), source)


def with_overrides(config: Config, overrides: Sequence[str]) -> Config:
    """The same configuration with ``key.sub=value`` settings on top.

    Raises:
        ConfigError: as `load_config`.
    """
    return _checked(_merged(config.model_dump(exclude={"source"}), _settings(overrides)), config.source)


def _checked(data: dict[str, Any], source: Path) -> Config:
    tiers = data["emotion"].get("tiers") if isinstance(data.get("emotion"), dict) else None
    if isinstance(tiers, dict):
        used = {name: tier for name, tier in tiers.items() if tier is not None}
        data = {**data, "emotion": {**data["emotion"], "tiers": used}}
    try:
        # Under its own alias, so that a key named "source" in a file is as unknown as any other.
        return Config.model_validate({**data, FILE: source})
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigError(f"{source}: " + "; ".join(lines), hint=f"see {DEFAULTS} for every key") from error


def _source(path: Path | str | None) -> Path:
    named = path or os.environ.get("MENDGRAPH_CONFIG")
    if named:
        return Path(os.path.expanduser(named)).resolve()
    local = Path("mendgraph.yaml")
    return local.resolve() if local.is_file() else DEFAULTS


@cache
def _text(path: Path, stamp: int) -> str:
    return path.read_text(encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
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


def _merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`extra` over `base`; mappings merge key by key, everything else is replaced.

    A tier of another kind is replaced too: its arguments would mean nothing to the new kind.
    """
    result = dict(base)
    for key, value in extra.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and _one_kind(old, value):
            value = _merged(old, value)
        result[key] = value
    return result


def _one_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return "kind" not in old or "kind" not in new or old["kind"] == new["kind"]


def _settings(overrides: Sequence[str]) -> dict[str, Any]:
    """Overrides as one mapping, so that a tier's kind and its arguments may come in any order."""
    data: dict[str, Any] = {}
    for override in overrides:
        data = _merged(data, _absolute(_parsed(override), Path.cwd()))
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


def _absolute(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths of artefacts, relative to the file that names them, made absolute."""

    def fixed(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: fixed(k, v) for k, v in value.items()}
        if key == "members" and isinstance(value, list):
            return [fixed("path", member) for member in value]
        if key in {"path", "policy"} and isinstance(value, str) and not value.startswith(EMBEDDED):
            # os.path's leaves a home nobody knows as it is; pathlib's raises.
            return str((folder / os.path.expanduser(value)).resolve())
        return value

    return {key: fixed(key, value) for key, value in data.items()}
