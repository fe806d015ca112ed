"""Reads a question and documents, stops at a layer to be looked at or changed, finishes, and writes an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from mendgraph.adapters.artifacts import resolve
from mendgraph.adapters.causal.host import load_model
from mendgraph.adapters.device import choose_device, choose_dtype
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.adapters.hub import locate, quiet, weights_hash
from mendgraph.adapters.reader.codec import Codec
from mendgraph.adapters.reader.heard import Heard
from mendgraph.adapters.reader.layers import Layers, Seen
from mendgraph.adapters.reader.merging import merge_adapter
from mendgraph.adapters.reader.midway import Midway, Ready, left_padded, own_cache
from mendgraph.adapters.reader.prompt import AGREEMENT, ANSWER, ANSWER_ROOM, NOTHING, Prompt, alone, compose
from mendgraph.adapters.reader.writing import Sampling, Written, chosen
from mendgraph.errors import ConfigError, InputError

__all__ = ["Read", "Reader"]

_AT_ONCE = 32  # rows that are written side by side
_YES, _NO = " yes", " no"


@dataclass(frozen=True, slots=True)
class Read:
    """What reading one question came to.

    Attributes:
        states: (T, H) of the prompt's tokens after layer `border`.
        cut: what did not fit into the model's context, for people.
    """

    answer: Written
    prompt: Prompt
    states: Tensor
    border: int

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        return self.prompt.spans

    @property
    def cut(self) -> tuple[str, ...]:
        return self.prompt.cut


class Reader:
    """A causal language model with a place to stop.

    Attributes:
        border: layer after which it stops, counted from 0; the middle one unless chosen.
        room: tokens that a prompt may have.
        longest: tokens that an answer may have.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        layer: int | None = None,
        longest: int = ANSWER_ROOM,
        fingerprint: str = "",
        where: str = "",
    ) -> None:
        where = where or type(model).__name__
        if longest < 1:
            raise ConfigError(f"reader: an answer of {longest} tokens", hint="give at least 1")
        self.layers = Layers(model, where)
        self.codec = Codec(tokenizer, where, self.layers.end_ids)
        self.border = (self.layers.count - 1) // 2 if layer is None else layer
        self.layers.require(self.border)
        self.longest = longest
        self.room = self.layers.context - max(longest, ANSWER_ROOM)
        self.fingerprint = fingerprint

    @classmethod
    def open(
        cls,
        path: str,
        *,
        adapter: str | None = None,
        layer: int | None = None,
        longest: int = ANSWER_ROOM,
        device: str = "auto",
        precision: str = "fp32",
    ) -> Reader:
        """
        Args:
            path: ``embedded:conflict/reader``, a folder, or a hub name.
            adapter: a PEFT folder to merge into it.

        Raises:
            ArtifactError, HubUnavailable: the model cannot be had, or cannot be cut into layers.
            ConfigError: no such device, precision or layer.
        """
        place = choose_device(device)
        folder = _folder(path)
        model = load_model(folder, place, choose_dtype(precision, place))
        hashes = [weights_hash(folder)]
        if adapter is not None:
            over = _folder(adapter)
            merge_adapter(model, over)
            hashes.append(weights_hash(over))
        with renamed(f"load the tokenizer in {str(folder)!r}", loading=True), quiet():
            tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        mark = sha256_of_json({"weights": hashes})[:16]
        return cls(model, tokenizer, layer=layer, longest=longest, fingerprint=mark, where=path)

    @property
    def hidden_size(self) -> int:
        return self.layers.hidden_size

    def prompt(self, question: str, documents: Sequence[str]) -> Prompt:
        """
        Raises:
            InputError: no question, or no documents with text.
        """
        if not question.strip():
            raise InputError("no question", hint="ask one")
        if not any(text.strip() for text in documents):
            raise InputError("no documents to read", hint="give at least one that is not empty")
        return compose(self.codec, question, documents, self.room, cue=ANSWER)

    def begin(self, prompts: Sequence[Prompt], *, border: int | None = None) -> Midway:
        """Reads up to layer `border`, the reader's own unless given."""
        chosen = self.border if border is None else border
        rows = tuple(prompts)
        seen = left_padded(rows, self.codec.pad_id, self.layers.device)
        with torch.inference_mode():
            below = self.layers.new_cache()
            states = self.layers.lower(seen, chosen, cache=below)
        return Midway(rows, seen, chosen, states, below)

    def finish(self, midway: Midway, states: Tensor | None = None) -> Ready:
        """Reads to the end, from `states` (B, T, H) in place of those found, where given."""
        with torch.inference_mode():
            above = self.layers.new_cache()
            found = self.layers.upper(
                midway.states if states is None else states, midway.seen, midway.border, cache=above
            )
            cache = self.layers.join(midway.below, above, midway.border)
        return Ready(found[:, -1], midway.seen.mask, midway.seen.mask.sum(1), cache)

    def write(self, ready: Ready, sampling: Sampling | None = None) -> list[Written]:
        """What each row goes on with, up to the end of the line; the most probable tokens unless sampled."""
        with torch.inference_mode():
            return self._written(ready, sampling)

    def samples(self, ready: Ready, count: int, sampling: Sampling) -> list[list[Written]]:
        """`count` answers for each row, from one reading of it."""
        rows = torch.arange(len(ready.lengths)).repeat_interleave(count).to(ready.mask.device)
        with torch.inference_mode():
            written = self._written(ready.taken(rows), sampling)
        return [written[start : start + count] for start in range(0, len(written), count)]

    def values(self, prompts: Sequence[Prompt]) -> list[list[str | None]]:
        """What each document of each row says to the question, in the reader's words; None where nothing."""
        return [[one.value for one in row] for row in self.heard(prompts)]

    def heard(self, prompts: Sequence[Prompt]) -> list[list[Heard]]:
        """As `values`, with how sure the reader is of each.

        Every document is read by itself, so that no other can sway what it is heard to say.
        """
        asked = [
            (row, number, alone(self.codec, prompt, number))
            for row, prompt in enumerate(prompts)
            for number, (first, last) in enumerate(prompt.spans)
            if first < last
        ]
        asked.sort(key=lambda one: len(one[2].ids))
        found = [[Heard(None, 1.0)] * len(prompt.spans) for prompt in prompts]
        for start in range(0, len(asked), _AT_ONCE):
            part = asked[start : start + _AT_ONCE]
            ready = self.finish(self.begin([prompt for _, _, prompt in part]))
            for (row, number, prompt), written in zip(part, self.write(ready), strict=True):
                value = None if written.text in ("", NOTHING) else written.text
                tokens = len(prompt.ids) + len(written.ids) - 1
                found[row][number] = Heard(value, written.probability, tokens)
        return found

    def disagreement(self, ready: Ready, prompts: Sequence[Prompt]) -> list[float]:
        """Probability that the model, asked whether the documents agree, says no rather than yes; in [0, 1]."""
        cue = self.codec.pieces(AGREEMENT)
        yes, no = (self.codec.pieces(word)[0] for word in (_YES, _NO))
        with torch.inference_mode():
            told = self._told(ready.without(prompts[0].cue), [cue] * len(prompts))
            pair = self.layers.logits(told.states)[:, [yes, no]].float().softmax(-1)
        return [float(value) for value in pair[:, 1]]

    def read(self, question: str, documents: Sequence[str]) -> Read:
        """One question, the plain way."""
        midway = self.begin([self.prompt(question, documents)])
        written = self.write(self.finish(midway))[0]
        return Read(written, midway.prompts[0], midway.own(0), midway.border)

    def answer_from(self, midway: Midway, states: Tensor) -> list[Written]:
        """Answers with `states` (B, T, H) in place of those at the border."""
        return self.write(self.finish(midway, states))

    def _told(self, ready: Ready, cues: Sequence[Sequence[int]]) -> Ready:
        """After a cue of the same length for each row."""
        ids = torch.tensor([list(cue) for cue in cues], device=ready.mask.device)
        return self._appended(ready, ids)

    def _appended(self, ready: Ready, ids: Tensor) -> Ready:
        """After (B, n) more tokens."""
        new = ids.shape[1]
        mask = torch.cat([ready.mask, torch.ones_like(ids)], 1)
        places = ready.lengths[:, None] + torch.arange(new, device=ids.device)[None]
        cache = own_cache(ready.cache)
        states = self.layers.whole(Seen(ids, mask, places), cache=cache)
        return Ready(states[:, -1], mask, ready.lengths + new, cache)

    def _written(self, ready: Ready, sampling: Sampling | None) -> list[Written]:
        rows = len(ready.lengths)
        noise = None if sampling is None else torch.Generator().manual_seed(sampling.seed)
        ids: list[list[int]] = [[] for _ in range(rows)]
        logs: list[list[float]] = [[] for _ in range(rows)]
        open_rows = set(range(rows))
        for step in range(self.longest):
            logits = self.layers.logits(ready.states).float().cpu()
            tokens, log_probabilities = chosen(logits, sampling, noise)
            for row in sorted(open_rows):
                ids[row].append(int(tokens[row]))
                logs[row].append(float(log_probabilities[row]))
            open_rows -= {row for row in open_rows if ids[row][-1] in self.codec.end_ids}
            if not open_rows or step == self.longest - 1:
                break
            ready = self._appended(ready, tokens[:, None].to(ready.mask.device))
        return [self._as_written(*pair) for pair in zip(ids, logs, strict=True)]

    def _as_written(self, ids: list[int], log_probabilities: list[float]) -> Written:
        ended = ids[-1] in self.codec.end_ids
        text = self.codec.decode(ids[:-1] if ended else ids)
        return Written(" ".join(text.split()), tuple(ids), tuple(log_probabilities), ended)


def _folder(path: str) -> Path:
    return resolve(path) if path.startswith("embedded:") else locate(path)
