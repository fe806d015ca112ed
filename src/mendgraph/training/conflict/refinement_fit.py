"""Trains a refinement of hidden states through the rest of the model."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from mendgraph.adapters.reader.layers import Seen
from mendgraph.adapters.reader.prompt import Prompt
from mendgraph.adapters.reader.reader import Reader
from mendgraph.modules.refinement import Refinement, RefinementSpec, in_random_direction
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.reader_answers import batches, groups_of, is_right
from mendgraph.training.conflict.reader_rows import shuffled
from mendgraph.training.lm.model import has_bf16
from mendgraph.training.lm.schedule import Trapezoid
from mendgraph.training.lm.spec import Limit

__all__ = ["REFINED_LEVELS", "FittedRefinement", "RefinementTraining", "fit_refinement", "refinement_figures"]

REFINED_LEVELS = ("temporal", "numerical")
"""Levels whose conflicts the graph refines; the deep ones are verified otherwise."""

_CLIP = 1.0
_LOG_SECONDS = 20.0
_NO_END = 1 << 30

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RefinementTraining:
    """
    Attributes:
        length_weight: of the sum of step lengths; `kl_weight`: of KL(p0 || pT).  Both as LCR has them.
        levels: of the sets it is trained on; None takes all, those without a conflict too.
    """

    shape: RefinementSpec = field(default_factory=RefinementSpec)
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    batch_sets: int = 16
    length_weight: float = 0.01
    kl_weight: float = 0.005
    levels: tuple[str, ...] | None = REFINED_LEVELS
    warmup_steps: int = 20
    evaluations: int = 6
    eval_sets: int = 150
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FittedRefinement:
    """
    Attributes:
        border: layer whose states it refines.
        history: step, loss and its parts, and dev's cross-entropy where it was measured.
    """

    refinement: Refinement
    border: int
    training: RefinementTraining
    history: tuple[Mapping[str, float], ...]
    steps: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """Prompts with their answers, padded on the left; (B, T).

    Attributes:
        prompt: 1 where states may be refined.
        targets: next token where it belongs to the answer, else -100.
    """

    seen: Seen
    prompt: Tensor
    targets: Tensor


def fit_refinement(
    reader: Reader,
    train: Sequence[ClaimSet],
    dev: Sequence[ClaimSet],
    training: RefinementTraining,
    limit: Limit,
    log: Path,
    *,
    echo: Echo = lambda line: None,
) -> FittedRefinement:
    """Cross-entropy of the gold answer after refinement, + lengths, + KL; the reader stays frozen.

    The weights with the lowest cross-entropy on dev are kept; those that change nothing are the first among them.
    """
    torch.manual_seed(training.seed)
    wanted = None if training.levels is None else set(training.levels)
    chosen = [claims for claims in train if wanted is None or claims.level in wanted]
    held = [claims for claims in dev if wanted is None or claims.level in wanted][: training.eval_sets]
    refinement = Refinement(reader.hidden_size, training.shape).to(reader.layers.device)
    optimizer = torch.optim.AdamW(
        refinement.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
    )
    schedule = Trapezoid(training.warmup_steps, decays=True)
    checked = [_rows(reader, [held[number] for number in numbers]) for numbers in batches(reader, held)]
    best, least = deepcopy(refinement), _cross_entropy(reader, refinement, checked)
    history: list[dict[str, float]] = [{"step": 0, "dev cross-entropy": round(least, 5)}]
    echo(f"refinement: {len(chosen):,} sets, dev cross-entropy {least:.4f} unrefined")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("", encoding="utf-8")
    began = logged = time.monotonic()
    step = 0
    for step, sets in enumerate(_batches(chosen, training), 1):
        for group in optimizer.param_groups:
            group["lr"] = training.learning_rate * schedule(step - 1)
        parts = _losses(reader, refinement, _rows(reader, sets))
        loss = (
            parts["cross-entropy"]
            + training.length_weight * parts["lengths"]
            + training.kl_weight * parts["KL"]
        )
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(refinement.parameters(), _CLIP)
        optimizer.step()
        now = time.monotonic()
        reached, schedule.fraction = schedule.fraction, _fraction(limit, began, now, step)
        over = schedule.fraction >= 1
        row = {"step": float(step), "loss": float(loss.detach())} | {
            name: float(part.detach()) for name, part in parts.items()
        }
        if over or int(schedule.fraction * training.evaluations) > int(reached * training.evaluations):
            row["dev cross-entropy"] = score = _cross_entropy(reader, refinement, checked)
            if score < least:
                best, least = deepcopy(refinement), score
            echo(f"{schedule.fraction:4.0%}  step {step:,}  dev cross-entropy {score:.4f}")
        elif now - logged >= _LOG_SECONDS:
            logged = now
            echo(f"{schedule.fraction:4.0%}  step {step:,}  loss {row['loss']:.3f}")
        history.append({name: round(value, 5) for name, value in row.items()})
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(history[-1]) + "\n")
        if over:
            break
    return FittedRefinement(best.eval().requires_grad_(False), reader.border, training, tuple(history), step)


def refinement_figures(
    reader: Reader, refinement: Refinement, sets: Sequence[ClaimSet], *, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Share of right answers by group: plain, refined, and with steps as long in directions drawn by chance."""
    right: dict[str, dict[int, bool]] = {"plain": {}, "refined": {}, "random direction": {}}
    steps: dict[int, int] = {}
    for numbers in batches(reader, sets):
        chosen = [sets[number] for number in numbers]
        midway = reader.begin([_prompt(reader, claims) for claims in chosen])
        with torch.inference_mode():
            refined = refinement(midway.states, midway.seen.mask)
            noise = torch.Generator().manual_seed(seed + numbers[0])
            drawn = in_random_direction(midway.states, refined.states, noise)
        ways = {"plain": None, "refined": refined.states, "random direction": drawn}
        for way, states in ways.items():
            written = reader.write(reader.finish(midway, states))
            for number, claims, answer in zip(numbers, chosen, written, strict=True):
                right[way][number] = is_right(claims, answer.text)
        steps |= dict(zip(numbers, refined.taken.tolist(), strict=True))
    groups: dict[str, list[int]] = {"all": list(range(len(sets)))}
    for number, claims in enumerate(sets):
        for name in groups_of(claims):
            groups.setdefault(name, []).append(number)
    found = {
        way: {
            name: round(sum(each[number] for number in numbers) / len(numbers), 4)
            for name, numbers in sorted(groups.items())
        }
        for way, each in right.items()
    }
    found["counts"] = {
        "sets": len(sets),
        "mended": sum(right["refined"][n] and not right["plain"][n] for n in steps),
        "harmed": sum(right["plain"][n] and not right["refined"][n] for n in steps),
        "mean steps": round(sum(steps.values()) / max(len(steps), 1), 3),
    }
    return found


def _losses(reader: Reader, refinement: Refinement, rows: _Rows) -> dict[str, Tensor]:
    """Cross-entropy per token of the answer, mean sum of lengths per row, KL(p0 || pT) per token; in nats."""
    learned = rows.targets >= 0
    with _arithmetic(reader):
        with torch.no_grad():
            states = reader.layers.lower(rows.seen, reader.border)
            before = _logits(reader, states, rows, learned).log_softmax(-1)
        refined = refinement(states, rows.prompt)
        after = _logits(reader, refined.states, rows, learned).log_softmax(-1)
    return {
        "cross-entropy": functional.nll_loss(after, rows.targets[learned]),
        "lengths": refined.lengths.sum(0).mean(),
        "KL": functional.kl_div(after, before, reduction="batchmean", log_target=True),
    }


def _logits(reader: Reader, states: Tensor, rows: _Rows, learned: Tensor) -> Tensor:
    """(answer tokens of all rows, V) in float32."""
    return reader.layers.logits(reader.layers.upper(states, rows.seen, reader.border)[learned]).float()


def _cross_entropy(reader: Reader, refinement: Refinement, checked: Sequence[_Rows]) -> float:
    total, count = 0.0, 0
    for rows in checked:
        learned = rows.targets >= 0
        with torch.no_grad(), _arithmetic(reader):
            states = reader.layers.lower(rows.seen, reader.border)
            logs = _logits(reader, refinement(states, rows.prompt).states, rows, learned)
        total += float(functional.cross_entropy(logs, rows.targets[learned], reduction="sum"))
        count += int(learned.sum())
    return total / max(count, 1)


def _arithmetic(reader: Reader) -> torch.autocast:
    """bf16 where the device multiplies in it; weights and gradients stay as they are."""
    place = reader.layers.device
    fast = has_bf16() if place.type == "cpu" else place.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.autocast(place.type, dtype=torch.bfloat16, enabled=fast)


def _prompt(reader: Reader, claims: ClaimSet) -> Prompt:
    return reader.prompt(claims.question, [document.text for document in claims.documents])


def _rows(reader: Reader, sets: Sequence[ClaimSet]) -> _Rows:
    codec = reader.codec
    prompts = [_prompt(reader, claims) for claims in sets]
    answers = [[*codec.pieces(f" {claims.gold}"), codec.line_id] for claims in sets]
    width = max(len(prompt.ids) + len(said) - 1 for prompt, said in zip(prompts, answers, strict=True))
    shape = (len(sets), width)
    ids, targets = torch.full(shape, codec.pad_id), torch.full(shape, -100)
    mask, inside = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    for row, (prompt, said) in enumerate(zip(prompts, answers, strict=True)):
        gap = width - len(prompt.ids) - len(said) + 1
        end = gap + len(prompt.ids)
        ids[row, gap:] = torch.tensor([*prompt.ids, *said[:-1]])
        mask[row, gap:], inside[row, gap:end] = 1, 1
        targets[row, end - 1 :] = torch.tensor(said)
    places = (mask.cumsum(1) - 1).clamp(min=0)
    device = reader.layers.device
    return _Rows(
        Seen(ids.to(device), mask.to(device), places.to(device)), inside.to(device), targets.to(device)
    )


def _batches(sets: Sequence[ClaimSet], training: RefinementTraining) -> Iterator[list[ClaimSet]]:
    """Endless; documents in a new order each time."""
    for epoch in range(_NO_END):
        chance = random.Random(f"{training.seed} {epoch}")
        order = list(sets)
        chance.shuffle(order)
        for start in range(0, len(order), training.batch_sets):
            yield [shuffled(claims, chance) for claims in order[start : start + training.batch_sets]]


def _fraction(limit: Limit, began: float, now: float, step: int) -> float:
    parts = [0.0]
    if limit.steps is not None:
        parts.append(step / limit.steps)
    if limit.deadline is not None:
        parts.append((now - began) / max(limit.deadline - began, 1e-9))
    return min(1.0, max(parts))
