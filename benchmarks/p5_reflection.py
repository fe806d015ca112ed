"""P5: pairs per second of the reflection scorer against sentence-transformers' `CrossEncoder.predict`, same weights.

Both sides get the same encoder, head and tokenizer, cut pairs at the same length and take 32 pairs at a time.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, RobertaConfig, RobertaModel
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import logging

from benchmarks.harness import Figure, Goal, figure, interleaved, machine, report, summary
from benchmarks.texts import SENTENCES
from mendgraph.adapters.cross_scorer_model import CrossScorerModel
from mendgraph.adapters.hub import locate

BATCH = 32
MAX_LENGTH = 128
TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Sides:
    """One scorer, twice."""

    name: str
    ours: CrossScorerModel
    theirs: Any


class WithHead(PreTrainedModel):
    """An encoder and a scorer's head, as `CrossEncoder` wants a model."""

    _supports_sdpa = True  # the encoder inside keeps the attention it was made with, the fast one

    def __init__(self, encoder: PreTrainedModel, scorer: CrossScorerModel) -> None:
        encoder.config.num_labels = 1
        super().__init__(encoder.config)
        self.encoder = encoder
        self.head = nn.Sequential(
            scorer.get_submodule(scorer.layout.first),
            scorer.between,
            scorer.get_submodule(scorer.layout.second),
        )

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        **_: Any,
    ) -> SequenceClassifierOutput:
        extra = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **extra).last_hidden_state
        return SequenceClassifierOutput(logits=self.head(states[:, 0]))


def pairs_of(count: int, *, seed: int = 0) -> list[tuple[str, str]]:
    """A client's turn of one to five sentences and a response of one or two; every tenth turn is long."""
    rng = random.Random(seed)

    def said(most: int) -> str:
        return " ".join(rng.sample(SENTENCES, rng.randint(1, most)))

    return [(said(8 if number % 10 == 9 else 4), said(2)) for number in range(count)]


def sides(name: str, folder: Path) -> Sides:
    """A scorer with a random head over the encoder in `folder`, on the CPU, in float32."""
    torch.manual_seed(0)
    ours = CrossScorerModel(str(folder), device="cpu", max_length=MAX_LENGTH, batch_size=BATCH)
    encoder = AutoModel.from_pretrained(folder, dtype=torch.float32)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # neither side pays for it
    head = {key: part for key, part in ours.state_dict().items() if key in ours.layout.head}
    body = {f"{ours.layout.encoder}.{key}": part for key, part in encoder.state_dict().items()}
    ours.load_state_dict(body | head)
    return Sides(name, ours, cross_encoder(ours, encoder, folder))


def cross_encoder(ours: CrossScorerModel, encoder: PreTrainedModel, folder: Path) -> Any:
    """`CrossEncoder` around transformers' own encoder and the scorer's head."""
    from sentence_transformers import CrossEncoder

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it makes a head of its own, which is replaced here
        theirs = CrossEncoder(
            str(folder),
            num_labels=1,
            max_length=ours.max_length,
            device="cpu",
            model_kwargs={"dtype": torch.float32},
        )
    theirs[0].model = WithHead(encoder, ours)
    theirs.train(False)
    return theirs


def check_equal(both: Sides, pairs: list[tuple[str, str]]) -> float:
    """Largest difference of any score; refused above the tolerance."""
    ours = np.array(both.ours.score_batch(*map(list, zip(*pairs, strict=True))))
    theirs = both.theirs.predict(pairs, batch_size=BATCH, show_progress_bar=False)
    worst = float(np.abs(ours - theirs).max())
    if worst > TOLERANCE or float(ours.std()) < TOLERANCE:
        raise AssertionError(f"{both.name}: the sides differ by {worst:.2e}, or all scores are equal")
    return worst


def measure(both: Sides, *, rows: int, repeats: int) -> Figure:
    pairs = pairs_of(rows)
    prompts, responses = map(list, zip(*pairs, strict=True))
    difference = check_equal(both, pairs_of(200, seed=1))
    taken = interleaved(
        {
            "ours": lambda _: both.ours.score_batch(prompts, responses),
            "theirs": lambda _: both.theirs.predict(pairs, batch_size=BATCH, show_progress_bar=False),
        },
        repeats=repeats,
        warmup=1,
    )
    return figure(
        f"{both.name}, {rows} pairs, CrossEncoder / ours",
        Goal(1.0, 1.3, "higher"),
        taken["theirs"],
        taken["ours"],
        rows=rows,
        parameters=sum(part.numel() for part in both.ours.parameters()),
        pairs_per_second={n: round(rows / float(np.median(t)), 1) for n, t in taken.items()},
        ours=summary(taken["ours"]),
        theirs=summary(taken["theirs"]),
        largest_difference=difference,
        peak_memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        sentence_transformers=version("sentence-transformers"),
    )


def roberta_base(folder: Path) -> Path:
    """RoBERTa-base's shape (125 M parameters) with random weights, and the embedded encoder's vocabulary."""
    tokenizer = AutoTokenizer.from_pretrained(
        locate("embedded"), model_input_names=["input_ids", "attention_mask"]
    )
    tokenizer.save_pretrained(folder)
    config = RobertaConfig(
        vocab_size=50265,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def main(rows: int = 2000, repeats: int = 5) -> None:
    if find_spec("sentence_transformers") is None:
        raise SystemExit("this compares with sentence-transformers: pip install 'mendgraph[bench]'")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    before = machine()
    with tempfile.TemporaryDirectory() as folder:
        figures = [
            measure(sides("embedded encoder", locate("embedded")), rows=rows, repeats=repeats),
            measure(
                sides("RoBERTa-base size", roberta_base(Path(folder))),
                rows=max(rows // 10, 1),
                repeats=repeats,
            ),
        ]
    report(
        "p5_reflection",
        "pairs per second, as a multiple of sentence-transformers' CrossEncoder",
        figures,
        before,
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
