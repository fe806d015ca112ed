"""Everything `mend train prompt_routing` can make, in the order the parts need each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.llm_catalog import catalog_of
from mendgraph.config import Config
from mendgraph.core.tier import Tier
from mendgraph.errors import UnknownNameError
from mendgraph.training.prompt_routing.backups import train_blind, train_neighbours
from mendgraph.training.prompt_routing.data import read_data
from mendgraph.training.prompt_routing.data_specs import TrainingSpec, read_spec
from mendgraph.training.prompt_routing.model import TransformerEmbeddingModel
from mendgraph.training.prompt_routing.policy import train_policy
from mendgraph.training.prompt_routing.prepare import read_prepared
from mendgraph.training.prompt_routing.shipped import POOLS

PARTS = ("router", "neighbours", "blind", "policy")

Echo = Callable[[str], None]
Open = Callable[[Config, str], Mapping[str, Tier]]


def make(
    part: str,
    config: Config,
    data_dir: Path,
    out_dir: Path,
    *,
    open_tiers: Open,
    resume: bool = False,
    risk: float = 0.1,
    spec_file: Path | None = None,
    echo: Echo = lambda line: None,
) -> None:
    """Makes one part of the prompt routing graph.

    Args:
        part: one of `PARTS`, or ``model``, which is the router.
        data_dir: what `mend data prompt_routing` wrote; for the router with a spec file, what its paths are relative
            to.
        out_dir: folder the part's own goes into, under its name.
        open_tiers: opens the configured tiers; needed for the policy only.
        resume: for the router: go on after the last finished epoch.
        spec_file: how the router is trained, see `TrainingSpec`; the embedded routers where not given.

    Raises:
        UnknownNameError: no such part.
    """
    if part in ("model", "router"):
        specs = [*POOLS.values()] if spec_file is None else [read_spec(spec_file)]
        for spec in specs:
            train_router(spec, data_dir, out_dir / (spec.name or "router"), resume=resume, echo=echo)
        return
    routing = config.prompt_routing
    if part == "neighbours":
        encoder = SharedEncoder.open(
            routing.encoder,
            device=routing.device,
            max_length=routing.max_length,
            batch_size=routing.batch_size,
        )
        train_neighbours(
            read_prepared(data_dir, "train"), encoder, routing.encoder, out_dir / part, echo=echo
        )
    elif part == "blind":
        train_blind(read_prepared(data_dir, "train"), out_dir / part)
    elif part == "policy":
        tiers = open_tiers(config, "prompt_routing")
        dev = read_prepared(data_dir, "dev")
        train_policy(tiers, catalog_of(routing), dev, out_dir / part, echo=echo)
        echo(f"to use it: prompt_routing: {{policy: {out_dir / part}}}")
    else:
        raise UnknownNameError("part", part, PARTS)
    if part in ("neighbours", "blind"):
        echo(f"to use it: prompt_routing: {{tiers: {{{part}: {{path: {out_dir / part}}}}}}}")


def train_router(
    spec: TrainingSpec,
    data_dir: Path,
    folder: Path,
    *,
    device: str = "auto",
    resume: bool = False,
    echo: Echo = lambda line: None,
) -> TransformerEmbeddingModel:
    """Trains and saves what a spec describes."""
    data = read_data(spec.data, data_dir)
    model = TransformerEmbeddingModel.of(spec.model)
    model.train(
        data.table,
        responses=data.responses,
        validation_split=spec.validation_split,
        epochs=spec.epochs,
        batch_size=spec.batch_size,
        device=device,
        checkpoints=folder / "checkpoints",
        resume=resume,
        echo=echo,
    )
    artifact = model.save(folder, name=spec.name, sources=data.sources)
    echo(
        f"written to {artifact.folder}; to use it: prompt_routing: {{tiers: {{router: {{path: {folder}}}}}}}"
    )
    return model
