"""Sentences of this project's own to time models with; plain enough that preprocessing leaves them as they are."""

from __future__ import annotations

import random

from mendgraph.core.preprocess import prepare

SENTENCES = (
    "I finally got the job and my whole family is celebrating tonight.",
    "The meeting has moved to four in the small room.",
    "He left without a word and the house feels empty.",
    "Nobody told me the road was closed, so I drove an hour for nothing.",
    "There was a noise in the cellar and the light would not come on.",
    "She kept every letter I ever wrote to her.",
    "I did not expect to see you here of all places!",
    "The milk in the office fridge has grown a skin.",
    "Thank you for staying with me at the hospital.",
    "They raised the rent again and fixed nothing.",
    "My hands are shaking and the exam starts in ten minutes.",
    "It rained all week, so we played cards.",
    "The puppy fell asleep in my lap.",
    "I miss the sound of her singing in the kitchen.",
    "What time does the last train go?",
    "He spat on the pavement in front of the children.",
    "You remembered my birthday, and you even baked a cake!",
    "This is the third parcel they have lost this year.",
    "The test came back and everything is fine.",
    "I keep checking whether the door is locked.",
    "We counted the chairs twice and there are forty.",
    "Who would have thought that the quiet one wins the race?",
    "Dinner by the sea with you was all I wanted.",
    "Someone had clipped his nails onto the table.",
)


def mixed_lengths(count: int, *, seed: int = 0) -> list[str]:
    """Mostly one or two sentences, every tenth text long: about 30 tokens in the mean, 120 at most."""
    rng = random.Random(seed)
    texts = []
    for number in range(count):
        parts = rng.randint(6, 8) if number % 10 == 9 else rng.choice((1, 1, 1, 2, 2, 3))
        texts.append(" ".join(rng.sample(SENTENCES, parts)))
    changed = [text for text in texts if prepare(text).text != text]
    if changed:
        raise AssertionError(f"preprocessing changes {changed[0]!r}: the sides would see different tokens")
    return texts
