"""LLMs as tiers, so that breaker, retries and deadlines look after them as after any other model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mendgraph.adapters.endpoint import TIMEOUT_S, Endpoint
from mendgraph.config import RoutingSpec
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import BadOutput, ConfigError
from mendgraph.runtime.supervised import Supervised

__all__ = ["LLMTier", "callers_of"]

Call = Callable[[str], str]


class LLMTier:
    """Answers each row with one call; the prediction's value holds the ``response``."""

    fingerprint = ""

    def __init__(self, name: str, call: Call) -> None:
        self.name = name
        self._call = call

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        return [self._one(row.text) for row in rows]

    def _one(self, prompt: str) -> Prediction:
        response = self._call(prompt)
        if not isinstance(response, str):
            raise BadOutput(f"{self.name!r} answered with a {type(response).__name__}, not a text")
        return Prediction(self.name, {self.name: 1.0}, 1.0, value={"response": response})


def callers_of(spec: RoutingSpec, given: Mapping[str, Any] | None = None) -> dict[str, Supervised]:
    """LLM -> how it is called: as `given` says, else by its configured endpoint; the others are left out.

    Args:
        given: LLM -> a function of the prompt, or a chat model with LangChain's ``invoke``.

    Raises:
        ConfigError: a name that is no LLM of the configuration, or something that cannot be called.
    """
    given = given or {}
    if strange := sorted(set(given) - set(spec.llms)):
        raise ConfigError(f"llms: unknown {', '.join(strange)}", hint=f"known: {', '.join(spec.llms)}")
    timeout = spec.execution.deadline_s or TIMEOUT_S
    calls: dict[str, Call] = {
        name: Endpoint(name, llm.endpoint, timeout)
        for name, llm in spec.llms.items()
        if llm.endpoint is not None
    }
    calls.update({name: _call_of(name, llm) for name, llm in given.items()})
    return {name: Supervised(name, LLMTier(name, call), spec.execution) for name, call in calls.items()}


def _call_of(name: str, llm: Any) -> Call:
    invoke = getattr(llm, "invoke", None)
    if callable(invoke):
        return lambda prompt: _content(invoke(prompt))
    if callable(llm):
        call: Call = llm
        return call
    raise ConfigError(f"llms.{name}: expected a function or a chat model, got {type(llm).__name__}")


def _content(message: Any) -> Any:
    """The text of a chat model's message; its content may be a list of parts."""
    content = getattr(message, "content", message)
    if not isinstance(content, list):
        return content
    parts = [part if isinstance(part, str) else part.get("text", "") for part in content]
    return "".join(parts)
