"""Writers: a text written in chunks through the graph is the text written at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.sampling import Sampling
from mendgraph.adapters.causal.state import Options
from mendgraph.adapters.writer_tier import TokenCalibration, WriterTier, open_calibration
from mendgraph.core.values import Answer, Failure, Input, Prediction
from mendgraph.core.writing import Task, prepare_writing
from mendgraph.errors import ArtifactError
from mendgraph.modules.expert_heads import ExpertHeads
from mendgraph.nodes.switches import Switches
from tests.experts import open_experts, stretch
from tests.writers import graph, policy, writer

PROMPTS = [stretch("math", 1), stretch("medical", 2, 3), stretch("general", 3, 12)]


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    return open_experts(tmp_path_factory.mktemp("experts"))


@pytest.fixture(scope="module")
def heads(ensemble: Ensemble) -> ExpertHeads:
    torch.manual_seed(0)
    found = ExpertHeads(ensemble.names, ensemble.hidden_size, hidden_dims=(16,), fusion_rank=4)
    with torch.no_grad():
        for weight in found.parameters():
            weight.normal_(0, 0.5)
    return found.eval()


def task(
    text: Any = None, tokens: int = 4, row: int = 0, ways: Any = None, prompt: str = PROMPTS[0]
) -> Input:
    return Input(prompt, prompt, Task(row, text, tokens, ways or {}).to_dict())


@pytest.mark.parametrize("mode", ["soft", "hard", "lazy", "fusion"])
@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_chunks_through_the_graph_are_the_text_at_once(
    ensemble: Ensemble, heads: ExpertHeads, mode: Any, temperature: float
) -> None:
    ways = {"max_new_tokens": 11, "temperature": temperature, "seed": 5}
    made = graph({"writer": writer("writer", ensemble, heads, mode)}, chunk=3, policy=policy(0.0))
    state = made.invoke({"inputs": [{"prompt": p, **ways} for p in PROMPTS], "options": {}})
    decoder = Decoder(ensemble, heads)
    options = Options(mode=mode, max_new_tokens=11, sampling=Sampling(temperature), seed=5)
    whole = decoder.decode(decoder.begin(PROMPTS, options))
    assert [answer["label"] for answer in state["answers"]] == whole.texts
    for answer, row in zip(state["answers"], whole.rows, strict=True):
        assert [token["expert"] for token in answer["value"]["tokens"]] == [t.expert for t in row.tokens]
        assert answer["value"]["finish"] == row.finish


def test_rows_are_written_alike_whoever_is_with_them(ensemble: Ensemble, heads: ExpertHeads) -> None:
    tier = writer("writer", ensemble, heads, "soft")
    ways = {"temperature": 1.0, "seed": 3}
    together = tier.predict([task(row=n, ways=ways, prompt=p) for n, p in enumerate(PROMPTS)])
    alone = [tier.predict([task(row=n, ways=ways, prompt=p)])[0] for n, p in enumerate(PROMPTS)]
    for one, other in zip(together, alone, strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(other, Prediction)
        assert one.value["text"]["ids"] == other.value["text"]["ids"]


def test_confidence_is_the_mean_of_calibrated_tokens(ensemble: Ensemble, heads: ExpertHeads) -> None:
    calibration = TokenCalibration(0.5, 0.2, ensemble.fingerprint)
    tier = WriterTier("writer", Decoder(ensemble, heads), mode="hard", calibration=calibration)
    [said] = tier.predict([task()])
    assert isinstance(said, Prediction)
    chances = [calibration(token["probability"]) for token in said.value["text"]["tokens"]]
    assert said.confidence == pytest.approx(sum(chances) / 4)
    assert said.scores["right"] + said.scores["wrong"] == pytest.approx(1.0)
    other = WriterTier(
        "writer", Decoder(ensemble, heads), mode="hard", calibration=TokenCalibration(1, 0, "else")
    )
    assert tier.calibrator is not None
    assert tier.calibrator.fingerprint == tier.fingerprint
    assert other.calibrator is None
    [unsure] = other.predict([task()])
    assert isinstance(unsure, Prediction)
    assert unsure.confidence is None


def test_a_row_that_asks_for_what_is_not_there_fails_alone(ensemble: Ensemble, heads: ExpertHeads) -> None:
    tier = writer("writer", ensemble, heads, "soft")
    long = " ".join(PROMPTS * 20)
    rows = [
        task(),
        task(ways={"force": "maths"}, row=1),
        task(ways={"mode": "sofft"}, row=2),
        task(prompt=long, row=3),
        task(row=4, ways={"force": "math"}),
    ]
    found = tier.predict(rows)
    assert [type(one) for one in found] == [Prediction, Failure, Failure, Failure, Prediction]
    assert "did you mean 'math'?" in found[1].hint  # type: ignore[union-attr]
    assert {one.kind for one in found if isinstance(one, Failure)} == {"input"}
    assert {token["expert"] for token in found[4].value["text"]["tokens"]} == {"math"}  # type: ignore[union-attr]


def test_a_backup_keeps_its_own_way(ensemble: Ensemble, heads: ExpertHeads) -> None:
    backup = writer("backup", ensemble, heads, "forced", expert="medical", own_way=True)
    [said] = backup.predict([task(ways={"mode": "soft"})])
    assert isinstance(said, Prediction)
    assert {token["expert"] for token in said.value["text"]["tokens"]} == {"medical"}


def test_a_killed_expert_is_missing_from_the_next_chunk_on(ensemble: Ensemble, heads: ExpertHeads) -> None:
    switches = Switches()
    tier = writer("writer", ensemble, heads, "forced", expert="math")
    made = graph({"writer": tier}, chunk=4, switches=switches, policy=policy(0.0))
    spoke: list[set[str]] = []
    for event in made.stream(
        {"inputs": [{"prompt": PROMPTS[0], "max_new_tokens": 8}], "options": {}}, stream_mode="custom"
    ):
        if event["event"] == "chunk":
            spoke.append({token["expert"] for token in event["tokens"]})
            switches.kill("math")
        last = event
    assert spoke[0] == {"math"}
    assert "math" not in spoke[1]
    answer = Answer.from_dict(last["answer"])
    assert answer.accepted
    assert answer.value["dropped"][0]["expert"] == "math"
    assert answer.value["dropped"][0]["step"] == 4


def test_experts_of_other_names_can_heal(ensemble: Ensemble, heads: ExpertHeads, tmp_path: Path) -> None:
    """A backup of its own, over the same vocabulary, goes on with a text that others began."""
    other = Ensemble.open([{"name": "big", "path": ensemble.experts[0].path}], device="cpu")
    first, backup = writer("writer", ensemble, heads, "lazy"), WriterTier(
        "backup", Decoder(other), mode="forced", expert="big", own_way=True,
        calibration=TokenCalibration(0.0, 9.0, other.fingerprint),
    )  # fmt: skip
    made = graph({"writer": first, "backup": backup}, chunk=4, policy=policy(0.99))
    state = made.invoke({"inputs": [{"prompt": PROMPTS[2], "max_new_tokens": 8}], "options": {}})
    [answer] = state["answers"]
    assert {token["expert"] for token in answer["value"]["tokens"]} == {"big"}
    assert answer["source"] == "backup"


def test_calibrations_are_read_from_beside_the_heads(tmp_path: Path) -> None:
    assert open_calibration(tmp_path / "policy.json") is None
    (tmp_path / "policy.json").write_text(json.dumps({"slope": 1.5, "intercept": -0.5, "fingerprint": "f"}))
    assert open_calibration(tmp_path / "policy.json") == TokenCalibration(1.5, -0.5, "f")
    (tmp_path / "policy.json").write_text("{")
    with pytest.raises(ArtifactError):
        open_calibration(tmp_path / "policy.json")


def test_prompts_keep_their_lines_and_bring_their_ways() -> None:
    row = prepare_writing({"prompt": "a\n b", "stop": "x", "temperature": 1})
    assert row.text == "a\n b"
    assert row.facts == {"ways": {"stop": ["x"], "temperature": 1.0}}
    assert prepare_writing(row.raw) == row
    assert prepare_writing('{"a": 1}').text == '{"a": 1}'
    cells = prepare_writing({"text": "a", "top_k": "5", "seed": "", "temperature": "0.5"})
    assert cells.facts == {"ways": {"temperature": 0.5, "top_k": 5}}
