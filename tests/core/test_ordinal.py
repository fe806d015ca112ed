"""One number to ordered levels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.arrays import sigmoid
from mendgraph.core.ordinal import OrdinalModel
from mendgraph.errors import ArtifactError, DataError

MODELS = st.builds(
    lambda slope, first, gap: OrdinalModel(slope, (first, first + gap)),
    st.floats(0.1, 5),
    st.floats(-4, 4),
    st.floats(0, 5),
)


@given(MODELS, st.lists(st.floats(-20, 20), min_size=1, max_size=10))
def test_probabilities_sum_to_one_and_rise_with_the_logit(model: OrdinalModel, logits: list[float]) -> None:
    found = model.probabilities(sorted(logits))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (np.diff(found @ np.array([0, 0.5, 1])) >= -1e-12).all()


@given(MODELS, st.floats(-15, 15))
def test_the_borders_are_where_the_likeliest_level_changes(model: OrdinalModel, logit: float) -> None:
    low, high = model.borders()
    score = float(sigmoid(np.array([logit]))[0])
    if min(abs(score - low), abs(score - high)) > 1e-3:
        level = int(model.probabilities([logit])[0].argmax())
        assert level == (0 if score < low else 1 if score < high else 2)


def test_a_fit_finds_the_borders_of_rising_levels() -> None:
    noise = np.random.default_rng(0)
    levels = np.repeat([0, 1, 2], [300, 60, 100])
    logits = levels * 4.0 - 4.0 + noise.normal(size=len(levels))
    model = OrdinalModel.fit(logits, levels, 3)
    assert (model.probabilities(logits).argmax(axis=1) == levels).mean() > 0.95
    low, high = np.log(np.array(model.borders()) / (1 - np.array(model.borders())))
    assert low == pytest.approx(-2, abs=0.5)
    assert high == pytest.approx(2, abs=0.5)
    assert OrdinalModel.from_dict(model.to_dict()) == model


def test_a_level_without_rows_and_broken_models_are_refused() -> None:
    with pytest.raises(DataError, match="no row of level 1"):
        OrdinalModel.fit([0.0, 1.0], [0, 2], 3)
    with pytest.raises(ArtifactError, match="rising cuts"):
        OrdinalModel(1.0, (2.0, 1.0))
    with pytest.raises(ArtifactError, match="needs slope and cuts"):
        OrdinalModel.from_dict({"slope": 1.0})
