"""Tiny models on disk as the primary of a configured graph, with a scripted backup behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertForSequenceClassification

import mendgraph
from mendgraph.config import Config, load_config
from mendgraph.core.values import Answer
from mendgraph.runtime.sqlite_journal import SqliteJournal
from mendgraph.testing import Scripted
from tests.faults.ward import Recorded, believed, failed
from tests.tiny import sentences

TEXTS = sentences(16, seed=4)
Wrap = Callable[[str, Any], Any]


def configured(primary: Mapping[str, Any], **more: Any) -> Config:
    """A configuration of this primary, opened again at every call while it is down, and of a backup."""
    backup = {"kind": "classifier", "model": "replaced-by/the-wrap"}
    settings = {
        "device": "cpu",
        "batch_size": 16,
        "supervision": {
            "recheck_s": 0,
            "backoff_s": 0,
            "breaker": {"cool_down_s": 0.05, "max_cool_down_s": 0.05},
        },
        "tiers": {**dict.fromkeys(load_config().emotion.tiers), "primary": dict(primary), "backup": backup},
        **more,
    }
    return load_config(None, [f"emotion={json.dumps(settings)}"])


def backed(wrap: Wrap | None = None) -> Wrap:
    """Puts a scripted tier in the backup's place; what else happens to the primary is up to `wrap`."""

    def wrapped(name: str, source: Any) -> Any:
        if name == "backup":
            return lambda: Scripted({}, otherwise="fear", confidence=0.8)
        return wrap(name, source) if wrap else source

    return wrapped


def fingerprint(config: Config) -> str:
    """Of the primary as it lies on the disk now."""
    with mendgraph.load("emotion", config=config, policy=believed({}), wrap=backed()) as graph:
        found = graph.tiers["primary"].fingerprint
    assert found
    return found


def opened(config: Config, folder: Path, mark: str, wrap: Wrap | None = None) -> Recorded:
    """A graph that believes a primary of this fingerprint, however unsure of itself a random model may be."""
    journal = SqliteJournal(folder / "journal.sqlite", synchronous="normal")
    policy = believed({"primary": mark, "backup": "scripted"}, thresholds={"default": 0.0})
    graph = mendgraph.load("emotion", config=config, policy=policy, journal=journal, wrap=backed(wrap))
    return Recorded(graph, journal)


def backed_up(answers: Sequence[Answer], kind: str, *words: str) -> None:
    for answer in answers:
        assert (answer.status, answer.label, answer.source) == ("accepted", "fear", "backup")
        failed(answer.trail[0], kind, *words)


def same(answers: Sequence[Answer], before: Sequence[Answer]) -> None:
    """What the primary said before; the last bits depend on which rows shared a batch."""
    for answer, wanted in zip(answers, before, strict=True):
        assert (answer.status, answer.source, answer.label) == ("accepted", "primary", wanted.label)
        assert answer.value == pytest.approx(wanted.value, abs=1e-5)


class Forwards:
    """Watches the forward passes of every tiny BERT classifier, and may spoil them.

    Attributes:
        sizes: rows of each pass.
        room: rows that fit into memory.
        spoil: changes the logits, (B, labels), given the ids, (B, T).
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self.room = 1000
        self.spoil: Callable[[torch.Tensor, torch.Tensor], None] | None = None
        real = BertForSequenceClassification.forward

        def forward(model: Any, input_ids: torch.Tensor, **more: Any) -> Any:
            self.sizes.append(len(input_ids))
            if len(input_ids) > self.room:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            found = real(model, input_ids=input_ids, **more)
            if self.spoil is not None:
                self.spoil(found.logits, input_ids)
            return found

        monkeypatch.setattr(BertForSequenceClassification, "forward", forward)
