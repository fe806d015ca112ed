"""Everything `mend train token_routing` can make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import MODELS, Expert
from mendgraph.config import TokenRoutingSpec
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.writing import LABELS
from mendgraph.errors import UnknownNameError
from mendgraph.training.emotion.heldout import write_policy
from mendgraph.training.token_routing.fit import fit
from mendgraph.training.token_routing.passages import DOMAINS, Passage, digest, read_passages
from mendgraph.training.token_routing.policy import POLICY, fit_policy, read_policy, save_policy
from mendgraph.training.token_routing.questions import SETS, chosen
from mendgraph.training.token_routing.save import TASK, save_fitted, save_sequence
from mendgraph.training.token_routing.sequences import fit_sequences
from mendgraph.training.token_routing.spec import HeadSpec, Mode
from mendgraph.training.token_routing.states import States, read_states, tokenize

ALL = "model"
SEQUENCE = "sequence"
POLICY_PART = "policy"
PARTS = (*get_args(Mode), SEQUENCE, POLICY_PART)
STATES = "states"
TIERS = {"writer": "lazy", "mixture": "soft"}
"""Tiers of the graph that hand a chunk on when they are unsure, and the mode each decodes in."""

Echo = Callable[[str], None]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the parts are made from.

    Attributes:
        experts, precision: as for `Ensemble.open`; bf16 reads the passages twice as fast where the CPU knows it.
        spec: of the heads; its `mode` is that of the part being made.
        max_tokens: of the training passages, kinds in turn; bounds time and memory (2 x M x H bytes each).
        doubtful: for the policy: share of the chunks of dev that are to be decoded again.
        tiers: for the policy: tier of the graph -> mode of the heads it decodes with.
    """

    experts: Iterable[Expert | Mapping[str, Any]] = MODELS
    precision: str = "fp32"
    spec: HeadSpec = field(default_factory=HeadSpec)
    max_tokens: int = 400_000
    doubtful: float = 0.1
    tiers: Mapping[str, str] = field(default_factory=lambda: dict(TIERS))


def configured(spec: TokenRoutingSpec, given: Mapping[str, Any]) -> Options:
    """For the configured experts.

    Args:
        given: what differs from the defaults of `HeadSpec` and `Options`, by name.
    """
    experts = tuple(Expert(name, one.path, one.adapter, one.task) for name, one in spec.experts.items())
    own = {name: value for name, value in given.items() if name in ("max_tokens", "doubtful")}
    rest = {"device": spec.device, **{name: value for name, value in given.items() if name not in own}}
    rest["datasets"] = tuple(rest.get("datasets", ()))
    tiers = {
        name: str(tier.arguments["mode"])
        for name, tier in spec.tiers.items()
        if tier.arguments.get("mode") in get_args(Mode)
    }
    return Options(experts=experts, precision=spec.precision, spec=HeadSpec(**rest), tiers=tiers, **own)


def make(
    part: str,
    data: Path,
    out: Path,
    options: Options,
    *,
    echo: Echo = lambda line: None,
    progress: Progress = lambda stage, done, total: None,
) -> None:
    """Makes one of `PARTS`, or all of them for ``model``, each in a folder of its own in `out`.

    The experts run over the passages once; their states stay beside the data, so that other heads train in minutes.
    ``policy``, the graph's thresholds, comes from what was written beside the heads.

    Raises:
        UnknownNameError: no such part, or no such data set.
        DataError: the passages are missing.
        ArtifactError, HubUnavailable: an expert cannot be had.
    """
    if part not in (ALL, *PARTS):
        raise UnknownNameError("part", part, (ALL, *PARTS))
    if part == POLICY_PART:
        _write_policy(out, options, echo)
        return
    ensemble = Ensemble.open(options.experts, device=options.spec.device, precision=options.precision)
    echo(f"experts: {', '.join(ensemble.names)}, frozen")
    states = {split: _states(split, data, ensemble, options, echo, progress) for split in ("train", "dev")}
    seen = digest(states["train"].tokens.passages)
    counts = {split: len(found.tokens.labels) for split, found in states.items()}
    for name in PARTS if part == ALL else (part,):
        folder = out / name
        if name == POLICY_PART:
            _write_policy(out, options, echo)
            continue
        if name == SEQUENCE:
            head = fit_sequences(states["train"], states["dev"], seed=options.spec.seed)
            artifact = save_sequence(head, ensemble, folder, data=seen)
        else:
            spec = replace(options.spec, mode=name)
            fitted = fit(states["train"], states["dev"], ensemble, spec, folder, echo=echo)
            artifact = save_fitted(fitted, ensemble, folder, data=seen, counts=counts)
            policy = fit_policy(
                fitted.heads,
                spec.mode,
                states["dev"],
                ensemble,
                doubt=fitted.doubt,
                doubtful=options.doubtful,
            )
            save_policy(policy, folder / POLICY)
        echo(f"ready: {artifact.folder}")


def _write_policy(out: Path, options: Options, echo: Echo) -> None:
    thresholds = {tier: read_policy(out / mode / POLICY).threshold for tier, mode in options.tiers.items()}
    least = max(
        thresholds.values(), default=0.0
    )  # of the others: a backup's draft must be worth the change too
    policy = HealingPolicy(
        labels=LABELS, thresholds={**thresholds, "default": least}, target={"doubtful": options.doubtful}
    )
    artifact = write_policy(policy, out / POLICY_PART, TASK)
    story = ", ".join(f"{tier} {value:.3f}" for tier, value in thresholds.items())
    echo(f"ready: {artifact.folder}; a chunk is decoded again below: {story}")


def _states(
    split: str,
    data: Path,
    ensemble: Ensemble,
    options: Options,
    echo: Echo,
    progress: Progress,
) -> States:
    sets, held_out = chosen(options.spec.datasets)
    passages = [
        row
        for row in read_passages(data, split)
        if (row.source in sets if row.source in SETS else held_out or split != "train")
    ]
    tokens = tokenize(ensemble, _limited(passages, options.max_tokens), DOMAINS)
    echo(f"{split}: {len(tokens.passages):,} passages, {len(tokens.labels):,} tokens")

    def tell(stage: str, done: int, total: int) -> None:
        progress(f"{split}: {done:,} of {total:,} tokens", done, total)

    return read_states(ensemble, tokens, cache=data / STATES / f"{split}.safetensors", progress=tell)


def _limited(passages: list[Passage], tokens: int) -> list[Passage]:
    """As many passages as about so many tokens need, kinds in turn; a token has three to four characters."""
    room = tokens * 3.5
    queues = {kind: [row for row in passages if row.kind == kind] for kind in (*DOMAINS, "mixed")}
    kept: list[Passage] = []
    while room > 0 and any(queues.values()):
        for queue in queues.values():
            if queue and room > 0:
                row = queue.pop(0)
                room -= len(row.text)
                kept.append(row)
    return kept
