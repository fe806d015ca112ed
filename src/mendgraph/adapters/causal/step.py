"""One token for every row: whom to ask, what they say together, and what to do when one of them cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import torch
from torch import Tensor

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.failover import Passed, attempt, not_finite
from mendgraph.adapters.causal.reading import Reading
from mendgraph.adapters.causal.state import Mode
from mendgraph.core.values import Failure
from mendgraph.modules.expert_heads import ExpertHeads

__all__ = ["NOBODY", "Said", "Step"]

NOBODY = -1
Confidences = dict[int, float]


@dataclass(frozen=True, slots=True)
class Said:
    """What the next token is drawn from.

    Attributes:
        logits: (B, V) float32; all zero for rows that nobody can answer.
        logs: (B, V) the same, normalised to log probabilities.
        experts: who speaks in each row, -1 for nobody; in a mixture `parts` says it once the token is known.
        confidences: expert -> confidence for each row.
        parts: (K, B, V) weight times probability of each expert in a mixture; else None.
        mixed: the K experts.
    """

    logits: Tensor
    logs: Tensor
    experts: Sequence[int]
    confidences: Sequence[Mapping[int, float]]
    parts: Tensor | None = None
    mixed: Sequence[int] = ()

    def speakers(self, tokens: list[int]) -> Sequence[int]:
        """Who wrote each row's token."""
        if self.parts is None:
            return self.experts
        shares = self.parts[:, list(range(len(tokens))), tokens]
        return [
            expert if expert == NOBODY else self.mixed[best]
            for expert, best in zip(self.experts, shares.argmax(0).tolist(), strict=True)
        ]


@dataclass(slots=True)
class Step:
    """The experts at one column of a batch.

    Attributes:
        alive: for each row the experts that take part; those that fail are taken out here.
        failures: (row, expert) -> why it was taken out in this step.
    """

    ensemble: Ensemble
    heads: ExpertHeads | None
    reading: Reading
    alive: Sequence[set[int]]
    failures: dict[tuple[int, int], Failure] = field(default_factory=dict)

    def say(self, mode: Mode, active: Sequence[int], doubt: float) -> Said:
        """
        Args:
            active: in ``forced`` and ``lazy`` mode the expert of each row; -1 for none yet.
        """
        while True:
            before = len(self.failures)
            if mode == "soft":
                said = self._mixture()
            else:
                experts, confidences = self._chosen(mode, active, doubt)
                said = self._one_each(experts, confidences, complement=mode == "fusion")
            if len(self.failures) == before:
                return said

    def _chosen(self, mode: Mode, active: Sequence[int], doubt: float) -> tuple[list[int], list[Confidences]]:
        if mode == "forced":
            return self._forced(active)
        if mode == "lazy":
            return self._lazy(active, doubt)
        weights = self._weights()[0]
        return [_best(row) for row in weights], weights

    def _forced(self, active: Sequence[int]) -> tuple[list[int], list[Confidences]]:
        """The forced expert; where it has failed the best of the others, or without heads the first."""
        chosen = [
            expert if expert in alive else NOBODY for expert, alive in zip(active, self.alive, strict=True)
        ]
        confidences: list[Confidences] = [{} for _ in chosen]
        left = [row for row, expert in enumerate(chosen) if expert == NOBODY and self.alive[row]]
        if left and self.heads is not None:
            weights = self._weights()[0]
            for row in left:
                chosen[row], confidences[row] = _best(weights[row]), weights[row]
        elif left:
            for row in left:
                chosen[row] = min(self.alive[row])
        return chosen, confidences

    def _lazy(self, active: Sequence[int], doubt: float) -> tuple[list[int], list[Confidences]]:
        """The active expert while it trusts itself; all the others are asked where it does not."""
        current = [
            expert if expert in alive else NOBODY for expert, alive in zip(active, self.alive, strict=True)
        ]
        own = self._trust(sorted({expert for expert in current if expert != NOBODY}))
        confidences: list[Confidences] = [
            {expert: own[expert][row]} if expert in own else {} for row, expert in enumerate(current)
        ]
        doubting = [
            row
            for row, expert in enumerate(current)
            if self.alive[row]
            and not (expert in self.alive[row] and confidences[row].get(expert, -1.0) >= doubt)
        ]
        if doubting:
            asked = self._trust(sorted(set().union(*(self.alive[row] for row in doubting))))
            for row in doubting:
                confidences[row] = {e: asked[e][row] for e in sorted(self.alive[row]) if e in asked}
                current[row] = _best(confidences[row])
        return current, confidences

    def _trust(self, experts: Sequence[int]) -> dict[int, list[float]]:
        """Expert -> its confidence in itself for each row."""
        found, scores = self._scores(experts)
        if not found or self.heads is None:
            return {}
        return dict(zip(found, self.heads.trust(scores, found).tolist(), strict=True))

    def _weights(self) -> tuple[list[Confidences], list[int], Tensor]:
        """Each row's expert -> weight; the K experts that answered, and their weights as (K, B), 0 where one is out."""
        assert self.heads is not None
        found, scores = self._scores(self._everybody())
        if not found:
            return [{} for _ in self.alive], found, scores
        out = [
            (k, row) for row, alive in enumerate(self.alive) for k, e in enumerate(found) if e not in alive
        ]
        if out:
            scores[tuple(zip(*out, strict=True))] = -torch.inf
        weights = self.heads.mixture(scores)
        if not all(self.alive):
            weights = weights.nan_to_num(0.0)  # where nobody is left
        listed = weights.T.tolist()
        named = [
            {expert: weight for expert, weight in zip(found, row, strict=True) if expert in alive}
            for row, alive in zip(listed, self.alive, strict=True)
        ]
        return named, found, weights

    def _mixture(self) -> Said:
        """sum_m w_m p_m."""
        confidences, found, weights = self._weights()
        speaking = [min(alive, default=NOBODY) for alive in self.alive]
        states = self._states(found)

        def probabilities(experts: tuple[int, ...]) -> Tensor:
            logits = self.ensemble.logits(torch.stack([states[expert] for expert in experts]), experts)
            return torch.softmax(logits.float(), -1)

        said = self._passed(probabilities, found)
        if not found or len(said) < len(found):
            silence = torch.zeros(len(self.alive), self.ensemble.vocab_size, device=self.ensemble.device)
            return Said(silence, silence, speaking, confidences)
        for expert, part in said.items():
            self._refuse(expert, part[:, 0], "logits")  # one that is not finite spoils them all
        parts = torch.stack([*said.values()]) * weights[:, :, None]
        if any(not alive.issuperset(found) for alive in self.alive):
            parts = parts.masked_fill(weights[:, :, None] == 0, 0.0)  # also what is not finite
        mixed = _silenced(parts.sum(0).log(), speaking)
        return Said(mixed, mixed, speaking, confidences, parts, found)

    def _one_each(
        self, experts: Sequence[int], confidences: Sequence[Confidences], *, complement: bool
    ) -> Said:
        """Logits of one expert per row."""
        by_expert: dict[int, list[int]] = {}
        for row, expert in enumerate(experts):
            by_expert.setdefault(expert, []).append(row)
        by_expert.pop(NOBODY, None)
        states = self._states([*by_expert])
        added = self._complement(experts) if complement and by_expert else None
        alone = len(by_expert) == 1  # all rows at once, as the model alone would
        logits: Tensor | None = None
        for expert, state in states.items():
            wanted = state if added is None else state + added
            own = self._logits(expert, wanted if alone else wanted[by_expert[expert]])
            if own is not None and alone:
                logits = _silenced(own, experts)
            elif own is not None:
                logits = own.new_zeros(len(experts), own.shape[-1]) if logits is None else logits
                logits[by_expert[expert]] = own
        if logits is None:
            logits = torch.zeros(len(experts), self.ensemble.vocab_size, device=self.ensemble.device)
        logs = torch.log_softmax(logits, -1)
        for expert, rows in by_expert.items():
            self._refuse(expert, logs[:, 0], "logits", rows)
        return Said(logits, logs, experts, confidences)

    def _logits(self, expert: int, states: Tensor) -> Tensor | None:
        """(B, H) of one expert -> (B, V) float32; None where it breaks."""
        found = self._passed(lambda _: self.ensemble.project(expert, states).float()[None], [expert])
        return found.get(expert)

    def _passed(self, run: Callable[[tuple[int, ...]], Tensor], experts: Sequence[int]) -> dict[int, Tensor]:
        """What `run` gives of each expert; who fails is out for all rows."""
        return self._kept(attempt(run, tuple(experts), self.ensemble.names)) if experts else {}

    def _complement(self, experts: Sequence[int]) -> Tensor:
        """(B, H) to add to the state of each row's expert."""
        assert self.heads is not None
        found = self._states(self._everybody())
        nothing = next(iter(found.values())).new_zeros(len(self.alive), self.ensemble.hidden_size)
        rows = []
        for expert in range(len(self.ensemble.experts)):
            state = found.get(expert, nothing)
            out = [row for row, alive in enumerate(self.alive) if expert not in alive]
            rows.append(
                state if not out else state.index_fill(0, torch.tensor(out, device=state.device), 0.0)
            )
        chosen = torch.tensor([max(expert, 0) for expert in experts], device=nothing.device)
        return self.heads.complement(torch.stack(rows), chosen)

    def _scores(self, experts: Sequence[int]) -> tuple[list[int], Tensor]:
        """Those of `experts` that answered, and their (K, B) scores."""
        assert self.heads is not None
        states = self._states(experts)
        found = list(states)
        if not found:
            return [], torch.empty(0, len(self.alive), device=self.ensemble.device)
        scores = self.heads(torch.stack([*states.values()]), found)
        if not bool(scores.isfinite().all()):
            for expert, row in zip(found, scores, strict=True):
                self._refuse(expert, row, "states")
            scores = scores.nan_to_num(-torch.inf, -torch.inf, -torch.inf)
        return found, scores

    def _states(self, experts: Sequence[int]) -> dict[int, Tensor]:
        """(B, H) of each that answers; who fails is out for all rows."""
        return self._kept(self.reading.states(experts))

    def _kept(self, passed: Passed) -> dict[int, Tensor]:
        for expert, failure in passed.failures.items():
            for row in range(len(self.alive)):
                self._drop(row, expert, failure)
        return dict(passed.states)

    def _everybody(self) -> list[int]:
        return sorted(set().union(*self.alive))

    def _refuse(self, expert: int, numbers: Tensor, what: str, rows: Sequence[int] | None = None) -> None:
        """Take the expert out of the rows, of these or of all, where its number is not finite."""
        listed = numbers.tolist()
        for row in range(len(listed)) if rows is None else rows:
            if not isfinite(listed[row]):
                self._drop(row, expert, not_finite(self.ensemble.names[expert], what))

    def _drop(self, row: int, expert: int, failure: Failure) -> None:
        if expert in self.alive[row]:
            self.alive[row].discard(expert)
            self.failures[row, expert] = failure


def _best(confidences: Mapping[int, float]) -> int:
    return max(confidences, key=lambda expert: confidences[expert]) if confidences else NOBODY


def _silenced(logits: Tensor, speaking: Sequence[int]) -> Tensor:
    mute = [row for row, expert in enumerate(speaking) if expert == NOBODY]
    return logits if not mute else logits.index_fill(0, torch.tensor(mute, device=logits.device), 0.0)
