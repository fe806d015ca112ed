"""What a reader answers on claim sets by decoding, and how often that is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mendgraph.adapters.reader.reader import Reader
from mendgraph.core.answers import normal_form, same_answer
from mendgraph.core.metrics import auroc
from mendgraph.core.voting import vote
from mendgraph.training.conflict.claims.sets import BOTH, ClaimSet

__all__ = ["Answered", "answer_all", "batches", "figures", "groups_of", "is_right", "majority_of"]

_AT_ONCE = 16

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Answered:
    """
    Attributes:
        probability: that the reader gave the whole answer.
        values: what it says single documents say; None where nothing.
        disagreement: probability in [0, 1] it gives to the documents not agreeing.
    """

    text: str
    probability: float
    values: tuple[str | None, ...]
    disagreement: float


def batches(reader: Reader, sets: Sequence[ClaimSet], rows: int = _AT_ONCE) -> Iterator[list[int]]:
    """Numbers of sets of like length, so that little is padded."""
    lengths = [sum(len(document.text) for document in claims.documents) for claims in sets]
    order = sorted(range(len(sets)), key=lambda number: lengths[number])
    for start in range(0, len(order), rows):
        yield order[start : start + rows]


def answer_all(
    reader: Reader, sets: Sequence[ClaimSet], progress: Progress = lambda done, total: None
) -> list[Answered]:
    """In the order of `sets`."""
    found: dict[int, Answered] = {}
    for numbers in batches(reader, sets):
        prompts = [
            reader.prompt(sets[number].question, [document.text for document in sets[number].documents])
            for number in numbers
        ]
        ready = reader.finish(reader.begin(prompts))
        written = reader.write(ready)
        values = reader.values(prompts)
        doubts = reader.disagreement(ready, prompts)
        for number, answer, said, doubt in zip(numbers, written, values, doubts, strict=True):
            found[number] = Answered(answer.text, answer.probability, tuple(said), doubt)
        progress(len(found), len(sets))
    return [found[number] for number in range(len(sets))]


def is_right(claims: ClaimSet, text: str) -> bool:
    """Whether `text` is the gold answer, by value and not by wording."""
    if claims.gold == BOTH:
        return normal_form(text) == BOTH
    return same_answer(text, claims.gold)


def majority_of(values: Sequence[str | None]) -> str | None:
    """The most frequent value, the first of equals; None where no document says anything."""
    said = [value for value in values if value is not None]
    return vote(said, [0.0] * len(said)).answer if said else None


def groups_of(claims: ClaimSet) -> tuple[str, ...]:
    """Names of the groups of sets that this one is counted in."""
    if not claims.conflict:
        return ("no conflict",)
    return ("conflict", f"level {claims.level}", f"rule {claims.rule}")


def figures(sets: Sequence[ClaimSet], answered: Sequence[Answered]) -> Mapping[str, float]:
    """Shares of right answers, whole and by group; the same for a majority vote over the values read."""
    right = [is_right(claims, answer.text) for claims, answer in zip(sets, answered, strict=True)]
    votes = [
        is_right(claims, majority_of(answer.values) or "")
        for claims, answer in zip(sets, answered, strict=True)
    ]
    values = [
        (truth is None and said is None)
        or (truth is not None and said is not None and same_answer(truth, said))
        for claims, answer in zip(sets, answered, strict=True)
        for truth, said in zip(claims.answers, answer.values, strict=True)
    ]
    named: dict[str, list[int]] = {}
    for number, claims in enumerate(sets):
        for name in groups_of(claims):
            named.setdefault(name, []).append(number)
    found = {"answer": _share(right), "majority of read values": _share(votes), "value": _share(values)}
    for name, numbers in sorted(named.items()):
        found[f"answer, {name}"] = _share([right[number] for number in numbers])
        found[f"majority of read values, {name}"] = _share([votes[number] for number in numbers])
    truth = [claims.conflict for claims in sets]
    if len(set(truth)) == 2:
        found["agreement AUROC"] = round(auroc([answer.disagreement for answer in answered], truth), 4)
    return found


def _share(found: Sequence[bool]) -> float:
    return round(sum(found) / len(found), 4) if found else 0.0
