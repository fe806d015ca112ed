"""`mend` with scripted tiers instead of models: run as a script by tests that need a process or a terminal.

    python tests/cli/scripted.py chat emotion

"happy" is joy at once, "mixed" asks, "doubt" is healed by the backup, "hang" never returns.  With reflection a response
is complex when it begins with "You", simple with "So", none otherwise, and "mixed" asks.
With prompt_routing the LLM "big" is chosen where it may be.
"""

from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from mendgraph.core.reflection import LABELS as LEVELS
from mendgraph.core.supervision import BreakerPolicy, Supervision
from mendgraph.runtime.supervised import Supervised
from mendgraph.testing import Scripted
from tests import questions
from tests.cascades import cascade, pair_cascade
from tests.llms import Rating, catalog, routing_cascade

BRISK = Supervision(breaker=BreakerPolicy(cool_down_s=0.2))


def primary(text: str) -> tuple[str, float]:
    if "hang" in text:
        threading.Event().wait()
    if "happy" in text:
        return "joy", 0.95
    return ("neutral", 0.3) if "mixed" in text else ("anger", 0.4)


def backup(text: str) -> tuple[str, float]:
    return ("sadness", 0.35) if "mixed" in text else ("surprise", 0.8)


def reflecting(text: str) -> tuple[str, float]:
    if "mixed" in text:
        return "simple", 0.5
    if "doubt" in text:
        return "none", 0.4
    return "complex" if text.startswith("You") else "simple" if text.startswith("So") else "none", 0.9


def load(name: str, *, journal: Any = None, checkpointer: Any = None, **given: Any) -> Any:
    """Stands in for `mendgraph.load`; takes what it takes."""
    tiers = given.get("tiers") or tiers_of(name)
    if (wrap := given.get("wrap")) is not None:
        tiers = {
            name: Supervised(name, wrap(name, partial(_same, tier)), BRISK) for name, tier in tiers.items()
        }
    build: Any = {
        "emotion": cascade,
        "reflection": pair_cascade,
        "prompt_routing": routing_cascade,
        "token_routing": writing_cascade,
        "conflict": questions.question_cascade,
    }[name]
    more = {"overrides": given.get("overrides") or ()} if name == "conflict" else {}
    return build(tiers, ask="return", journal=journal, checkpointer=checkpointer, **more)


def tiers_of(name: str) -> dict[str, Any]:
    if name == "emotion":
        return {"primary": Scripted(primary), "backup": Scripted(backup, fingerprint="two")}
    if name == "prompt_routing":
        return {
            "primary": Rating(catalog(), (0.9, 0.6, 0.3)),
            "backup": Rating(catalog(), (0.8, 0.7, 0.2), "two"),
        }
    if name == "token_routing":
        return writing_tiers()
    if name == "conflict":
        return questions.tiers()
    second = Scripted(
        lambda text: ("simple", 0.8 if "doubt" in text else 0.5), labels=LEVELS, fingerprint="two"
    )
    return {"primary": Scripted(reflecting, labels=LEVELS), "backup": second}


def writing_tiers() -> dict[str, Any]:
    from tests.writers import Scribe  # needs torch, which the other graphs' tests do without

    return {"primary": Scribe("primary", "a", [0.9]), "backup": Scribe("backup", "b", [0.9])}


def writing_cascade(tiers: Any, *, ask: Any, journal: Any, checkpointer: Any) -> Any:
    from mendgraph.config import load_config
    from mendgraph.graphs.token_routing import build
    from mendgraph.token_routing import TokenRoutingGraph
    from tests.writers import context

    given = context(tiers, ask=ask, **({} if journal is None else {"journal": journal}))
    spec = load_config().token_routing
    return TokenRoutingGraph("token_routing", given, build, spec=spec, checkpointer=checkpointer)


def _same(tier: Any) -> Any:
    return tier


def assembly() -> ModuleType:
    """Stands in for `mendgraph.assembly`, so that no model library is imported."""
    module = ModuleType("mendgraph.assembly")
    module.load = load  # type: ignore[attr-defined]
    return module


if __name__ == "__main__":
    sys.modules["mendgraph.assembly"] = assembly()
    from mendgraph.cli.main import main

    main()
