"""The part that trains runs where pydantic, langgraph and loguru are missing."""

from __future__ import annotations

import subprocess
import sys

LACKING = ("pydantic", "langgraph", "langchain_core", "loguru")


def test_module_entry_needs_none_of_them() -> None:
    lines = [
        "import sys",
        *(f"sys.modules[{name!r}] = None" for name in LACKING),
        "from mendgraph.training.lm.__main__ import main",
        "main(['--help'])",
    ]
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "--max-minutes" in run.stdout
