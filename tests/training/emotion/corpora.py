"""A processed folder of a few dozen rows, and a random two-layer DistilBERT, for the training tests."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import DistilBertConfig, DistilBertModel, PreTrainedTokenizerFast

from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.tables import write_table

WORDS = {
    "joy": "happy great",
    "sadness": "sad crying",
    "anger": "angry furious",
    "fear": "scared afraid",
    "love": "love adore",
    "surprise": "wow unexpected",
    "neutral": "table report",
    "disgust": "gross vile",
}
FILLERS = ("i am so", "today was", "this is really", "they felt", "what a thing it", "you said that")
TYPES = {"text": "string", "label8": "string", "labels28": "string", "source": "string", "irony": "int8"}


def write_corpus(folder: Path, *, repeats: int = 1) -> Path:
    """All files of the processed folder; every label is plain from one word."""
    for split, fillers in (("train", FILLERS[:4] * repeats), ("dev", FILLERS[4:]), ("test", FILLERS[5:])):
        rows = [
            (f"{filler} {word} {split}{number}", label)
            for number, filler in enumerate(fillers)
            for label, words in WORDS.items()
            for word in words.split()
        ]
        table = {
            "text": [text for text, _ in rows] + ["maybe optimistic", "no idea"],
            "label8": [label for _, label in rows] + [None, None],
            "labels28": [label for _, label in rows] + ["optimism|caring", ""],
            "source": ["goemotions"] * len(rows) + ["goemotions", "carer"],
        }
        write_table(folder / f"{split}.parquet", table, TYPES)
    for split in ("train", "dev"):
        texts = [f"oh {word} just what i needed {split}" for word in ("great", "perfect", "lovely", "super")]
        plain = [f"i bought {word} for dinner {split}" for word in ("bread", "soup", "rice", "beans")]
        table = {"text": texts + plain, "irony": [1] * 4 + [0] * 4}
        write_table(folder / f"irony_{split}.parquet", table, TYPES)
    table = {
        "text": ["not happy at all", "yeah right wonderful", "face with tears of joy"],
        "label8": ["sadness", None, "joy"],
        "irony": [0, 1, None],
    }
    write_table(folder / "augmentation.parquet", table, TYPES)
    return folder


def write_distilbert(folder: Path) -> Path:
    """The architecture of distilbert-base-uncased with two narrow layers and random weights."""
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}
    texts = [
        *WORDS.values(),
        *FILLERS,
        "oh great perfect lovely super just what i needed bought for dinner not",
    ]
    for word in sorted({word for text in texts for word in text.split()}):
        vocabulary[word] = len(vocabulary)
    rust = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    rust.normalizer = normalizers.BertNormalizer(lowercase=True)
    rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    rust.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=rust,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        DistilBertModel(
            DistilBertConfig(
                vocab_size=len(vocabulary),
                dim=64,
                n_layers=2,
                n_heads=2,
                hidden_dim=128,
                max_position_embeddings=64,
            )
        ).save_pretrained(folder)
    return folder


assert set(WORDS) == set(LABELS)
