"""Graphs that choose among language models: which answers a prompt, and which writes the next token."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from mendgraph.config.frozen import Frozen
from mendgraph.config.graph import GraphSpec
from mendgraph.core.supervision import Supervision


class EndpointSpec(Frozen):
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


class LLMSpec(Frozen):
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


class ExpertSpec(Frozen):
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
