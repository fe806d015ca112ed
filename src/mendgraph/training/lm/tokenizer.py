"""Byte-level BPE: no text is lost, and numbers are read digit by digit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from mendgraph.errors import DataError

END = "<|endoftext|>"
PAD = "<|pad|>"
# Words with the space before them, digits one by one, punctuation, line breaks, spaces (Qwen2's pattern).
_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_AT_ONCE = 512  # documents; bounds the memory that encodings take


def train_tokenizer(texts: Iterable[str], vocab_size: int, *, context: int) -> PreTrainedTokenizerFast:
    """A tokenizer of `vocab_size` entries, the 256 bytes and two special tokens among them.

    Raises:
        DataError: the texts are too few for that many.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() != vocab_size:
        raise DataError(
            f"the texts gave {tokenizer.get_vocab_size()} tokens instead of {vocab_size}",
            hint="more text, or a smaller vocab_size",
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END,
        eos_token=END,
        pad_token=PAD,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    if not (folder / "tokenizer.json").is_file():
        raise DataError(f"no tokenizer in {str(folder)!r}", hint="mend train lm --part tokenizer")
    tokenizer: PreTrainedTokenizerBase = PreTrainedTokenizerFast.from_pretrained(
        folder, local_files_only=True
    )
    return tokenizer


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> NDArray[np.uint16]:
    """END, then each text followed by END: (1 + tokens + texts,)."""
    end = tokenizer.get_vocab()[END]
    return np.concatenate([np.array([end], np.uint16), *_encoded(tokenizer, texts, end)])


def _encoded(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], end: int
) -> Iterator[NDArray[np.uint16]]:
    core: Tokenizer = tokenizer.backend_tokenizer
    for start in range(0, len(texts), _AT_ONCE):
        batch = core.encode_batch_fast(list(texts[start : start + _AT_ONCE]), add_special_tokens=False)
        yield from (np.array([*one.ids, end], np.uint16) for one in batch)


def byte_lengths(tokenizer: PreTrainedTokenizerBase) -> NDArray[np.int64]:
    """Bytes of UTF-8 that each token stands for, (V,); special tokens stand for none."""
    special = {END, PAD}
    vocab = tokenizer.get_vocab()
    lengths = np.zeros(len(vocab), np.int64)
    for token, index in vocab.items():  # in a byte-level vocabulary each character of a token is one byte
        lengths[index] = 0 if token in special else len(token)
    return lengths
