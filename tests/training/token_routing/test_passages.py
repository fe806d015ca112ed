"""Passages: cut, mixed, split by document, stored."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from mendgraph.errors import ConfigError, DataError, UnknownNameError
from mendgraph.training.emotion.tables import write_table
from mendgraph.training.token_routing.mixing import mixed
from mendgraph.training.token_routing.passages import (
    DOMAINS,
    FILE,
    MIXED,
    SPLITS,
    columns,
    pieces,
    read_passages,
)
from mendgraph.training.token_routing.prepare import prepare_token_routing
from mendgraph.training.token_routing.questions import SETS, chosen
from tests.experts import passages
from tests.training.lm.corpora import sentence, write_data_sets

STRINGS = dict.fromkeys(("doc", "source", "split", "texts", "domains"), "string")


@given(st.text(alphabet="ab \n.", max_size=300), st.integers(5, 60))
def test_pieces_are_short_and_keep_the_words_in_order(text: str, longest: int) -> None:
    found = list(pieces(text, longest, 1))
    assert all(0 < len(piece) <= longest for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_pieces_end_with_a_paragraph_where_they_can() -> None:
    assert next(iter(pieces("one two\n\nthree four five", 14, 1))) == "one two"


def test_mixed_passages_change_domain_and_share_no_document() -> None:
    texts = {domain: [f"{domain} {n} " * 80 for n in range(6)] for domain in DOMAINS}
    found = mixed(texts, "test", 12, 0)
    assert found == mixed(texts, "test", 12, 0)
    assert len(found) > 3
    owners: dict[str, set[str]] = {}
    for row in found:
        assert row.kind == MIXED
        assert all(a != b for a, b in zip(row.domains, row.domains[1:], strict=False))
        for domain, text in zip(row.domains, row.texts, strict=True):
            owners.setdefault(" ".join(text.split()[:2]), set()).add(row.doc)
            assert text.split()[0] == domain
    assert all(len(docs) == 1 for docs in owners.values())


def test_passages_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [*passages("train", 2), *passages("test", 1)]
    write_table(tmp_path / FILE, columns(rows), STRINGS)
    assert read_passages(tmp_path, "train") == rows[:8]
    assert [row.kind for row in read_passages(tmp_path, "test", {"math"})] == ["math"]
    with pytest.raises(DataError, match="no dev passages"):
        read_passages(tmp_path, "dev")


def write_larger_sets(folder: Path) -> Path:
    """The data sets' own layout, with enough held-out documents for every split."""
    write_data_sets(folder)
    for place, domain in enumerate(DOMAINS):
        rows = [
            {
                "source": {"general": "books", "math": "exercises", "medical": "articles"}[domain],
                "doc": f"{domain} {number}",
                "text": "\n\n".join(sentence(place * 10_000 + number * 20 + n, 12) for n in range(20)),
                "split": "train" if number % 8 == 0 else "dev",
            }
            for number in range(80)
        ]
        parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "lm_text" / f"{domain}.parquet")
    return folder


def test_preparation_keeps_documents_in_one_split(tmp_path: Path) -> None:
    summary = prepare_token_routing(write_larger_sets(tmp_path / "sets"), tmp_path / "out")
    owners: dict[str, set[str]] = {}
    texts: dict[str, set[str]] = {split: set() for split in SPLITS}
    for split in SPLITS:
        for row in read_passages(tmp_path / "out", split):
            if row.source not in SETS:
                owners.setdefault(row.doc, set()).add(split)
                texts[split] |= {part for text in row.texts for part in text.split("\n\n") if len(part) > 60}
    assert all(len(splits) == 1 for splits in owners.values())
    assert texts["train"]
    assert texts["train"].isdisjoint(texts["test"])
    assert summary.question_sets == {"gsm8k": 9, "boolq": 1}
    kinds = {(split, kind) for split, kind in summary.passages}
    assert {("train", MIXED), ("test", MIXED), ("test", "math")} <= kinds


def test_only_local_files_are_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="local files only"):
        prepare_token_routing(None, tmp_path, hub=True)


def test_data_sets_have_the_names_of_the_reference_document() -> None:
    assert chosen(()) == (frozenset(), True)
    assert chosen(("cola13/gsm8k_formatted", "boolq")) == (frozenset({"gsm8k", "boolq"}), False)
    assert chosen(("heldout", "medqa")) == (frozenset({"medqa"}), True)
    with pytest.raises(UnknownNameError, match="gsm8k"):
        chosen(("gsm9k",))
