"""Attributes whose value is a name: of a person, a company, a town or a country."""

from __future__ import annotations

from typing import Final

from mendgraph.training.conflict.claims.attribute import Attribute


def _entity(name: str, group: str, value: str, ask: tuple[str, ...], say: tuple[str, ...]) -> Attribute:
    return Attribute(name, "entity", group, value, ask, say)


def _office(name: str, group: str, ask: tuple[str, ...], say: tuple[str, ...]) -> Attribute:
    return Attribute(name, "office", group, "person", ask, say)


NAMED: Final = (
    _entity(
        "architect",
        "building",
        "person",
        (
            "Who designed {s}?",
            "Who was the architect of {s}?",
            "Who drew the plans of {s}?",
            "Whose design is {s}?",
        ),
        (
            "{s} was designed by {v}",
            "the architect of {s} was {v}",
            "{v} drew the plans for {s}",
            "the design of {s} is the work of {v}",
            "the plans of {s} came from {v}",
            "{s} goes back to a design by {v}",
            "it was {v} who designed {s}",
        ),
    ),
    _entity(
        "donor",
        "building",
        "person",
        (
            "Who paid for {s}?",
            "Who gave the money for {s}?",
            "By whom was {s} donated?",
            "Whose gift made {s} possible?",
        ),
        (
            "{s} was paid for by {v}",
            "{v} gave the money for {s}",
            "the money for {s} came from {v}",
            "{s} was a gift of {v}",
            "{s} was donated by {v}",
            "a gift from {v} made {s} possible",
            "{v} bore the cost of {s}",
        ),
    ),
    _entity(
        "builder",
        "building",
        "company",
        (
            "Which company built {s}?",
            "Who was the contractor for {s}?",
            "Which firm put up {s}?",
            "To which firm did the contract for {s} go?",
        ),
        (
            "{s} was built by {v}",
            "the contractor for {s} was {v}",
            "{v} built {s}",
            "the building of {s} was entrusted to {v}",
            "{s} was put up by {v}",
            "the contract for {s} went to {v}",
            "it was {v} that erected {s}",
        ),
    ),
    _entity(
        "stone",
        "building",
        "town",
        (
            "Where did the stone for {s} come from?",
            "From which town was the stone of {s} brought?",
            "In which town was the stone for {s} cut?",
            "Which town supplied the stone of {s}?",
        ),
        (
            "the stone for {s} came from {v}",
            "{s} is made of stone from {v}",
            "stone for {s} was brought from {v}",
            "the quarry of {v} gave the stone for {s}",
            "the stone for {s} was cut in {v}",
            "{v} supplied the stone of {s}",
            "the blocks of {s} were taken from {v}",
        ),
    ),
    _entity(
        "shipyard",
        "vessel",
        "company",
        (
            "Which yard built {s}?",
            "Who built {s}?",
            "At whose yard was {s} made?",
            "Which company delivered {s}?",
        ),
        (
            "{s} was built by {v}",
            "the yard of {v} built {s}",
            "{s} comes from the yard of {v}",
            "{v} laid the keel of {s}",
            "{s} was made at the yard of {v}",
            "it was {v} that delivered {s}",
            "the builder of {s} was {v}",
        ),
    ),
    _entity(
        "flag",
        "vessel",
        "country",
        (
            "In which country is {s} registered?",
            "Under the flag of which country does {s} sail?",
            "Which country's flag does {s} fly?",
            "To which country's register does {s} belong?",
        ),
        (
            "{s} is registered in {v}",
            "{s} sails under the flag of {v}",
            "the home register of {s} is that of {v}",
            "{s} belongs to the merchant fleet of {v}",
            "{s} flies the flag of {v}",
            "the papers of {s} were issued in {v}",
            "{s} stands in the register of {v}",
        ),
    ),
    _entity(
        "birthplace",
        "person",
        "town",
        (
            "Where was {s} born?",
            "In which town was {s} born?",
            "What is the birthplace of {s}?",
            "From which town does {s} come?",
        ),
        (
            "{s} was born in {v}",
            "the birthplace of {s} is {v}",
            "{s} came into the world in {v}",
            "{s} is a native of {v}",
            "{v} is where {s} was born",
            "{s} comes from {v}",
            "the cradle of {s} stood in {v}",
        ),
    ),
    _entity(
        "teacher",
        "person",
        "person",
        (
            "Who taught {s}?",
            "Whose pupil was {s}?",
            "Under whom did {s} study?",
            "With whom did {s} learn the trade?",
        ),
        (
            "{s} was taught by {v}",
            "{s} was a pupil of {v}",
            "the teacher of {s} was {v}",
            "{s} learned from {v}",
            "{s} studied under {v}",
            "it was {v} who taught {s}",
            "{s} was trained in the workshop of {v}",
        ),
    ),
    _entity(
        "citizenship",
        "person",
        "country",
        (
            "Of which country is {s} a citizen?",
            "Which country issued the passport of {s}?",
            "What is the home country of {s}?",
            "Which country does {s} belong to?",
        ),
        (
            "{s} is a citizen of {v}",
            "{s} travels on a passport of {v}",
            "the passport of {s} was issued by {v}",
            "{s} holds the citizenship of {v}",
            "the home country of {s} is {v}",
            "{s} belongs to {v} by birth",
            "{s} is a national of {v}",
        ),
    ),
    _entity(
        "founder",
        "event",
        "person",
        (
            "Who founded {s}?",
            "Who had the idea for {s}?",
            "By whom was {s} started?",
            "Who is the founder of {s}?",
        ),
        (
            "{s} was founded by {v}",
            "{v} had the idea for {s}",
            "{s} is the creation of {v}",
            "the founder of {s} was {v}",
            "{s} was started by {v}",
            "it was {v} who called {s} into life",
            "{s} owes its existence to {v}",
        ),
    ),
    _entity(
        "sponsor",
        "event",
        "company",
        (
            "Which company pays for {s}?",
            "Who is the sponsor of {s}?",
            "Which firm supports {s} with money?",
            "By which company is {s} financed?",
        ),
        (
            "{s} is paid for by {v}",
            "the sponsor of {s} is {v}",
            "{v} pays for {s}",
            "money for {s} comes from {v}",
            "{s} is supported with money by {v}",
            "{s} is financed by {v}",
            "the funds of {s} are provided by {v}",
        ),
    ),
    _office(
        "director",
        "building",
        (
            "Who is the director of {s} now?",
            "Who runs {s} at present?",
            "Who is currently at the head of {s}?",
            "Who leads {s} today?",
        ),
        (
            "the director of {s} is {v}",
            "{s} is run by {v}",
            "{v} is the director of {s}",
            "the management of {s} is in the hands of {v}",
            "{v} is at the head of {s}",
            "{s} is led by {v}",
            "the post of director at {s} is held by {v}",
        ),
    ),
    _office(
        "caretaker",
        "building",
        (
            "Who is the caretaker of {s} now?",
            "Who looks after {s} at present?",
            "Who currently holds the keys of {s}?",
            "Who keeps {s} in order today?",
        ),
        (
            "the caretaker of {s} is {v}",
            "{s} is looked after by {v}",
            "{v} looks after {s}",
            "{v} works as caretaker of {s}",
            "{v} holds the keys of {s}",
            "{s} is kept in order by {v}",
            "the one who takes care of {s} is {v}",
        ),
    ),
    _office(
        "captain",
        "vessel",
        (
            "Who is the captain of {s} now?",
            "Who commands {s} at present?",
            "Who currently stands on the bridge of {s} as captain?",
            "Who is in command of {s} today?",
        ),
        (
            "the captain of {s} is {v}",
            "{s} is commanded by {v}",
            "{v} is the captain of {s}",
            "{s} sails with {v} as captain",
            "{v} has the command of {s}",
            "{s} is under the command of {v}",
            "the master of {s} is {v}",
        ),
    ),
    _office(
        "assistant",
        "person",
        (
            "Who is the assistant of {s} now?",
            "Who works as assistant to {s} at present?",
            "Who currently assists {s}?",
            "Who helps {s} as assistant today?",
        ),
        (
            "the assistant of {s} is {v}",
            "{v} works as assistant to {s}",
            "{s} is assisted by {v}",
            "{s} has {v} as assistant",
            "{v} assists {s}",
            "the post of assistant to {s} is held by {v}",
            "{s} relies on {v} as assistant",
        ),
    ),
    _office(
        "chair",
        "event",
        (
            "Who chairs the committee of {s} now?",
            "Who organises {s} at present?",
            "Who is currently in charge of {s}?",
            "Who heads the committee of {s} today?",
        ),
        (
            "the committee of {s} is chaired by {v}",
            "{s} is organised by {v}",
            "{v} chairs the committee of {s}",
            "the organiser of {s} is {v}",
            "{v} is in charge of {s}",
            "the committee of {s} is headed by {v}",
            "responsibility for {s} lies with {v}",
        ),
    ),
)
