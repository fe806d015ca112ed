"""Metrics of a run: a line of JSON each, and to a tracker if one is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mendgraph.errors import MendError
from mendgraph.training.token_routing.spec import Tracker

LOG = "training_log.jsonl"
PROJECT = "mendgraph-token-routing"

Send = Callable[[Mapping[str, float], int], None]


class Tracking:
    """Writes `LOG` in a folder; as a context manager it ends the tracker's run."""

    def __init__(self, folder: Path, report_to: Tracker, settings: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / LOG
        self._path.write_text("", encoding="utf-8")
        self._send, self._end = _SENDERS[report_to](folder, settings)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        self._send(values, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()


Opened = tuple[Send, Callable[[], None]]


def _none(folder: Path, settings: Mapping[str, Any]) -> Opened:
    return (lambda values, step: None), (lambda: None)


def _tensorboard(folder: Path, settings: Mapping[str, Any]) -> Opened:
    writer = _module("torch.utils.tensorboard", "tensorboard").SummaryWriter(str(folder / "tensorboard"))

    def send(values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    return send, writer.close


def _wandb(folder: Path, settings: Mapping[str, Any]) -> Opened:
    module = _module("wandb", "wandb")
    run = module.init(project=PROJECT, dir=str(folder), config=dict(settings))
    return (lambda values, step: run.log(dict(values), step=step)), run.finish


def _trackio(folder: Path, settings: Mapping[str, Any]) -> Opened:
    module = _module("trackio", "trackio")
    module.init(project=PROJECT, config=dict(settings))
    return (lambda values, step: module.log(dict(values), step=step)), module.finish


def _mlflow(folder: Path, settings: Mapping[str, Any]) -> Opened:
    module = _module("mlflow", "mlflow")
    module.set_experiment(PROJECT)
    module.start_run()
    module.log_params(dict(settings))
    return (lambda values, step: module.log_metrics(dict(values), step=step)), module.end_run


_SENDERS: Mapping[Tracker, Callable[[Path, Mapping[str, Any]], Opened]] = {
    "none": _none,
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "trackio": _trackio,
    "mlflow": _mlflow,
}


def _module(name: str, package: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MendError(
            f"metrics were to go to {package}, which is not installed", hint=f"pip install {package}"
        ) from error
