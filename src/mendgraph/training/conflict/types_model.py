"""The types classifier while it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from mendgraph.adapters.conflict_types import asked
from mendgraph.core.conflict import LEVELS
from mendgraph.core.evidence import FEATURES, evidence
from mendgraph.modules.compared_head import ComparedHead
from mendgraph.modules.pair_head import PARTS
from mendgraph.training.conflict.pair_model import PairInputs, PairModel
from mendgraph.training.conflict.pair_spec import PairSpec
from mendgraph.training.conflict.pairs import LabelledPair

__all__ = ["TypesModel"]


class TypesModel(PairModel[LabelledPair]):
    """From two documents and their question to logits of `LEVELS`."""

    def __init__(self, spec: PairSpec, folder: Path, device: torch.device) -> None:
        super().__init__(spec, folder, device, LEVELS, len(FEATURES))
        states = self.head.first.in_features - len(FEATURES)
        self.head: ComparedHead = ComparedHead(
            states // PARTS, len(FEATURES), spec.head_width, len(LEVELS), spec.dropout
        ).to(device)

    def inputs(self, rows: Sequence[LabelledPair]) -> PairInputs:
        return self.inputs_of(
            [(asked(pair.question, pair.first), pair.second) for pair in rows],
            [evidence(pair.question, pair.first, pair.second) for pair in rows],
            [pair.level for pair in rows],
        )
