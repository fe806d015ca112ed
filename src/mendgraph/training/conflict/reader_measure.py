"""What a reader in training gets right, measured without decoding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.reader_rows import Batch, Row, collate

__all__ = ["Scores", "measure", "states_of"]

_ROWS = 8


@dataclass(frozen=True, slots=True)
class Scores:
    """Shares of what was said exactly right, in [0, 1].

    Attributes:
        answer: of all sets.
        groups: of sets of one level, of one rule, with and without conflict.
        value: of what single documents say.
        agreement: of whether they agree.
    """

    answer: float
    groups: Mapping[str, float]
    value: float
    agreement: float

    def figures(self) -> dict[str, float]:
        return {"answer": self.answer, **self.groups, "value": self.value, "agreement": self.agreement}


def measure(
    model: PreTrainedModel,
    rows_of_sets: Sequence[Sequence[Row]],
    sets: Sequence[ClaimSet],
    pad_id: int,
    device: torch.device,
) -> Scores:
    """A target whose every token is the most probable one is what greedy decoding would have written."""
    training = model.training
    model.eval()
    said: list[tuple[int, str, bool]] = []  # set, kind of part, right
    owners = [number for number, rows in enumerate(rows_of_sets) for _ in rows]
    rows = [row for each in rows_of_sets for row in each]
    order = sorted(range(len(rows)), key=lambda number: rows[number].length)
    with torch.no_grad():
        for start in range(0, len(order), _ROWS):
            chosen = order[start : start + _ROWS]
            batch = collate([rows[number] for number in chosen], pad_id)
            best = _right(model, batch, device)
            for place, number in enumerate(chosen):
                for index, part in enumerate(rows[number].parts):
                    whole = bool(best[place][batch.parts[place] == index].all())
                    said.append((owners[number], part.kind, whole))
    model.train(training)
    answers = {number: right for number, kind, right in said if kind == "answer"}
    groups: dict[str, list[bool]] = {}
    for number, right in sorted(answers.items()):
        claims = sets[number]
        names = (
            "conflict" if claims.conflict else "no conflict",
            f"level {claims.level}",
            f"rule {claims.rule}",
        )
        for name in names if claims.conflict else names[:1]:
            groups.setdefault(name, []).append(right)
    return Scores(
        answer=_share(list(answers.values())),
        groups={name: _share(found) for name, found in sorted(groups.items())},
        value=_share([right for _, kind, right in said if kind == "value"]),
        agreement=_share([right for _, kind, right in said if kind == "agreement"]),
    )


def states_of(network: PreTrainedModel, batch: Batch, device: torch.device) -> Tensor:
    """(B, W, H) from which the next token is predicted."""
    dtype = next(network.parameters()).dtype
    mask = torch.zeros(batch.mask.shape, dtype=dtype).masked_fill_(~batch.mask, torch.finfo(dtype).min)
    decoder: Any = network.get_decoder()
    found: Tensor = decoder(
        input_ids=batch.ids.to(device),
        attention_mask=mask.to(device),
        position_ids=batch.places.to(device),
        use_cache=False,
    ).last_hidden_state
    return found


def _right(model: PreTrainedModel, batch: Batch, device: torch.device) -> Tensor:
    """(B, W): whether the most probable token is the target; True where there is none."""
    learned = batch.parts >= 0
    output: Any = model.get_output_embeddings()
    best = output(states_of(model, batch, device)[learned.to(device)]).argmax(-1).cpu()
    right = torch.ones(batch.ids.shape, dtype=torch.bool)
    right[learned] = best == batch.targets[learned]
    return right


def _share(found: Sequence[bool]) -> float:
    return round(sum(found) / len(found), 4) if found else 0.0
