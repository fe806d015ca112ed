"""config.yaml as frozen values."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from mendgraph.core.supervision import Supervision
from mendgraph.errors import ConfigError
from mendgraph.settings_file import merged, read_mapping, settings_of, with_absolute_paths

DEFAULTS = Path(__file__).with_name("config.yaml")
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


class ReflectionTrainingSpec(_Frozen):
    """How the reflection scorer is trained; names as in PEFT and transformers where they have one.

    Attributes:
        model: the encoder: ``embedded``, a folder, or a hub name of a BERT.
        layers: how many of the encoder's upper layers the head reads.
        head_width, head_dropout: of the head.
        r, lora_alpha, target_modules: of the adapters, which the `top_layers` upper layers get.
        encoder_dropout: in the encoder while they are tuned.
        head_epochs: the head alone, on states that stay the same; then `num_epochs` of head and adapters together.
        objective: ``margin`` (Min et al. 2022), ``one_gap`` (the same margin for every pair of levels), ``mse``.
        likelihood: weight of the levels' cross-entropy beside the margins.
        complex_weight: of the margin between complex and simple reflections, which is the hardest.
        mismatches: reflections of other prompts per prompt and step, from `mismatch_pool` of them; 0 for none.
        mismatch_share: how many reflections answer another prompt where the scorer is used: assumed, not measured.
        match_sharpness: power to which the odds of a match are raised, after their calibration.
        batch_prompts: prompts per step, each with all its responses.
        blind: hide the prompt; a baseline, not a model.
        folds: file of the cross-validation, which `mend train reflection --part folds` writes.
    """

    model: str = "embedded"
    max_length: int = Field(default=256, ge=8, le=8192)
    layers: int = Field(default=6, ge=1)
    r: int = Field(default=16, ge=1, le=512)
    lora_alpha: int = Field(default=32, ge=1)
    target_modules: tuple[str, ...] = ("query", "value", "dense")
    top_layers: int = Field(default=3, ge=1)
    encoder_dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    head_width: int = Field(default=256, ge=1)
    head_dropout: float = Field(default=0.5, ge=0.0, lt=1.0)
    objective: Literal["margin", "one_gap", "mse"] = "margin"
    likelihood: float = Field(default=1.0, ge=0.0)
    complex_weight: float = Field(default=2.0, ge=0.0)
    mismatches: int = Field(default=4, ge=0)
    mismatch_pool: int = Field(default=12, ge=1)
    mismatch_share: float = Field(default=0.05, gt=0.0, lt=1.0)
    match_sharpness: float = Field(default=2.0, gt=0.0)
    batch_prompts: int = Field(default=8, ge=1)
    head_epochs: int = Field(default=20, ge=1)
    head_learning_rate: float = Field(default=1e-3, gt=0.0)
    num_epochs: int = Field(default=0, ge=0)
    learning_rate: float = Field(default=5e-4, gt=0.0)
    tuned_head_learning_rate: float = Field(default=1e-4, gt=0.0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    blind: bool = False
    seed: int = Field(default=0, ge=0, lt=2**32)
    folds: Path = Path("runs/reflection/folds.jsonl")


class TierSpec(BaseModel):
    """One tier.  `kind` names a builder; every key not listed here is an argument of that builder.

    Attributes:
        cost: of answering one row, in whatever unit the graph's `budget` is in.
        supervision: what differs from the graph's.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str
    cost: float = Field(default=1.0, ge=0.0)
    supervision: dict[str, Any] = {}

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
    deadline_s: float | None = Field(default=None, gt=0.0)
    budget: float | None = Field(default=None, ge=0.0)
    journal: str | None = None
    policy: str
    supervision: Supervision = Supervision()
    tiers: dict[str, TierSpec]

    def supervision_of(self, tier: str) -> Supervision:
        """The graph's supervision with what the tier's own stanza changes."""
        return _SUPERVISION.validate_python(
            merged(_SUPERVISION.dump_python(self.supervision), self.tiers[tier].supervision)
        )

    @model_validator(mode="after")
    def _supervisions_are_sound(self) -> Self:
        for name in self.tiers:
            try:
                self.supervision_of(name)
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(map(str, ("tiers", name, "supervision", *first["loc"])))
                raise ValueError(f"{place}: {first['msg']}") from error
        return self


_SUPERVISION = TypeAdapter(Supervision)


class EndpointSpec(_Frozen):
    """Where an LLM answers, in OpenAI's protocol.

    Attributes:
        base_url: what comes before ``/chat/completions``, e.g. ``http://localhost:11434/v1``.
        model: what the endpoint calls the LLM; by default as here.
        key_env: the environment variable that holds the API key; the key itself belongs in no file.
        max_tokens: most tokens of an answer; None leaves it to the endpoint.
    """

    base_url: str = Field(pattern=r"^https?://")
    model: str | None = None
    key_env: str | None = None
    max_tokens: int | None = Field(default=None, ge=1)


class LLMSpec(_Frozen):
    """An LLM that may be chosen; see `mendgraph.core.routing.LLM`."""

    input_price: float = Field(ge=0.0)
    output_price: float = Field(ge=0.0)
    output_tokens: float = Field(ge=0.0)
    latency_s: float | None = Field(default=None, gt=0.0)
    endpoint: EndpointSpec | None = None


class RoutingSpec(GraphSpec):
    """The prompt routing graph: `llms` are its labels, the others hold unless a row asks for something else.

    Attributes:
        max_cost, cost_weight (``lambda``), max_latency_s: see `mendgraph.core.routing.Terms`.
        execution: how calls of LLMs are looked after.
    """

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    llms: dict[str, LLMSpec] = Field(min_length=1)
    max_cost: float | None = Field(default=None, ge=0.0)
    cost_weight: float = Field(default=0.0, ge=0.0, alias="lambda")
    max_latency_s: float | None = Field(default=None, gt=0.0)
    execution: Supervision = Supervision()


class ExpertSpec(_Frozen):
    """A causal language model, or an adapter over one that several experts share.

    Attributes:
        path: ``embedded:lm/base``, a folder, or a hub name.
        adapter: a PEFT folder over the model in `path`; None for the model itself.
        task: what it is good for, for people.
    """

    path: str
    adapter: str | None = None
    task: str = ""


class TokenRoutingSpec(GraphSpec):
    """The token routing graph: `experts` write, and its tiers say in which mode of decoding.

    Attributes:
        heads: folder with the heads of each mode in a folder of its name.
        chunk: tokens that are written, checked and, in doubt, written again together.
        max_new_tokens, temperature: of rows that do not ask for something else.
    """

    experts: dict[str, ExpertSpec] = Field(min_length=1)
    heads: str
    chunk: int = Field(default=16, ge=1)
    max_new_tokens: int = Field(default=128, ge=1)
    temperature: float = Field(default=0.0, ge=0.0)


class Config(_Frozen):
    """The whole configuration; `source` is the file it came from."""

    source: Path = Field(validation_alias=FILE)
    model: ModelSpec = ModelSpec()
    lora: LoraSpec = LoraSpec()
    training: TrainingSpec = TrainingSpec()
    reflection_training: ReflectionTrainingSpec = ReflectionTrainingSpec()
    emotion: GraphSpec
    reflection: GraphSpec
    prompt_routing: RoutingSpec
    token_routing: TokenRoutingSpec

    def graph(self, name: str) -> GraphSpec:
        spec = getattr(self, name, None)
        if not isinstance(spec, GraphSpec):
            raise ConfigError(
                f"{self.source}: no graph named {name!r}", hint=f"known graphs: {', '.join(graph_names())}"
            )
        return spec


def graph_names() -> list[str]:
    """Every graph that a configuration describes."""
    return list(_graph_specs())


def graph_spec(name: str, data: Mapping[str, Any]) -> GraphSpec:
    """The stanza of one graph, from what `GraphSpec.model_dump` gave."""
    return _graph_specs()[name].model_validate(dict(data))


def _graph_specs() -> dict[str, type[GraphSpec]]:
    entries = ((name, entry.annotation) for name, entry in Config.model_fields.items())
    return {name: kind for name, kind in entries if isinstance(kind, type) and issubclass(kind, GraphSpec)}


def load_config(path: Path | str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Defaults, then the user's file, then ``key.sub=value`` overrides.

    The user's file is `path`, else ``$MENDGRAPH_CONFIG``, else ``./mendgraph.yaml`` if it is there.

    Raises:
        ConfigError: ``where: what`` for everything that is wrong at once.
    """
    source = _source(path)
    data = read_mapping(DEFAULTS)
    if source != DEFAULTS:
        data = _own_models(data, given := with_absolute_paths(read_mapping(source), source.parent))
        data = merged(data, given)
    return _checked(merged(data, settings_of(overrides)), source)


def with_overrides(config: Config, overrides: Sequence[str]) -> Config:
    """The same configuration with ``key.sub=value`` settings on top.

    Raises:
        ConfigError: as `load_config`.
    """
    return _checked(merged(config.model_dump(exclude={"source"}), settings_of(overrides)), config.source)


_MODELS = {"prompt_routing": "llms", "token_routing": "experts"}
"""Graph -> its key for the models to choose among."""


def _own_models(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The defaults without their LLMs or experts where a file names its own: those of others are no candidates."""
    for graph, key in _MODELS.items():
        stanza = given.get(graph)
        if isinstance(stanza, dict) and key in stanza:
            defaults = {**defaults, graph: {**defaults[graph], key: {}}}
    return defaults


def _checked(data: dict[str, Any], source: Path) -> Config:
    for name in graph_names():
        graph = data.get(name)
        for key in ("tiers", "llms", "experts"):
            if isinstance(graph, dict) and isinstance(graph.get(key), dict):
                used = {entry: stanza for entry, stanza in graph[key].items() if stanza is not None}
                graph = {**graph, key: used}
                data = {**data, name: graph}
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
