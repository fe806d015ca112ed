"""Texts to token ids, safe under threads and sparing with huge inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from mendgraph.errors import ArtifactError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Offsets", "TextTokenizer", "Tokens"]

# Characters kept per allowed token.  English needs about 4; only runs of blanks or one endless word need more.
_CHARS_PER_TOKEN = 64


Offsets = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token ids of N rows, and their segment ids where the model wants them.

    Attributes:
        offsets: of each token the characters of its text, (0, 0) for special tokens; None where nobody asked.
    """

    ids: list[list[int]]
    types: list[list[int]] | None = None
    offsets: list[Offsets] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Sequence[int]) -> Tokens:
        return Tokens(
            [self.ids[row] for row in rows],
            self.types and [self.types[row] for row in rows],
            self.offsets and [self.offsets[row] for row in rows],
        )


class TextTokenizer:
    """A Hugging Face fast tokenizer without its shared switches.

    transformers sets truncation and padding on one Rust object at each call, which raises "Already borrowed"
    when two threads meet.  Here each length limit has an object of its own that is never changed again.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, where: str) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if not isinstance(backend, Tokenizer):
            raise ArtifactError(
                f"{where} has no fast tokenizer, got {type(tokenizer).__name__}",
                hint="save it with a tokenizer.json",
            )
        if len(tokenizer) <= len(tokenizer.all_special_tokens):
            # transformers makes up an empty vocabulary when the files are missing
            raise ArtifactError(
                f"{where} has a tokenizer without words", hint="restore tokenizer.json or vocab.txt"
            )
        self.size = len(tokenizer)
        self.pad_id = int(tokenizer.pad_token_id or 0)
        self.wants_types = "token_type_ids" in tokenizer.model_input_names
        self._plain = backend.to_str()
        self._by_limit: dict[tuple[int | None, str], Tokenizer] = {}
        self._lock = Lock()

    def texts(self, texts: Sequence[str], max_length: int) -> Tokens:
        """Ids with special tokens, cut to `max_length`; segment ids are all zero and left to the model."""
        rust = self._limited(max_length, "longest_first")
        if len(texts) == 1:
            return Tokens([rust.encode(_clean(texts[0], max_length)).ids])
        return Tokens(
            [row.ids for row in rust.encode_batch_fast([_clean(text, max_length) for text in texts])]
        )

    def pairs(
        self,
        pairs: Sequence[tuple[str, str]],
        max_length: int,
        cut: str = "only_first",
        *,
        offsets: bool = False,
    ) -> Tokens:
        """Ids of (first, second), cut to `max_length`: ``only_first``, or ``longest_first`` of the two.

        Args:
            offsets: tell each token's characters too, which takes longer.
        """
        rust = self._limited(max_length, cut)
        encode = rust.encode_batch if offsets else rust.encode_batch_fast
        rows = encode([(_clean(a, max_length), _clean(b, max_length)) for a, b in pairs])
        return Tokens(
            [row.ids for row in rows],
            [row.type_ids for row in rows] if self.wants_types else None,
            [row.offsets for row in rows] if offsets else None,
        )

    def lengths(self, pairs: Sequence[tuple[str, str]]) -> list[int]:
        """Tokens of each (first, second) if nothing were cut."""
        rust = self._limited(None, "longest_first")
        rows = rust.encode_batch_fast([(_readable(a), _readable(b)) for a, b in pairs])
        return [len(row.ids) for row in rows]

    def _limited(self, max_length: int | None, strategy: str) -> Tokenizer:
        with self._lock:
            found = self._by_limit.get((max_length, strategy))
            if found is None:
                found = Tokenizer.from_str(self._plain)
                found.no_padding()
                if max_length is None:
                    found.no_truncation()
                else:
                    found.enable_truncation(max_length, strategy=strategy)
                self._by_limit[max_length, strategy] = found
            return found


def _clean(text: str, max_length: int) -> str:
    """Bounded and readable."""
    return _readable(text[: max_length * _CHARS_PER_TOKEN])


def _readable(text: str) -> str:
    """Free of lone surrogates, which the Rust side refuses for the whole batch."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
