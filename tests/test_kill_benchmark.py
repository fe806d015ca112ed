"""The command behind measure P11, with a few points instead of 500."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.loading import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="attempts are forked")


def test_kills_at_random_points_lose_no_row_and_repeat_none(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.p11_kill",
        "--points",
        "10",
        "--rows",
        "500",
        "--chunk",
        "25",
    ]
    done = subprocess.run(
        [*command, "--into", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "p11_kill.json").read_text())
    figures = {figure["name"]: figure["value"] for figure in found["figures"]}
    assert figures["rows lost"] == 0
    assert figures["rows answered twice"] == 0
    assert figures["outputs that differ from the uninterrupted run's"] == 0
    assert sum(found["details"]["kills"].values()) == 10
    assert found["details"]["jobs_finished"] >= 1
