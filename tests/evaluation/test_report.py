"""Figures as JSON and as text."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mendgraph.errors import DataError
from mendgraph.evaluation.report import Report, Section, Table, between, number, percent, plain, points


@dataclass(frozen=True)
class Figure:
    share: float
    rows: tuple[int, ...]


def test_everything_becomes_json() -> None:
    given = {
        1: Figure(math.nan, (1, 2)),
        "array": np.array([0.5, math.inf]),
        "scalar": np.int64(3),
        "path": Path("a/b"),
        "nothing": None,
        "flag": True,
    }
    assert plain(given) == {
        "1": {"share": None, "rows": [1, 2]},
        "array": [0.5, None],
        "scalar": 3,
        "path": "a/b",
        "nothing": None,
        "flag": True,
    }


def test_numbers_as_text() -> None:
    assert number(0.12345) == "0.123"
    assert number(math.nan) == "-"
    assert between(0.5, (0.4, 0.6), 1) == "0.5 [0.4, 0.6]"
    assert between(0.5, None) == "0.500"
    assert percent(0.0712) == "7.1 %"
    assert percent(math.nan) == "-"
    assert points(0.016) == "+1.6"
    assert points(-0.016) == "-1.6"


def test_tables_come_in_order_and_the_json_holds_every_section(tmp_path: Path) -> None:
    one, two = Table("one", ("a",), (("1",),)), Table("two", ("b",), (("2",),))
    report = Report((Section("x", (one,), {"value": 1.5}), Section("y", (two,), {})), {"seed": 0})
    assert report.tables() == [one, two]
    report.write_json(tmp_path / "deep" / "figures.json")
    written = json.loads((tmp_path / "deep" / "figures.json").read_text())
    assert written == {"about": {"seed": 0}, "x": {"value": 1.5}, "y": {}}


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(DataError, match="taken"):
        Report((), {}).write_json(tmp_path / "taken" / "figures.json")
