"""Texts to token ids in pieces, so that documents can be cut and their places in the prompt stay known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from mendgraph.errors import ArtifactError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Codec"]


class Codec:
    """A tokenizer without switches, safe in threads.

    Attributes:
        start: special tokens that the tokenizer puts before a text.
        pad_id: what rows of a batch are filled up with; never read by a model.
        line_id: the token that ends an answer.
        end_ids: all tokens that end one: `line_id`, the tokenizer's own end, and those given.

    Raises:
        ArtifactError: not a fast tokenizer, or it cannot write a line break.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, where: str, ends: Iterable[int] = ()) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if not isinstance(backend, Tokenizer):
            raise ArtifactError(
                f"{where} has no fast tokenizer, got {type(tokenizer).__name__}",
                hint="save it with a tokenizer.json",
            )
        self._rust = Tokenizer.from_str(backend.to_str())
        self._rust.no_padding()
        self._rust.no_truncation()
        self.start = tuple(_before(self._rust))
        line = self.pieces("\n")
        if not line:
            raise ArtifactError(
                f"the tokenizer of {where} drops line breaks, which end an answer",
                hint="use a causal language model's tokenizer",
            )
        own = tokenizer.eos_token_id
        self.line_id = line[-1]
        self.end_ids = frozenset({self.line_id, *ends, *([] if own is None else [int(own)])})
        pad = tokenizer.pad_token_id
        self.pad_id = int(pad) if pad is not None else min(self.end_ids)

    def pieces(self, text: str) -> list[int]:
        """Ids without special tokens; lone surrogates become question marks."""
        clean = text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
        return list(self._rust.encode(clean, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Text without special tokens."""
        return str(self._rust.decode(list(ids)))


def _before(rust: Tokenizer) -> list[int]:
    """Special tokens that come before a text, told from those after it by a text between them."""
    whole, bare = list(rust.encode("a").ids), list(rust.encode("a", add_special_tokens=False).ids)
    for place in range(len(whole) - len(bare) + 1):
        if whole[place : place + len(bare)] == bare:
            return whole[:place]
    return []
