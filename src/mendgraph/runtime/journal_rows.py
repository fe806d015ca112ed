"""Runs and answers as rows of a journal's tables, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mendgraph.core.record import RunRecord
from mendgraph.core.redaction import options_without_text, without_text
from mendgraph.core.values import Answer, Attempt
from mendgraph.errors import JournalError
from mendgraph.runtime.journal_schema import TextMode

Cell = str | bytes | float | int | None


@dataclass(frozen=True, slots=True)
class Encoded:
    """One call of `record`, ready to be written.

    Attributes:
        run: values of the table ``runs`` without ``number``.
        facts: ``(hash, json)``.
        rows: row number -> values of the table ``rows`` after ``(run, row)``.
        attempts: row number -> its steps, values of the table ``attempts`` after ``(run, row)``.
    """

    run: tuple[Cell, ...]
    facts: tuple[Cell, ...]
    rows: Mapping[int, tuple[Cell, ...]]
    attempts: Mapping[int, list[tuple[Cell, ...]]]


def encode(run: RunRecord, answers: Mapping[int, Answer], mode: TextMode, salt: str) -> Encoded:
    """Raises JournalError where a value is no JSON."""
    facts = _json(
        {
            "thresholds": dict(run.thresholds),
            "fingerprints": dict(run.fingerprints),
            "config": dict(run.config),
            "versions": dict(run.versions),
        }
    )
    key = hashlib.sha256(facts if isinstance(facts, bytes) else facts.encode()).hexdigest()
    options = dict(run.options) if mode == "stored" else options_without_text(run.options)
    inputs = _json(dict(run.given) if mode == "stored" else {})
    rows: dict[int, tuple[Cell, ...]] = {}
    attempts: dict[int, list[tuple[Cell, ...]]] = {}
    for number, given in answers.items():
        answer = given if mode == "stored" else without_text(given)
        rows[number] = (
            answer.status,
            cell(answer.label),
            cell(answer.best_guess),
            answer.confidence,
            cell(answer.source),
            answer.partial,
            cell(given.input) if mode == "stored" else None,
            text_hash(given.input, salt) if mode == "hashed" else None,
            _json(_bare(answer)),
        )
        attempts[number] = [_attempt(step, attempt) for step, attempt in enumerate(answer.trail)]
    return Encoded(
        (cell(run.id), cell(run.graph), run.at, run.rows, cell(run.config_hash), _json(options), inputs, key),
        (key, facts),
        rows,
        attempts,
    )


def text_hash(text: str, salt: str) -> str:
    """SHA-256 in hexadecimal of the journal's salt and the text."""
    return hashlib.sha256(salt.encode() + text.encode("utf-8", "surrogatepass")).hexdigest()


def cell(text: str | None) -> str | bytes | None:
    """The text as SQLite can hold it: lone surrogates are no UTF-8, so such a text is kept as bytes."""
    if text is None or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def text_of(value: str | bytes | None) -> str:
    """What `cell` was given; "" for NULL."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value or ""


def run_of(values: Iterable[Any]) -> RunRecord:
    """From ``id, graph, at, rows, config_hash, options, given, facts.json``."""
    number, graph, at, rows, config_hash, options, given, facts = values
    return RunRecord(
        id=text_of(number),
        graph=text_of(graph),
        at=at,
        rows=rows,
        options=json.loads(text_of(options)),
        config_hash=text_of(config_hash),
        given=json.loads(text_of(given)),
        **json.loads(text_of(facts)),
    )


def answer_of(text: str | bytes | None, answer: str | bytes, attempts: Iterable[str | bytes]) -> Answer:
    trail = [json.loads(text_of(attempt)) for attempt in attempts]
    return Answer.from_dict({"input": text_of(text), **json.loads(text_of(answer)), "trail": trail})


def _bare(answer: Answer) -> dict[str, Any]:
    """The answer without input and trail, which have places of their own."""
    return {
        "status": answer.status,
        "label": answer.label,
        "best_guess": answer.best_guess,
        "value": answer.value,
        "confidence": answer.confidence,
        "options": list(answer.options),
        "partial": answer.partial,
        "source": answer.source,
        "error": answer.error.to_dict() if answer.error else None,
    }


def _attempt(step: int, attempt: Attempt) -> tuple[Cell, ...]:
    said = attempt.prediction
    return (
        step,
        cell(attempt.tier),
        cell(said.label) if said else None,
        said.confidence if said else None,
        attempt.threshold,
        attempt.verdict,
        cell(attempt.failure.kind) if attempt.failure else None,
        attempt.seconds,
        cell(attempt.fingerprint),
        _json(attempt.to_dict()),
    )


def _json(value: Any) -> str | bytes:
    """Not as ASCII: escapes of two lone surrogates in a row would be read back as one character."""
    try:
        return cell(json.dumps(value, ensure_ascii=False, allow_nan=False)) or ""
    except (TypeError, ValueError) as error:
        raise JournalError(
            f"an answer cannot be stored as JSON: {error}",
            hint="a tier's `value` may hold numbers that are finite, texts, lists and mappings",
        ) from error
