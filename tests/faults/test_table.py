"""docs/faults.md names the tests of this folder, all of them and no others."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.loading import ROOT

HERE = Path(__file__).parent
NAMED = re.compile(r"`([\w/.]+\.py)::(test_\w+)`")


def table() -> list[list[str]]:
    """The cells of every fault's line."""
    lines = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").splitlines()
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [cells for cells in found if cells[0] != "Fault" and not cells[0].startswith("---")]


def defined(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_fault_has_tests_and_every_one_named_exists() -> None:
    faults = table()
    assert len(faults) > 20
    for fault, *rest in faults:
        assert len(rest) == 4, fault
        named = NAMED.findall(rest[-1])
        assert named, fault
        for file, test in named:
            assert test in defined((HERE / file).resolve()), f"{fault}: no {test} in {file}"


def test_every_test_of_a_fault_is_in_the_table() -> None:
    named = {test for *_, tests in table() for _, test in NAMED.findall(tests)}
    others = [file for file in HERE.glob("test_*.py") if file != Path(__file__)]
    assert {test for file in others for test in defined(file)} <= named
