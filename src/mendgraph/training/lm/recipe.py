"""Tokenizer, base model, its decay and experts, in the order they need each other; runs on bare machines."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedTokenizerBase

from mendgraph.adapters.device import choose_device
from mendgraph.errors import ArtifactMissing, ConfigError, UnknownNameError
from mendgraph.training.lm.corpus import read_texts
from mendgraph.training.lm.fit import LOG, Streams, checkpoints_of, fit, last_checkpoint, step_of
from mendgraph.training.lm.measure import METRICS, load_adapter, record
from mendgraph.training.lm.model import (
    BASE_FOLDER,
    load_base,
    new_base,
    save_adapter,
    save_base,
    with_adapter,
)
from mendgraph.training.lm.spec import (
    ADAPTER,
    BASE,
    DECAY,
    DOMAINS,
    FULL,
    AdapterSpec,
    Limit,
    ModelSpec,
    RunSpec,
    expert_mix,
)
from mendgraph.training.lm.streams import open_streams
from mendgraph.training.lm.tokenizer import load_tokenizer, train_tokenizer
from mendgraph.training.lm.trainer import MEAN, Echo

PARTS = ("tokenizer", "base", "decay", "experts")
TOKENIZER_FOLDER = "tokenizer"
FULL_PREFIX = "full_"
_DECAY = "decay"
_SHARES = {BASE_FOLDER: 6.0, _DECAY: 1.5}  # of the time, where an expert has half of 1
_EXPERT_SHARE = 0.5
_AT_END = {"cuda": 12.0, "mps": 30.0, "cpu": 50.0}  # seconds kept for the last measurement and for saving


@dataclass(frozen=True, slots=True)
class Options:
    """How the parts are made.

    Attributes:
        minutes: wall-clock limit of the call, everything included.
        steps: optimizer steps of each run, of the base all it ever had; with `minutes` whichever ends first.
        batch_tokens: tokens per step; None takes 65,536 on a GPU and 8,192 on a CPU.
        learning_rate: peak; None takes that of the part.
        evaluations: measurements on dev in each run; None takes those of the part.
        full: experts as separate full models instead of adapters.
        resume: go on from the last checkpoint, if there is one.
        compiled: compile with torch; None does so where the device and a C++ compiler allow it.
    """

    minutes: float | None = None
    steps: int | None = None
    batch_tokens: int | None = None
    learning_rate: float | None = None
    evaluations: int | None = None
    full: bool = False
    experts: tuple[str, ...] = DOMAINS
    resume: bool = False
    compiled: bool | None = None
    device: str = "auto"
    model: ModelSpec = field(default_factory=ModelSpec)
    adapter: AdapterSpec = field(default_factory=AdapterSpec)


def make(
    parts: Sequence[str], data: Path, out: Path, options: Options, *, echo: Echo = lambda line: None
) -> None:
    """Makes some of `PARTS` in the folder `out`, from the corpus that `mend data lm` wrote to `data`.

    Raises:
        UnknownNameError: no such part, or no such domain.
        ConfigError: base or experts without an end.
    """
    _check(parts, options)
    deadline = None if options.minutes is None else time.monotonic() + options.minutes * 60
    if "tokenizer" in parts and not (options.resume and (out / TOKENIZER_FOLDER).is_dir()):
        _make_tokenizer(data, out, options.model, echo)
    runs = [part for part in (BASE_FOLDER, _DECAY) if part in parts]
    runs += options.experts if "experts" in parts else ()
    if not runs:
        return
    tokenizer = load_tokenizer(out / TOKENIZER_FOLDER)
    streams = open_streams(data, out / "streams", tokenizer, echo)
    if options.resume:
        runs = [run for run in runs if not _finished(run, runs, out, options, echo)]
    for run, limit in zip(runs, _limits(options, deadline, runs), strict=True):
        if run == BASE_FOLDER:
            _train_base(out, tokenizer, streams, options, limit, echo)
        elif run == _DECAY:
            _decay_base(out, tokenizer, streams, options, limit, echo)
        else:
            _make_expert(run, out, tokenizer, streams, options, limit, echo)


def _check(parts: Sequence[str], options: Options) -> None:
    for what, names, known in (("part", parts, PARTS), ("expert", options.experts, DOMAINS)):
        for name in names:
            if name not in known:
                raise UnknownNameError(what, name, known)
    if set(parts) != {"tokenizer"} and options.minutes is None and options.steps is None:
        raise ConfigError(
            "training of a language model needs an end",
            hint="give --max-minutes or --steps, e.g. --max-minutes 480",
        )


def _folder(out: Path, run: str, options: Options) -> Path:
    return out / (f"{FULL_PREFIX}{run}" if options.full and run != BASE_FOLDER else run)


def _finished(run: str, runs: Sequence[str], out: Path, options: Options, echo: Echo) -> bool:
    """A model's folder gets `METRICS` last.  The base can always go on; it is left alone where its decay follows."""
    if run == BASE_FOLDER:
        done = _DECAY in runs and checkpoints_of(out / _DECAY).is_dir()
    elif run == _DECAY:
        done = checkpoints_of(out / _DECAY).is_dir() and (out / BASE_FOLDER / METRICS).is_file()
    else:
        done = (_folder(out, run, options) / METRICS).is_file()
    if done:
        echo(f"{run}: finished before")
    return done


def _make_tokenizer(data: Path, out: Path, spec: ModelSpec, echo: Echo) -> None:
    echo(f"tokenizer: {spec.vocab_size:,} tokens")
    texts = chain.from_iterable(read_texts(data, domain, "train") for domain in DOMAINS)
    train_tokenizer(texts, spec.vocab_size, context=spec.context).save_pretrained(out / TOKENIZER_FOLDER)


def _train_base(
    out: Path,
    tokenizer: PreTrainedTokenizerBase,
    streams: Streams,
    options: Options,
    limit: Limit,
    echo: Echo,
) -> None:
    """At a constant rate, into checkpoints only: what comes out is not yet a model to use."""
    spec = _sized(BASE, options)
    known = last_checkpoint(checkpoints_of(out / BASE_FOLDER))
    if known is not None and not options.resume:
        raise ConfigError(
            f"base: {str(known.parent)!r} holds a run of {step_of(known):,} steps",
            hint="--resume goes on with it; remove the folder to begin anew",
        )
    model = new_base(replace(options.model, vocab_size=len(tokenizer)), tokenizer, spec.seed)
    shutil.rmtree(checkpoints_of(out / _DECAY), ignore_errors=True)  # of a base that was trained less
    echo(f"base: {_trained(model):,} parameters")
    fit(
        model, model, streams, spec, limit, checkpoints_of(out / BASE_FOLDER),
        context=options.model.context, metric=MEAN, save=None, earlier=None,
        resume=options.resume, compiled=options.compiled, device=options.device, echo=echo,
    )  # fmt: skip


def _decay_base(
    out: Path,
    tokenizer: PreTrainedTokenizerBase,
    streams: Streams,
    options: Options,
    limit: Limit,
    echo: Echo,
) -> None:
    """From the base's last checkpoint, which stays, to the weights in `BASE_FOLDER`."""
    earlier = last_checkpoint(checkpoints_of(out / BASE_FOLDER))
    if earlier is None:
        raise ArtifactMissing(
            f"decay: no checkpoint of a base in {str(out)!r}",
            hint="mend train lm --part base --max-minutes 60",
        )
    torch.compiler.reset()
    spec = _sized(DECAY, options)
    model = AutoModelForCausalLM.from_pretrained(earlier, dtype=torch.float32, local_files_only=True)
    context = int(model.config.max_position_embeddings)
    folder, checkpoints = out / BASE_FOLDER, checkpoints_of(out / _DECAY)
    echo(f"decay: from {earlier.name}")
    done = fit(
        model, model, streams, spec, limit, checkpoints,
        context=context, metric=MEAN, save=lambda: save_base(model, tokenizer, folder), earlier=earlier,
        resume=options.resume, compiled=options.compiled, device=options.device, echo=echo,
    )  # fmt: skip
    logs = [checkpoints_of(folder) / LOG, checkpoints / LOG]
    saved = load_base(folder)
    record(folder, saved, streams, spec, logs, done, context=context, device=options.device, echo=echo)


def _make_expert(
    domain: str,
    out: Path,
    tokenizer: PreTrainedTokenizerBase,
    streams: Streams,
    options: Options,
    limit: Limit,
    echo: Echo,
) -> None:
    torch.compiler.reset()  # code compiled for another expert would only be in the way
    spec = replace(_sized(FULL if options.full else ADAPTER, options), mix=expert_mix(domain))
    folder = _folder(out, domain, options)
    base = load_base(out / BASE_FOLDER)
    context = int(base.config.max_position_embeddings)
    model: nn.Module = base if options.full else with_adapter(base, options.adapter, spec.seed)

    def save() -> None:
        if options.full:
            save_base(base, tokenizer, folder)
        else:
            save_adapter(model, folder)

    echo(f"{folder.name}: {_trained(model):,} parameters are trained")
    done = fit(
        model, base, streams, spec, limit, checkpoints_of(folder),
        context=context, metric=domain, save=save, earlier=None,
        resume=options.resume, compiled=options.compiled, device=options.device, echo=echo,
    )  # fmt: skip
    saved = load_base(folder) if options.full else load_adapter(out / BASE_FOLDER, folder)
    more = {} if options.full else {"adapter": asdict(options.adapter)}
    logs = [checkpoints_of(folder) / LOG]
    record(folder, saved, streams, spec, logs, done | more, context=context, device=options.device, echo=echo)


def _sized(spec: RunSpec, options: Options) -> RunSpec:
    if options.learning_rate is not None:
        spec = replace(spec, learning_rate=options.learning_rate)
    if choose_device(options.device).type != "cuda":  # smaller steps: more of them in the same hours
        spec = replace(spec, batch_tokens=8_192, eval_blocks=32)
    if options.evaluations is not None:
        spec = replace(spec, evaluations=options.evaluations)
    return spec if options.batch_tokens is None else replace(spec, batch_tokens=options.batch_tokens)


def _limits(options: Options, deadline: float | None, runs: Sequence[str]) -> Iterator[Limit]:
    """The limit of each run, reckoned when it begins: its share of the time that is left."""
    shares = [_SHARES.get(run, _EXPERT_SHARE) for run in runs]
    for index, share in enumerate(shares):
        if deadline is None:
            yield Limit(steps=options.steps)
        else:
            now = time.monotonic()
            part = (deadline - now) * share / sum(shares[index:])
            kept = _AT_END[choose_device(options.device).type] if runs[index] != BASE_FOLDER else 0.0
            yield Limit(steps=options.steps, deadline=now + max(part - kept, 1.0))


def _trained(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
