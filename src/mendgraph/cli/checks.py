"""The single examinations of `mend doctor`, each as plain data."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from textwrap import shorten
from typing import Any

from packaging.requirements import Requirement

from mendgraph.cli.opening import example_of, load_graph
from mendgraph.cli.render import text_of
from mendgraph.errors import MendError
from mendgraph.home import home
from mendgraph.runtime.journal import NullJournal


def python() -> dict[str, Any]:
    return {
        "version": platform.python_version(),
        "platform": platform.platform(),
        "executable": sys.executable,
    }


def packages() -> list[dict[str, Any]]:
    """The packages mendgraph requires, with the bounds it supports; those of extras only where installed."""
    found = []
    for line in metadata.requires("mendgraph") or ():
        requirement = Requirement(line)
        marker = str(requirement.marker or "")
        optional = "extra" in marker
        if "extra == 'test'" in marker.replace('"', "'"):
            continue  # what only this project's own tests need
        if not optional and requirement.marker is not None and not requirement.marker.evaluate():
            continue
        version = _version(requirement.name)
        if optional and version is None:
            continue
        well = version is not None and requirement.specifier.contains(version, prereleases=True)
        entry = {
            "name": requirement.name,
            "version": version,
            "needs": str(requirement.specifier),
            "ok": well,
        }
        if entry["name"] != "mendgraph" and entry not in found:
            found.append(entry)
    return sorted(found, key=lambda entry: str(entry["name"]).lower())


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def machine() -> dict[str, Any]:
    """Sizes in bytes; None where the platform does not tell."""
    import torch

    devices = ["cpu"]
    devices += [f"cuda:{n} {torch.cuda.get_device_name(n)}" for n in range(torch.cuda.device_count())]
    devices += ["mps"] if torch.backends.mps.is_available() else []
    total, free = _memory()
    return {
        "devices": devices,
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
        "memory": total,
        "memory_free": free,
    }


def _memory() -> tuple[int | None, int | None]:
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        return page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None, None


def home_folder() -> dict[str, Any]:
    """Writable means: a file can really be made there, or in the nearest folder above that exists."""
    path = home()
    near = next((folder for folder in (path, *path.parents) if folder.is_dir()), Path(path.anchor))
    try:
        with tempfile.TemporaryFile(dir=near):
            writable = True
    except OSError:
        writable = False
    return {"path": str(path), "writable": writable, "disk_free": shutil.disk_usage(near).free}


def encoder(config: Path | None, overrides: tuple[str, ...]) -> dict[str, Any]:
    from mendgraph.adapters.hub import locate, weights_hash
    from mendgraph.config import load_config

    report: dict[str, Any] = {"name": "", "path": "", "sha256": "", "error": None}
    try:
        report["name"] = load_config(config, overrides).emotion.encoder
        folder = locate(report["name"])
        report.update(path=str(folder), sha256=weights_hash(folder))
    except MendError as error:
        report["error"] = str(error)
    return report


def graph(name: str, config: Path | None, overrides: tuple[str, ...]) -> dict[str, Any]:
    """Tiers, policy, and what the graph makes of one row; `error` says why it cannot answer."""
    trial = example_of(name)
    report: dict[str, Any] = {
        "tiers": {},
        "policy": {"state": "missing", "words": "none could be read"},
        "trial": "",
        "error": None,
    }
    try:
        with load_graph(name, config=config, overrides=overrides, journal=NullJournal()) as opened:
            policy = opened.context.policy
            answer = opened.run(trial, ask="never")[0]
            helpers = getattr(opened, "helpers", ())  # their word alone is never accepted
            report["tiers"] = {
                tier: {
                    **health,
                    "combined": policy.fingerprints.get(tier) == health["fingerprint"] != "",
                    "helper": tier in helpers,
                }
                for tier, health in opened.health().items()
            }
            own = sum(health["calibrated"] for health in report["tiers"].values())
            if policy.thresholds and (policy.calibrators or own):
                target = ", ".join(f"{key} {value:g}" for key, value in policy.target.items())
                count = len(policy.calibrators) or own
                words = f"{count} calibrators, thresholds for {target or 'no stated target'}"
                report["policy"] = {"state": "fitted", "words": words}
            if answer.error is not None:
                report["error"] = answer.error.message
            else:
                said = shorten(
                    str(answer.best_guess), 80, placeholder=" ..."
                )  # some graphs write whole texts
                report["trial"] = f"{text_of(answer)!r}: {said}, {answer.status}"
    except MendError as error:
        report["error"] = str(error)
    return report
