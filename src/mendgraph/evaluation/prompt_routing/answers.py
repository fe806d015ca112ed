"""AlpacaEval: embeddings of LLMs learned from what they answered, against embeddings learned from results alone.

Research only: the data are not for commercial use, and nothing that is trained here is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.core.routing_baselines import bradley_terry, prompt_blind, random_scores
from mendgraph.evaluation.prompt_routing.resampling import Estimate, estimate, resampled
from mendgraph.evaluation.report import Section, Table, number
from mendgraph.training.prompt_routing.comparisons import Comparisons, Responses
from mendgraph.training.prompt_routing.files import read_columns
from mendgraph.training.prompt_routing.model import TransformerEmbeddingModel
from mendgraph.training.prompt_routing.readers import read_preference_responses, read_preferences
from mendgraph.training.prompt_routing.specs import (
    AdamWSpec,
    AttentionEmbeddingSpec,
    BradleyTerryLossSpec,
    EmbeddingSpec,
    FinetunableEmbeddingSpec,
    FrozenEmbeddingSpec,
    HeadSpec,
    OutcomesEmbeddingSpec,
    ReferenceHeadSpec,
    StrengthHeadSpec,
    ValidationSplit,
)

FILES = ("alpacaeval_preferences", "alpacaeval_prompts", "alpacaeval_responses")
DECIDED = 0.5
"""Preferences of one judge, 1 to 2, that differ by less are a tie."""

HAIR = 1e-4
"""Preferences are stored with fewer digits than this."""

RANKING = "Bradley-Terry ranking"
LONGER = "longer answer wins (reads the answers)"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is trained.

    Attributes:
        answers: of each LLM, for the embeddings over a fixed encoder.
        tuned_answers: where the encoder is tuned too, and every answer goes through it again in every epoch.
    """

    epochs: int = 12
    embedding_epochs: int = 8
    answers: int = 32
    tuned_answers: int = 6
    tuned_epochs: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class Preferences:
    """
    Attributes:
        train, test: comparisons of the same models.
        answers: of the training prompts.
        lengths: (prompt, model) -> characters of the whole answer.
    """

    train: Comparisons
    test: Comparisons
    answers: Responses
    lengths: Mapping[tuple[str, str], float]


def read_alpacaeval(data_dir: Path) -> Preferences | None:
    """None when the files are not there.

    Raises:
        DataError: a file is malformed.
    """
    paths = [data_dir / f"{name}.parquet" for name in FILES]
    if not all(path.is_file() for path in paths):
        return None
    preferences, prompts, responses = paths
    answers = read_preference_responses(responses, prompts)["train"]
    compared = read_preferences(preferences, prompts, models=answers.models, tie_within=DECIDED - HAIR)
    rows = read_columns(preferences, ("prompt_id", "model", "len_model"))
    named = read_columns(prompts, ("prompt_id", "instruction"))
    text = dict(zip(named["prompt_id"], map(str, named["instruction"]), strict=True))
    lengths = {
        (text[number], str(model)): float(length)
        for number, model, length in zip(rows["prompt_id"], rows["model"], rows["len_model"], strict=True)
    }
    return Preferences(compared["train"], compared["dev"].decisive(), answers, lengths)


def answers_section(
    found: Preferences, *, effort: Effort, resamples: int, encoder: str, echo: Callable[[str], None]
) -> Section:
    """Every embedding with both heads, beside rules; accuracy on comparisons of prompts that training has not seen."""
    test = found.test
    scores = rules(found)
    used = sorted(set(test.rows.tolist()))
    prompts = [test.prompts[row] for row in used]
    with TemporaryDirectory() as folder:
        for name, (embedding, head) in _systems(effort, encoder).items():
            echo(f"AlpacaEval: {name}")
            model = _trained(found, embedding, head, effort, encoder, Path(folder), echo)
            scores[name] = model.scattered(test, used, prompts)
    measured = accuracies(scores, test, resamples=resamples)
    rows = tuple(
        (name, line.accuracy.text(), "-" if name == RANKING else line.over_ranking.text(),
         "yes" if line.over_ranking.interval[0] > 0 else "no", number(line.shuffled))
        for name, line in measured.items()
    )  # fmt: skip
    note = (
        f"{len(test):,} comparisons of {len(test.models)} LLMs on {len(used)} prompts, others than the "
        f"{len(set(found.train.rows.tolist()))} trained on; same judge and baseline, preferences at least {DECIDED:g} "
        "apart. 95 % intervals over prompts. Judges are LLMs that like long answers. Research data: nothing trained "
        "here is shipped."
    )
    header = ("", "pairs ranked right", f"over {RANKING}", "above 0", "prompts shuffled")
    return Section(
        "alpacaeval",
        (Table("AlpacaEval: embeddings of LLMs from answers and from results", header, rows, note),),
        {"systems": measured, "comparisons": len(test), "prompts": len(used), "effort": effort},
    )


@dataclass(frozen=True, slots=True)
class Accuracy:
    """
    Attributes:
        over_ranking: `accuracy` minus that of the Bradley-Terry ranking, paired.
        shuffled: accuracy with the prompts shuffled, mean over 20 permutations.
    """

    accuracy: Estimate
    over_ranking: Estimate
    shuffled: float


def accuracies(
    scores: Mapping[str, FloatArray], test: Comparisons, *, resamples: int, seed: int = 0
) -> dict[str, Accuracy]:
    """Name -> accuracy.

    Args:
        scores: name -> (N, M) for the N prompts of `test`; `RANKING` is among the names.
    """
    weights = resampled([str(row) for row in range(len(test.prompts))], resamples, seed)
    count = np.bincount(test.rows, minlength=len(test.prompts)).astype(np.float64)

    def of(table: FloatArray) -> FloatArray:
        won = np.bincount(test.rows, _won(table, test), len(test.prompts))
        return np.asarray(weights @ won / (weights @ count), dtype=np.float64)

    base = of(scores[RANKING])
    generator = np.random.default_rng(seed)
    present = np.flatnonzero(count)
    found = {}
    for name, table in scores.items():
        value = of(table)
        moved = []
        for _ in range(20):
            other = table.copy()
            other[present] = table[generator.permutation(present)]
            moved.append(float(_won(other, test).mean()))
        found[name] = Accuracy(
            estimate(value[None], seed), estimate((value - base)[None], seed), float(np.mean(moved))
        )
    return found


def rules(found: Preferences) -> dict[str, FloatArray]:
    """Baselines: name -> (N, M) for the prompts of the test comparisons."""
    test, train = found.test, found.train
    columns = [train.models.index(name) for name in test.models]
    strengths = bradley_terry(train.first, train.second, train.outcome, len(train.models))[columns]
    lengths = np.array([[found.lengths.get((p, m), 0.0) for m in test.models] for p in test.prompts])
    return {
        "random": random_scores(len(test.prompts), len(test.models), 0),
        RANKING: prompt_blind(strengths, len(test.prompts)),
        LONGER: lengths,
        "LLM with the longer answers on average": prompt_blind(lengths.mean(axis=0), len(test.prompts)),
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    model: TransformerEmbeddingModel

    def scattered(self, test: Comparisons, rows: Sequence[int], prompts: Sequence[str]) -> FloatArray:
        """(N, M) as the test comparisons number prompts and models; 0 for prompts that were not asked for."""
        said = self.model.predict(prompts)
        table = np.zeros((len(test.prompts), len(test.models)))
        table[list(rows)] = np.stack([said[name] for name in test.models], axis=1)
        return table


def _systems(effort: Effort, encoder: str) -> dict[str, tuple[EmbeddingSpec, HeadSpec]]:
    fixed = {"encoder_model_name": encoder, "answers_per_model": effort.answers}
    tuned = {"encoder_model_name": encoder, "answers_per_model": effort.tuned_answers, "max_length": 64}
    embeddings: dict[str, EmbeddingSpec] = {
        "outcomes": OutcomesEmbeddingSpec(),
        "frozen": FrozenEmbeddingSpec.model_validate(fixed),
        "attention": AttentionEmbeddingSpec.model_validate({**fixed, "max_length": 128}),
        "finetunable": FinetunableEmbeddingSpec.model_validate(tuned),
    }
    heads: tuple[HeadSpec, ...] = (StrengthHeadSpec(), ReferenceHeadSpec())
    return {
        f"{name}, {head.kind} head": (embedding, head)
        for name, embedding in embeddings.items()
        for head in (heads if name in ("outcomes", "frozen") else heads[:1])
    }


def _trained(
    found: Preferences,
    embedding: EmbeddingSpec,
    head: HeadSpec,
    effort: Effort,
    encoder: str,
    folder: Path,
    echo: Callable[[str], None],
) -> _Model:
    """Embeddings of one kind are learned once, and kept in `folder` for the next head."""
    kept = folder / embedding.kind
    model = TransformerEmbeddingModel(
        encoder,
        head=head,
        loss=BradleyTerryLossSpec(),
        embedding_spec=embedding,
        embedding_model_epochs=effort.tuned_epochs
        if embedding.kind == "finetunable"
        else effort.embedding_epochs,
        load_embedding_model_from=str(kept) if kept.is_dir() else None,
        optimizer_spec=AdamWSpec(learning_rate=1e-3, weight_decay=0.1),
        max_length=128,
        prompt_features=False,
        balance_model_samples=False,
        seed=0,
    )
    model.train(
        found.train,
        responses=found.answers,
        validation_split=ValidationSplit(0.15, 0),
        epochs=effort.epochs,
        batch_size=32,
        echo=echo,
    )
    if model.fitted is not None and not kept.is_dir():
        model.fitted.embeddings.save(kept)
    return _Model(model)


def _won(table: FloatArray, test: Comparisons) -> FloatArray:
    """(K,) 1 where the winner scores higher, .5 where both score the same."""
    lead = table[test.rows, test.first] - table[test.rows, test.second]
    return np.asarray(0.5 + 0.5 * np.sign(lead) * np.sign(test.outcome - 0.5), dtype=np.float64)
