"""The small multinomial model, and the cues it weighs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.interviewing import NAMES, cues
from mendgraph.core.linear import LinearModel
from mendgraph.errors import ArtifactError

TEXT = st.text(max_size=80)


def column(name: str, prompt: str, response: str) -> float:
    return float(cues([(prompt, response)])[0, NAMES.index(name)])


@given(st.lists(st.tuples(TEXT, TEXT), max_size=6))
def test_cues_are_finite_and_of_each_row_alone(pairs: list[tuple[str, str]]) -> None:
    found = cues(pairs)
    assert found.shape == (len(pairs), len(NAMES))
    assert np.isfinite(found).all()
    for row, pair in zip(found, pairs, strict=True):
        np.testing.assert_array_equal(row, cues([pair])[0])


@pytest.mark.parametrize(
    ("response", "stem", "first"),
    [
        ("It sounds like you are torn.", 1, 0),
        ("So it seems hard.", 1, 0),
        ("You\u2019re worried about her.", 0, 1),
        ("You should stop.", 0, 1),
        ("Young people drink.", 0, 0),
        ("Have you tried to stop?", 0, 0),
    ],
)
def test_openings(response: str, stem: float, first: float) -> None:
    assert (column("stem", "", response), column("you_first", "", response)) == (stem, first)


def test_words_shared_with_the_client() -> None:
    assert column("echoed", "my daughter hates smoke", "your daughter hates it") == pytest.approx(2 / 3)
    assert column("shared", "my daughter hates smoke", "you love gardens") == 0
    assert column("questions", "", "why? how?") == 2


def fitted(seed: int = 0) -> tuple[LinearModel, np.ndarray, np.ndarray]:
    noise = np.random.default_rng(seed)
    labels = np.arange(90) % 3
    rows = noise.normal(size=(90, 2)) + np.stack([labels * 3.0, np.zeros(90)], axis=1)
    return LinearModel.fit(rows, labels, ("a", "b"), 3), rows, labels


def test_a_fit_finds_what_separates_the_classes() -> None:
    model, rows, labels = fitted()
    probabilities = model.probabilities(rows)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.85


def test_a_class_that_is_rare_weighs_as_much() -> None:
    _, rows, labels = fitted()
    often = np.concatenate([np.arange(90), *[np.flatnonzero(labels == 0)] * 9])
    again = LinearModel.fit(rows[often], labels[often], ("a", "b"), 3)
    said = again.probabilities(rows).argmax(axis=1)
    assert (said[labels == 1] == 1).mean() > 0.7


def test_it_survives_json_and_refuses_parts_that_do_not_fit() -> None:
    model, _, _ = fitted()
    same = LinearModel.from_dict(model.to_dict())
    assert same == model
    with pytest.raises(ArtifactError, match="train it again"):
        LinearModel.from_dict({**model.to_dict(), "mean": [0.0]})
    with pytest.raises(ArtifactError, match="scale"):
        LinearModel.from_dict({**model.to_dict(), "scale": [0.0, 1.0]})
    with pytest.raises(ArtifactError, match="linear model"):
        LinearModel.from_dict({"names": ["a"]})
