"""What an emoji alone says about emotion: authored priors, and the artefact that joins them with data.

The priors are this project's judgement, not a measurement: between .6 and .9 for the main label, never more,
because one picture without words is weak evidence.  The rest of the mass is spread evenly over the other
labels.  Counts from training rows are added to them (Dirichlet-multinomial) by `fit_emoji_tier`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mendgraph.core import emojis
from mendgraph.errors import DataError
from mendgraph.training.emotion.labels import LABELS

# How many training rows a prior weighs, and from how many rows on an answer counts as learned from data.
PRIOR_STRENGTH = 30.0
MIN_EXAMPLES = 30

_GROUPS: tuple[tuple[str, float, str], ...] = (
    ("joy", 0.9, "😀 😃 😄 😁 😊 🥳 🎉 🎊"),
    ("joy", 0.85, "😂 🤣 😆 ☺️ 🤗 🤩 😸 😹 😺 🥂 🍾 🪅"),
    ("joy", 0.8, "🙂 😎 😌 😋 😛 😜 🤪 😝 😇 🙌 👏 💃 🕺 🎈 🌞 🏆 🥇 ✨ 🤠 🪩"),
    ("joy", 0.7, "👍 ✌️ 🤟 🎂 🎁 🌈 ☀️ 🌻 🌟 ⭐ 🎶 🎵 💪 🤙 😏 😉 🍻 🍀 🔥 💯 🙏 🏖️ 👌"),
    ("sadness", 0.9, "😢 😭 😞 😔 💔 😿 🥀"),
    ("sadness", 0.8, "☹️ 🙁 😟 😥 😓 😩 😫 😪 😣 🥲 🥹 🖤"),
    ("sadness", 0.7, "😕 🌧️ ⚰️ 🪦 🕯️ 😮‍💨 🤕 👎 🫠 🤒"),
    ("anger", 0.9, "😡 🤬 😠"),
    ("anger", 0.8, "😤 💢 🖕 👿 😾 🤯"),
    ("anger", 0.65, "😒 🙄 👊 💣 🗯️ 😑 ⚔️ 🧨"),
    ("fear", 0.9, "😱 😨 😰"),
    ("fear", 0.75, "😧 🙀 🫣 😖 🥶 ☠️ 💀 👻 🆘 🕷️ 😬 🚨 🫨"),
    ("love", 0.9, "❤️ 😍 🥰 💕 💖 💘 💗 💞 💝 😘"),
    ("love", 0.85, "💓 💙 💚 💛 💜 🧡 🤍 🤎 🩷 🩵 ❣️ 💟 😻 💋 😚 ♥️ 💌 👩‍❤️‍👨 👨‍❤️‍👨 👩‍❤️‍👩 💑 💏 😗 😙"),
    ("love", 0.7, "🌹 💐 💍 🫶 🫂 🤱 👰 💒 👨‍👩‍👧 👨‍👩‍👧‍👦 ❤️‍🔥 😽"),
    ("surprise", 0.9, "😮 😲"),
    ("surprise", 0.85, "😯 😳 🤭 ❗"),
    ("surprise", 0.7, "⁉️ ‼️ ❓ 😵 😵‍💫 👀 🫢 🤔 🤨 🙉"),
    ("neutral", 0.85, "😐 😶 🤷 🤷‍♀️ 🤷‍♂️"),
    ("neutral", 0.75, "📅 📞 📧 🕒 🚗 🚌 📎 📝 📦 💻 🏠 ☕ 📌 🔧 🛒 🗓️ ✅ ➡️ 🫥 🤝 📚 🖨️ ⏰"),
    ("disgust", 0.9, "🤢 🤮"),
    ("disgust", 0.75, "💩 🪳 🤧 🐀 🦠 🪰 👺 🗑️ 🥴"),
)

# Emoji people use in two ways: written out whole.
_MIXED: dict[str, dict[str, float]] = {
    "🤯": {"surprise": 0.7, "anger": 0.1, "joy": 0.1},
    "🥹": {"love": 0.35, "sadness": 0.3, "joy": 0.3},
    "🥺": {"sadness": 0.6, "love": 0.3},
    "🥲": {"sadness": 0.6, "joy": 0.3},
    "💀": {"joy": 0.45, "fear": 0.35, "surprise": 0.1},
    "☠": {"fear": 0.6, "joy": 0.2},
    "🔥": {"joy": 0.6, "anger": 0.15, "love": 0.1},
    "🙏": {"joy": 0.5, "love": 0.3, "sadness": 0.1},
    "😅": {"joy": 0.6, "fear": 0.25},
    "🙃": {"joy": 0.4, "anger": 0.4, "sadness": 0.1},
    "🤡": {"anger": 0.5, "joy": 0.3, "disgust": 0.1},
    "😈": {"joy": 0.6, "anger": 0.3},
    "😑": {"neutral": 0.5, "anger": 0.4},
    "😬": {"fear": 0.6, "surprise": 0.15, "disgust": 0.1},
    "🖤": {"love": 0.5, "sadness": 0.4},
    "🥱": {"neutral": 0.6, "sadness": 0.2, "disgust": 0.1},
    "😴": {"neutral": 0.7, "sadness": 0.15},
    "🤫": {"neutral": 0.6, "joy": 0.2, "surprise": 0.1},
    "👎": {"disgust": 0.4, "anger": 0.35, "sadness": 0.2},
    "🙈": {"joy": 0.4, "fear": 0.25, "surprise": 0.2},
}


def _table() -> dict[str, dict[str, float]]:
    table = {
        emojis.canonical(cluster): {label: probability}
        for label, probability, row in _GROUPS
        for cluster in row.split()
    }
    return {**table, **_MIXED}


PRIORS: dict[str, dict[str, float]] = _table()


def fit_emoji_tier(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    prior_strength: float = PRIOR_STRENGTH,
    min_examples: int = MIN_EXAMPLES,
) -> dict[str, Any]:
    """The emoji tier's artefact: counts per emoji and label over training rows, and the full priors.

    A row counts once for each different emoji in it, whatever words stand beside: the emoji's meaning alone
    is estimated from its use in sentences.
    """
    if len(texts) != len(labels):
        raise DataError(f"{len(texts)} texts but {len(labels)} labels")
    unknown = sorted(set(labels) - set(LABELS))
    if unknown:
        raise DataError(f"labels outside the label space: {', '.join(map(repr, unknown))}")
    counts: dict[str, Counter[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        for cluster in {emojis.canonical(found) for found in emojis.find(text)}:
            counts.setdefault(cluster, Counter())[label] += 1
    return {
        "labels": list(LABELS),
        "counts": {cluster: dict(sorted(row.items())) for cluster, row in sorted(counts.items())},
        "priors": {cluster: _spread(row) for cluster, row in sorted(PRIORS.items())},
        "prior_strength": prior_strength,
        "min_examples": min_examples,
    }


def _spread(named: dict[str, float]) -> dict[str, float]:
    """All eight labels: what the named ones leave is shared evenly by the others."""
    others = [label for label in LABELS if label not in named]
    share = (1.0 - sum(named.values())) / len(others)
    return {label: round(named.get(label, share), 6) for label in LABELS}
