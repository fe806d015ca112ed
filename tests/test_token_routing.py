"""The token routing graph from a configuration: writing, steering, failing over, going on after a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import Expert
from mendgraph.adapters.causal.heads_file import load_heads
from mendgraph.adapters.causal.state import Options
from mendgraph.assembly import load
from mendgraph.errors import InputError, UnknownNameError
from mendgraph.token_routing import TokenRoutingGraph, with_ways
from tests.experts import save_router, stretch

PROMPT = stretch("math", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Experts, heads of two modes, policy, and the configuration that names them."""
    return save_router(tmp_path_factory.mktemp("token_routing"), "soft", "lazy", "policy").parent


@pytest.fixture(scope="module")
def graph(folder: Path) -> TokenRoutingGraph:
    return load("token_routing", config=folder / "mendgraph.yaml")


def test_a_prompt_is_continued_and_told_token_by_token(graph: TokenRoutingGraph) -> None:
    [answer] = graph.run(PROMPT)
    assert answer.accepted
    assert answer.label == answer.value["text"] == graph.generate(PROMPT)
    assert len(answer.value["tokens"]) == 12
    assert {token["expert"] for token in answer.value["tokens"]} <= set(graph.experts)
    assert 0 < (answer.confidence or 0) < 1
    assert {step.tier for step in answer.trail} <= {"writer", "mixture", "backup"}
    json.dumps(answer.to_dict())


def test_batches_streams_and_single_prompts_agree(graph: TokenRoutingGraph) -> None:
    prompts = [PROMPT, stretch("medical", 2, 3)]
    together = graph.generate(prompts, temperature=0.8, seed=3)
    pieces: dict[int, str] = {0: "", 1: ""}
    for row, piece in graph.generate(prompts, stream=True, temperature=0.8, seed=3):
        pieces[row] += piece
    assert together == [pieces[0], pieces[1]]
    assert graph.generate(PROMPT, temperature=0.8, seed=3) == together[0]


def test_ways_hold_for_rows_that_bring_none(graph: TokenRoutingGraph) -> None:
    rows: list[object] = [PROMPT, {"prompt": PROMPT, "force": "medical"}]
    found = graph.write(rows, ways={"force": "math", "max_new_tokens": 5})
    assert [{t["expert"] for t in a.value["tokens"]} for a in found] == [{"math"}, {"medical"}]
    assert [len(a.value["tokens"]) for a in found] == [5, 5]
    assert with_ways(["x"], {"seed": None}) == ["x"]
    bad: list[object] = ["", "\x00", 7, None]
    assert [a.status for a in graph.write([*bad, PROMPT], ways={"seed": 1})] == ["failed"] * 4 + ["accepted"]
    with pytest.raises(InputError, match="colour"):
        graph.generate(PROMPT, colour="red")


def test_a_row_that_asks_for_a_mode_gets_the_heads_of_that_mode(
    graph: TokenRoutingGraph, folder: Path
) -> None:
    spec = graph.spec
    ensemble = Ensemble.open([Expert(name, one.path) for name, one in spec.experts.items()], device="cpu")
    saved = load_heads(folder / "heads" / "soft", ensemble.names, ensemble.hidden_size)
    decoder = Decoder(ensemble, saved.heads)
    wanted = decoder.decode(decoder.begin([PROMPT], Options(mode="soft", max_new_tokens=12))).texts[0]
    assert graph.write(PROMPT, ways={"mode": "soft"}, threshold=0.0)[0].label == wanted
    [answer] = graph.write(PROMPT, ways={"mode": "fusion"})
    assert answer.source != "writer"
    assert "fusion" in answer.trail[0].failure.message  # type: ignore[union-attr]


def test_what_is_not_there_is_said_by_name(graph: TokenRoutingGraph) -> None:
    [answer] = graph.write(PROMPT, ways={"mode": "sofft"})
    assert answer.error is not None
    assert "did you mean 'soft'?" in answer.error.hint
    with pytest.raises(InputError, match="unknown force 'maths'"):
        graph.generate(PROMPT, force="maths")
    with pytest.raises(UnknownNameError):
        graph.kill("maths")


def test_a_killed_expert_comes_back_for_the_next_text(folder: Path) -> None:
    with load("token_routing", config=folder / "mendgraph.yaml") as graph:
        graph.kill("math")
        [answer] = graph.write(PROMPT)
        assert "math" not in {token["expert"] for token in answer.value["tokens"]}
        assert answer.value["dropped"][0]["expert"] == "math"
        graph.restore("math")
        assert not graph.run(PROMPT)[0].value["dropped"]


def test_without_heads_the_backup_writes(folder: Path) -> None:
    with load(
        "token_routing", config=folder / "mendgraph.yaml", overrides=["token_routing.heads=/nowhere"]
    ) as graph:
        assert graph.health()["writer"]["state"] == "down"
        [answer] = graph.run(PROMPT)
        assert (answer.status, answer.source) == ("accepted", "backup")
        assert {token["expert"] for token in answer.value["tokens"]} == {"general"}


def test_heads_of_other_experts_are_refused(folder: Path) -> None:
    other = ["token_routing.experts.math.path=" + str(folder / "experts" / "general")]
    with load("token_routing", config=folder / "mendgraph.yaml", overrides=other) as graph:
        assert "were trained for experts" in (graph.health()["writer"]["error"] or "")
        assert graph.run(PROMPT)[0].source == "backup"


def test_a_bigger_model_can_heal(folder: Path) -> None:
    big = json.dumps({"big": {"path": str(folder / "experts" / "math")}})
    overrides = [
        "token_routing.tiers.mixture=null",
        f"token_routing.tiers.backup.experts={big}",
    ]
    with load("token_routing", config=folder / "mendgraph.yaml", overrides=overrides) as graph:
        [answer] = graph.run(PROMPT, threshold=1.0)
        assert {step.tier for step in answer.trail} == {"writer", "backup"}
        assert answer.accepted


def test_a_file_of_ones_own_names_all_experts(folder: Path) -> None:
    graph = load("token_routing", config=folder / "mendgraph.yaml")
    assert graph.experts == ("general", "math", "medical")
    stanza = json.loads((folder / "mendgraph.yaml").read_text())["token_routing"]
    only = {**stanza, "experts": {"math": stanza["experts"]["math"]}}
    (folder / "one.yaml").write_text(json.dumps({"token_routing": only}))
    assert load("token_routing", config=folder / "one.yaml").experts == ("math",)


def test_as_a_tool_and_as_a_node(graph: TokenRoutingGraph) -> None:
    told = graph.as_tool().invoke({"prompt": PROMPT, "max_new_tokens": 4})
    assert len(told["value"]["tokens"]) == 4
    node = graph.as_node()
    assert node({"prompt": PROMPT}, {})["token_routing"]["status"] == "accepted"


SCRIPT = """
import sys
from langgraph.checkpoint.sqlite import SqliteSaver
from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import Expert
from mendgraph.adapters.causal.heads_file import load_heads
from mendgraph.adapters.causal.state import Options
from mendgraph.assembly import load

config, database, resume = sys.argv[1:]
thread = {"configurable": {"thread_id": "one"}}
with SqliteSaver.from_conn_string(database) as saver:
    graph = load("token_routing", config=config, checkpointer=saver)
    row = {"prompt": PROMPT, "max_new_tokens": 40, "temperature": 0.7, "seed": 5}
    given = None if resume == "yes" else graph.request([row])
    for event in graph.graph.stream(given, thread, stream_mode="custom", durability="sync"):
        print(event["event"], flush=True)
    print(graph.graph.get_state(thread).values["answers"][0]["label"], flush=True)
"""


def test_kill_minus_nine_and_resume_is_the_same_text(
    folder: Path, tmp_path: Path, graph: TokenRoutingGraph
) -> None:
    pytest.importorskip("langgraph.checkpoint.sqlite")
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.replace("PROMPT", repr(PROMPT)))
    arguments = [sys.executable, str(script), str(folder / "mendgraph.yaml"), str(tmp_path / "runs.sqlite")]
    with subprocess.Popen([*arguments, "no"], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        chunks = 0
        for line in first.stdout:
            chunks += line.strip() == "chunk"
            if chunks == 3:
                first.send_signal(signal.SIGKILL)
                break
    second = subprocess.run([*arguments, "yes"], stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    lines = second.stdout.splitlines()
    assert 1 <= sum(line == "chunk" for line in lines) <= 8
    text = second.stdout.partition("answer\n")[2].removesuffix("\n")
    assert text == graph.generate(PROMPT, max_new_tokens=40, temperature=0.7, seed=5)
