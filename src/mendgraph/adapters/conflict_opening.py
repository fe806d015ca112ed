"""Opens a reader with the detector and the refinement that were trained on its states."""

from __future__ import annotations

from typing import Any

from mendgraph.adapters.answerability import Answerability
from mendgraph.adapters.artifacts import resolve
from mendgraph.adapters.conflict_reader import ConflictReaderTier
from mendgraph.adapters.reader.detector import load_detector
from mendgraph.adapters.reader.reader import Reader
from mendgraph.adapters.reader.refiner import load_refinement
from mendgraph.errors import ShapeMismatch

__all__ = ["open_conflict_reader"]


def open_conflict_reader(
    name: str,
    model: str,
    *,
    detector: str | None = None,
    refinement: str | None = None,
    judge: Answerability | None = None,
    adapter: str | None = None,
    device: str = "auto",
    precision: str = "fp32",
    **more: Any,
) -> ConflictReaderTier:
    """
    Args:
        model: ``embedded:conflict/reader``, a folder, or a hub name of a causal language model.
        detector, refinement: folders of `mend train conflict`; the reader stops after the layer they are for.
        judge: says which documents answer at all.
        adapter: a PEFT folder over the model.
        more: for `ConflictReaderTier`.

    Raises:
        ArtifactError, HubUnavailable: something is missing, damaged, or belongs to another reader.
    """
    found = None if detector is None else load_detector(resolve(detector))
    refiner = None if refinement is None else load_refinement(resolve(refinement))
    layers = [one.layer for one in (found, refiner) if one is not None]
    reader = Reader.open(
        model, adapter=adapter, layer=layers[0] if layers else None, device=device, precision=precision
    )
    for what, part in (("detector", found), ("refinement", refiner)):
        if part is not None and part.reader not in ("", reader.fingerprint):
            raise ShapeMismatch(
                f"the {what} was trained on states of reader {part.reader}, {model!r} is {reader.fingerprint}",
                hint=f"train one for this reader: mend train conflict --part {what}",
            )
    place = reader.layers.device
    if found is not None:
        found.module.to(place)
    if refiner is not None:
        refiner.module.to(place)
    return ConflictReaderTier(name, reader, found, refiner, judge, **more)
