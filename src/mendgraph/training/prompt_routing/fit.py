"""One training run from tables to a calibrated router: embeddings of the LLMs, then encoder and head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mendgraph.adapters.device import choose_device
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.prompt_vectors import PromptVectors, with_weights
from mendgraph.adapters.router_model import LOGISTIC, RouterModel
from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.routing_baselines import bradley_terry
from mendgraph.errors import ConfigError, DataError
from mendgraph.modules.router import RouterNetwork
from mendgraph.training.emotion.trainer import own_seeds
from mendgraph.training.prompt_routing.calibrate import Quality, fit_outcome_quality, fit_win_rate
from mendgraph.training.prompt_routing.collapse import Collapse, measure_collapse
from mendgraph.training.prompt_routing.comparisons import Comparisons, Responses
from mendgraph.training.prompt_routing.embeddings.answers import answer_embeddings
from mendgraph.training.prompt_routing.embeddings.attention import attention_embeddings
from mendgraph.training.prompt_routing.embeddings.base import LLMEmbeddings
from mendgraph.training.prompt_routing.embeddings.outcomes import outcome_embeddings
from mendgraph.training.prompt_routing.loop import History, run_epochs
from mendgraph.training.prompt_routing.network import PromptReader, fresh_network, plain, set_plain
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.ridge import fit_ridge
from mendgraph.training.prompt_routing.samples import Samples
from mendgraph.training.prompt_routing.specs import ModelSpec, ValidationSplit
from mendgraph.training.prompt_routing.split import holdout

__all__ = ["Fitted", "fit"]

EXACT = ("mean", "scale")
"""Of the head, kept in float32: features may be in the thousands and differ by one."""

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A trained router and how it came to be.

    Attributes:
        tensors: of the head, as they are stored.
        changed: of the encoder, as PEFT or the encoder names them; empty where it was frozen.
        history: one mapping per epoch; empty where there was nothing to iterate.
        best_epoch: whose weights were kept; 0 without epochs.
        prompts: how many were trained on and held out.
    """

    spec: ModelSpec
    router: RouterModel
    reader: PromptReader
    embeddings: LLMEmbeddings
    tensors: dict[str, Tensor]
    changed: dict[str, Tensor]
    history: History
    best_epoch: int
    collapse: Collapse
    prompts: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """Training data in both forms; the outcomes are None where only comparisons are known."""

    compared: Comparisons
    outcomes: Outcomes | None
    train: IntArray
    held: IntArray


def fit(
    spec: ModelSpec,
    data: Outcomes | Comparisons,
    responses: Responses | None,
    split: ValidationSplit,
    *,
    epochs: int,
    batch_size: int,
    device: str = "auto",
    checkpoints: Path | None = None,
    resume: bool = False,
    echo: Echo = lambda line: None,
) -> Fitted:
    """See `TransformerEmbeddingModel.train`.  Torch's, numpy's and Python's global generators stay as they were."""
    tables = _tables(spec, data, split)
    place = choose_device(device)
    models = tables.compared.models
    echo(
        f"{len(tables.train)} prompts to train on, {len(tables.held)} held out; {len(models)} LLMs, "
        f"{len(tables.compared)} comparisons"
    )
    with own_seeds():
        torch.manual_seed(spec.seed)
        reader = PromptReader(spec, tables.compared.prompts, place)
        before = reader.all()
        taught = tables.compared.of_prompts(tables.train.tolist())
        states = before.shape[1] - sum(reader.inputs.blocks)
        embeddings = _embeddings(spec, taught, before[tables.train, :states], responses, place, echo)
        network, link, history, best = _trained(
            spec, tables, reader, before, embeddings, epochs, batch_size, checkpoints, resume, echo
        )
    tensors = {name: part if name in EXACT else part.half() for name, part in plain(network).items()}
    network = set_plain(network.cpu(), tensors)
    changed = _rounded(reader)
    vectors = reader.all()
    collapse, quality = _judged(network, link, vectors[tables.held], tables)
    for line in collapse.lines():
        echo(line)
    return Fitted(
        spec,
        _router(spec, reader, network, link, quality, models, device),
        reader,
        embeddings,
        tensors,
        changed,
        history,
        best,
        collapse,
        (len(tables.train), len(tables.held)),
    )


def _tables(spec: ModelSpec, data: Outcomes | Comparisons, split: ValidationSplit) -> _Tables:
    compared = data.comparisons() if isinstance(data, Outcomes) else data
    if spec.both_bad == "drop":
        compared = compared.where(~compared.both_bad)
    compared = compared.at_least(spec.min_model_comparisons)
    if isinstance(data, Outcomes):
        outcomes = _one_per_prompt(data.of_models(compared.models))
        compared = outcomes.comparisons()
        compared = compared.where(~compared.both_bad) if spec.both_bad == "drop" else compared
        keys = list(outcomes.groups if split.by == "group" else outcomes.prompts)
    else:
        if spec.loss.kind == "regression":
            raise ConfigError(
                "loss: regression needs outcomes, and the data are comparisons",
                hint='use {"kind": "bradley_terry"}, or tables of outcomes',
            )
        if split.by == "group":
            raise ConfigError("validation_split: comparisons have no groups", hint='split by "prompt"')
        outcomes, keys = None, list(compared.prompts)
    train, held = holdout(keys, split.fraction, split.seed)
    return _Tables(compared, outcomes, train, held)


def _one_per_prompt(table: Outcomes) -> Outcomes:
    """All prompts different, in order; scores of one prompt's rows are averaged, the first row gives the group."""
    place = {prompt: number for number, prompt in enumerate(dict.fromkeys(table.prompts))}
    if len(place) == len(table):
        return table
    at = np.array([place[prompt] for prompt in table.prompts])
    known = ~np.isnan(table.scores)
    total, count = np.zeros((2, len(place), len(table.models)))
    np.add.at(total, at, np.where(known, table.scores, 0.0))
    np.add.at(count, at, known)
    groups = dict(zip(reversed(table.prompts), reversed(table.groups), strict=True))
    scores = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return Outcomes.of(tuple(place), table.models, scores, [groups[prompt] for prompt in place])


def _embeddings(
    spec: ModelSpec,
    taught: Comparisons,
    states: Tensor,
    responses: Responses | None,
    device: torch.device,
    echo: Echo,
) -> LLMEmbeddings:
    if spec.load_embedding_model_from is not None:
        return LLMEmbeddings.load(Path(spec.load_embedding_model_from).expanduser())
    made = spec.embedding_spec
    if made.kind == "outcomes":
        return outcome_embeddings(made, taught, states.double().numpy())
    if responses is None:
        raise DataError(
            f"embedding_spec: {made.kind} learns from answers, and the data have none",
            hint='use {"kind": "outcomes"}, or data with responses',
        )
    known = [text for text in taught.prompts if text in set(responses.prompts)]
    place = {prompt: number for number, prompt in enumerate(responses.prompts)}
    seen = responses.take([place[text] for text in dict.fromkeys(known)])  # of training prompts only
    options = {"epochs": spec.embedding_model_epochs, "seed": spec.seed, "device": device, "echo": echo}
    if made.kind == "attention":
        return attention_embeddings(made, seen, taught.models, **options)  # type: ignore[arg-type]
    return answer_embeddings(made, seen, taught.models, **options)  # type: ignore[arg-type]


def _trained(
    spec: ModelSpec,
    tables: _Tables,
    reader: PromptReader,
    vectors: Tensor,
    embeddings: LLMEmbeddings,
    epochs: int,
    batch_size: int,
    checkpoints: Path | None,
    resume: bool,
    echo: Echo,
) -> tuple[RouterNetwork, str, History, int]:
    """Network, its link, the epochs and the best of them."""
    compared, chosen = tables.compared, spec.optimizer_spec
    if chosen.kind == "ridge":
        assert spec.head.kind != "reference"  # the spec's validator
        assert tables.outcomes is not None  # refused before
        known = tables.outcomes.take(tables.train)
        network = fit_ridge(
            chosen, spec.head, vectors[tables.train], reader.inputs.blocks, known.scores, known.groups
        )
        return network, chosen.link, (), 0
    learned = compared.of_prompts(tables.train.tolist())
    strengths = bradley_terry(
        learned.first, learned.second, learned.outcome, len(learned.models), learned.weight
    )
    network = fresh_network(
        spec, vectors[tables.train], reader.inputs.blocks, embeddings.of(compared.models), strengths
    ).to(reader.encoder.device)
    pairs = Samples.of_comparisons(compared)
    rows = pairs
    if spec.loss.kind == "regression":
        assert tables.outcomes is not None  # refused before
        rows = Samples.of_outcomes(tables.outcomes)
    mine = np.zeros(len(compared.prompts), dtype=bool)
    mine[tables.train] = True
    history, best = run_epochs(
        reader,
        network,
        spec,
        chosen,
        rows.where(mine[rows.rows]),
        rows.where(~mine[rows.rows]),
        pairs.where(~mine[pairs.rows]),
        epochs=epochs,
        batch_size=batch_size,
        checkpoints=checkpoints,
        resume=resume,
        echo=echo,
    )
    return network, LOGISTIC, history, best


@torch.no_grad()
def _rounded(reader: PromptReader) -> dict[str, Tensor]:
    """The tuned weights in half precision, in memory too, so that all figures are of what is stored."""
    for part in reader.encoder.tuned:
        part.copy_(part.half())
    return (
        {name: part.half() for name, part in reader.encoder.changed().items()} if reader.encoder.tuned else {}
    )


@torch.no_grad()
def _judged(network: RouterNetwork, link: str, vectors: Tensor, tables: _Tables) -> tuple[Collapse, Quality]:
    """On the held-out prompts."""

    def logits(inputs: Tensor) -> FloatArray:
        return np.asarray(network(inputs).numpy(), dtype=np.float64)

    held = tables.compared.of_prompts(tables.held.tolist())
    collapse = measure_collapse(logits, vectors, held)
    if tables.outcomes is not None:
        return collapse, fit_outcome_quality(logits(vectors), tables.outcomes.scores[tables.held], link)
    return collapse, fit_win_rate(logits(vectors), held)


def _router(
    spec: ModelSpec,
    reader: PromptReader,
    network: RouterNetwork,
    link: str,
    quality: Quality,
    models: tuple[str, ...],
    device: str,
) -> RouterModel:
    encoder = SharedEncoder.open(str(reader.encoder.folder), device=device, max_length=spec.max_length)
    if reader.encoder.tuned:
        encoder = with_weights(encoder, reader.encoder.merged(), "trained here")
    meaning, slope, intercept = quality
    vectors = PromptVectors(encoder, reader.inputs)
    return RouterModel(models, vectors, network, link, slope, intercept, meaning)
