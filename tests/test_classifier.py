"""The names of the project's first description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mendgraph import classifier
from mendgraph.classifier import EmotionClassifier, create_classifier
from mendgraph.errors import ConfigError
from mendgraph.testing import Scripted
from tests.cascades import cascade


def scripted(**changes: Any) -> EmotionClassifier:
    tiers = {
        "emoji": Scripted({}, otherwise="love"),
        "primary": Scripted({"happy": ("joy", 0.9)}, otherwise="anger", confidence=0.4, fingerprint="one"),
        "lexical": Scripted({"doubt": ("fear", 0.8)}, otherwise="sadness", confidence=0.3, fingerprint="two"),
    }
    return EmotionClassifier(cascade(tiers, ask="never", **changes))


@pytest.mark.parametrize(
    ("text", "label", "confidence", "source", "tier", "status"),
    [
        ("happy", "joy", 0.9, "model", "primary", "accepted"),
        ("doubt", "fear", 0.8, "backup", "lexical", "accepted"),
        ("\U0001f600", "love", 0.9, "emoji", "emoji", "accepted"),
        ("whatever", "sadness", 0.3, "backup", "lexical", "needs_clarification"),
        ("", None, 0.0, "", "", "failed"),
    ],
)
def test_classify_gives_the_documented_mapping(
    text: str, label: str | None, confidence: float, source: str, tier: str, status: str
) -> None:
    result = scripted().classify(text)
    assert result["final_label"] == label
    assert result["confidence"] == pytest.approx(confidence)
    assert (result["source"], result["tier"], result["status"]) == (source, tier, status)
    assert (result["error"] is not None) == (status == "failed")
    assert (len(result["options"]) > 1) == (status == "needs_clarification")
    assert json.loads(json.dumps(result)) == result


def test_a_clarification_settles_what_would_be_asked() -> None:
    made = scripted()
    result = made.classify_with_user_input("whatever", " Disgust ")
    assert (result["final_label"], result["source"], result["status"]) == ("disgust", "user", "accepted")
    assert made.classify_with_user_input("happy", "fear")["final_label"] == "joy"
    with pytest.raises(ConfigError, match="unknown labels"):
        made.classify_with_user_input("whatever", "meh")


def test_statistics_speak_the_users_words(tmp_path: Path) -> None:
    with scripted() as made:
        for text in ("happy", "happy", "doubt", "\U0001f600", "whatever"):
            made.classify(text)
        found = made.get_statistics()
        assert found["sources"] == {"model": 2, "backup": 1, "emoji": 1}
        assert found["by_status"] == {"accepted": 4, "needs_clarification": 1}
        chart = made.visualize_statistics(tmp_path / "chart.png")
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_without_backup_only_emoji_and_primary_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def load(name: str, **settings: Any) -> Any:
        given.update(settings, name=name)
        return scripted().graph

    monkeypatch.setattr(classifier, "load", load)
    mine = tmp_path / "mine.yaml"
    mine.write_text("emotion: {tiers: {extra: {kind: lexical, path: here}}}")
    create_classifier(mine)
    assert given["overrides"] == []
    create_classifier(mine, enable_backup=False)
    from mendgraph.config import load_config

    left = load_config(given["config"], given["overrides"]).emotion.tiers
    assert set(left) == {"emoji", "primary"}
