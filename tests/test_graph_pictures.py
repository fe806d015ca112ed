"""The committed pictures are true."""

from __future__ import annotations

from pathlib import Path

import pytest

from mendgraph.config import load_config
from tests.loading import ROOT, script

PICTURES: dict[Path, str] = script("docs/draw_graphs.py").pictures()


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_the_picture_is_that_of_the_graph(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PICTURES[path], "run `make docs`"


def test_every_graph_has_a_picture() -> None:
    systems = {path.stem for path in (ROOT / "graphs").glob("*.py")} - {"__init__"}
    assert {path.stem for path in PICTURES} == systems


def test_every_tier_and_its_check_are_nodes_of_their_own_name() -> None:
    drawing = PICTURES[ROOT / "graphs" / "emotion.mmd"]
    for tier in load_config().emotion.tiers:
        assert f"{tier}({tier})" in drawing
        assert f"check_{tier}(check_{tier})" in drawing
    for step in ("prepare", "irony", "settle", "ask"):
        assert f"{step}({step})" in drawing
