"""The tokenizer that all experts of an ensemble share: without switches, so that threads cannot disturb each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from mendgraph.errors import ArtifactError, ShapeMismatch

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Vocabulary"]

_CUT_THE_SAME = ("normalizer", "pre_tokenizer", "model")
"""Parts of tokenizer.json that decide which tokens a text becomes."""


class Vocabulary:
    """Texts to token ids and back.

    Attributes:
        size: number of tokens, special ones included.
        pad_id: what rows of a batch are filled up with; never read by a model.
        end_ids: what the tokenizer itself calls the end of a text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, where: str) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if not isinstance(backend, Tokenizer):
            raise ArtifactError(
                f"{where} has no fast tokenizer, got {type(tokenizer).__name__}",
                hint="save it with a tokenizer.json",
            )
        self.where = where
        self.size = len(tokenizer)
        self._rust = Tokenizer.from_str(backend.to_str())
        self._rust.no_padding()
        self._rust.no_truncation()
        ends = tokenizer.eos_token_id
        self.end_ids = frozenset() if ends is None else frozenset([int(ends)])
        pad, start = tokenizer.pad_token_id, tokenizer.bos_token_id
        self.pad_id = int(pad if pad is not None else min(self.end_ids, default=0))
        self._start = int(start) if start is not None else min(self.end_ids, default=self.pad_id)

    def encode(self, text: str) -> list[int]:
        """Ids with the special tokens that the tokenizer adds; never empty, for a model must read something."""
        clean = text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
        return list(self._rust.encode(clean).ids) or [self._start]

    def decode(self, ids: Sequence[int]) -> str:
        """Text without special tokens."""
        return str(self._rust.decode(list(ids)))

    def token(self, number: int) -> str:
        """One token as a person reads it; special tokens by name."""
        return str(self._rust.decode([number], skip_special_tokens=False))

    def require_same(self, other: Vocabulary) -> None:
        """
        Raises:
            ShapeMismatch: one id means two tokens, or a text becomes other tokens with `other`.
        """
        ours, theirs = self._words(), other._words()
        differ = [number for number in sorted(ours.keys() & theirs.keys()) if ours[number] != theirs[number]]
        if differ:
            shown = ", ".join(f"{n}: {ours[n]!r} and {theirs[n]!r}" for n in islice(differ, 3))
            story = f"{len(differ)} ids mean different tokens ({shown})"
        elif odd := [part for part in _CUT_THE_SAME if self._part(part) != other._part(part)]:
            story = f"they cut texts differently ({', '.join(odd)})"
        else:
            return
        raise ShapeMismatch(
            f"experts must share one tokenizer, but for {self.where} and {other.where} {story}",
            hint="choose experts of one model family",
        )

    def _words(self) -> dict[int, str]:
        return {number: word for word, number in self._rust.get_vocab(with_added_tokens=True).items()}

    def _part(self, name: str) -> Any:
        return json.loads(self._rust.to_str())[name]
