"""Dates and quantities of train alone."""

from __future__ import annotations

from typing import Final

from mendgraph.training.conflict.claims.attribute import Attribute
from mendgraph.training.conflict.claims.paraphrases.paraphrase import Paraphrases


def _date(name: str, group: str, low: int, high: int, more: Paraphrases) -> Attribute:
    return Attribute(name, "date", group, "date", (), (), low=low, high=high, more=more)


def _quantity(name: str, group: str, dimension: str, low: float, high: float, more: Paraphrases) -> Attribute:
    return Attribute(name, "quantity", group, dimension, (), (), low=low, high=high, more=more)


ONLY: Final[tuple[Attribute, ...]] = (
    _date(
        "fire",
        "building",
        1860,
        2000,
        Paraphrases(
            (
                "When did {s} burn?",
                "When was {s} damaged by fire?",
                "On which day, or in which year, did flames break out in {s}?",
                "What is the date of the great fire at {s}?",
                "When did the fire brigade have to be called to {s}?",
            ),
            (
                "{s} burned {on}",
                "fire broke out in {s} {on} and destroyed most of the roof",
                "{on} the fire brigade was called to {s}, where the attic was in flames",
                "the great fire of {s} is dated {v}",
                "a spark from a stove set {s} alight {on}",
                "{s}, which had no alarm of any kind, was badly damaged by flames {on}",
                "{v} is the date of the blaze that left {s} without a roof",
                "of the papers kept in {s} none survived the fire that raged there {on}",
            ),
        ),
    ),
    _date(
        "died",
        "person",
        1900,
        2020,
        Paraphrases(
            (
                "When did {s} die?",
                "What is the date of the death of {s}?",
                "In which year, or on which day, did {s} pass away?",
                "When was the life of {s} over?",
                "Until when did {s} live?",
            ),
            (
                "{s} died {on}",
                "the death of {s} is recorded under {v}",
                "{s} passed away {on} after a short illness",
                "{on} {s} died in a hospital by the sea, surrounded by friends",
                "the obituaries agree that {s} lived until {v}",
                "{s}, by then nearly blind, died peacefully {on}",
                "death came to {s} {on}",
                "the last page of the diary was written by a nurse, for {s} had died {on}",
            ),
        ),
    ),
    _date(
        "laid up",
        "vessel",
        1930,
        2020,
        Paraphrases(
            (
                "When was {s} taken out of service?",
                "When did {s} retire?",
                "On which date was {s} laid up for good?",
                "When did {s} make her last trip?",
                "In which year, or on which day, was {s} withdrawn?",
            ),
            (
                "{s} was taken out of service {on}",
                "the last trip of {s} ended {on}",
                "{on} {s} was laid up for good in a side arm of the river",
                "{s} has been out of use since {v}",
                "her boilers worn out, {s} was withdrawn {on}",
                "the owners, who could not pay for repairs, retired {s} {on}",
                "{v} is the date on which the working life of {s} was over",
                "{s}, once the pride of the harbour, sailed no more after {v}",
            ),
        ),
    ),
    _date(
        "in force",
        "measure",
        1990,
        2025,
        Paraphrases(
            (
                "When did {s} come into force?",
                "Since when has {s} been in effect?",
                "When was {s} introduced?",
                "From which date does {s} apply?",
                "When did the town start with {s}?",
            ),
            (
                "{s} came into force {on}",
                "{s} has been in effect since {v}",
                "the town introduced {s} {on}, in spite of many complaints",
                "{on} the first signs were put up and {s} was a fact",
                "from {v} onwards {s} has applied to everybody",
                "after two years of debate {s} took effect {on}",
                "the decree names {v} as the date from which {s} is valid",
                "{s}, planned as a trial, was started {on}",
            ),
        ),
    ),
    _date(
        "patented",
        "remedy",
        1880,
        2010,
        Paraphrases(
            (
                "When was {s} patented?",
                "What is the date of the patent for {s}?",
                "When was a patent granted for {s}?",
                "Since when has {s} been protected by a patent?",
                "In which year, or on which day, was {s} registered as an invention?",
            ),
            (
                "{s} was patented {on}",
                "the patent for {s} bears the date {v}",
                "{on} an office in the capital granted a patent for {s}",
                "a patent has protected {s} since {v}",
                "{s}, whose recipe had been a family secret, was registered as an invention {on}",
                "the claim to have invented {s} was recognised {on}",
                "{v} is what the patent roll says of {s}",
                "after an appeal the makers of {s} obtained their patent {on}",
            ),
        ),
    ),
    _quantity(
        "windows",
        "building",
        "count",
        12,
        900,
        Paraphrases(
            (
                "How many windows does {s} have?",
                "How many windows are there in {s}?",
                "What is the number of windows of {s}?",
                "How many windows have to be cleaned in {s}?",
                "By how many windows is {s} lit?",
            ),
            (
                "{s} has {v} windows",
                "light comes into {s} through {v} windows",
                "the walls of {s} are pierced by {v} windows",
                "{v} windows were counted in {s} by a patient clerk",
                "to clean {s} from outside means to clean {v} windows",
                "the number of windows in {s} is {v}",
                "{s}, draughty even in summer, is lit by {v} windows",
                "the storm broke a third of the windows of {s}, of which there are {v}",
            ),
        ),
    ),
    _quantity(
        "weight",
        "vessel",
        "mass",
        20_000,
        9_000_000,
        Paraphrases(
            (
                "How heavy is {s} when empty?",
                "What does {s} weigh?",
                "What is the weight of {s} without anything on board?",
                "How much steel and timber is there in {s}, by weight?",
                "What would the scales say if {s} were put on them empty?",
            ),
            (
                "{s} weighs {v} when empty",
                "the weight of {s} itself is {v}",
                "without anything on board {s} comes to {v}",
                "{v} of steel and timber went into the making of {s}",
                "the crane that lifted {s} out of the water had to bear {v}",
                "{s}, built of iron throughout, has a weight of {v}",
                "empty and dry, {s} was weighed at {v}",
                "{v} is the weight of {s} as she lies in the dock with nothing in her",
            ),
        ),
    ),
    _quantity(
        "event duration",
        "event",
        "duration",
        40,
        600,
        Paraphrases(
            (
                "How long does {s} last?",
                "How much time does {s} take?",
                "What is the duration of {s}?",
                "How long must one stay to see the whole of {s}?",
                "How much time passes between the beginning and the end of {s}?",
            ),
            (
                "{s} lasts {v}",
                "{s} takes {v} from beginning to end",
                "the duration of {s} is {v}",
                "{v} pass between the first drum and the last at {s}",
                "whoever wants to see the whole of {s} has to stay for {v}",
                "it takes {v} until {s} is over",
                "{s}, with speeches and music but without the clearing up, goes on for {v}",
                "the programme allows {v} for {s}",
            ),
        ),
    ),
    _quantity(
        "packets sold",
        "remedy",
        "count",
        200,
        90_000,
        Paraphrases(
            (
                "How many packets of {s} are sold in a month?",
                "How many packets of {s} do chemists sell every month?",
                "What are the monthly sales of {s}, in packets?",
                "How often is {s} bought in one month?",
                "How many people buy {s} each month?",
            ),
            (
                "chemists sell {v} packets of {s} in a month",
                "{v} packets of {s} are bought every month",
                "the monthly sales of {s} amount to {v} packets",
                "in an ordinary month {s} is bought by {v} people",
                "{s}, which needs no prescription, sells {v} times a month",
                "month after month {v} packets of {s} go over the counter",
                "the makers of {s} fill {v} packets a month and sell them all",
                "customers ask for {s} {v} times in a month",
            ),
        ),
    ),
    _quantity(
        "signatures",
        "measure",
        "count",
        150,
        60_000,
        Paraphrases(
            (
                "How many people signed the petition against {s}?",
                "How many signatures were collected against {s}?",
                "What number of signatures did the petition against {s} bear?",
                "How many names were on the list of those who objected to {s}?",
                "How many objected to {s} in writing?",
            ),
            (
                "{v} people signed the petition against {s}",
                "the petition against {s} bore {v} signatures",
                "opponents of {s} collected {v} signatures in the streets",
                "those who objected to {s} in writing numbered {v}",
                "{v} names were on the list that was handed over in protest at {s}",
                "when {s} was proposed, {v} signatures were gathered against it",
                "in a box tied with red ribbon the mayor received {v} written objections to {s}",
                "{s}, unloved from the start, met with a petition of {v} signatures",
            ),
        ),
    ),
)
