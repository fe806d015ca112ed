"""`mend data lm`: the corpus of the language models from the data sets' own files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mendgraph.errors import ConfigError
from mendgraph.training.lm.corpus import Contribution, Progress, write_corpus
from mendgraph.training.lm.sources import LEFT_OUT


@dataclass(frozen=True, slots=True)
class CorpusSummary:
    """What went into the corpus, by source."""

    contributions: Sequence[Contribution]

    def to_markdown(self) -> str:
        rows = [
            f"| {c.domain} | {c.source} | {c.licence} | {c.train_documents:,} | {c.dev_documents:,} "
            f"| {c.train_bytes:,} | {c.dev_bytes:,} |"
            for c in self.contributions
        ]
        left_out = "; ".join(f"{name}: {why}" for name, why in LEFT_OUT.items())
        head = [
            "| domain | source | licence | train documents | dev documents | train bytes | dev bytes |",
            "|---|---|---|---|---|---|---|",
        ]
        return "\n".join([*head, *rows, "", f"Left out: {left_out}.", ""])


def prepare_lm(
    data_dir: Path | None,
    out: Path,
    *,
    carer: bool = False,
    hub: bool = False,
    seed: int = 0,
    progress: Progress = lambda stage, done, total: None,
) -> CorpusSummary:
    """Only local files are read, and their splits are kept: `seed` changes nothing.

    Raises:
        ConfigError: asked for the hub or for CARER, which this corpus does not use.
        DataError: see `write_corpus`.
    """
    if data_dir is None or hub or carer:
        raise ConfigError("mend data lm: reads local files only", hint="mend data lm --data-dir DIR")
    return CorpusSummary(write_corpus(data_dir, out, progress=progress))
