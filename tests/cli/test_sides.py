"""How answers found in documents are shown."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mendgraph.cli.glyphs import ASCII, UNICODE
from mendgraph.cli.render import answers_table, headline, text_of
from mendgraph.cli.sides import (
    MOST,
    STYLES,
    account_of,
    is_sourced,
    marked,
    quoted,
    sides_told,
    verdict,
)
from mendgraph.cli.written import is_text
from mendgraph.core.conflict import LEVELS, Document, spoken
from mendgraph.core.values import Answer
from tests.questions import DOCUMENTS, QUESTION, answered, passage

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


def shown(parts: Iterable[Any], *, colours: bool = False) -> str:
    console = Console(
        file=(file := io.StringIO()),
        width=100,
        force_terminal=colours,
        markup=False,
        highlight=False,
        emoji=False,
    )
    for part in parts:
        console.print(part)
    return file.getvalue()


def told(answer: Answer, **more: Any) -> list[str]:
    lines = shown([verdict(answer.value, UNICODE), *sides_told(answer, UNICODE)], **more).splitlines()
    return [line.rstrip() for line in lines]


def test_a_conflict_shows_each_side_with_its_documents() -> None:
    assert told(answered())[1:] == [
        "✓ 1931  2 documents  believed",
        "  guide    The Ostra Bridge opened in ▸1931◂.",
        "  leaflet  Opened in ▸1931◂, the Ostra Bridge has two lanes.",
        "· 1927  1 document",
        "  wiki     In ▸1927◂ the bridge was opened.",
    ]
    assert told(answered())[0].startswith("L1 temporal conflict")


def test_without_a_conflict_only_what_supports_the_answer_is_quoted() -> None:
    first, *rest = told(answered("none"))
    assert first.startswith("no conflict")
    assert first.endswith("4% conflict")
    assert [line.split()[0] for line in rest] == ["guide", "leaflet"]


def test_an_abstention_believes_nobody_and_names_the_likeliest() -> None:
    answer = answered("entity", "abstained")
    assert "no answer  likeliest 1931" in headline(answer, UNICODE).plain
    lines = "\n".join(told(answer))
    assert "believed" not in lines
    assert "1927  1 document" in lines
    unsure = Answer(**{**{name: getattr(answer, name) for name in answer.__slots__}, "confidence": None})
    assert headline(unsure, UNICODE).plain == "no answer  likeliest 1931"


def test_an_abstention_without_a_conflict_shows_what_there_is() -> None:
    lines = told(answered("none", "abstained"))
    assert lines[1] == "· 1931  2 documents"
    assert lines[-1] == "  on no side: wiki"


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_has_a_colour_and_a_mark_that_needs_none(level: str) -> None:
    assert len(set(STYLES.values())) == len(LEVELS)
    plain, coloured = "\n".join(told(answered(level))), "\n".join(told(answered(level), colours=True))
    assert "▸1931◂" in plain
    assert "\x1b" not in plain
    assert "\x1b" in coloured
    found = [quoted(passage("wiki", "1927"), ASCII, STYLES[level]).plain]
    assert found == ["In >1927< the bridge was opened."]


@given(TEXT, TEXT.filter(str.strip), TEXT)
def test_marks_stand_around_what_a_span_says_even_where_it_occurs_twice(
    before: str, says: str, after: str
) -> None:
    sentence = f"{says} {before}{says}{after}"
    document = f"{sentence}\n{sentence}"
    start = len(sentence) + 1 + len(says) + 1 + len(before)
    span = {"document": "d", "text": sentence, "start": start, "end": start + len(says), "says": says}
    text = quoted(span, UNICODE, "cyan", document)
    [(first, last)] = [(one.start, one.end) for one in text.spans]
    assert text.plain[first] == "▸"
    assert text.plain[last - 1] == "◂"
    whole = marked(document, [(start, start + len(says))], UNICODE, "cyan")
    assert len(whole.plain) == len(document) + 2
    assert not any(char in "\x1b\x07\x9b" for char in text.plain + whole.plain)


def test_what_has_no_place_is_quoted_without_marks() -> None:
    span = {"document": "d", "text": "It opened long ago.", "start": -1, "end": -1, "says": "1931"}
    assert quoted(span, UNICODE, "cyan").plain == "It opened long ago."
    assert quoted({**span, "says": None}, UNICODE, "cyan").plain == "It opened long ago."
    assert quoted({**span, "says": "LONG"}, UNICODE, "cyan").plain == "It opened ▸long◂ ago."


def test_a_long_passage_is_cut_around_what_it_says() -> None:
    text = f"{'a ' * 500}in 1931 {'b ' * 500}"
    span = {"document": "d", "text": text, "start": 1003, "end": 1007, "says": "1931"}
    found = quoted(span, UNICODE, "cyan", text).plain
    assert "in ▸1931◂ b" in found
    assert found.startswith("…")
    assert found.endswith("…")
    assert len(found) < 320


def test_many_documents_are_named_instead_of_quoted() -> None:
    documents = [Document(f"n{n}", "It opened in 1931.") for n in range(500)]
    one = {"text": "It opened in 1931.", "start": 13, "end": 17, "says": "1931"}
    passages = [{"document": document.id, **one} for document in documents]
    answer = answered(passages=passages, sides=[{"value": "1931", "documents": [d.id for d in documents]}])
    lines = told(answer)
    assert sum("▸" in line for line in lines) == MOST
    assert "and n4, n5" in "\n".join(lines)
    assert len(lines) < 12


def test_documents_that_take_no_side_are_said_to_be_silent() -> None:
    mute = Document("mute", "The bridge is green.")
    found = answered()
    answer = Answer(
        **{
            **{name: getattr(found, name) for name in found.__slots__},
            "input": spoken(QUESTION, [*DOCUMENTS, mute]),
        }
    )
    assert told(answer)[-1] == "  on no side: mute"
    assert "on no side" not in "\n".join(told(found))


def test_the_account_says_why_what_was_done_and_what_it_cost() -> None:
    lines = [line.plain for line in account_of(answered(notes=["document wiki was cut"]), UNICODE)]
    assert lines == [
        "the latest document, of 2021",
        "3 documents › read › detected › refined  1.25 forward passes, 1,412 tokens",
        "note: document wiki was cut",
    ]
    assert [line.plain for line in account_of(answered(passes=1.0, reason="", done=[]), UNICODE)] == [
        "3 documents  1 forward pass, 1,412 tokens"
    ]


def test_many_answers_are_a_table_with_question_and_level() -> None:
    lines = shown([answers_table([answered(), answered("none"), answered("semantic", "abstained")], UNICODE)])
    assert lines.count(QUESTION) == 3
    assert "L1 temporal 97%" in lines
    assert "none 4%" in lines
    assert "1931?" in lines
    assert text_of(answered()) == QUESTION


def test_an_answer_from_documents_is_no_text_that_experts_wrote() -> None:
    assert is_sourced(answered())
    assert not is_text(answered())
    assert not is_sourced(Answer("x", "failed"))
