"""The corpus on disk: one parquet file of documents per domain, and what each source contributed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import pyarrow
from pyarrow import parquet

from mendgraph.errors import DataError
from mendgraph.training.lm.sources import SOURCES, Document, documents, large_documents, large_licences
from mendgraph.training.lm.spec import DOMAINS

COUNTS = "sources.json"
SPLITS = ("train", "dev")
_PAGE = 64 << 20  # bytes; a page is compressed on its own, and small pages cost a fifth more


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one source gave to one domain; bytes are of UTF-8 text."""

    domain: str
    source: str
    licence: str
    origin: str
    train_documents: int
    dev_documents: int
    train_bytes: int
    dev_bytes: int


Progress = Callable[[str, int, int], None]


def write_corpus(
    data_dir: Path, out: Path, *, progress: Progress = lambda stage, done, total: None
) -> list[Contribution]:
    """Reads every source under `data_dir`, writes ``<domain>.parquet`` and `COUNTS` to `out`.

    Raises:
        DataError: a file is missing, a split is empty, or a document is in train and in dev.
    """
    licences = large_licences(data_dir)
    licences |= {source.name: (source.licence, source.origin) for source in SOURCES}
    out.mkdir(parents=True, exist_ok=True)
    found: list[Contribution] = []
    for number, domain in enumerate(DOMAINS):
        progress(domain, number, len(DOMAINS))
        small = (documents(source, data_dir) for source in SOURCES if source.domain == domain)
        kept = separated(chain(large_documents(domain, data_dir), *small))
        unknown = sorted({doc.source for doc in kept} - set(licences))
        if unknown:
            raise DataError(f"no licence is known of {', '.join(unknown)}", hint="add a row to sources.csv")
        table = pyarrow.Table.from_pylist([asdict(doc) for doc in kept])
        parquet.write_table(
            table, out / f"{domain}.parquet", compression="zstd", compression_level=19,
            use_dictionary=["source", "split"], data_page_size=_PAGE, row_group_size=len(kept),
        )  # fmt: skip
        found += _count(domain, kept, licences)
    text = json.dumps([asdict(one) for one in found], indent=2)
    (out / COUNTS).write_text(text + "\n", encoding="utf-8")
    return found


def separated(read: Iterable[Document]) -> list[Document]:
    """The documents without repeats; a text that is in train is not in dev.

    Raises:
        DataError: two splits share a document's name, or a split has no text.
    """
    docs = list(read)
    train = {doc.text for doc in docs if doc.split == "train"}
    names = {(doc.source, doc.doc) for doc in docs if doc.split == "train"}
    kept: list[Document] = []
    seen: set[str] = set()
    for doc in docs:
        if doc.split == "dev" and (doc.source, doc.doc) in names:
            raise DataError(f"document {doc.doc!r} of {doc.source!r} is in train and in dev")
        if doc.text in seen or (doc.split == "dev" and doc.text in train) or not doc.text.strip():
            continue
        seen.add(doc.text)
        kept.append(doc)
    for split in SPLITS:
        if not any(doc.split == split for doc in kept):
            raise DataError(f"the {split} split has no text")
    return kept


def read_texts(
    folder: Path, domain: str, split: str, repeats: Mapping[str, int] = MappingProxyType({})
) -> list[str]:
    """Documents of one split, in the order of the file; those of a source in `repeats` that many times."""
    path = folder / f"{domain}.parquet"
    if not path.is_file():
        raise DataError(f"no {path.name!r} in {str(folder)!r}", hint="mend data lm --data-dir DIR writes it")
    table = parquet.read_table(path, columns=["source", "text"], filters=[("split", "=", split)])
    sources, texts = table.column("source").to_pylist(), table.column("text").to_pylist()
    return [text for name, text in zip(sources, texts, strict=True) for _ in range(repeats.get(name, 1))]


def read_contributions(folder: Path) -> list[Contribution]:
    path = folder / COUNTS
    if not path.is_file():
        raise DataError(f"no {COUNTS!r} in {str(folder)!r}", hint="mend data lm --data-dir DIR writes it")
    return [Contribution(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def digest(folder: Path) -> str:
    """16 hex digits of the corpus' files."""
    sums = hashlib.sha256()
    for domain in DOMAINS:
        with (folder / f"{domain}.parquet").open("rb") as file:
            sums.update(hashlib.file_digest(file, "sha256").digest())
    return sums.hexdigest()[:16]


def _count(domain: str, docs: list[Document], licences: Mapping[str, tuple[str, str]]) -> list[Contribution]:
    numbers: dict[str, dict[str, list[int]]] = {}
    for doc in docs:
        splits = numbers.setdefault(doc.source, {split: [0, 0] for split in SPLITS})
        splits[doc.split][0] += 1
        splits[doc.split][1] += len(doc.text.encode())
    return [
        Contribution(domain, name, *licences[name], n["train"][0], n["dev"][0], n["train"][1], n["dev"][1])
        for name, n in numbers.items()
    ]
