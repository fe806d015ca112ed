from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mendgraph.training.emotion.losses import LossWeights, MultiTaskLoss, class_weights

COUNTS = st.lists(st.integers(1, 10_000), min_size=2, max_size=8)


def batch(rows: int = 4) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(0)
    logits = {"emotion": torch.randn(rows, 8), "fine": torch.randn(rows, 28), "irony": torch.randn(rows)}
    targets = {
        "emotion": torch.tensor([0, 7, -1, 3])[:rows],
        "fine": torch.randint(0, 2, (rows, 28)).float(),
        "has_fine": torch.tensor([1.0, 0.0, 1.0, 1.0])[:rows],
        "irony": torch.tensor([-1, 1, 0, -1])[:rows],
    }
    return logits, targets


@given(COUNTS)
def test_class_weights_have_mean_one_over_the_rows(counts: list[int]) -> None:
    weights = class_weights(counts)
    rows = torch.tensor(counts, dtype=torch.float32)
    assert (weights * rows).sum() / rows.sum() == pytest.approx(1.0, rel=1e-4)


@given(COUNTS)
def test_rarer_classes_weigh_more_by_the_root_of_the_ratio(counts: list[int]) -> None:
    weights = class_weights(counts)
    ratio = (counts[0] / counts[1]) ** 0.5
    assert float(weights[1] / weights[0]) == pytest.approx(ratio, rel=1e-3)


def test_absent_classes_leave_the_weights_finite() -> None:
    assert torch.isfinite(class_weights([10, 0, 3])).all()


def test_class_weights_change_the_loss_as_they_say() -> None:
    logits, targets = batch()
    only = LossWeights(emotion=1.0, fine=0.0, irony=0.0)
    even = MultiTaskLoss(torch.ones(8), only)(logits, targets)
    skewed = torch.ones(8)
    skewed[7] = 3.0
    heavier = MultiTaskLoss(skewed, only)(logits, targets)
    of_row_1 = torch.nn.functional.cross_entropy(logits["emotion"][1:2], torch.tensor([7]))
    assert float(heavier - even) == pytest.approx(2.0 * float(of_row_1) / 4, rel=1e-5)


@pytest.mark.parametrize(
    ("head", "unlabelled"), [("emotion", 2), ("fine", 1), ("irony", 0), ("irony", 3)], ids=str
)
def test_rows_without_a_label_give_no_gradient_to_its_head(head: str, unlabelled: int) -> None:
    logits, targets = batch()
    logits = {name: part.requires_grad_() for name, part in logits.items()}
    MultiTaskLoss(class_weights([5] * 8))(logits, targets).backward()
    gradient = logits[head].grad
    assert gradient is not None
    assert float(gradient[unlabelled].abs().sum()) == 0.0
    assert float(gradient.abs().sum()) > 0.0


def test_two_half_batches_average_to_the_whole() -> None:
    """So gradient accumulation equals a larger batch."""
    logits, targets = batch()
    objective = MultiTaskLoss(class_weights([9, 1, 1, 1, 1, 1, 1, 1]), label_smoothing=0.1)
    halves = [
        objective({k: v[part] for k, v in logits.items()}, {k: v[part] for k, v in targets.items()})
        for part in (slice(0, 2), slice(2, 4))
    ]
    assert float(sum(halves)) / 2 == pytest.approx(float(objective(logits, targets)), rel=1e-5)


def test_label_smoothing_costs_a_sure_answer_more() -> None:
    logits, targets = batch()
    logits["emotion"] = 20.0 * torch.nn.functional.one_hot(targets["emotion"].clamp(min=0), 8).float()
    plain = MultiTaskLoss(torch.ones(8))(logits, targets)
    assert MultiTaskLoss(torch.ones(8), label_smoothing=0.1)(logits, targets) > plain + 0.5
