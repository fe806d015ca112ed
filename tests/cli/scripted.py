"""`mend` with scripted tiers instead of models: run as a script by tests that need a process or a terminal.

    python tests/cli/scripted.py chat emotion

"happy" is joy at once, "mixed" asks, "doubt" is healed by the backup, "hang" never returns.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from mendgraph.testing import Scripted
from tests.cascades import cascade


def primary(text: str) -> tuple[str, float]:
    if "hang" in text:
        threading.Event().wait()
    if "happy" in text:
        return "joy", 0.95
    return ("neutral", 0.3) if "mixed" in text else ("anger", 0.4)


def backup(text: str) -> tuple[str, float]:
    return ("sadness", 0.35) if "mixed" in text else ("surprise", 0.8)


def load(name: str, *, journal: Any = None, checkpointer: Any = None, **given: Any) -> Any:
    """Stands in for `mendgraph.load`; takes what it takes."""
    tiers = given.get("tiers") or {
        "primary": Scripted(primary),
        "backup": Scripted(backup, fingerprint="two"),
    }
    return cascade(tiers, ask="return", journal=journal, checkpointer=checkpointer)


def assembly() -> ModuleType:
    """Stands in for `mendgraph.assembly`, so that no model library is imported."""
    module = ModuleType("mendgraph.assembly")
    module.load = load  # type: ignore[attr-defined]
    return module


if __name__ == "__main__":
    # A job in the background inherits an ignored SIGINT; these tests send it on purpose.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.modules["mendgraph.assembly"] = assembly()
    from mendgraph.cli.main import main

    main()
