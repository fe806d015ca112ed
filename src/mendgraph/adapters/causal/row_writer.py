"""One text of a batch while it grows: its tokens, its text, its experts, and where it ends."""

from __future__ import annotations

from dataclasses import dataclass

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.state import Finish, Options, Row, State
from mendgraph.adapters.causal.step import NOBODY
from mendgraph.adapters.causal.text_stream import TextStream, cut_at_stop, settled_length
from mendgraph.adapters.causal.trace import Loss, TracedToken
from mendgraph.core.values import Failure

__all__ = ["RowWriter"]


@dataclass(slots=True)
class RowWriter:
    """A row while it is written: takes a token at a time, and knows when the text is at its end.

    Attributes:
        number: of the row in the state.
        alive: experts that take part in its next token; none once it has ended.
        active: the expert that is forced, or that wrote the last token; -1 for none.
        ends: tokens that end the text.
        given: characters of `text` that were given out.
    """

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
    given: int
    tokens: list[TracedToken]
    losses: list[Loss]
    finish: Finish = ""

    @classmethod
    def of(cls, number: int, state: State, ensemble: Ensemble) -> RowWriter:
        row, options = state.rows[number], state.options
        gone = {loss.expert for loss in row.losses}
        starter = options.expert if options.mode == "forced" else row.active or options.expert
        active = ensemble.names.index(starter) if starter in ensemble.names else NOBODY
        who = [active] if options.mode == "forced" else range(len(ensemble.names))
        return cls(
            number=number,
            before=row,
            options=options,
            ensemble=ensemble,
            prompt=row.prompt,
            ids=list(row.ids),
            alive={expert for expert, name in enumerate(ensemble.names) if name not in gone},
            active=active,
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
