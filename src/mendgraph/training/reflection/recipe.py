"""Everything `mend train reflection` can make, in the order the parts need each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mendgraph.adapters.hub import locate
from mendgraph.config import Config, ReflectionTrainingSpec
from mendgraph.core.tier import Tier
from mendgraph.errors import UnknownNameError
from mendgraph.training.reflection.corpus import gather
from mendgraph.training.reflection.features import train_features
from mendgraph.training.reflection.folds import FoldResult, run_folds, tasks
from mendgraph.training.reflection.policy import train_policy
from mendgraph.training.reflection.recipes import CHANGES, SEEDS, recipe
from mendgraph.training.reflection.sources import SPLITS, read_pair
from mendgraph.training.reflection.train import train

PARTS = ("model", "features", "policy", "folds")

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
    echo: Echo = lambda line: None,
) -> None:
    """Makes one part of the reflection graph.

    Args:
        part: one of `PARTS`: the first tier's model, the second tier, the policy (calibration, combination,
            thresholds) of the configured tiers, or the cross-validation that `mend eval reflection` reports.
        data_dir: what `mend data reflection` wrote.
        out_dir: folder of the model itself for ``model``; for the others the folder theirs go into.
        open_tiers: opens the configured tiers; needed for the policy only.
        resume: is always so: a cross-validation goes on where it stopped, and the rest takes minutes.
        risk: for the policy: share of the accepted answers that may be wrong.

    Raises:
        UnknownNameError: no such part.
    """
    settings = config.reflection_training
    if part == "model":
        train(settings, data_dir, out_dir, echo=echo)
    elif part == "features":
        artifact = train_features(settings.model, data_dir, out_dir / "features", echo=echo)
        echo(f"to use it: reflection: {{tiers: {{features: {{path: {artifact.folder}}}}}}}")
    elif part == "policy":
        train_policy(open_tiers(config, "reflection"), data_dir, out_dir / "policy", risk=risk, echo=echo)
        echo(f"to use it: reflection: {{policy: {out_dir / 'policy'}}}")
    elif part == "folds":
        cross_validate(settings, data_dir, echo=echo)
        echo(f"written to {settings.folds}; next: mend eval reflection --data-dir {data_dir}")
    else:
        raise UnknownNameError("part", part, PARTS)


def cross_validate(
    settings: ReflectionTrainingSpec, data_dir: Path, *, echo: Echo = lambda line: None
) -> list[FoldResult]:
    """Every fold of the shipped recipe over five seeds, and of the others over one, into ``settings.folds``."""
    groups = gather([row for split in SPLITS for row in read_pair(data_dir, split)])
    wanted = [
        task for name in CHANGES for task in tasks({name: recipe(name, settings)}, SEEDS.get(name, (0,)))
    ]
    return run_folds(wanted, groups, settings.folds, encoder=locate(settings.model), echo=echo)
