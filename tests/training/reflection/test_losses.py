"""The losses are zero where the order is right by enough, and rise where it is not."""

from __future__ import annotations

import pytest
import torch

from mendgraph.training.reflection.losses import MISMATCH, likelihood_loss, margin_loss, regression_loss

LEVELS = (2, 1, 0, MISMATCH)
ONE = (0, 0, 0, 0)
RIGHT = torch.tensor([1.0, 0.5, 0.0, 0.0])


def test_no_loss_at_the_levels_own_scores() -> None:
    assert margin_loss(RIGHT, RIGHT, LEVELS, ONE) == pytest.approx(0.0)
    assert regression_loss(RIGHT, RIGHT, LEVELS) == pytest.approx(0.0)


def test_the_sum_of_margins_at_equal_scores() -> None:
    # r.5(H,M) + r.5(M,L) + r1(H,L) + r1(H,X) + r.5(M,X)
    same = torch.full((4,), 0.3)
    assert margin_loss(same, same, LEVELS, ONE) == pytest.approx(3.5)
    assert margin_loss(same, same, LEVELS, ONE, one_gap=True) == pytest.approx(2.5)
    assert margin_loss(same, same, LEVELS, ONE, complex_weight=3.0) == pytest.approx(4.5)


def test_levels_are_compared_by_the_responses_and_mismatches_by_the_pairs() -> None:
    same = torch.full((4,), 0.3)
    assert margin_loss(same, RIGHT, LEVELS, ONE) == pytest.approx(1.5)
    assert margin_loss(RIGHT, same, LEVELS, ONE) == pytest.approx(2.0)


def test_only_responses_to_one_prompt_are_compared() -> None:
    assert margin_loss(1 - RIGHT, 1 - RIGHT, LEVELS, (0, 1, 2, 3)) == pytest.approx(0.0)


def test_means_do_not_depend_on_how_many_bad_responses_there_are() -> None:
    scores, levels = torch.tensor([0.9, 0.6, 0.2]), (2, 1, 0)
    more = torch.cat([scores, scores[-1:].repeat(4)])
    assert margin_loss(more, more, (*levels, 0, 0, 0, 0), (0,) * 7) == pytest.approx(
        margin_loss(scores, scores, levels, (0, 0, 0))
    )


def test_the_likelihood_weighs_levels_alike() -> None:
    logits = torch.tensor([[0.0, 0.0, 5.0, 0.0]] + [[5.0, 0.0, 0.0, 0.0]] * 9)
    assert likelihood_loss(logits, (2, *(0,) * 9)) == pytest.approx(likelihood_loss(logits[:2], (2, 0)))


def test_a_response_without_reflection_says_nothing_about_the_match() -> None:
    fits, misses = torch.tensor([[5.0, 0, 0, 0]]), torch.tensor([[5.0, 0, 0, 20.0]])
    assert likelihood_loss(fits, (0,)) == pytest.approx(likelihood_loss(misses, (0,)))
    assert likelihood_loss(fits, (MISMATCH,)) > likelihood_loss(misses, (MISMATCH,))
    good = torch.tensor([[0, 0, 5.0, 0], [0, 0, 5.0, 20.0]])
    assert likelihood_loss(good[:1], (2,)) < likelihood_loss(good[1:], (2,))
