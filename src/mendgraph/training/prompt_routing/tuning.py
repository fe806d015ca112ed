"""An encoder of which a fine-tuning spec says what may change; texts in, pooled states with gradients out."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model_state_dict, prepare_model_for_kbit_training
from torch import Tensor, nn
from transformers import BitsAndBytesConfig

from mendgraph.adapters.backbone import load_tokenizer, open_encoder, positions
from mendgraph.adapters.batching import buckets
from mendgraph.adapters.hub import locate
from mendgraph.adapters.prompt_vectors import layer_states
from mendgraph.adapters.tokens import Tokens
from mendgraph.errors import ConfigError
from mendgraph.training.lora import adapted
from mendgraph.training.prompt_routing.specs import (
    EMBEDDED,
    FinetuningSpec,
    LastLayersSpec,
    LoraSpec,
    QLoraSpec,
)
from mendgraph.training.reflection.states import tensors

__all__ = ["TunedEncoder", "encoder_name"]

ROWS, TOKENS = 64, 4096
"""Of one forward pass."""

_EMBEDDED_NAMES = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")

_STACKS = ("encoder.layer", "transformer.layer", "layers", "h", "encoder.layers", "block")
"""Where architectures keep their layers: BERT and most, DistilBERT, Llama, GPT-2, BART's and CLIP's encoders, T5."""


def encoder_name(name: str) -> str:
    """``embedded`` for the names that the embedded encoder is known by elsewhere."""
    return EMBEDDED if name in _EMBEDDED_NAMES else name


class TunedEncoder(nn.Module):
    """
    Args:
        name: ``embedded``, a folder, or a hub name.
        pooling, layers, spread_layers: see `PromptInputs`.

    Raises:
        ConfigError: the spec fits nothing in this encoder, or cannot work on this machine.
        ArtifactError, HubUnavailable: the encoder cannot be had.
    """

    def __init__(
        self,
        name: str,
        spec: FinetuningSpec,
        *,
        pooling: str = "mean",
        layers: Sequence[int] = (-1,),
        spread_layers: Sequence[int] = (),
        max_length: int = 256,
        device: torch.device | None = None,
    ) -> None:
        super().__init__()
        self.spec, self.pooling = spec, pooling
        self.layers, self.spread_layers = tuple(layers), tuple(spread_layers)
        self.device = device or torch.device("cpu")
        self.folder = locate(encoder_name(name))
        model = _loaded(self.folder, spec, self.device)
        if getattr(model, "pooler", None) is not None:
            model.pooler = None  # the states are pooled here, and it must not be tuned
        self.tokenizer = load_tokenizer(self.folder)
        self.max_length = min(max_length, positions(model.config))
        self.hidden_size = int(model.config.hidden_size)
        self.model: Any = _prepared(model, spec)
        if spec.kind != "qlora":  # 4-bit weights are placed when they are loaded
            self.model.to(self.device)
        self.model.eval()

    @property
    def tuned(self) -> list[nn.Parameter]:
        return [part for part in self.model.parameters() if part.requires_grad]

    def tokens(self, texts: Sequence[str]) -> Tokens:
        return self.tokenizer.texts(texts, self.max_length)

    def pair_tokens(self, pairs: Sequence[tuple[str, str]]) -> Tokens:
        """Of (prompt, answer); the longer text of a pair that is too long loses its end."""
        return self.tokenizer.pairs(pairs, self.max_length, "longest_first")

    def forward(self, tokens: Tokens) -> Tensor:
        """(B, W) float32 in order, with gradients where anything is tuned; length-bucketed."""
        parts, order = [], []
        for rows in buckets([len(ids) for ids in tokens.ids], ROWS, TOKENS):
            ids, mask, types = tensors(tokens.take(rows), self.tokenizer.pad_id, self.device)
            extra = {} if tokens.types is None else {"token_type_ids": types}
            found = layer_states(
                self.model, ids, mask, self.layers, self.pooling, self.spread_layers, **extra
            )
            parts.append(found)
            order += rows
        whole = torch.cat(parts)
        return whole[torch.tensor(order, device=whole.device).argsort()]

    @torch.no_grad()
    def vectors(self, tokens: Tokens) -> Tensor:
        """The same on the CPU, without gradients or dropout."""
        before = self.model.training
        self.model.eval()
        found: Tensor = self(tokens).float().cpu()
        self.model.train(before)
        return found

    def changed(self) -> dict[str, Tensor]:
        """The tuned weights as an artefact holds them: PEFT's names for adapters, the encoder's own otherwise."""
        if self.spec.kind in ("lora", "qlora"):
            state: dict[str, Tensor] = get_peft_model_state_dict(self.model, save_embedding_layers=False)
        else:
            state = {name: part for name, part in self.model.named_parameters() if part.requires_grad}
        return {name: part.detach().float().cpu().clone() for name, part in state.items()}

    def merged(self) -> dict[str, Tensor]:
        """The tuned weights under the encoder's own names, adapters added in."""
        if self.spec.kind not in ("lora", "qlora"):
            return self.changed()
        whole = copy.deepcopy(self.model).merge_and_unload()
        before = {name.replace(".base_layer", "") for name in _adapted(self.model)}
        return {
            name: part.detach().float().cpu() for name, part in whole.named_parameters() if name in before
        }

    def adapter_config(self, base: str, folder: Path) -> None:
        """Writes ``adapter_config.json``; only where the spec makes adapters."""
        settings = self.model.peft_config["default"]
        settings.base_model_name_or_path = base  # not a path of this machine's packages
        settings.inference_mode = True
        settings.save_pretrained(str(folder))


def _adapted(model: Any) -> list[str]:
    """Names of the weights that have adapters, as PEFT calls them inside."""
    names = [name for name, _ in model.get_base_model().named_parameters()]
    return [name for name in names if name.endswith(".base_layer.weight")]


def _loaded(folder: Path, spec: FinetuningSpec, device: torch.device) -> Any:
    options = _four_bit(spec, device) if spec.kind == "qlora" else {}
    return open_encoder(folder, **options)


def _four_bit(spec: QLoraSpec, device: torch.device) -> dict[str, Any]:
    if device.type != "cuda" or find_spec("bitsandbytes") is None:
        lacking = "no CUDA device" if device.type != "cuda" else "bitsandbytes is not installed"
        raise ConfigError(
            f"finetuning_spec: qlora does not work here: {lacking}",
            hint='use {"kind": "lora"}: the same adapters over weights that are not quantised',
        )
    if not spec.load_in_4bit:
        return {"dtype": torch.float32, "device_map": {"": device}}
    quantised = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_compute_dtype=getattr(torch, spec.bnb_4bit_compute_dtype),
        bnb_4bit_quant_type=spec.bnb_4bit_quant_type,
    )
    return {"dtype": "auto", "quantization_config": quantised, "device_map": {"": device}}


def _prepared(model: Any, spec: FinetuningSpec) -> Any:
    """With gradients for what the spec names, and for nothing else."""
    if spec.kind in ("lora", "qlora"):
        return _with_adapters(model, spec)
    model.requires_grad_(spec.kind == "full")
    if spec.kind == "last_layers":
        for layer in _last_layers(model, spec):
            layer.requires_grad_(True)
    if spec.kind == "bitfit":
        biases = [part for name, part in model.named_parameters() if name.endswith("bias")]
        if not biases:
            raise ConfigError(
                "finetuning_spec: bitfit tunes biases, and this encoder has none", hint='use {"kind": "lora"}'
            )
        for part in biases:
            part.requires_grad_(True)
    return model


def _with_adapters(model: Any, spec: LoraSpec | QLoraSpec) -> Any:
    names = sorted(
        {path.rpartition(".")[2] for path, part in model.named_modules() if isinstance(part, nn.Linear)}
    )
    targets = names if spec.target_modules == "auto" else list(spec.target_modules)
    lost = [name for name in targets if not any(name.rpartition(".")[2] == known for known in names)]
    if lost or not targets:
        raise ConfigError(
            f"finetuning_spec.target_modules: {', '.join(lost) or 'nothing'} not found in the encoder",
            hint=f"its linear layers are called {', '.join(names) or 'nothing'}",
        )
    settings = LoraConfig(
        r=spec.rank, lora_alpha=spec.alpha, lora_dropout=spec.dropout, target_modules=targets
    )
    if spec.kind == "qlora" and spec.load_in_4bit:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    return adapted(model, settings)


def _last_layers(model: Any, spec: LastLayersSpec) -> Sequence[nn.Module]:
    for path in _STACKS:
        try:
            stack = model.get_submodule(path)
        except AttributeError:
            continue
        if isinstance(stack, nn.ModuleList):
            if spec.num_layers > len(stack):
                raise ConfigError(
                    f"finetuning_spec.num_layers: {spec.num_layers}, but the encoder has {len(stack)} layers"
                )
            return list(stack)[-spec.num_layers :]
    raise ConfigError(
        f"finetuning_spec: cannot tell where the layers of {type(model).__name__} are",
        hint='use {"kind": "lora"} or {"kind": "full"}',
    )
