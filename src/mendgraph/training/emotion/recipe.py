"""Everything `mend train emotion` can make, in the order the parts need each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mendgraph.config import Config, with_overrides
from mendgraph.core.tier import Tier
from mendgraph.errors import UnknownNameError
from mendgraph.training.emotion.backups import train_backups
from mendgraph.training.emotion.heldout import train_policy
from mendgraph.training.emotion.train import train

PARTS = ("model", "backups", "ensemble", "policy")

ENSEMBLE: Mapping[str, tuple[str, ...]] = {
    "ensemble_a": ("training.seed=1", "training.num_epochs=3", "lora.r=32", "lora.lora_alpha=32"),
    "ensemble_b": ("training.seed=2", "training.num_epochs=3", "lora.r=8", "training.aux_weight=0.5"),
}
"""Members of the ensemble: what each changes in the configuration, so that they err differently."""

Echo = Callable[[str], None]
Open = Callable[[Config], Mapping[str, Tier]]


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
    """Makes one part of the emotion graph.

    Args:
        part: one of `PARTS`: the first tier's model, the untrained-network backups, the ensemble's members, or
            the policy (calibration, combination, thresholds) of the configured tiers.
        out_dir: folder of the model itself for ``model``; for the others the folder theirs go into.
        open_tiers: opens the configured tiers; needed for the policy only.
        risk: for the policy: share of the accepted answers that may be wrong.

    Raises:
        UnknownNameError: no such part.
    """
    if part == "model":
        train(config, data_dir, out_dir, resume=resume, echo=echo)
    elif part == "backups":
        for name, artifact in train_backups(config, data_dir, out_dir, echo=echo).items():
            echo(f"to use it: emotion: {{tiers: {{{name}: {{path: {artifact.folder}}}}}}}")
    elif part == "ensemble":
        for name, changes in ENSEMBLE.items():
            echo(f"{name}: {', '.join(changes)}")
            train(with_overrides(config, changes), data_dir, out_dir / name, resume=resume, echo=echo)
        members = ", ".join(str(out_dir / name) for name in ENSEMBLE)
        echo(f"to use them: emotion: {{tiers: {{ensemble: {{members: [{members}]}}}}}}")
    elif part == "policy":
        train_policy(open_tiers(config), data_dir, out_dir / "policy", risk=risk, echo=echo)
        echo(f"to use it: emotion: {{policy: {out_dir / 'policy'}}}")
    else:
        raise UnknownNameError("part", part, PARTS)
