"""The emotion graph under the names of the project's first description: `create_classifier`, `classify`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mendgraph.app import MendGraph
from mendgraph.assembly import load
from mendgraph.config import load_config
from mendgraph.core.values import Answer
from mendgraph.runtime.statistics import Statistics

SOURCES: Mapping[str, str] = {"primary": "model", "emoji": "emoji", "user": "user"}
"""Tier -> what users call it; every other tier is a ``backup``."""

KEPT = 10_000
"""Answers remembered for charts; counts go on without limit."""


class EmotionClassifier:
    """Classifies one text at a time and counts.  It never waits for a keyboard."""

    def __init__(self, graph: MendGraph) -> None:
        self.graph = graph
        self._statistics = Statistics()
        self._answers: deque[Answer] = deque(maxlen=KEPT)

    def classify(self, text: str) -> dict[str, Any]:
        """The answer as a mapping of plain values.

        Keys: ``final_label`` (the best guess unless ``status`` is ``accepted``; None when the text could not be
        read), ``confidence`` in [0, 1] (0.0 when unknown), ``source`` (``model``, ``backup``, ``emoji``,
        ``user``, or "" when nothing answered), ``tier`` (its exact name), ``status``, ``options`` (labels worth
        asking the user about, likeliest first), ``scores`` (label -> probability), ``trail`` (every attempt,
        oldest first) and ``error`` (why it failed, else None).
        """
        return self._told(self.graph.run([text], ask="return")[0])

    def classify_with_user_input(self, text: str, clarification: str) -> dict[str, Any]:
        """As `classify`; where the graph would have to ask, `clarification` is the user's reply.

        Raises:
            ConfigError: the clarification is no label.
        """
        label = clarification.strip().lower()
        return self._told(self.graph.run([text], ask="return", clarifications={0: label})[0])

    def get_statistics(self) -> dict[str, Any]:
        """As `Statistics.summary`, and ``sources``: how often each of the `SOURCES` and ``backup`` settled."""
        summary = self._statistics.summary()
        sources: Counter[str] = Counter()
        for tier, count in summary["by_source"].items():
            sources[_source(tier)] += count
        return {**summary, "sources": dict(sources)}

    def visualize_statistics(self, path: Path | str = "statistics.png") -> Path:
        """Charts of the session as a PNG file: confidence curve, tiers, confidence by emotion.

        Raises:
            MendError: matplotlib is not installed.
            DataError: the file cannot be written.
        """
        from mendgraph.evaluation.charts import session_chart

        return session_chart(list(self._answers), Path(path))

    def close(self) -> None:
        self.graph.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _told(self, answer: Answer) -> dict[str, Any]:
        self._statistics.count(answer)
        self._answers.append(answer)
        tier = answer.source or next((a.tier for a in reversed(answer.trail) if a.prediction is not None), "")
        whole = answer.to_dict()
        return {
            "text": answer.input,
            "final_label": answer.best_guess,
            "confidence": answer.confidence if answer.confidence is not None else 0.0,
            "source": _source(tier),
            "tier": tier,
            "status": answer.status,
            "options": whole["options"],
            "scores": whole["value"] or {},
            "trail": whole["trail"],
            "error": whole["error"],
        }


def create_classifier(config_path: Path | str | None = None, enable_backup: bool = True) -> EmotionClassifier:
    """Opens the emotion graph.

    Args:
        config_path: your configuration; it needs only what differs from the defaults.
        enable_backup: False leaves only the tiers ``emoji`` and ``primary``.
    """
    overrides: list[str] = []
    if not enable_backup:
        tiers = load_config(config_path).emotion.tiers
        overrides = [f"emotion.tiers.{name}=null" for name in tiers if name not in {"emoji", "primary"}]
    return EmotionClassifier(load("emotion", config=config_path, overrides=overrides))


def _source(tier: str) -> str:
    return SOURCES.get(tier, "backup") if tier else ""
