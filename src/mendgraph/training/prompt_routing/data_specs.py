"""Where a router's training data come from, and the whole of a training run as one JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, ValidationError

from mendgraph.errors import ConfigError
from mendgraph.training.prompt_routing.specs import ModelSpec, Spec, ValidationSplit

__all__ = [
    "ArenaData",
    "DataSpec",
    "LLMRouterData",
    "OutcomesData",
    "PreferencesData",
    "RouteLLMData",
    "TrainingSpec",
    "read_spec",
    "spec_schema",
]


class _File(Spec):
    """Paths are relative to ``--data``."""

    path: str


class ArenaData(_File):
    """Votes of people: model_a, model_b, winner, and a prompt or a conversation."""

    kind: Literal["arena"] = "arena"


class OutcomesData(_File):
    """One row per prompt and one column of scores in [0, 1] per LLM.

    Attributes:
        models: name -> column; every column that begins with `prefix` where not given.
        split: rows of the column ``split`` to train on.
    """

    kind: Literal["outcomes"] = "outcomes"
    models: dict[str, str] | None = None
    prefix: str = "score__"
    prompt: str = "prompt"
    group: str | None = None
    split: str = "train"


class RouteLLMData(_File):
    """RouteLLM's table of one benchmark, two LLMs."""

    kind: Literal["routellm"] = "routellm"
    split: str = "train"


class LLMRouterData(_File):
    """LLMRouter's table, nine LLMs; test prompts that train has too are left out."""

    kind: Literal["llmrouter"] = "llmrouter"
    split: str = "train"


class PreferencesData(Spec):
    """AlpacaEval's preferences, its prompts, and its responses where embeddings are learned from them."""

    kind: Literal["preferences"] = "preferences"
    preferences: str
    prompts: str
    responses: str | None = None
    tie_within: float = Field(default=0.0, ge=0.0)
    split: str = "train"


DataSpec: TypeAlias = Annotated[
    ArenaData | OutcomesData | RouteLLMData | LLMRouterData | PreferencesData, Field(discriminator="kind")
]


class TrainingSpec(ModelSpec):
    """A training run: a router (see `ModelSpec`), its data and its length.

    Attributes:
        data: tables; they are joined, LLMs and prompts of one name being one.
        batch_size: prompts per step, each with everything known on it.
        name: what the artefact is called; the name of its folder where not given.
    """

    data: tuple[DataSpec, ...] = Field(min_length=1)
    validation_split: ValidationSplit = ValidationSplit()
    epochs: int = Field(default=20, ge=1)
    batch_size: int = Field(default=32, ge=1)
    name: str | None = None

    @property
    def model(self) -> ModelSpec:
        return ModelSpec(**{name: getattr(self, name) for name in ModelSpec.model_fields})


def read_spec(path: Path) -> TrainingSpec:
    """A spec from its JSON file.

    Raises:
        ConfigError: no such file, no JSON, or a wrong setting; the message names the setting.
    """
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"no spec file at {str(path)!r}", hint="see examples/prompt_routing") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON: {error}") from error
    try:
        return TrainingSpec.model_validate(data)
    except ValidationError as error:
        raise ConfigError(
            f"{path}: {first_problem(error)}", hint="mend train prompt_routing --schema prints what fits"
        ) from error


def first_problem(error: ValidationError) -> str:
    """``where: what``."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the document"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def spec_schema() -> Mapping[str, Any]:
    """JSON schema of a spec file."""
    return TrainingSpec.model_json_schema()
