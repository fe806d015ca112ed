"""Emoji and sentences that agree with them, per label.  Written by this project."""

from __future__ import annotations

# Left out on purpose, and used by the contrast set: 😄 😞 🤬 😨 😘 😲 😐 🤢.
EMOJI: dict[str, tuple[str, ...]] = {
    "joy": ("😀", "😆", "😁", "🥳", "🎉", "😊", "😂", "🤩", "🙌"),
    "sadness": ("😢", "😭", "😥", "😔", "💔", "🥀", "😿", "☹️"),
    "anger": ("😡", "😠", "😤", "💢", "👿"),
    "fear": ("😱", "😰", "😧", "🙀", "🫣"),
    "love": ("❤️", "😍", "🥰", "💕", "💖", "💗", "💘"),
    "surprise": ("😮", "😯", "😳", "🤯", "⁉️"),
    "neutral": ("😶", "🤷", "📅", "📎", "🚌"),
    "disgust": ("🤮", "💩", "🪳", "🦠", "🤧"),
}

AGREEING: dict[str, tuple[str, ...]] = {
    "joy": (
        "we did it", "school is out", "what a goal", "pancakes for everyone", "she said yes", "holiday starts now",
        "the baby laughed today", "I passed", "best party of the year", "dancing in the kitchen",
    ),
    "sadness": (
        "he is gone", "the house is so empty now", "goodbye old friend", "she never wrote back",
        "last day with the team", "I failed again", "the shelter closed", "nobody came",
    ),
    "anger": (
        "they did it again", "stop touching my things", "who parked there", "I said no", "worst service",
        "they lied to our faces", "give it back", "unbelievable nerve",
    ),
    "fear": (
        "someone is at the door", "the plane is shaking", "results come tomorrow", "what was that noise",
        "the brakes don't work", "it's so dark out here", "I can hear footsteps", "surgery in an hour",
    ),
    "love": (
        "my two boys asleep", "ten years with her", "holding hands on the pier", "my little niece", "forever yours",
        "he kept all of my letters", "come home soon", "my whole world in one picture",
    ),
    "surprise": (
        "wait what", "no way", "is that really him", "they're having twins", "since when", "the door was open",
        "she won the lottery", "it snowed in May",
    ),
    "neutral": (
        "bus at nine", "file attached", "meeting moved", "back in ten minutes", "either is fine", "noted",
        "see the list", "room four",
    ),
    "disgust": (
        "there's mould on the bread", "a hair in my soup", "that smell in the fridge", "gum under the desk",
        "rats in the bin", "he spat on the floor", "sour milk", "the toilet is overflowing",
    ),
}  # fmt: skip

# Words that say little; the emoji decides.
BARE: tuple[str, ...] = (
    "so this happened", "today", "got the letter", "just got home", "look at this", "my face right now",
    "after the phone call", "about last night", "me reading the news", "and then he left",
)  # fmt: skip
