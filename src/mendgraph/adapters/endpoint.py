"""LLMs behind an endpoint that speaks OpenAI's chat protocol: llama.cpp, Ollama, vLLM, and the providers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from mendgraph.config import EndpointSpec
from mendgraph.errors import EndpointError, EndpointRefused

__all__ = ["TIMEOUT_S", "Endpoint"]

BUSY = frozenset({408, 409, 425, 429})
"""Statuses below 500 after which the same request may work a moment later."""

LONGEST_STORY = 200

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A prompt in, the text of the answer out.  The API key is read at every call and appears in no message.

    Attributes:
        name: the LLM's, unless the endpoint calls it otherwise.
        timeout_s: seconds without a byte after which the endpoint counts as dead.
    """

    name: str
    spec: EndpointSpec
    timeout_s: float = TIMEOUT_S

    def __call__(self, prompt: str) -> str:
        """Raises:
        EndpointRefused: the request, the key or the answer is wrong; asking again will not help.
        EndpointError: it cannot be reached, is busy, or broke.
        """
        key = self._key()
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        body: dict[str, Any] = {
            "model": self.spec.model or self.name,
            "messages": [{"role": "user", "content": prompt}],
        }
        if self.spec.max_tokens is not None:
            body["max_tokens"] = self.spec.max_tokens
        url = f"{self.spec.base_url.rstrip('/')}/chat/completions"
        request = Request(url, json.dumps(body).encode(), headers, method="POST")
        try:
            with urlopen(request, timeout=self.timeout_s) as response:
                return _text_of(self.name, json.loads(response.read()))
        except HTTPError as error:
            with error:
                raise self._refusal(error, key) from None
        except (OSError, HTTPException) as error:  # refused, reset, timed out, no such host, cut off
            raise EndpointError(
                f"{self.name!r} cannot be reached at {self.spec.base_url}: {error}",
                hint="is the server running?",
            ) from None
        except ValueError as error:
            raise EndpointRefused(f"{self.name!r} answered with something that is no JSON: {error}") from None

    def _key(self) -> str:
        variable = self.spec.key_env
        if variable is None:
            return ""
        key = os.environ.get(variable, "")
        if not key:
            raise EndpointRefused(
                f"{self.name!r} needs an API key, and ${variable} is not set", hint=f"export {variable}=..."
            )
        return key

    def _refusal(self, error: HTTPError, key: str) -> EndpointError:
        story = _story(error)
        if key:
            story = story.replace(key, "***")
        kind = EndpointError if error.code >= 500 or error.code in BUSY else EndpointRefused
        return kind(f"{self.name!r} answered with status {error.code}{': ' if story else ''}{story}")


def _story(error: HTTPError) -> str:
    try:
        raw = error.read().decode("utf-8", "replace")
    except (OSError, HTTPException):
        return ""
    try:
        found = json.loads(raw)["error"]
        raw = found["message"] if isinstance(found, Mapping) else str(found)
    except (ValueError, KeyError, TypeError):
        pass
    return " ".join(str(raw).split())[:LONGEST_STORY]


def _text_of(name: str, answer: Any) -> str:
    try:
        text = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        text = None
    if not isinstance(text, str):
        raise EndpointRefused(
            f"{name!r} answered without a message: its answer has no choices[0].message.content"
        )
    return text
