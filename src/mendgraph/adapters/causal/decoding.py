"""The loop: token by token over a batch, in chunks that any process can go on from."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from math import exp
from threading import Lock
from typing import NamedTuple

import torch

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.reading import Reading
from mendgraph.adapters.causal.row_writer import RowWriter
from mendgraph.adapters.causal.sampling import draw, uniform
from mendgraph.adapters.causal.state import Options, Row, State
from mendgraph.adapters.causal.step import Said, Step
from mendgraph.adapters.causal.trace import TracedToken
from mendgraph.core.values import Failure
from mendgraph.errors import ConfigError, InputError, TierDown
from mendgraph.modules.expert_heads import ExpertHeads

__all__ = ["Decoder", "Event"]

_KEPT = 4  # readings of unfinished texts, so that their next chunk needs no prefill
_AHEAD = 256  # tokens that room is made for at first; more than that doubles


class Event(NamedTuple):
    """One token of one row, as it comes.

    Attributes:
        row: number of the row in the state.
        token: who wrote it, and how sure everybody was.
        piece: the text that became certain with it, "" while a character or a stop may be under way; the pieces of a
            finished row make up its text.
    """

    row: int
    token: TracedToken
    piece: str


class Decoder:
    """Writes with an ensemble.  Safe for several threads at once; each call works on a batch of its own.

    Attributes:
        down: names of experts that are switched off, for every text and from the next token on; change it at will.

    Args:
        heads: for the ensemble's experts, in their order; None allows ``forced`` mode only.
    """

    def __init__(self, ensemble: Ensemble, heads: ExpertHeads | None = None) -> None:
        if heads is not None:
            if heads.experts != ensemble.names or heads.hidden_size != ensemble.hidden_size:
                raise ConfigError(
                    f"heads are for {heads.experts} of width {heads.hidden_size}, the experts are "
                    f"{ensemble.names} of width {ensemble.hidden_size}",
                    hint="load the heads with load_heads(path, ensemble.names, ensemble.hidden_size)",
                )
            heads = heads.to(ensemble.device).eval()
        self.ensemble, self.heads = ensemble, heads
        self.down: set[str] = set()
        self._kept: list[Reading] = []
        self._lock = Lock()

    def begin(self, prompts: Sequence[str | Sequence[int]], options: Options) -> State:
        """A state with nothing written yet.

        Args:
            prompts: texts, or token ids.

        Raises:
            InputError: a prompt leaves no room for an answer, or holds ids that are no tokens.
            ConfigError, UnknownNameError: see `check`.
        """
        self.check(options)
        return State(tuple(Row(self._ids(number, prompt)) for number, prompt in enumerate(prompts)), options)

    def decode(self, state: State, new: int | None = None) -> State:
        """`state` with up to `new` more tokens in each unfinished row; None goes on until all are finished."""
        running = self.run(state, new)
        while True:
            try:
                next(running)
            except StopIteration as end:
                after: State = end.value
                return after

    def run(self, state: State, new: int | None = None) -> Generator[Event, None, State]:
        """`decode`, token by token; the generator returns the new state."""
        self.check(state.options)
        open_rows = [number for number, row in enumerate(state.rows) if not row.finish]
        if not open_rows or (new is not None and new < 1):
            return state
        most = state.options.max_new_tokens if new is None else new
        work = [RowWriter.of(number, state, self.ensemble) for number in open_rows]
        reading = self._reading(work, most)
        begun = work
        for _ in range(most):
            with torch.inference_mode():  # thread-local, and not to be held while the caller has its turn
                said = self._next(reading, work, state.options)
                tokens, chances = self._drawn(said, work, state.options)
                speakers = said.speakers(tokens)
            reading.append(tokens)
            for place, one in enumerate(work):
                if one.finish:
                    continue
                if speakers[place] < 0:
                    one.finish = "failed"
                    continue
                traced = self._traced(tokens[place], speakers[place], said, place, chances[place])
                yield Event(one.number, traced, one.add(traced, speakers[place]))
            left = [place for place, one in enumerate(work) if not one.finish]
            if not left:
                break
            if 2 * len(left) <= len(work):  # so that copying what was read costs a constant per token
                reading.keep(left)
                work = [work[place] for place in left]
        rows = list(state.rows)
        for one in begun:
            rows[one.number] = one.row()
        after = State(tuple(rows), state.options)
        if not after.done:
            with self._lock:
                self._kept = [*self._kept, reading][-_KEPT:]
        return after

    def _next(self, reading: Reading, work: Sequence[RowWriter], options: Options) -> Said:
        for name in tuple(self.down):
            for one in work:
                if name in self.ensemble.names and self.ensemble.index(name) in one.alive:
                    one.lose(self.ensemble.index(name), Failure.of(TierDown("switched off")))
        step = Step(self.ensemble, self.heads, reading, [one.alive for one in work])
        said = step.say(options.mode, [one.active for one in work], options.doubt)
        for (place, expert), failure in step.failures.items():
            work[place].lose(expert, failure)
        return said

    def _drawn(
        self, said: Said, work: Sequence[RowWriter], options: Options
    ) -> tuple[list[int], list[float]]:
        """A token for each row, and its probability."""
        greedy = options.sampling.temperature == 0
        numbers = [] if greedy else [uniform(options.seed + one.number, len(one.ids)) for one in work]
        drawn = draw(said.logits, options.sampling, numbers)
        logs: list[float] = said.logs.gather(1, drawn[:, None])[:, 0].tolist()
        return drawn.tolist(), [exp(log) for log in logs]

    def _traced(self, token: int, expert: int, said: Said, place: int, chance: float) -> TracedToken:
        names = self.ensemble.names
        confidences = {names[number]: value for number, value in said.confidences[place].items()}
        return TracedToken(token, self.ensemble.vocabulary.token(token), names[expert], confidences, chance)

    def _reading(self, work: Sequence[RowWriter], new: int) -> Reading:
        """One that is kept and has read the same beginning, or a new one."""
        rows, texts = [one.number for one in work], [[*one.prompt, *one.ids] for one in work]
        with self._lock:
            best = max(self._kept, key=lambda reading: reading.common(rows, texts), default=None)
            # most of it must be of use, or else another text loses what it has read
            if best is not None and 2 * best.common(rows, texts) > best.width:
                self._kept.remove(best)
            else:
                best = None
        if best is None:
            return Reading(self.ensemble, rows, texts, max(map(len, texts)) + min(new, _AHEAD))
        best.follow(rows, texts)
        return best

    def check(self, options: Options) -> None:
        """
        Raises:
            ConfigError: the options ask for heads that are not there.
            UnknownNameError: they name an expert that is none.
        """
        if options.expert is not None:
            self.ensemble.index(options.expert)
        if options.mode != "forced" and self.heads is None:
            raise ConfigError(
                f"mode {options.mode!r} needs heads, and none are loaded",
                hint="train them with mend train token_routing, or force one expert",
            )
        if options.mode == "fusion" and self.heads is not None and not self.heads.fusion_rank:
            raise ConfigError(
                "mode 'fusion' needs heads with complementary logits, these have none",
                hint="train them with --mode fusion, or use soft, hard or lazy",
            )

    def _ids(self, number: int, prompt: str | Sequence[int]) -> tuple[int, ...]:
        if not isinstance(prompt, Sequence):
            raise InputError(
                f"prompt {number} is a {type(prompt).__name__}", hint="give a text, or a list of token ids"
            )
        ids = self.ensemble.vocabulary.encode(prompt) if isinstance(prompt, str) else [*prompt]
        size = self.ensemble.vocab_size
        if not ids or any(not isinstance(token, int) or not 0 <= token < size for token in ids):
            raise InputError(
                f"prompt {number} holds ids outside 0..{size - 1}, or none",
                hint="encode it with the experts' own tokenizer",
            )
        if len(ids) >= self.ensemble.positions:
            raise InputError(
                f"prompt {number} has {len(ids)} tokens; the experts read {self.ensemble.positions}",
                hint="shorten it, or use experts with a longer context",
            )
        return tuple(ids)
