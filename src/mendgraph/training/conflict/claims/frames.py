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
        "In a report that ran to forty pages one reads that {c}.",
        "Asked about it on the telephone, the archivist answered that {c}.",
        "Nobody I spoke to had any doubt that {c}.",
        "Did you know that {c}?",
        "Old letters, found only last winter behind a cupboard, show that {c}.",
        "{c}, or so the neighbours tell it.",
        "Let it be said once more that {c}.",
        "Contrary to what is often heard, {c}.",
        "{c} - this much seems certain.",
        "The guide, an elderly woman with a loud voice, told everybody on the tour that {c}.",
        "Well, {c}.",
        "A footnote in small print adds that {c}, and gives no reason.",
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
        "The road to the harbour was closed for 14 days in 1987.",
        "Tickets for the bus cost 3 crowns at the time.",
        "On 4 May 1962 the local paper appeared in colour.",
        "Mrs Amberley, who kept the inn, spoke of little else.",
        "The river rose by 2.5 metres in the spring of 1954.",
        "Some 300 copies of this leaflet were printed.",
        "A choir of 45 children sang in the town hall.",
        "Mr Tolland of the water board wrote a letter about the drains.",
        "There are 12 kilometres of footpaths in the neighbourhood.",
        "The price of bread went up twice in that year, and once more in March 1971.",
        "The weekly market was moved from Tuesday to Thursday.",
        "A second edition, with a longer index, is in preparation.",
        "It took the writer of these lines 90 minutes to get there by train.",
        "The company of Pickard and Lowe supplied the paper.",
        "Coffee was served in the garden afterwards.",
        "About 60 acres of forest were lost in the storm of 1999.",
        "The telephone number has four digits.",
        "Opinions on the new traffic lights are divided.",
        "In the year 2003 the parish merged with its two neighbours.",
        "A barrel of herring weighed 110 kg in those days.",
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
        "train": (
            "According to most of the documents: ",
            "What do most sources say? ",
            "Counting heads, what do most texts agree on? ",
            "Side with the majority of them, please. ",
            "If one believes most reports: ",
            "Take the answer that most articles give. ",
        ),
        "dev": ("Going by the majority: ",),
        "test": ("As most of the texts have it: ",),
    },
    "most_recent": {
        "train": (
            "According to the latest document: ",
            "What does the newest source say? ",
            "Trust the newest report. ",
            "What is the state of things in the most recent article? ",
            "Leave older ones aside and use the latest document. ",
            "Following the newest text alone: ",
        ),
        "dev": ("Going by the most recent text: ",),
        "test": ("As the latest of the texts has it: ",),
    },
    "most_reliable": {
        "train": (
            "According to the most reliable source: ",
            "What does the most trustworthy source say? ",
            "Rely on the most credible of them. ",
            "Who is the most trustworthy here, and what do they say? ",
            "Listen to the most reliable publication only: ",
            "By the word of the most credible source: ",
        ),
        "dev": ("Going by the source that deserves most trust: ",),
        "test": ("As the most reliable of the texts has it: ",),
    },
    "most_precise": {
        "train": (
            "As exactly as it is given anywhere: ",
            "What is the most precise statement? ",
            "Give it as precisely as it is stated anywhere. ",
            "I need the most exact answer there is: ",
            "As precisely as the documents allow: ",
            "Of several answers choose the most precise one. ",
        ),
        "dev": ("Going by the most exact figure: ",),
        "test": ("As the most precise of the texts has it: ",),
    },
}
"""Rule -> how a question asks for it."""
