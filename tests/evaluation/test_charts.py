"""Charts are files of pixels; what can be checked is that they are made, differ, and touch nothing global."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mendgraph.core.values import Answer, Attempt, Prediction
from mendgraph.errors import DataError, MendError
from mendgraph.evaluation.charts import CHARTS, risk_coverage, session_chart, session_charts
from mendgraph.testing import scores_for

pytest.importorskip("matplotlib")

STEP = Attempt("primary", Prediction("joy", scores_for("joy", 0.9), 0.9))
MIXED = [
    Answer("a", "accepted", "joy", "joy", confidence=0.9, source="primary", trail=(STEP,)),
    Answer("b", "accepted", "fear", "fear", confidence=0.7, source="backup", trail=(STEP, STEP)),
    Answer("c", "abstained", None, "joy", confidence=0.3, trail=(STEP, STEP)),
    Answer("d", "failed"),
]


def pixels(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


@pytest.mark.parametrize("answers", [MIXED, MIXED[3:], []])
def test_any_session_has_its_charts(tmp_path: Path, answers: list[Answer]) -> None:
    width, height = pixels(session_chart(answers, tmp_path / "deep" / "session.png"))
    assert height > width > 500
    paths = session_charts(answers, tmp_path)
    assert [path.stem for path in paths] == list(CHARTS)
    assert all(pixels(path)[0] == width for path in paths)


def test_the_charts_show_the_answers(tmp_path: Path) -> None:
    few, many = session_chart(MIXED[:1], tmp_path / "a.png"), session_chart(MIXED, tmp_path / "b.png")
    assert few.read_bytes() != many.read_bytes()


def test_risk_coverage_draws_every_curve(tmp_path: Path) -> None:
    curve = (np.array([0.5, 1.0]), np.array([0.0, 0.25]))
    one = risk_coverage({"primary": curve}, tmp_path / "one.png")
    two = risk_coverage({"primary": curve, "cascade": (curve[0], curve[1] / 2)}, tmp_path / "two.png")
    assert pixels(one) == pixels(two)
    assert one.read_bytes() != two.read_bytes()


def test_drawing_leaves_no_global_state_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it would fail
    session_chart(MIXED, tmp_path / "session.png")


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MendError, match=r"pip install 'mendgraph\[viz\]'"):
        session_chart(MIXED, tmp_path / "session.png")


def test_a_folder_that_cannot_be_written_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot write"):
        session_chart(MIXED, tmp_path / "file" / "session.png")
