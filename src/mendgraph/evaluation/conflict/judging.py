"""Detection and types beside their baselines, on generated and on real text; no language model is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mendgraph.adapters.conflict_types import ConflictTypesTier
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.core.arrays import FloatArray
from mendgraph.evaluation.conflict import datasets
from mendgraph.evaluation.conflict.datasets import Sample
from mendgraph.evaluation.conflict.detectors import COMPARED, GRAPH, Hearing
from mendgraph.evaluation.conflict.shallow import bag_of_words, regular_expression
from mendgraph.evaluation.conflict.systems import (
    System,
    bag_of_pairs,
    classifier,
    comparison,
    embeddings,
    least_overlap,
    remembered,
)
from mendgraph.training.conflict.claims.files import claims_path, read_claims
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.pairs import claim_pairs, read_breaking

__all__ = ["CLAIMS", "CLAIM_SETS", "CLASSIFIER", "JudgedSets", "judge_sets"]

CLAIM_SETS: Final = 4000
"""Claim sets of train that baselines learn from, as many as the classifier."""

CLASSIFIER: Final = "types classifier"
CLAIMS: Final = "claims"


@dataclass(frozen=True, slots=True)
class JudgedSets:
    """
    Attributes:
        samples: name of a set -> samples with and without a conflict.
        chances: name of the set -> system -> (N, levels or 2), "none" first.
        typed, types: the same where the level is asked for, by systems that can say one.
        sets: the claim sets of test behind the samples of that name.
    """

    samples: Mapping[str, Sequence[Sample]]
    chances: Mapping[str, Mapping[str, FloatArray]]
    typed: Mapping[str, Sequence[Sample]]
    types: Mapping[str, Mapping[str, FloatArray]]
    sets: Sequence[ClaimSet]


def judge_sets(
    tier: ConflictTypesTier,
    vectors: SentenceVectors,
    claims_dir: Path,
    data_dir: Path,
    *,
    test_sets: int | None = None,
    train_sets: int = CLAIM_SETS,
    detectors: Mapping[str, System] | None = None,
    hearing: Hearing | None = None,
    known: Mapping[str, FloatArray] | None = None,
    echo: Callable[[str], None] = lambda line: None,
) -> JudgedSets:
    """What the classifier and its baselines say of every set.

    Args:
        claims_dir: what `mend data conflict` wrote.
        data_dir: folder with Breaking NLI, FEVER Symmetric and RAMDocs.
        test_sets: at most so many claim sets of test.
        detectors: more systems, which find conflicts and say nothing of their level.
        hearing: hears what documents say; by itself and with the classifier it is two systems more.
        known: system -> (N, levels) that it said of the claim sets before, and need not say again.

    Raises:
        DataError: a file is missing or malformed.
    """
    taught = read_claims(claims_path(claims_dir, "train"))[:train_sets]
    train = [*claim_pairs(taught), *read_breaking(data_dir, "train")]
    samples, sets = datasets.claims(claims_dir, test_sets)
    echo(f"{len(train):,} pairs to learn from; {len(samples):,} claim sets to judge")
    own: dict[str, System] = {
        "least word overlap": least_overlap,
        "bag of words over pairs": bag_of_pairs(train),
        "sentence vectors of pairs": embeddings(train, vectors),
        "comparison of values": comparison(train),
        CLASSIFIER: classifier(tier),
        **(detectors or {}),
    }
    systems = {name: remembered(say) for name, say in own.items()}
    if hearing is not None:
        systems |= {COMPARED: hearing.alone, GRAPH: hearing.with_types(systems[CLASSIFIER])}
    misinformed = datasets.ramdocs(data_dir, ("conflict_misinfo",))
    found: dict[str, Sequence[Sample]] = {
        CLAIMS: samples,
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
        before = (known or {}) if name == CLAIMS else {}
        judged[name] = {
            system: before[system] if system in before else say(rows) for system, say in systems.items()
        }
    judged[CLAIMS] |= _of_whole_sets(taught, samples)
    typed: Mapping[str, Sequence[Sample]] = {
        CLAIMS: samples,
        "Breaking NLI": found["Breaking NLI"],
        "FEVER pairs": datasets.fever_pairs(data_dir),
        "RAMDocs conflicts": misinformed,
    }
    blind = {*_NO_TYPES, *(detectors or {})}
    types = {name: judged[name] for name in (CLAIMS, "Breaking NLI")}
    for name in ("FEVER pairs", "RAMDocs conflicts"):
        types[name] = {system: say(typed[name]) for system, say in systems.items() if system not in blind}
    types = {
        name: {system: chances for system, chances in said.items() if system not in blind}
        for name, said in types.items()
    }
    return JudgedSets(found, judged, typed, types, sets)


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
