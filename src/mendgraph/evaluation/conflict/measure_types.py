"""Detection and types beside their baselines, on generated and on real text, without a language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from mendgraph.adapters.conflict_types import ConflictTypesTier
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.core.arrays import FloatArray
from mendgraph.evaluation.conflict import datasets
from mendgraph.evaluation.conflict.datasets import Sample
from mendgraph.evaluation.conflict.detection import detection_section
from mendgraph.evaluation.conflict.levels import levels_section
from mendgraph.evaluation.conflict.policy import policy_section
from mendgraph.evaluation.conflict.shallow import bag_of_words, regular_expression
from mendgraph.evaluation.conflict.systems import (
    System,
    bag_of_pairs,
    classifier,
    comparison,
    embeddings,
    least_overlap,
)
from mendgraph.evaluation.report import Section
from mendgraph.training.conflict.claims.files import claims_path, read_claims
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.pairs import claim_pairs, read_breaking

__all__ = ["measure_types"]

CLAIM_SETS: Final = 4000
"""Claim sets of train that baselines learn from, as many as the classifier."""


def measure_types(
    tier: ConflictTypesTier,
    vectors: SentenceVectors,
    claims_dir: Path,
    data_dir: Path,
    *,
    test_sets: int | None = None,
    train_sets: int = CLAIM_SETS,
    resamples: int = 1000,
    echo: Callable[[str], None] = lambda line: None,
) -> tuple[Section, ...]:
    """Detection, types, and what rules reach when claims are known.

    Args:
        claims_dir: what `mend data conflict` wrote.
        data_dir: folder with Breaking NLI, FEVER Symmetric and RAMDocs.
        test_sets: at most so many claim sets of test.

    Raises:
        DataError: a file is missing or malformed.
    """
    known = read_claims(claims_path(claims_dir, "train"))[:train_sets]
    train = [*claim_pairs(known), *read_breaking(data_dir, "train")]
    samples, sets = datasets.claims(claims_dir, test_sets)
    echo(f"{len(train):,} pairs to learn from; {len(samples):,} claim sets to judge")
    systems: dict[str, System] = {
        "least word overlap": least_overlap,
        "bag of words over pairs": bag_of_pairs(train),
        "sentence vectors of pairs": embeddings(train, vectors),
        "comparison of values": comparison(train),
        "types classifier": classifier(tier),
    }
    misinformed = datasets.ramdocs(data_dir, ("conflict_misinfo",))
    found: dict[str, Sequence[Sample]] = {
        "claims": samples,
        "RAMDocs, conflict or agreement": datasets.ramdocs(data_dir, ("conflict_misinfo", "agree")),
        "RAMDocs, conflict or other entity": datasets.ramdocs(
            data_dir, ("conflict_misinfo", "ambiguity_different_entity")
        ),
        "FEVER Symmetric": datasets.fever(data_dir),
        "Breaking NLI": datasets.breaking(data_dir),
    }
    judged: dict[str, dict[str, FloatArray]] = {}
    for name, rows in found.items():
        echo(f"judging {name}")
        judged[name] = {system: say(rows) for system, say in systems.items()}
    judged["claims"] |= _of_whole_sets(known, samples)
    typed: Mapping[str, Sequence[Sample]] = {
        "claims": samples,
        "Breaking NLI": found["Breaking NLI"],
        "FEVER pairs": datasets.fever_pairs(data_dir),
        "RAMDocs conflicts": misinformed,
    }
    types = {name: judged[name] for name in ("claims", "Breaking NLI")}
    for name in ("FEVER pairs", "RAMDocs conflicts"):
        types[name] = {system: say(typed[name]) for system, say in systems.items()}
    types = {
        name: {system: chances for system, chances in said.items() if system not in _NO_TYPES}
        for name, said in types.items()
    }
    return (
        detection_section(found, judged, resamples),
        levels_section(typed, types, resamples),
        policy_section(sets, resamples),
    )


_NO_TYPES: Final = frozenset(
    {"least word overlap", "counts by regular expressions", "bag of words over sets"}
)


def _of_whole_sets(known: Sequence[ClaimSet], samples: Sequence[Sample]) -> dict[str, FloatArray]:
    """Baselines that learn from whole claim sets of train whether there is a conflict; (N, 2) each."""
    train = [(one.question, one.documents) for one in known]
    test = [(one.question, one.documents) for one in samples]
    labels = np.array([one.conflict for one in known], dtype=np.int64)
    return {
        "counts by regular expressions": regular_expression(train, labels, test),
        "bag of words over sets": bag_of_words(train, labels, test),
    }
