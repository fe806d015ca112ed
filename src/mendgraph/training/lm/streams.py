"""The corpus as token streams, encoded once and kept beside the models."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from mendgraph.training.lm.corpus import SPLITS, digest, read_texts
from mendgraph.training.lm.fit import Streams
from mendgraph.training.lm.sources import REPEATS
from mendgraph.training.lm.spec import DOMAINS
from mendgraph.training.lm.tokenizer import byte_lengths, encode
from mendgraph.training.lm.trainer import Echo

_RECORD = "streams.json"
_SHUFFLE = 7  # seed of the order of documents


def open_streams(data: Path, folder: Path, tokenizer: PreTrainedTokenizerBase, echo: Echo) -> Streams:
    """Reads the streams in `folder`, or writes them there if they belong to another corpus or tokenizer."""
    identity = {"corpus": digest(data), "tokenizer": _fingerprint(tokenizer), "repeats": _repeats()}
    record = folder / _RECORD
    if not record.is_file() or json.loads(record.read_text(encoding="utf-8")) != identity:
        folder.mkdir(parents=True, exist_ok=True)
        for domain in DOMAINS:
            for split in SPLITS:
                texts = read_texts(data, domain, split, REPEATS if split == "train" else {})
                if split == "train":
                    order = np.random.default_rng(_SHUFFLE).permutation(len(texts))
                    texts = [texts[index] for index in order]
                stream = encode(tokenizer, texts)
                np.save(folder / f"{domain}.{split}.npy", stream, allow_pickle=False)
                echo(f"{domain} {split}: {len(texts):,} documents, {len(stream):,} tokens")
        record.write_text(json.dumps(identity) + "\n", encoding="utf-8")
    found = {
        split: {domain: np.load(folder / f"{domain}.{split}.npy", allow_pickle=False) for domain in DOMAINS}
        for split in SPLITS
    }
    return Streams(
        found["train"], found["dev"], torch.from_numpy(byte_lengths(tokenizer)), "-".join(identity.values())
    )


def _repeats() -> str:
    return sha256(json.dumps(REPEATS, sort_keys=True).encode()).hexdigest()[:8]


def _fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    return sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()[:16]
