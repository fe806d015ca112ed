"""The losses are zero where the order is right by enough, and rise where it is not."""

from __future__ import annotations

import pytest
import torch

from mendgraph.training.reflection.losses import MISMATCH, likelihood_loss, margin_loss, regression_loss

LEVELS = (2, 1, 0, MISMATCH)
ONE = (0, 0, 0, 0)
RIGHT = torch.tensor([1.0, 0.5, 0.0, 0.0])


def test_no_loss_at_the_levels_own_scores() -> None:
    assert margin_loss(RIGHT, LEVELS, ONE) == pytest.approx(0.0)
    assert regression_loss(RIGHT, LEVELS) == pytest.approx(0.0)


def test_the_sum_of_margins_at_equal_scores() -> None:
    # r.5(H,M) + r.5(M,L) + r1(H,L) + r1(H,X) + r.5(M,X)
    assert margin_loss(torch.full((4,), 0.3), LEVELS, ONE) == pytest.approx(3.5)
    assert margin_loss(torch.full((4,), 0.3), LEVELS, ONE, one_gap=True) == pytest.approx(2.5)
    assert margin_loss(torch.full((4,), 0.3), LEVELS, ONE, complex_weight=3.0) == pytest.approx(4.5)


def test_only_responses_to_one_prompt_are_compared() -> None:
    assert margin_loss(1 - RIGHT, LEVELS, (0, 1, 2, 3)) == pytest.approx(0.0)


def test_means_do_not_depend_on_how_many_bad_responses_there_are() -> None:
    scores, levels = torch.tensor([0.9, 0.6, 0.2]), (2, 1, 0)
    more = torch.cat([scores, scores[-1:].repeat(4)])
    assert margin_loss(more, (*levels, 0, 0, 0, 0), (0,) * 7) == pytest.approx(
        margin_loss(scores, levels, (0, 0, 0))
    )


def test_the_likelihood_weighs_classes_alike() -> None:
    logits = torch.tensor([[0.0, 0.0, 5.0, 0.0]] + [[5.0, 0.0, 0.0, 0.0]] * 9)
    few = likelihood_loss(logits[:2], (2, 0))
    assert likelihood_loss(logits, (2, *(0,) * 9)) == pytest.approx(few)
    assert likelihood_loss(logits[:1], (MISMATCH,)) > likelihood_loss(logits[:1], (2,))
