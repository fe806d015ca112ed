"""The loop: token by token over a batch, in chunks that any process can go on from."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

import torch

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.reading import Reading
from mendgraph.adapters.causal.sampling import draw, uniform
from mendgraph.adapters.causal.state import Finish, Options, Row, State
from mendgraph.adapters.causal.step import Said, Step
from mendgraph.adapters.causal.text_stream import TextStream, cut_at_stop, settled_length
from mendgraph.adapters.causal.trace import Loss, TracedToken
from mendgraph.core.values import Failure
from mendgraph.errors import ConfigError, InputError, TierDown
from mendgraph.modules.expert_heads import ExpertHeads

__all__ = ["Decoder", "Event"]

_KEPT = 4  # readings of unfinished texts, so that their next chunk needs no prefill


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
        work = [_Work.of(number, state, self.ensemble) for number in open_rows]
        reading = self._reading(work, most)
        for _ in range(most):
            with torch.inference_mode():  # thread-local, and not to be held while the caller has its turn
                said, drawn = self._next(reading, work, state.options)
                tokens, chances = self._drawn(said, drawn)
            speakers = said.speakers(drawn)
            reading.append(tokens)
            for place, one in enumerate(work):
                if one.finish:
                    continue
                if speakers[place] < 0:
                    one.finish = "failed"
                    continue
                traced = self._traced(tokens[place], speakers[place], said, place, chances[place])
                yield Event(one.number, traced, one.add(traced, speakers[place]))
            if all(one.finish for one in work):
                break
        rows = list(state.rows)
        for one in work:
            rows[one.number] = one.row()
        after = State(tuple(rows), state.options)
        if not after.done:
            with self._lock:
                self._kept = [*self._kept, reading][-_KEPT:]
        return after

    def _next(self, reading: Reading, work: Sequence[_Work], options: Options) -> tuple[Said, torch.Tensor]:
        for one in work:
            for name in self.down & {self.ensemble.names[expert] for expert in one.alive}:
                one.lose(self.ensemble.index(name), Failure.of(TierDown("switched off")))
        step = Step(self.ensemble, self.heads, reading, [one.alive for one in work])
        said = step.say(options.mode, [one.active for one in work], options.doubt)
        for (place, expert), failure in step.failures.items():
            work[place].lose(expert, failure)
        numbers = [uniform(options.seed + one.number, len(one.ids)) for one in work]
        return said, draw(said.logits, options.sampling, numbers)

    def _drawn(self, said: Said, drawn: torch.Tensor) -> tuple[list[int], list[float]]:
        chances = said.logs.gather(1, drawn[:, None])[:, 0].exp()
        return drawn.tolist(), chances.tolist()

    def _traced(self, token: int, expert: int, said: Said, place: int, chance: float) -> TracedToken:
        names = self.ensemble.names
        confidences = {names[number]: value for number, value in said.confidences[place].items()}
        return TracedToken(token, self.ensemble.vocabulary.token(token), names[expert], confidences, chance)

    def _reading(self, work: Sequence[_Work], new: int) -> Reading:
        """One that is kept and has read the same beginning, or a new one."""
        rows, texts = [one.number for one in work], [[*one.prompt, *one.ids] for one in work]
        with self._lock:
            kept, self._kept = self._kept, []
        for number, reading in enumerate(reversed(kept)):
            if reading.follow(rows, texts):
                del kept[len(kept) - 1 - number]
                break
        else:
            reading = Reading(self.ensemble, rows, texts, max(map(len, texts)) + new)
        with self._lock:
            self._kept = [*kept, *self._kept][-_KEPT:]
        return reading

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
        ids = self.ensemble.vocabulary.encode(prompt) if isinstance(prompt, str) else [*prompt]
        if not ids or any(not 0 <= token < self.ensemble.vocab_size for token in ids):
            raise InputError(
                f"prompt {number} holds ids outside 0..{self.ensemble.vocab_size - 1}, or none",
                hint="encode it with the experts' own tokenizer",
            )
        if len(ids) >= self.ensemble.positions:
            raise InputError(
                f"prompt {number} has {len(ids)} tokens; the experts read {self.ensemble.positions}",
                hint="shorten it, or use experts with a longer context",
            )
        return tuple(ids)


@dataclass(slots=True)
class _Work:
    """A row while it is written."""

    number: int
    before: Row
    options: Options
    ensemble: Ensemble
    prompt: tuple[int, ...]
    ids: list[int]
    alive: set[int]
    active: int
    ends: frozenset[int]
    stream: TextStream
    text: str
    given: int  # characters of `text` that were given out
    tokens: list[TracedToken]
    losses: list[Loss]
    finish: Finish = ""

    @classmethod
    def of(cls, number: int, state: State, ensemble: Ensemble) -> _Work:
        row, options = state.rows[number], state.options
        gone = {loss.expert for loss in row.losses}
        starter = options.expert if options.mode == "forced" else row.active or options.expert
        forced = options.mode == "forced" and starter is not None
        who = [ensemble.names.index(starter)] if forced and starter else range(len(ensemble.names))
        return cls(
            number=number,
            before=row,
            options=options,
            ensemble=ensemble,
            prompt=row.prompt,
            ids=list(row.ids),
            alive={expert for expert, name in enumerate(ensemble.names) if name not in gone},
            active=-1 if starter is None else ensemble.names.index(starter),
            ends=ensemble.end_ids(who),
            stream=TextStream(ensemble.vocabulary, *row.window),
            text=row.text,
            given=settled_length(row.text, options.stop),
            tokens=list(row.tokens),
            losses=list(row.losses),
        )

    def lose(self, expert: int, failure: Failure) -> None:
        self.alive.discard(expert)
        if not self.finish:
            self.losses.append(
                Loss(self.ensemble.names[expert], len(self.ids), failure.kind, failure.message)
            )

    def add(self, token: TracedToken, expert: int) -> str:
        """Take a token; the text that is certain now and was not before."""
        self.ids.append(token.id)
        self.tokens.append(token)
        if self.options.mode != "forced":
            self.active = expert
        finish: Finish = ""
        if token.id in self.ends:
            finish = "end"
        elif len(self.ids) >= self.options.max_new_tokens:
            finish = "length"
        elif len(self.prompt) + len(self.ids) >= self.ensemble.positions:
            finish = "context"
        since = len(self.text)
        self.text += self.stream.next(self.ids, last=bool(finish))
        cut = cut_at_stop(self.text, self.options.stop, since)
        if cut is not None:
            self.text, finish = self.text[:cut], "stop"
        self.finish = finish
        if finish:
            self.alive.clear()  # nobody needs to run for it any more
        until = len(self.text) if finish else settled_length(self.text, self.options.stop)
        piece = self.text[self.given : until]
        self.given = until
        return piece

    def row(self) -> Row:
        return Row(
            prompt=self.prompt,
            ids=tuple(self.ids),
            text=self.text,
            active=self.tokens[-1].expert if self.tokens else self.before.active,
            finish=self.finish,
            tokens=tuple(self.tokens),
            losses=tuple(self.losses),
            window=(self.stream.start, self.stream.shown),
        )
