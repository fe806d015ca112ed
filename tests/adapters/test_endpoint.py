"""LLMs behind an OpenAI-compatible endpoint, against a server of our own on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mendgraph.adapters.endpoint import Endpoint
from mendgraph.adapters.llm_calls import callers_of
from mendgraph.config import EndpointSpec
from mendgraph.errors import ConfigError, EndpointError, EndpointRefused
from mendgraph.prompt_routing import PromptRoutingGraph
from tests.llms import PRICES, Rating, catalog, spec
from tests.routers import router

Reply = tuple[int, Any]


class Server:
    """Answers as `replies` says, in turn, the last one for ever; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.replies: list[Reply | Callable[[dict[str, Any]], Reply]] = [echo]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append({"path": self.path, **body})
                outer.keys.append(self.headers.get("Authorization"))
                reply = outer.replies.pop(0) if len(outer.replies) > 1 else outer.replies[0]
                status, content = reply(body) if callable(reply) else reply
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *words: Any) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def message(text: str) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}


def echo(body: dict[str, Any]) -> Reply:
    return 200, message(f"{body['model']} heard: {body['messages'][-1]['content']}")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def endpoint(server: Server, **more: Any) -> Endpoint:
    return Endpoint("big", EndpointSpec(base_url=server.url, **more), timeout_s=5.0)


def graph_over(server: Server, **execution: Any) -> PromptRoutingGraph:
    llms = {name: {**PRICES[name], "endpoint": {"base_url": server.url}} for name in ("big", "middle")}
    given = {"llms": llms, "execution": {"isolation": "inline", "backoff_s": 0.0, **execution}}
    base = {"small": PRICES["small"]}
    return router(
        {"router": Rating(catalog(), (0.9, 0.6, 0.3))}, settings={**given, "llms": {**llms, **base}}
    )


def test_a_prompt_goes_out_and_the_answer_comes_back(server: Server) -> None:
    assert endpoint(server, model="org/big", max_tokens=9)("two\nlines") == "org/big heard: two\nlines"
    assert server.asked == [
        {
            "path": "/v1/chat/completions",
            "model": "org/big",
            "messages": [{"role": "user", "content": "two\nlines"}],
            "max_tokens": 9,
        }
    ]
    assert server.keys == [None]


def test_the_key_comes_from_the_environment_and_is_told_to_nobody_else(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = endpoint(server, key_env="MEND_TEST_KEY")
    with pytest.raises(EndpointRefused, match=r"\$MEND_TEST_KEY is not set"):
        called("hello")
    monkeypatch.setenv("MEND_TEST_KEY", "sk-very-secret")
    assert called("hello") == "big heard: hello"
    assert server.keys == ["Bearer sk-very-secret"]
    server.replies = [(401, {"error": {"message": "wrong key sk-very-secret"}})]
    with pytest.raises(EndpointRefused, match=r"status 401: wrong key \*\*\*") as caught:
        called("hello")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        ((500, {"error": "broken"}), EndpointError, "status 500: broken"),
        ((429, {"error": {"message": "slow down"}}), EndpointError, "status 429: slow down"),
        ((404, b"no such page"), EndpointRefused, "status 404: no such page"),
        ((400, {"detail": "bad"}), EndpointRefused, "status 400"),
        ((200, b"<html>"), EndpointRefused, "no JSON"),
        ((200, {"choices": []}), EndpointRefused, "without a message"),
        ((200, {"choices": [{"message": {"content": None}}]}), EndpointRefused, "without a message"),
    ],
)
def test_what_goes_wrong_has_a_name(
    server: Server, reply: Reply, kind: type[EndpointError], said: str
) -> None:
    server.replies = [reply]
    with pytest.raises(EndpointError, match=said) as caught:
        endpoint(server)("hello")
    assert type(caught.value) is kind
    assert caught.value.retryable == (kind is EndpointError)


def test_a_server_that_is_not_there_is_named() -> None:
    gone = Server()
    gone.close()
    with pytest.raises(EndpointError, match=r"cannot be reached at http://127\.0\.0\.1"):
        endpoint(gone)("hello")


def test_the_chosen_llm_answers_the_whole_prompt(server: Server) -> None:
    [answer] = graph_over(server).execute({"prompt": "line\nbreak", "max_cost": 1.0})
    assert (answer.status, answer.label) == ("accepted", "big")
    assert answer.value["response"] == "big heard: line\nbreak"
    assert answer.value["answered_by"] == "big"
    assert [a.tier for a in answer.trail] == ["router", "big"]


def test_a_busy_llm_is_asked_again(server: Server) -> None:
    server.replies = [(503, {}), (429, {}), echo]
    [answer] = graph_over(server, retries=2).execute("hello")
    assert answer.value["answered_by"] == "big"
    assert len(answer.trail[-1].notes) == 2


def test_a_failing_llm_falls_to_the_runner_up_and_the_trail_says_so(server: Server) -> None:
    server.replies = [lambda body: echo(body) if body["model"] == "middle" else (500, {"error": "broken"})]
    graph = graph_over(server, retries=0, breaker={"consecutive": 2})
    [answer] = graph.execute("hello")
    assert (answer.label, answer.value["model"], answer.value["answered_by"]) == ("middle", "big", "middle")
    assert [a.tier for a in answer.trail] == ["router", "big", "middle"]
    assert answer.trail[1].failure is not None
    assert answer.confidence is None
    graph.execute("hello")
    calls = sum(asked["model"] == "big" for asked in server.asked)
    [later] = graph.execute("hello")  # two failures in a row opened its breaker
    assert sum(asked["model"] == "big" for asked in server.asked) == calls == 2
    assert "left alone" in later.trail[1].failure.message  # type: ignore[union-attr]
    assert later.value["answered_by"] == "middle"


def test_when_no_llm_answers_the_row_fails_alone(server: Server) -> None:
    server.replies = [(500, {"error": "broken"})]
    answers = graph_over(server, retries=0).execute(["hello", "  "])
    assert [a.error.kind for a in answers if a.error] == ["no_llm_answered", "input"]
    assert "big: 'big' answered with status 500: broken; middle:" in answers[0].error.message  # type: ignore[union-attr]


def test_functions_and_chat_models_are_called_instead(server: Server) -> None:
    class Chat:
        def invoke(self, prompt: str) -> Any:
            return type("Message", (), {"content": [{"type": "text", "text": f"chat {prompt}"}, "!"]})()

    graph = graph_over(server)
    [answer] = graph.execute("hello", llms={"big": Chat()})
    assert answer.value["response"] == "chat hello!"
    [answer] = graph.execute("hello", llms={"big": str.upper})
    assert answer.value["response"] == "HELLO"
    [answer] = graph.execute("hello", llms={"big": lambda prompt: 3})
    assert answer.value["answered_by"] == "middle"
    assert server.asked[0]["model"] == "middle"


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown huge"):
        callers_of(spec(), {"huge": str.upper})
    with pytest.raises(ConfigError, match="expected a function or a chat model, got int"):
        callers_of(spec(), {"big": 3})
    with pytest.raises(ConfigError, match="no LLM can be called"):
        router({"router": Rating(catalog(), (0.9, 0.6, 0.3))}).execute("hello")
