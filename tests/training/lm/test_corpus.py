"""From the data sets' files to the corpus: what is left out, what is kept apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyarrow import parquet

from mendgraph.errors import ConfigError, DataError
from mendgraph.training.lm.corpus import read_contributions, read_texts, separated
from mendgraph.training.lm.prepare import prepare_lm
from mendgraph.training.lm.sources import Document
from mendgraph.training.lm.spec import DOMAINS
from tests.training.lm.corpora import write_data_sets


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lm")
    prepare_lm(write_data_sets(folder / "sets"), folder / "corpus")
    return folder / "corpus"


def rows(corpus: Path) -> list[dict[str, str]]:
    return [row for domain in DOMAINS for row in parquet.read_table(corpus / f"{domain}.parquet").to_pylist()]


def test_no_document_and_no_text_is_in_both_splits(corpus: Path) -> None:
    parts = {split: [row for row in rows(corpus) if row["split"] == split] for split in ("train", "dev")}
    for key in (lambda row: (row["source"], row["doc"]), lambda row: row["text"]):
        assert not {key(row) for row in parts["train"]} & {key(row) for row in parts["dev"]}
    assert parts["dev"]


def test_sources_that_may_not_be_used_are_left_out(corpus: Path) -> None:
    found = rows(corpus)
    assert {row["source"] for row in found} >= {"books", "gsm8k_train", "medquad", "speeches_and_plays"}
    assert "hendrycks_MATH_train" not in {row["source"] for row in found}
    assert not [row for row in found if row["text"].startswith("brown")]
    assert not [row for row in found if row["text"].startswith("Abstract: test")]


def test_gsm8k_and_its_repetition_are_only_trained_on(corpus: Path) -> None:
    gsm = [row for row in rows(corpus) if row["source"] in ("gsm8k_train", "GSM8K_socratic_train")]
    assert {row["source"] for row in gsm} == {"gsm8k_train", "GSM8K_socratic_train"}
    assert {row["split"] for row in gsm} == {"train"}


def test_rows_of_a_document_become_one_text(corpus: Path) -> None:
    books = [row for row in rows(corpus) if row["source"] == "books"]
    assert len(books) == 12
    assert all(row["text"].count("\n\n") == 2 for row in books)


def test_counts_agree_with_the_corpus(corpus: Path) -> None:
    for split in ("train", "dev"):
        for domain in DOMAINS:
            texts = read_texts(corpus, domain, split)
            mine = [one for one in read_contributions(corpus) if one.domain == domain]
            assert sum(getattr(one, f"{split}_documents") for one in mine) == len(texts)
            assert sum(getattr(one, f"{split}_bytes") for one in mine) == sum(len(t.encode()) for t in texts)
    assert {one.licence for one in read_contributions(corpus)} >= {"MIT", "CC0", "CC BY 4.0"}


def test_document_in_two_splits_is_refused() -> None:
    docs = [Document("a", "1", "x", "train"), Document("a", "1", "y", "dev")]
    with pytest.raises(DataError, match="'1' of 'a' is in train and in dev"):
        separated(docs)


def test_text_of_train_is_dropped_from_dev() -> None:
    docs = [Document("a", "1", "x", "train"), Document("b", "2", "x", "dev"), Document("b", "3", "y", "dev")]
    assert [doc.doc for doc in separated(docs)] == ["1", "3"]


def test_missing_file_says_where_it_was_sought(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no 'sources.csv' in .*--data-dir"):
        prepare_lm(tmp_path, tmp_path / "corpus")


def test_hub_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="local files only"):
        prepare_lm(None, tmp_path, hub=True)
