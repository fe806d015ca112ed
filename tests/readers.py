"""Tiny readers of three architectures, and claim sets to try them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel

from mendgraph.adapters.reader.codec import Codec
from mendgraph.adapters.reader.detector import Detector, save_detector
from mendgraph.adapters.reader.reader import Reader
from mendgraph.adapters.reader.refiner import Refiner, save_refinement
from mendgraph.core.calibration import Vector
from mendgraph.modules.conflict_detector import ConflictDetector
from mendgraph.modules.refinement import Refinement, RefinementSpec
from tests import languages
from tests.tiny import lively

QUESTION = "when was the mat made"
PLACES = {"model": "reader", "detector": "detector", "refinement": "refinement"}
DOCUMENTS = ("the mat was made in 1912", "it was 1915 when the mat came", "the cat sat on a heart of water")


def gpt2(seed: int = 0, **more: Any) -> PreTrainedModel:
    torch.manual_seed(seed)
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, "vocab_size": languages.VOCABULARY}
    special = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1}
    return lively(GPT2LMHeadModel(GPT2Config(**sizes | special | more)))


def models(layers: int = 4) -> dict[str, PreTrainedModel]:
    """Name -> model, four layers each unless asked."""
    return {
        "llama": languages.llama(num_hidden_layers=layers),
        "qwen2": languages.qwen(num_hidden_layers=layers),
        "gpt2": gpt2(n_layer=layers),
    }


def reader(model: PreTrainedModel | None = None, **more: Any) -> Reader:
    found = languages.llama(num_hidden_layers=4) if model is None else model
    return Reader(found, languages.tokenizer(), **more)


def codec() -> Codec:
    return Codec(languages.tokenizer(), "the tiny tokenizer")


def save_reader(folder: Path, model: PreTrainedModel | None = None) -> Path:
    (model or languages.llama(num_hidden_layers=4)).save_pretrained(folder)
    languages.tokenizer().save_pretrained(folder)
    return folder


def detector(width: int = 32, *, reader: str = "", layer: int = 1, seed: int = 0) -> Detector:
    """For readers of four layers that stop after the second."""
    torch.manual_seed(seed)
    names = ("prompt", "largest_difference")
    module = ConflictDetector(width * len(names)).eval()
    return Detector(
        module, layer, names, Vector((1.0, 2.0), (0.0, 0.5)), reader=reader, fingerprint=f"d{seed}"
    )


def refiner(width: int = 32, *, reader: str = "", layer: int = 1, seed: int = 0) -> Refiner:
    torch.manual_seed(seed)
    module = Refinement(width, RefinementSpec()).eval()
    torch.nn.init.normal_(module.down.weight, 0, 0.3)
    return Refiner(module, layer, reader, f"r{seed}")


def save_conflict_reader(folder: Path, seed: int = 0) -> dict[str, str]:
    """Folders of a reader, its detector and its refinement, by the names that a configuration gives them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        save_reader(folder / "reader", languages.llama(seed=seed, num_hidden_layers=4))
        mark = Reader.open(str(folder / "reader"), device="cpu").fingerprint
        save_detector(detector(reader=mark, seed=seed), folder / "detector")
        save_refinement(refiner(reader=mark, seed=seed), folder / "refinement")
    return {name: str(folder / place) for name, place in PLACES.items()}
