"""What stands around a clause: who says so, a word beside it, the header, and how a question names the rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mendgraph.training.conflict.claims.attribute import Split

FRAMES: Final[Mapping[Split, Sequence[str]]] = {
    "train": (
        "{c}.",
        "{c}.",
        "{c}.",
        "It is recorded that {c}.",
        "As far as is known, {c}.",
        "The entry says that {c}.",
        "{c}, it says here.",
        "Readers learn that {c}.",
        "Here one finds that {c}.",
        "It was noted that {c}.",
    ),
    "dev": ("{c}.", "The text states that {c}.", "{c}, as the page has it.", "We read that {c}."),
    "test": (
        "{c}.",
        "It is reported that {c}.",
        "This source holds that {c}.",
        "{c}, according to this text.",
    ),
}
"""Around a clause ``{c}``; the bare clause is no template of its own and is used everywhere."""

ASIDES: Final[Mapping[Split, Sequence[str]]] = {
    "train": (
        "No further details are given.",
        "A drawing is attached.",
        "The page has been read many times.",
        "More is told in the next chapter.",
        "The summer was dry that year.",
        "There is a photograph as well.",
        "The rest of the text is about the weather.",
        "The author thanks the readers.",
    ),
    "dev": (
        "A map is printed beside it.",
        "The other pages are missing.",
        "There is a list of names as well.",
    ),
    "test": (
        "A sketch can be seen below.",
        "The text then turns to other matters.",
        "There is a short poem at the end.",
    ),
}

HEADERS: Final = (
    "[{date}, {source}]",
    "({source}, {date})",
    "{source}, {date}:",
    "[{date} | {source}]",
    "{date} - {source}:",
)
"""In front of a document; the parts of it that are unknown are left out."""

CUES: Final[Mapping[str, Mapping[Split, Sequence[str]]]] = {
    "majority": {
        "train": ("According to most of the documents: ", "What do most sources say? "),
        "dev": ("Going by the majority: ",),
        "test": ("As most of the texts have it: ",),
    },
    "most_recent": {
        "train": ("According to the latest document: ", "What does the newest source say? "),
        "dev": ("Going by the most recent text: ",),
        "test": ("As the latest of the texts has it: ",),
    },
    "most_reliable": {
        "train": ("According to the most reliable source: ", "What does the most trustworthy source say? "),
        "dev": ("Going by the source that deserves most trust: ",),
        "test": ("As the most reliable of the texts has it: ",),
    },
    "most_precise": {
        "train": ("As exactly as it is given anywhere: ", "What is the most precise statement? "),
        "dev": ("Going by the most exact figure: ",),
        "test": ("As the most precise of the texts has it: ",),
    },
}
"""Rule -> how a question asks for it."""
