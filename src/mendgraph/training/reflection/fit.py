"""The training loop: the head first, on states that stay the same, then head and adapters together.

A fresh head would bend the adapters towards its own noise before it knows anything; fitted first, it does not
(Kumar et al., "Fine-Tuning can Distort Pretrained Features", ICLR 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mendgraph.adapters.batching import buckets
from mendgraph.adapters.foreign import renamed
from mendgraph.config import ReflectionTrainingSpec
from mendgraph.core.arrays import FloatArray
from mendgraph.core.ordinal import OrdinalModel
from mendgraph.errors import ConfigError
from mendgraph.modules.level_head import level_chances, level_scores, match_logits, score_logits
from mendgraph.training.emotion.trainer import own_seeds
from mendgraph.training.reflection.batches import Batch, Batches
from mendgraph.training.reflection.corpus import Group
from mendgraph.training.reflection.losses import likelihood_loss, margin_loss, regression_loss
from mendgraph.training.reflection.measure import Swap, accuracies, leads, swap_leads, swapped_pairs, swaps
from mendgraph.training.reflection.model import PairModel, build_model, pair_classes, pair_logits
from mendgraph.training.reflection.states import LowerStates, apart

DEV_SWAPS_SEED = 0
PASS_TOKENS = 2048
"""Tokens of one forward pass in training, padding included: few enough to stay in a processor's cache."""

HEAD_DECAY = 0.05
WARMUP = 0.1

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained model with its best weights in place.

    Attributes:
        history: one mapping per epoch: loss and dev accuracies.
        best_epoch: of the adapters' epochs; 0 is the head on the encoder as it was.
        dev: accuracies and score on dev of the model as it is, its match calibrated.
    """

    model: PairModel
    states: LowerStates
    settings: ReflectionTrainingSpec
    history: tuple[dict[str, float], ...]
    best_epoch: int
    dev: Mapping[str, float]

    def logits(self, groups: Sequence[Group]) -> list[FloatArray]:
        """Per group one number for each of its `responses`; the sigmoid is the score."""
        return own_logits(self.model, self.states, self.settings, groups)

    def chances(self, groups: Sequence[Group]) -> FloatArray:
        """(N, 3) probabilities of the levels of all responses, group by group."""
        pairs = [(group.prompt, text) for group in groups for text, _ in group.responses]
        return level_chances(pair_classes(self.model, self.states, pairs)).double().numpy()

    def swapped(self, groups: Sequence[Group], drawn: Sequence[Swap]) -> FloatArray:
        """(N,) logits of reflections with wrong prompts."""
        return swapped_logits(self.model, self.states, self.settings, groups, drawn)


def fit(
    states: LowerStates,
    train: Sequence[Group],
    dev: Sequence[Group],
    settings: ReflectionTrainingSpec,
    *,
    echo: Echo = lambda line: None,
) -> Fitted:
    """Trains on `train`; `dev` picks the epoch by the mean of its accuracies, see `dev_score`.

    Torch's, numpy's and Python's global generators are put back as they were.
    """
    if not train or not dev:
        raise ConfigError(f"training needs prompts in train and dev, got {len(train)} and {len(dev)}")
    drawn = swaps(dev, DEV_SWAPS_SEED)
    history: list[dict[str, float]] = []
    best, best_epoch = -1.0, 0
    kept: dict[str, Tensor] = {}
    with own_seeds(), renamed("train"):
        torch.manual_seed(settings.seed)
        model = build_model(states, settings)
        batches = Batches(train, settings)
        losses = [_fit_head(model, states, batches, settings)]
        tuning = _Tuning(model, states, batches, settings) if settings.num_epochs else None
        for epoch in range(settings.num_epochs + 1):
            if tuning and epoch:
                losses.append(tuning.epoch(epoch))
                model.tuned = True
            found = _on_dev(model, states, settings, dev, drawn)
            score = dev_score(found, blind=settings.blind)
            history.append({"epoch": epoch, "loss": losses[-1], "score": score, **found})
            echo(_line(history[-1], settings.num_epochs))
            if score > best:
                best, best_epoch = score, epoch
                kept = {name: p.detach().clone() for name, p in model.trained().items()}
        with torch.no_grad():
            for name, parameter in model.trained().items():
                parameter.copy_(kept[name])
        model.tuned = best_epoch > 0
        if settings.mismatches and drawn:
            _calibrate_match(model, states, dev, drawn, settings)
        found = _on_dev(model, states, settings, dev, drawn)
    found["score"] = dev_score(found, blind=settings.blind)
    return Fitted(model.eval(), states, settings, tuple(history), best_epoch, found)


def dev_score(found: Mapping[str, float], *, blind: bool) -> float:
    """Mean of the three pair accuracies and the swap control, which a model that sees no prompt cannot win."""
    kinds = ("H>M", "M>L", "H>L") if blind else ("H>M", "M>L", "H>L", "swap")
    return float(np.mean([found[kind] for kind in kinds if kind in found]))


def own_logits(
    model: PairModel, states: LowerStates, settings: ReflectionTrainingSpec, groups: Sequence[Group]
) -> list[FloatArray]:
    pairs = [
        ("" if settings.blind else group.prompt, text) for group in groups for text, _ in group.responses
    ]
    flat = pair_logits(model, states, pairs, keep=True)
    ends = np.cumsum([len(group.responses) for group in groups])
    return np.split(flat, ends[:-1])


def swapped_logits(
    model: PairModel,
    states: LowerStates,
    settings: ReflectionTrainingSpec,
    groups: Sequence[Group],
    drawn: Sequence[Swap],
) -> FloatArray:
    pairs = [("" if settings.blind else prompt, text) for prompt, text in swapped_pairs(groups, drawn)]
    return pair_logits(model, states, pairs)


def objective(logits: Tensor, batch: Batch, settings: ReflectionTrainingSpec) -> Tensor:
    """The loss of one batch of (B, 4) class logits."""
    scores, alone = score_logits(logits).sigmoid(), level_scores(logits)
    if settings.objective == "mse":
        return regression_loss(scores, alone, batch.levels)
    loss = margin_loss(
        scores,
        alone,
        batch.levels,
        batch.owners,
        complex_weight=settings.complex_weight,
        one_gap=settings.objective == "one_gap",
    )
    return loss + settings.likelihood * likelihood_loss(logits, batch.levels)


def _fit_head(
    model: PairModel, states: LowerStates, batches: Batches, settings: ReflectionTrainingSpec
) -> float:
    """Trains the head on vectors of the encoder as it is; the last epoch's mean loss."""
    pairs = batches.pairs()
    vectors = states.vectors(pairs)
    place = {pair: row for row, pair in enumerate(pairs)}
    model.head.standardise(vectors[[place[pair] for pair in batches.own_pairs()]])
    parameters = list(model.head.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=settings.head_learning_rate, weight_decay=HEAD_DECAY)
    steps = settings.head_epochs * len(batches)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    model.head.train()
    losses: list[Tensor] = []
    for epoch in range(settings.head_epochs):
        losses.clear()
        # numbers of their own, so that the adapters' epochs draw other batches
        for batch in batches.epoch(settings.num_epochs + 1 + epoch):
            loss = objective(model.head(vectors[[place[pair] for pair in batch.pairs]]), batch, settings)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
    return float(torch.stack(losses).mean())


class _Tuning:
    """Optimizer and schedule of the adapters' epochs."""

    def __init__(
        self, model: PairModel, states: LowerStates, batches: Batches, settings: ReflectionTrainingSpec
    ) -> None:
        self.model, self.states, self.batches, self.settings = model, states, batches, settings
        self.parameters = [*model.adapters(), *model.head.parameters()]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": model.adapters(), "lr": settings.learning_rate},
                {"params": list(model.head.parameters()), "lr": settings.tuned_head_learning_rate},
            ],
            weight_decay=settings.weight_decay,
        )
        steps = settings.num_epochs * len(batches)
        warm = max(1.0, WARMUP * steps)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: min(1.0, (step + 1) / warm) * max(0.0, 1 - step / steps)
        )

    def epoch(self, number: int) -> float:
        """Mean loss of the epoch's steps."""
        self.model.train()
        losses = [self._step(batch) for batch in self.batches.epoch(number)]
        return float(torch.stack(losses).mean())

    def _step(self, batch: Batch) -> Tensor:
        columns = [self.states.of(column) for column in (batch.pairs, *apart(batch.pairs))]
        lower = columns[0]
        # Pairs of like length share a forward pass; the loss compares them across passes.
        passes = buckets([len(row.types) for row in lower], len(lower), PASS_TOKENS)
        with self.states.autocast():
            parts = [self.model(*([column[row] for row in rows] for column in columns)) for rows in passes]
            logits = torch.cat(parts).float()
        place = torch.empty(len(lower), dtype=torch.long)
        place[[row for rows in passes for row in rows]] = torch.arange(len(lower))
        loss = objective(logits[place.to(logits.device)], batch, self.settings)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.schedule.step()
        return loss.detach()


def _calibrate_match(
    model: PairModel,
    states: LowerStates,
    dev: Sequence[Group],
    drawn: Sequence[Swap],
    settings: ReflectionTrainingSpec,
) -> None:
    """Make the probability of a match that of held-out prompts where a share of the reflections is misplaced.

    It was learned from the training prompts, of which it is far too sure, and with half of all reflections misplaced.
    Sharpened after that, it leaves the order of levels alone where the match is not in doubt.
    """
    good = [(group.prompt, text) for group in dev for text in group.good]
    found = match_logits(pair_classes(model, states, [*good, *swapped_pairs(dev, drawn)])).double().numpy()
    fits = (np.arange(len(found)) < len(good)).astype(np.int64)
    fitted = OrdinalModel.fit(found, fits, 2)  # both kinds weigh the same
    sharp, share = settings.match_sharpness, settings.mismatch_share
    shift = float(np.log((1 - share) / share)) - fitted.cuts[0]
    model.head.rescale_match(sharp * fitted.slope, sharp * shift)


def _on_dev(
    model: PairModel,
    states: LowerStates,
    settings: ReflectionTrainingSpec,
    dev: Sequence[Group],
    drawn: Sequence[Swap],
) -> dict[str, float]:
    own = own_logits(model, states, settings, dev)
    pairs = [("" if settings.blind else prompt, text) for prompt, text in swapped_pairs(dev, drawn)]
    wrong = pair_logits(model, states, pairs, keep=True)  # asked again after every epoch
    return dict(accuracies(leads(dev, own) + swap_leads(dev, own, drawn, wrong)))


def _line(entry: Mapping[str, float], epochs: int) -> str:
    kinds = ", ".join(f"{kind} {entry[kind]:.3f}" for kind in ("H>M", "M>L", "H>L", "swap") if kind in entry)
    stage = f"epoch {entry['epoch']:g}/{epochs}" if entry["epoch"] else "head"
    return f"{stage}: loss {entry['loss']:.3f}, dev {kinds}"
