"""A tier that reads: it finds conflicts in a language model's hidden states, refines them, answers, and tells what each
document says."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mendgraph.adapters.answerability import Answerability
from mendgraph.adapters.conflict_pages import Page, page_of
from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.adapters.reader.detector import Detector
from mendgraph.adapters.reader.heard import Heard
from mendgraph.adapters.reader.listener import Listener
from mendgraph.adapters.reader.memory import Latest, Memory, Reading, rows_of
from mendgraph.adapters.reader.midway import Ready
from mendgraph.adapters.reader.prompt import NOTHING
from mendgraph.adapters.reader.reader import Reader
from mendgraph.adapters.reader.refiner import Refiner
from mendgraph.adapters.reader.writing import Sampling, Written
from mendgraph.core.calibration import Calibrator
from mendgraph.core.conflict import Document
from mendgraph.core.conflict_mending import mended
from mendgraph.core.conflict_stages import DISPUTED, Stage, agreement, drafted
from mendgraph.core.disagreement import disagreement
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.core.voting import vote
from mendgraph.errors import InputError, ShapeMismatch, TierError

__all__ = ["ConflictReaderTier"]

Outcome = Prediction | Failure

_HEARD = 4096  # rows of which it is remembered what their documents say


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one reading.

    Attributes:
        places: of the rows in the batch that was asked about.
        fresh: whether it was read now, to the border, or had been before.
    """

    reading: Reading
    places: Sequence[int]
    fresh: bool


class ConflictReaderTier:
    """Answers a row's `Stage`; a row without one is answered plainly.

    It remembers its latest readings, so that finding a conflict and refining the states it was found in cost one
    forward pass together.  Where a reading is gone, because the run goes on in another process or much has been read
    since, it reads again: the answer is the same, and its ``passes`` say so.

    What it hears each document say, read by itself, is remembered too.

    Every value has ``passes``, in readings of the prompt through all layers, and ``tokens``, the same work in tokens;
    cues and answers count in both.  The judge, an encoder, is not counted: what it hears costs none.

    Args:
        detector: None compares what the documents say, each read by itself; see `core.disagreement`.
        refiner: None fails at ``refine``.
        judge: hears what documents say; None leaves that to the reader.
        documents: read at most, those closest to the question.
        batch_size: rows read side by side.
        memory: tokens of readings that are remembered; see `Memory`.

    Raises:
        ShapeMismatch: detector, refiner and reader do not stop after the same layer.
    """

    def __init__(
        self,
        name: str,
        reader: Reader,
        detector: Detector | None = None,
        refiner: Refiner | None = None,
        judge: Answerability | None = None,
        *,
        documents: int = 7,
        batch_size: int = 16,
        memory: int = 32_768,
    ) -> None:
        self.name = name
        self.reader, self.detector, self.refiner = reader, detector, refiner
        for what, part in (("detector", detector), ("refinement", refiner)):
            if part is not None and part.layer != reader.border:
                raise ShapeMismatch(
                    f"the {what} is for layer {part.layer}, the reader stops after layer {reader.border}",
                    hint="train detector and refinement for one layer: --layer",
                )
        self._documents, self._batch = documents, batch_size
        self._memory = Memory(memory)
        self._known: Latest[list[Heard]] = Latest(_HEARD)
        self._lower = (reader.border + 1) / reader.layers.count
        self._listener = Listener(reader, judge)
        parts = [one.fingerprint if one is not None else "" for one in (detector, refiner, judge)]
        self.fingerprint = sha256_of_json({"reader": reader.fingerprint, "parts": parts})[:16]

    @property
    def calibrator(self) -> Calibrator | None:
        """How its detector is calibrated, for those who ask whether it is; `predict` has done it."""
        own = None if self.detector is None else self.detector.calibrator
        return None if own is None else replace(own, fingerprint=self.fingerprint)  # type: ignore[type-var]

    def predict(self, rows: Sequence[Input]) -> list[Outcome]:
        found: dict[int, Outcome] = {}
        groups: dict[Stage, list[tuple[int, Page]]] = {}
        for place, row in enumerate(rows):
            stage = Stage(**row.facts.get("stage", {"name": "answer"}))
            try:
                page = page_of(self.reader, row, self._documents, stage.run)
            except InputError as error:
                found[place] = Failure.of(error)
                continue
            groups.setdefault(stage, []).append((place, page))
        for stage, group in groups.items():
            pages = [page for _, page in group]
            for (place, _), outcome in zip(group, self._stage(stage, pages), strict=True):
                found[place] = outcome
        return [found[place] for place in range(len(rows))]

    def _stage(self, stage: Stage, pages: Sequence[Page]) -> list[Outcome]:
        if stage.name == "detect":
            return self._compared(pages) if self.detector is None else self._each(pages, self._detected)
        if stage.name == "refine":
            if self.refiner is None:
                error = TierError(
                    f"tier {self.name!r} has no refinement", hint="name its folder as refinement"
                )
                return [Failure.of(error)] * len(pages)
            return self._each(pages, self._refined)
        if stage.name == "verify":
            return self._verified(pages, stage)
        return self._each(pages, self._answered)

    def _each(
        self, pages: Sequence[Page], work: Callable[[_Part, list[Page]], list[Outcome]]
    ) -> list[Outcome]:
        found: dict[int, Outcome] = {}
        for part in self._parts(pages):
            own = [pages[place] for place in part.places]
            found |= zip(part.places, work(part, own), strict=True)
        return [found[place] for place in range(len(pages))]

    def _parts(self, pages: Sequence[Page]) -> Iterator[_Part]:
        """What is remembered, then what has to be read, rows of like length together."""
        known, missing = self._memory.find([page.key for page in pages])
        for reading, rows, places in known:
            yield _Part(rows_of(reading, rows), places, fresh=False)
        order = sorted(missing, key=lambda place: len(pages[place].prompt.ids))
        for start in range(0, len(order), self._batch):
            places = order[start : start + self._batch]
            reading = Reading(self.reader.begin([pages[place].prompt for place in places]))
            self._memory.keep([pages[place].key for place in places], reading)
            yield _Part(reading, places, fresh=True)

    def _ready(self, part: _Part, pages: Sequence[Page]) -> tuple[Ready, float]:
        """Read to the end, and the share of a pass that took."""
        taken = self._lower if part.fresh else 0.0
        if part.reading.ready is not None:
            return part.reading.ready, taken
        ready = self.reader.finish(part.reading.midway)
        self._memory.keep([page.key for page in pages], Reading(part.reading.midway, ready))
        return ready, taken + 1 - self._lower

    def _detected(self, part: _Part, pages: list[Page]) -> list[Outcome]:
        assert self.detector is not None
        taken = self._lower if part.fresh else 0.0
        chances = self.detector.probabilities(part.reading.midway)
        return [
            agreement(chance, {**page.told(), **_cost(page, taken)})
            for page, chance in zip(pages, chances, strict=True)
        ]

    def _compared(self, pages: Sequence[Page]) -> list[Outcome]:
        """Whether documents conflict, by what they are heard to say."""
        found: list[Outcome] = []
        for page, (heard, tokens) in zip(pages, self._heard(pages), strict=True):
            documents = [Document(*one) for one in zip(page.ids, self._texts(page), strict=True)]
            said = mended(page.question, documents, *_by_document(page, heard))
            chance = disagreement(list(said.values.values()), list(said.sure.values()))
            found.append(agreement(chance, {**self._told(page), **_cost(page, 0.0, tokens)}))
        return found

    def _answered(self, part: _Part, pages: list[Page]) -> list[Outcome]:
        ready, taken = self._ready(part, pages)
        return [
            _draft(page, written, taken, len(written.ids))
            for page, written in zip(pages, self.reader.write(ready), strict=True)
        ]

    def _refined(self, part: _Part, pages: list[Page]) -> list[Outcome]:
        assert self.refiner is not None
        refined = self.refiner.refine(part.reading.midway)
        ready = self.reader.finish(part.reading.midway, refined.states)
        taken = 1 - self._lower + (self._lower if part.fresh else 0.0)
        return [
            _draft(page, written, taken, len(written.ids), steps=int(steps))
            for page, written, steps in zip(pages, self.reader.write(ready), refined.taken, strict=True)
        ]

    def _verified(self, pages: Sequence[Page], stage: Stage) -> list[Outcome]:
        """What each document says by itself; and a vote over samples of one reading of all, where it is asked for."""
        votes = self._votes(pages, stage) if stage.samples else [({}, 0.0, 0)] * len(pages)
        found: list[Outcome] = []
        for page, (heard, tokens), (voted, taken, drawn) in zip(
            pages, self._heard(pages), votes, strict=True
        ):
            values, sure = _by_document(page, heard)
            value = {
                "values": values,
                "sure": sure,
                **voted,
                **self._told(page),
                **_cost(page, taken, tokens + drawn),
            }
            found.append(drafted(min(math.prod(one.probability for one in heard), 1.0), value))
        return found

    def _heard(self, pages: Sequence[Page]) -> list[tuple[list[Heard], int]]:
        """What the documents of each page say, and the tokens that took, 0 where they were heard before."""
        found = [self._known.get(page.key) for page in pages]
        missing = [place for place, one in enumerate(found) if one is None]
        tokens = dict.fromkeys(missing, 0)
        for start in range(0, len(missing), self._batch):
            places = missing[start : start + self._batch]
            own = [pages[place] for place in places]
            said = self._listener.hear(
                [page.prompt for page in own],
                [page.question for page in own],
                [self._texts(page) for page in own],
            )
            for place, page, heard in zip(places, own, said, strict=True):
                found[place] = heard
                tokens[place] = sum(one.tokens for one in heard)
                self._known.put(page.key, heard)
        return [(heard or [], tokens.get(place, 0)) for place, heard in enumerate(found)]

    def _texts(self, page: Page) -> tuple[str, ...]:
        """Of its documents, as they are read one by one: whole by the judge, by the reader as it was given them."""
        return page.texts if self._listener.judge is None else page.whole

    def _told(self, page: Page) -> dict[str, Any]:
        return page.told(whole=self._listener.judge is not None)

    def _votes(self, pages: Sequence[Page], stage: Stage) -> list[tuple[dict[str, Any], float, int]]:
        """A vote for each page, and the passes and tokens it took."""
        found: dict[int, tuple[dict[str, Any], float, int]] = {}
        for part in self._parts(pages):
            ready, taken = self._ready(part, [pages[place] for place in part.places])
            for row, place in enumerate(part.places):
                voted, drawn = self._drawn(ready.taken(_only(ready, row)), stage)
                found[place] = {"vote": voted}, taken, drawn
        return [found[place] for place in range(len(pages))]

    def _drawn(self, ready: Ready, stage: Stage) -> tuple[dict[str, Any], int]:
        """The winner of several samples of one row, and the tokens they took; the row alone decides its draws."""
        sampling = Sampling(stage.temperature, stage.seed)
        [samples] = self.reader.samples(ready, stage.samples, sampling)
        won = vote([one.text for one in samples], [sum(one.log_probabilities) for one in samples])
        told = {"text": won.answer, "share": won.share, "counts": [list(one) for one in won.counts]}
        return told, sum(len(one.ids) for one in samples)


def _by_document(page: Page, heard: Sequence[Heard]) -> tuple[dict[str, str | None], dict[str, float]]:
    """What each document says, and how sure the reader is of it; one document takes one side."""
    values = [None if one.value == DISPUTED else one.value for one in heard]
    sure = [one.probability for one in heard]
    return dict(zip(page.ids, values, strict=True)), dict(zip(page.ids, sure, strict=True))


def _only(ready: Ready, row: int) -> Any:
    return ready.lengths.new_tensor([row])


def _draft(page: Page, written: Written, passes: float, tokens: int, **more: Any) -> Outcome:
    text = "" if written.text == NOTHING else written.text
    value = {"text": text, "ended": written.ended, **page.told(), **_cost(page, passes, tokens), **more}
    return drafted(min(written.probability, 1.0) if text else 0.0, value)


def _cost(page: Page, passes: float, tokens: int = 0) -> dict[str, Any]:
    """Args: passes: of the prompt alone; tokens: of cues and answers."""
    read = len(page.prompt.ids)
    return {"passes": passes + tokens / read, "tokens": round(passes * read) + tokens}
