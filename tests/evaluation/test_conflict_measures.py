"""What the evaluation of conflicts says of data it is given, and that shallow baselines stay shallow."""

from __future__ import annotations

import numpy as np

from mendgraph.core.conflict import LEVELS, Document
from mendgraph.core.metrics import auroc
from mendgraph.evaluation.conflict.datasets import Sample
from mendgraph.evaluation.conflict.detection import detection_section
from mendgraph.evaluation.conflict.levels import levels_section
from mendgraph.evaluation.conflict.policy import policy_section
from mendgraph.evaluation.conflict.shallow import (
    REGEX_FEATURES,
    bag_of_words,
    regex_features,
    regular_expression,
)
from mendgraph.evaluation.conflict.systems import comparison, least_overlap
from mendgraph.training.conflict.claims.sets import claim_sets
from mendgraph.training.conflict.pairs import claim_pairs

TRAIN, TEST = list(claim_sets("train", 500)), list(claim_sets("test", 250))
SAMPLES = [Sample(one.question, one.documents, one.level, one.id) for one in TEST]


def test_counting_and_bags_of_words_stay_near_chance_and_comparing_values_does_not() -> None:
    labels = np.array([one.conflict for one in TRAIN], dtype=np.int64)
    truth = np.array([one.conflict for one in TEST])
    train, test = ([(one.question, one.documents) for one in part] for part in (TRAIN, TEST))
    assert regex_features(test).shape == (len(TEST), len(REGEX_FEATURES))
    for baseline in (regular_expression, bag_of_words):
        assert auroc(baseline(train, labels, test)[:, 1], truth) < 0.65
    assert auroc(1 - least_overlap(SAMPLES)[:, 0], truth) < 0.65
    compared = comparison(list(claim_pairs(TRAIN)))(SAMPLES)
    np.testing.assert_allclose(compared.sum(axis=1), 1.0)
    assert auroc(1 - compared[:, 0], truth) > 0.65


def test_a_perfect_and_a_blind_system_are_told_apart() -> None:
    perfect = np.eye(len(LEVELS))[[LEVELS.index(one.level) for one in TEST]]
    blind = np.full((len(TEST), len(LEVELS)), 1 / len(LEVELS))
    judged = {"claims": {"perfect": perfect, "blind": blind}}
    found = detection_section({"claims": SAMPLES}, judged, resamples=20).figures["claims"]
    assert (found["perfect"]["auroc"], found["blind"]["auroc"]) == (1.0, 0.5)
    typed = levels_section({"claims": SAMPLES}, judged, resamples=20)
    assert typed.figures["claims"]["perfect"]["macro_f1"] == 1.0
    assert typed.figures["claims"]["blind"]["macro_f1"] < 0.2
    assert [row[0] for row in typed.tables[0].rows] == ["the most frequent level", "perfect", "blind"]


def test_where_all_are_conflicts_none_is_no_answer() -> None:
    sample = Sample("", (Document("a", "x"), Document("b", "y")), "entity", "g")
    chances = np.array([[0.9, 0.0, 0.02, 0.08, 0.0]])
    found = levels_section({"pairs": [sample]}, {"pairs": {"system": chances}}, resamples=5)
    assert found.figures["pairs"]["system"]["accuracy"] == 1.0


def test_with_every_claim_known_the_rules_answer_nearly_all_and_the_majority_does_not() -> None:
    found = policy_section(TEST, resamples=20).figures
    rule = found["rule of the question, else of the level"]
    assert rule["all"]["accuracy"] > 0.98
    assert found["majority of values"]["all"]["accuracy"] < 0.8
    assert found["majority of values"]["none"]["accuracy"] > 0.95
