"""`mend data token_routing`: passages of one and of several domains that the experts were not trained on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from mendgraph.errors import ConfigError, DataError
from mendgraph.training.emotion.tables import write_table
from mendgraph.training.lm.corpus import separated
from mendgraph.training.lm.sources import SOURCES, Document, documents, large_documents
from mendgraph.training.token_routing.mixing import mixed
from mendgraph.training.token_routing.passages import (
    DOMAINS,
    FILE,
    MIXED,
    SPLITS,
    Passage,
    columns,
    pieces,
    share,
)
from mendgraph.training.token_routing.questions import question_sets

LONGEST = 1500
"""Characters of a passage: with an 8k vocabulary about 400 tokens, which a context of 512 holds."""
SHORTEST = 120
SHARES = {"train": 0.6, "dev": 0.1, "test": 0.3}
COUNTS = {"train": 700, "dev": 120, "test": 400}
"""Most passages per split and domain, and of mixed ones."""
FOR_MIXING = 0.5
"""Share of the documents of a split that mixed passages are made of; no document is in both."""
PER_DOCUMENT = 6

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class PassageSummary:
    """Passages by split and kind, and how many documents they come from."""

    passages: Mapping[tuple[str, str], int]
    documents: Mapping[tuple[str, str], int]
    question_sets: Mapping[str, int]

    def to_markdown(self) -> str:
        kinds = (*DOMAINS, MIXED)
        lines = [
            "# Token routing data",
            "",
            "Passages, and in brackets the independent documents behind them. No document is in two splits, and "
            "the language models' training text is in none.",
            "",
            f"| | {' | '.join(SPLITS)} |",
            "|---" * (1 + len(SPLITS)) + "|",
        ]
        for kind in kinds:
            cells = [
                f"{self.passages.get((s, kind), 0)} ({self.documents.get((s, kind), 0)})" for s in SPLITS
            ]
            lines.append(f"| {kind} | {' | '.join(cells)} |")
        if self.question_sets:
            found = ", ".join(f"{name} {count}" for name, count in self.question_sets.items())
            lines += ["", f"Question sets, in train only, used where `--datasets` names them: {found}."]
        return "\n".join([*lines, ""])


def prepare_token_routing(
    data_dir: Path | None,
    out: Path,
    *,
    carer: bool = False,
    hub: bool = False,
    seed: int = 0,
    progress: Progress = lambda stage, done, total: None,
) -> PassageSummary:
    """Writes `FILE`: the documents that `mend data lm` keeps from training, split once more by document.

    Args:
        data_dir: folder of the data sets' own files, as for `mend data lm`.

    Raises:
        ConfigError: asked for the hub or for CARER, which these data do not use.
        DataError: a file is missing, or a domain has nothing in a split.
    """
    if data_dir is None or hub or carer:
        raise ConfigError(
            "mend data token_routing: reads local files only", hint="mend data token_routing --data-dir DIR"
        )
    texts: dict[str, dict[str, list[tuple[str, str, str]]]] = defaultdict(dict)  # split -> domain -> bundles
    for number, domain in enumerate(DOMAINS):
        progress(domain, number, len(DOMAINS))
        for split, found in _held_out(domain, data_dir).items():
            texts[split][domain] = found
    own: list[Passage] = []
    for split in SPLITS:
        missing = [domain for domain in DOMAINS if not texts[split].get(domain)]
        if missing:
            raise DataError(f"no held-out {missing[0]} documents for the {split} split")
        own += _of_split(split, texts[split], seed)
    sets = question_sets(data_dir)
    types = dict.fromkeys(("doc", "source", "split", "texts", "domains"), "string")
    out.mkdir(parents=True, exist_ok=True)
    write_table(out / FILE, columns([*own, *sets]), types)
    pairs = {(row.split, row.kind, row.doc) for row in own}
    return PassageSummary(
        Counter((row.split, row.kind) for row in own),
        Counter((split, kind) for split, kind, _ in pairs),
        Counter(row.source for row in sets),
    )


def _held_out(domain: str, data_dir: Path) -> dict[str, list[tuple[str, str, str]]]:
    """Split -> (source, doc, text) of the documents in the language models' dev split, small ones put together."""
    small = (documents(source, data_dir) for source in SOURCES if source.domain == domain)
    kept = separated(chain(large_documents(domain, data_dir), *small))
    found: dict[str, list[tuple[str, str, str]]] = {split: [] for split in SPLITS}
    held: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for document in (one for one in kept if one.split == "dev"):
        found_split = _split(share("split", document.source, document.doc))
        held[(found_split, document.source)].append(document)
    for (split, _), group in held.items():
        found[split] += _bundled(group)
    return found


def _bundled(group: Sequence[Document]) -> Iterator[tuple[str, str, str]]:
    """Exercises and dialogues of a few lines follow each other until they fill a passage."""
    waiting: list[Document] = []
    for document in group:
        waiting.append(document)
        if sum(len(one.text) for one in waiting) >= LONGEST:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(group: Sequence[Document]) -> tuple[str, str, str]:
    return group[0].source, group[0].doc, "\n\n".join(one.text for one in group)


def _split(place: float) -> str:
    for split, part in SHARES.items():
        if place < part:
            return split
        place -= part
    return SPLITS[-1]


def _of_split(
    split: str, texts: Mapping[str, Sequence[tuple[str, str, str]]], seed: int
) -> Iterator[Passage]:
    for_mixing: dict[str, list[str]] = {}
    for domain, bundles in texts.items():
        apart = [share("use", source, doc) < FOR_MIXING for source, doc, _ in bundles]
        for_mixing[domain] = [b[2] for b, mixing in zip(bundles, apart, strict=True) if mixing]
        alone = [b for b, mixing in zip(bundles, apart, strict=True) if not mixing]
        yield from _single(split, domain, alone)
    yield from mixed(for_mixing, split, COUNTS[split], seed)


def _single(split: str, domain: str, bundles: Sequence[tuple[str, str, str]]) -> Iterator[Passage]:
    """In rounds, one passage of each document after another, so that a long book does not fill the split."""
    cut = [
        [
            Passage(f"{source}/{doc}", source, split, (text,), (domain,))
            for text in pieces(whole, LONGEST, SHORTEST)
        ]
        for source, doc, whole in bundles
    ]
    # the passages of a document that are kept lie evenly over it
    spread = [rows[:: max(1, len(rows) // PER_DOCUMENT)][:PER_DOCUMENT] for rows in cut]
    rounds = [rows[number] for number in range(PER_DOCUMENT) for rows in spread if number < len(rows)]
    yield from rounds[: COUNTS[split]]
