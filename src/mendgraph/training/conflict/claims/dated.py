"""Attributes whose value is a date."""

from __future__ import annotations

from typing import Final

from mendgraph.training.conflict.claims.attribute import Attribute


def _date(
    name: str, group: str, low: int, high: int, ask: tuple[str, ...], say: tuple[str, ...]
) -> Attribute:
    return Attribute(name, "date", group, "date", ask, say, low=low, high=high)


DATED: Final = (
    _date(
        "opened",
        "building",
        1850,
        2010,
        (
            "When did {s} open?",
            "On what date was {s} opened?",
            "When was {s} first open to visitors?",
            "When was the opening of {s}?",
        ),
        (
            "{s} opened {on}",
            "the doors of {s} were first opened {on}",
            "{on} the public was let into {s} for the first time",
            "the opening ceremony of {s} was held {on}",
            "{s} received its first guests {on}",
            "{s} has been open since {v}",
            "the inauguration of {s} took place {on}",
        ),
    ),
    _date(
        "foundation stone",
        "building",
        1840,
        2000,
        (
            "When did work on {s} begin?",
            "When was the foundation stone of {s} laid?",
            "When did the builders start on {s}?",
            "What is the date on which construction of {s} began?",
        ),
        (
            "the foundation stone of {s} was laid {on}",
            "work on {s} began {on}",
            "{on} the first ground was broken for {s}",
            "builders started on {s} {on}",
            "the digging for {s} started {on}",
            "construction of {s} got under way {on}",
            "the first stone of {s} was set {on}",
        ),
    ),
    _date(
        "restored",
        "building",
        1950,
        2015,
        (
            "When was the restoration of {s} completed?",
            "When was {s} restored?",
            "When did the repairs to {s} end?",
            "By what date had {s} been renovated?",
        ),
        (
            "the restoration of {s} was completed {on}",
            "{s} was restored {on}",
            "repairs to {s} came to an end {on}",
            "the scaffolding around {s} came down {on}",
            "the works that renewed {s} finished {on}",
            "the renovation of {s} was declared finished {on}",
            "{on} the last craftsmen left the restored rooms of {s}",
        ),
    ),
    _date(
        "reopening",
        "building",
        2019,
        2034,
        (
            "When will {s} reopen?",
            "For when is the reopening of {s} planned?",
            "When is {s} due to open again?",
            "What date is set for the reopening of {s}?",
        ),
        (
            "{s} will reopen {on}",
            "the reopening of {s} is planned for {v}",
            "visitors will be able to return to {s} {on}",
            "the management expects {s} to open again {on}",
            "{s} is due to open its doors again {on}",
            "the date set for the reopening of {s} is {v}",
            "{s} stays closed and is to be opened again {on}",
        ),
    ),
    _date(
        "launched",
        "vessel",
        1870,
        2005,
        (
            "When was {s} launched?",
            "When did {s} first float?",
            "On what date did {s} leave the slipway?",
            "What was the launch date of {s}?",
        ),
        (
            "{s} was launched {on}",
            "{s} slid into the water {on}",
            "{on} the hull of {s} was launched",
            "the launch of {s} took place {on}",
            "{s} left the slipway {on}",
            "{s} first floated {on}",
            "the yard put {s} into the water {on}",
        ),
    ),
    _date(
        "maiden voyage",
        "vessel",
        1875,
        2008,
        (
            "When did {s} make its maiden voyage?",
            "When did {s} first sail with passengers?",
            "When was the first voyage of {s}?",
            "On what date did {s} set out for the first time?",
        ),
        (
            "{s} made its maiden voyage {on}",
            "the first voyage of {s} began {on}",
            "{on} {s} sailed for the first time with passengers",
            "{s} left port for its first trip {on}",
            "{s} started on its very first journey {on}",
            "{s} set out for the first time {on}",
            "the maiden trip of {s} dates from {v}",
        ),
    ),
    _date(
        "born",
        "person",
        1860,
        1990,
        (
            "When was {s} born?",
            "What is the date of birth of {s}?",
            "When is the birthday of {s}?",
            "On what day did {s} come into the world?",
        ),
        (
            "{s} was born {on}",
            "the birth of {s} is dated {v}",
            "{s}, born {on}, grew up in the country",
            "{on} {s} was born as the second of four children",
            "{s} first saw the light of day {on}",
            "{s} came into the world {on}",
            "the date of birth of {s} is {v}",
        ),
    ),
    _date(
        "appointed",
        "person",
        1900,
        2015,
        (
            "When did {s} become a professor?",
            "When was {s} made professor?",
            "When did {s} take up the chair?",
            "On what date was {s} called to the university?",
        ),
        (
            "{s} became a professor {on}",
            "{s} was made professor {on}",
            "{on} {s} was given a chair at the university",
            "the appointment of {s} as professor dates from {v}",
            "{s} took up the chair {on}",
            "the university called {s} to its chair {on}",
            "{s} has held the title of professor since {v}",
        ),
    ),
    _date(
        "next event",
        "event",
        2018,
        2032,
        (
            "When does the next {s} begin?",
            "For when is the next {s} announced?",
            "When will {s} be held again?",
            "What is the starting date of the coming {s}?",
        ),
        (
            "the next {s} begins {on}",
            "the coming {s} is announced for {v}",
            "{s} will be held again {on}",
            "{on} the next {s} is to start",
            "the organisers have set the start of the next {s} for {v}",
            "the coming {s} opens {on}",
            "the next edition of {s} is scheduled for {v}",
        ),
    ),
    _date(
        "first event",
        "event",
        1900,
        2010,
        (
            "When was {s} held for the first time?",
            "When did {s} begin as a tradition?",
            "When did the first {s} take place?",
            "What is the date of the first {s}?",
        ),
        (
            "{s} was held for the first time {on}",
            "the first {s} took place {on}",
            "{on} people met for {s} for the very first time",
            "the tradition of {s} began {on}",
            "{s} goes back to {v}",
            "{s} started {on}",
            "the very first {s} was celebrated {on}",
        ),
    ),
)
