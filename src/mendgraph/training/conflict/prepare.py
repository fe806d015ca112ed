"""`mend data conflict`: writes the claim sets, and pairs of real text that was changed."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mendgraph.core.conflict import LEVELS
from mendgraph.errors import ConfigError
from mendgraph.training.conflict.claims.attribute import SPLITS, Split
from mendgraph.training.conflict.claims.files import claims_path, write_claims
from mendgraph.training.conflict.claims.sets import ClaimSet, claim_sets
from mendgraph.training.conflict.pairs import BREAKING, read_breaking
from mendgraph.training.conflict.perturbation.files import has_text, write_asked, write_perturbed
from mendgraph.training.conflict.perturbation.passages import GENERAL, LEADS

COUNTS: Final[Mapping[Split, int]] = {"train": 40_000, "dev": 1_500, "test": 3_000}
_TELL_EVERY: Final = 500

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ClaimSummary:
    """What the sets are like, split by split.

    Attributes:
        sets: split -> how many.
        levels, rules: split -> level or rule -> sets.
        documents: split -> mean number of documents of a set.
        majority: split -> share of the sets with a conflict and one answer where that answer is the most frequent one,
            ties counted by chance.
        breaking: pairs of Breaking NLI to train on; 0 without it.
        perturbed: split -> pairs of changed real text; empty without text to change.
        asked: split -> questions about real text; empty without text.
    """

    sets: Mapping[str, int]
    levels: Mapping[str, Mapping[str, int]]
    rules: Mapping[str, Mapping[str, int]]
    documents: Mapping[str, float]
    majority: Mapping[str, float]
    breaking: int
    perturbed: Mapping[str, int]
    asked: Mapping[str, int]

    def to_markdown(self) -> str:
        lines = [
            "# Claim sets",
            "",
            "Made up: no entity and no wording is in two splits. Licence: that of this project.",
            "",
            "| | train | dev | test |",
            "|---|---|---|---|",
            self._line("sets", {split: f"{count:,}" for split, count in self.sets.items()}),
            *(self._counted(level, self.levels) for level in LEVELS),
            *(self._counted(f"answer by {rule}", self.rules, rule) for rule in sorted(self.rules["train"])),
            self._line("documents per set", {s: f"{mean:.2f}" for s, mean in self.documents.items()}),
            self._line("the majority is right", {s: f"{share:.1%}" for s, share in self.majority.items()}),
            "",
            "The majority among the documents' answers is measured where they disagree and one answer is asked for.",
            "",
            f"Breaking NLI, for the types classifier: {self.breaking:,} pairs to train on, CC BY-SA 4.0."
            if self.breaking
            else f"No {BREAKING} in the folder: the types classifier will learn without it.",
            "",
            f"Real text, one side changed in half of the pairs: {self.perturbed['train']:,} pairs to train on, "
            f"{self.perturbed['dev']:,} of other documents for dev; questions about real text: "
            f"{self.asked['train']:,} and {self.asked['dev']:,}; CC BY-SA 4.0, CC BY 4.0 and public domain."
            if self.perturbed
            else f"No {GENERAL} and no {LEADS[0]} in the folder: nothing will learn from real text.",
        ]
        return "\n".join(lines) + "\n"

    def _counted(self, name: str, counts: Mapping[str, Mapping[str, int]], key: str | None = None) -> str:
        return self._line(name, {split: f"{found.get(key or name, 0):,}" for split, found in counts.items()})

    @staticmethod
    def _line(name: str, cells: Mapping[str, str]) -> str:
        return f"| {name} | " + " | ".join(cells[split] for split in SPLITS) + " |"


def prepare_conflict(
    data_dir: Path | None,
    out_dir: Path,
    *,
    carer: bool = False,
    hub: bool = False,
    seed: int = 0,
    progress: Progress = lambda stage, done, total: None,
) -> ClaimSummary:
    """Writes ``claims_train.parquet``, ``claims_dev.parquet`` and ``claims_test.parquet``; where there is text,
    ``pairs_`` and ``asked_`` ``train.parquet`` and ``dev.parquet``; and copies Breaking NLI.

    Args:
        data_dir: folder with ``breaking_nli.parquet``, ``general.parquet`` and ``lcr_*.parquet``, from which the types
            classifier learns too; None, or a folder without them, leaves them out.  The other public sets are for
            `mend eval conflict` alone, which reads them where they are.
        seed: of every draw.

    Raises:
        ConfigError: asked for the hub or for CARER, which have nothing to do with these data.
        DataError: Breaking NLI is there and malformed.
    """
    if hub or carer:
        raise ConfigError(
            "claim sets are made, not downloaded",
            hint="mend data conflict --out DIR, without --hub and --carer",
        )
    made: dict[Split, list[ClaimSet]] = {}
    for split in SPLITS:
        made[split] = list(_told(split, seed, progress))
        write_claims(claims_path(out_dir, split), made[split])
    breaking = 0
    if data_dir is not None and (data_dir / BREAKING).is_file():
        breaking = len(read_breaking(data_dir, "train"))
        shutil.copyfile(data_dir / BREAKING, out_dir / BREAKING)
    real: dict[str, int] = {}
    asked: dict[str, int] = {}
    if data_dir is not None and has_text(data_dir):
        real = write_perturbed(data_dir, out_dir, seed, progress)
        asked = write_asked(data_dir, out_dir, seed, progress)
    return _summary(made, breaking, real, asked)


def majority_share(sets: Sequence[ClaimSet]) -> float:
    """How often the most frequent value is the answer, over the sets with a conflict and one answer."""
    shares = []
    for one in sets:
        right = next((g for a, g in zip(one.answers, one.groups, strict=True) if a == one.gold), None)
        if not one.conflict or right is None:
            continue
        counts = Counter(group for group in one.groups if group is not None)
        top = [group for group, count in counts.items() if count == max(counts.values())]
        shares.append((right in top) / len(top))
    return sum(shares) / len(shares) if shares else float("nan")


def _told(split: Split, seed: int, progress: Progress) -> Iterator[ClaimSet]:
    total = COUNTS[split]
    for number, one in enumerate(claim_sets(split, total, seed)):
        if number % _TELL_EVERY == 0:
            progress(f"{split} sets,", number, total)
        yield one


def _summary(
    made: Mapping[Split, Sequence[ClaimSet]], breaking: int, real: Mapping[str, int], asked: Mapping[str, int]
) -> ClaimSummary:
    return ClaimSummary(
        {split: len(sets) for split, sets in made.items()},
        {split: Counter(one.level for one in sets) for split, sets in made.items()},
        {split: Counter(one.rule for one in sets) for split, sets in made.items()},
        {split: sum(len(one.documents) for one in sets) / len(sets) for split, sets in made.items()},
        {split: majority_share(sets) for split, sets in made.items()},
        breaking,
        real,
        asked,
    )
