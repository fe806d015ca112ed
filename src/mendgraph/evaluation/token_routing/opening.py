"""What a configuration names, opened for measuring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mendgraph.adapters.artifacts import MANIFEST, open_artifact, resolve
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import Expert
from mendgraph.adapters.causal.heads_file import load_heads
from mendgraph.config import TokenRoutingSpec
from mendgraph.core.token_routing import MODES
from mendgraph.errors import ArtifactMissing
from mendgraph.evaluation.token_routing.measure import Router
from mendgraph.training.token_routing.recipe import SEQUENCE
from mendgraph.training.token_routing.save import load_sequence

Echo = Callable[[str], None]


def open_router(
    spec: TokenRoutingSpec, *, weights: Path | None = None, echo: Echo = lambda line: None
) -> Router:
    """The configured experts with the heads of every mode there is.

    Args:
        weights: heads of one mode instead: a folder, a file, or a published ``best_model_heads.pt``.

    Raises:
        ArtifactError: experts or heads are refused; there are none.
    """
    experts = tuple(Expert(name, one.path, one.adapter, one.task) for name, one in spec.experts.items())
    ensemble = Ensemble.open(experts, device=spec.device, precision=spec.precision)
    if weights is not None:
        saved = load_heads(weights, ensemble.names, ensemble.hidden_size)
        return Router(ensemble, experts, {saved.mode: saved}, precision=spec.precision)
    folder = resolve(spec.heads)
    heads, tolerances = {}, {}
    for mode in MODES:
        if not (folder / mode / MANIFEST).is_file():
            echo(f"no heads for {mode} in {folder}; left out")
            continue
        artifact = open_artifact(folder / mode)
        heads[mode] = load_heads(artifact.folder, ensemble.names, ensemble.hidden_size)
        settings = artifact.manifest.training.get("settings", {})
        if "tolerance" in settings:
            tolerances[mode] = float(settings["tolerance"])
    if not heads:
        raise ArtifactMissing(f"no heads in {str(folder)!r}", hint="mend train token_routing makes them")
    sequence = None
    if (folder / SEQUENCE / MANIFEST).is_file():
        sequence = load_sequence(folder / SEQUENCE, ensemble.names, ensemble.hidden_size)
    return Router(ensemble, experts, heads, sequence, tolerances, spec.precision)
