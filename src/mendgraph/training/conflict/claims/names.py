"""Made-up names of places, people and companies; no name is used by two splits."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from mendgraph.training.conflict.claims.attribute import Split


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_PLACE_STEMS: Final = _words(
    "Harn Vel Kel Tars Bram Ost Mor Lund Fenn Garr Wex Hol Ard Brin Cald Dorn Elm Fald Grim Hex Ing Jorn "
    "Kest Lar Mald Nor Orr Pell Quern Rav Sel Thorn Ul Ving Wend Yar Zell Ash Beck Corv Dun Esk Fro Glen "
    "Hav Isk Kirn Loch Mar Nesk Ock Pren Rus Stav Tol Um Varn Wyr Est Bor Cran Drav Ever Finn Gost Hult "
    "Jas Kram Lin Mun"
)
_PLACE_ENDS: Final = _words(
    "wick ford bridge dale mere stead holm ham by burg ton field haven mouth well moor hurst beck port gate"
)
_SURNAME_STEMS: Final = _words(
    "Abr Ald Ander Arn Baum Bell Berg Blom Brand Cal Carl Crom Dahl Dav Eck Eld Engel Falk Fers Fisk Gar "
    "Gold Grun Hagen Hall Hart Hell Holt Ivers Jans Kam Karl Klein Kron Lang Laur Lind Lowen Mack Mans "
    "Matt Mey Nil Nord Oak Olm Palm Peders Rand Ros Sand Schon Sever Sol Stein Strand Sund Tal Thor Tolv "
    "Ulv Vang Vest Wall Weber Wick Zand"
)
_SURNAME_ENDS: Final = _words(
    "quist mann strom son berg sen feld dahl gren bach ley man ow ard er ski ova ini eau otti"
)
FIRST: Final = _words(
    "Ada Agnes Alma Anders Anton Astrid Axel Berta Bruno Carla Cecil Clara Conrad Dagmar Edgar Edith "
    "Elias Elsa Emil Erika Ernst Esther Felix Flora Frida Georg Gerda Greta Gustav Hanna Harald Helga "
    "Henrik Hugo Ida Ilse Ingrid Irma Ivan Jakob Johan Julia Karin Karl Klara Konrad Lena Leo Lina Louis "
    "Lukas Magda Maria Marta Max Mira Nils Nora Olaf Olga Oscar Otto Paul Petra Ralf Rosa Rudolf Ruth "
    "Sara Selma Signe Simon Sofia Sven Tilda Tomas Ursula Vera Viktor Walter Wilma"
)
_COMPANY: Final = (
    "{} & Sons",
    "{} Works",
    "{} Brothers",
    "{} Engineering",
    "{} and Company",
    "{} Contractors",
)
_COUNTRIES: Final = _words(
    "Albania Algeria Argentina Austria Belgium Bolivia Brazil Bulgaria Cameroon Canada Chile Colombia "
    "Croatia Cuba Cyprus Denmark Ecuador Egypt Estonia Ethiopia Finland France Georgia Germany Ghana "
    "Greece Guatemala Hungary Iceland India Indonesia Ireland Italy Jamaica Japan Jordan Kenya Latvia "
    "Lebanon Lithuania Luxembourg Malaysia Malta Mexico Moldova Mongolia Morocco Nepal Nigeria Norway "
    "Pakistan Panama Paraguay Peru Poland Portugal Romania Senegal Serbia Slovakia Slovenia Spain Sweden "
    "Switzerland Tanzania Thailand Tunisia Turkey Uganda Ukraine Uruguay Venezuela Vietnam Zambia"
)


def split_of(name: str) -> Split:
    """The one split that may use a name: seven in ten train, one dev, two test."""
    place = zlib.crc32(name.encode()) % 10
    return "train" if place < 7 else "dev" if place == 7 else "test"


@cache
def places(split: Split) -> Sequence[str]:
    return _of(split, (stem + end for stem in _PLACE_STEMS for end in _PLACE_ENDS))


@cache
def surnames(split: Split) -> Sequence[str]:
    return _of(split, (stem + end for stem in _SURNAME_STEMS for end in _SURNAME_ENDS))


@cache
def countries(split: Split) -> Sequence[str]:
    return _of(split, _COUNTRIES)


@cache
def companies(split: Split) -> Sequence[str]:
    return tuple(form.format(name) for name in surnames(split) for form in _COMPANY)


def _of(split: Split, names: Iterable[str]) -> Sequence[str]:
    return tuple(name for name in names if split_of(name) == split)
