"""The face of the prompt routing graph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from langgraph.graph import END, START, StateGraph

from mendgraph.config import load_config
from mendgraph.core.calibration.platt import Platt
from mendgraph.core.calibration.vector import Vector
from mendgraph.core.healing import HealingPolicy
from mendgraph.errors import ArtifactError, ConfigError, UnknownNameError
from mendgraph.prompt_routing import PromptRoutingGraph, with_terms
from tests.llms import MODELS, PRICES, Rating, catalog, spec
from tests.routers import router

GOOD = (0.9, 0.6, 0.3)


@pytest.fixture
def graph() -> PromptRoutingGraph:
    return router({"router": Rating(catalog(), GOOD)})


def test_terms_hold_for_every_prompt_that_has_none_of_its_own(graph: PromptRoutingGraph) -> None:
    rows = ["hello", {"prompt": "hello", "max_cost": 1.0}, {"prompt": "hello", "down": ["middle"]}]
    assert [a.label for a in graph.route(rows, max_cost=0.001)] == ["middle", "big", "small"]
    assert graph.route("hello", without=["big"])[0].label == "middle"
    assert graph.route("hello", cost_weight=1e6)[0].label == "small"
    with pytest.raises(UnknownNameError, match="unknown LLM 'bigg'"):
        graph.route("hello", without=["bigg"])


def test_predict_gives_one_array_per_llm(graph: PromptRoutingGraph) -> None:
    found = graph.predict(["one", "two", " "])
    assert list(found) == list(MODELS)
    assert found["big"][:2] == pytest.approx([0.8, 0.8])
    assert np.isnan(found["big"][2])
    assert list(graph.predict("one", models=["small"])) == ["small"]


def test_as_a_tool_and_as_a_node(graph: PromptRoutingGraph) -> None:
    assert graph.as_tool().invoke({"prompt": "hello", "max_cost": 0.001})["label"] == "middle"
    parent = StateGraph(dict)
    parent.add_node("route", graph.as_node())
    parent.add_edge(START, "route")
    parent.add_edge("route", END)
    state = parent.compile().invoke({"prompt": {"prompt": "hello", "down": ["big"]}})
    assert state["prompt_routing"]["label"] == "middle"


def test_executing_is_one_node_more(graph: PromptRoutingGraph) -> None:
    assert "execute" not in graph.graph.get_graph().nodes
    assert "execute" in graph.executing_with({"big": str.upper}).get_graph().nodes


def test_a_file_of_ones_own_replaces_the_llms_and_settings_change_single_ones(tmp_path: Path) -> None:
    file = tmp_path / "mendgraph.yaml"
    file.write_text(
        json.dumps({"prompt_routing": {"llms": {"mine": PRICES["big"], "yours": PRICES["small"]}}})
    )
    assert list(load_config(file).prompt_routing.llms) == ["mine", "yours"]
    cheaper = load_config(file, ["prompt_routing.llms.mine.input_price=1", "prompt_routing.llms.yours=null"])
    assert list(cheaper.prompt_routing.llms) == ["mine"]
    assert cheaper.prompt_routing.llms["mine"].input_price == 1.0
    assert load_config(None, ["prompt_routing.lambda=5"]).prompt_routing.cost_weight == 5.0


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ("lambda=-1", "max_cost=-1", "llms={}"):
        with pytest.raises(ConfigError, match="prompt_routing"):
            load_config(None, [f"prompt_routing.{wrong}", *_no_llms(wrong)])
    with pytest.raises(ConfigError, match="base_url"):
        spec(llms={**PRICES, "big": {**PRICES["big"], "endpoint": {"base_url": "ftp://x"}}})


def _no_llms(wrong: str) -> list[str]:
    names = load_config().prompt_routing.llms
    return [f"prompt_routing.llms={json.dumps(dict.fromkeys(names))}"] if wrong == "llms={}" else []


def test_terms_leave_rows_alone_that_are_none() -> None:
    assert with_terms([3, "a"], {"max_cost": 1.0, "down": None}) == [3, {"prompt": "a", "max_cost": 1.0}]
    assert with_terms("a", {}) == ["a"]


def test_a_policy_serves_any_llms_unless_it_was_learned_label_by_label() -> None:
    policy = HealingPolicy(labels=("a", "b"), calibrators={"router": Platt(1.0, 0.0, "f")})
    assert policy.over(("c", "d", "e")).labels == ("c", "d", "e")
    assert policy.over(("a", "b")) is policy
    by_label = HealingPolicy(labels=("a", "b"), calibrators={"router": Vector((1.0, 1.0), (0.0, 0.0), "f")})
    with pytest.raises(ArtifactError, match="label by label"):
        by_label.over(("c", "d"))
