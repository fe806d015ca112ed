"""One causal language model in memory: a single expert, or the shared base of several adapters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel

from mendgraph.adapters.backbone import ADAPTER_CONFIG, ADAPTER_WEIGHTS, positions, refuse_missing
from mendgraph.adapters.causal.caches import ExpertCache, require_rollback
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.hub import quiet
from mendgraph.errors import ArtifactError
from mendgraph.modules.skinny import is_skinny, skinny_linear
from mendgraph.modules.stacked_lora import Lora, stack, use_experts

__all__ = ["Host", "load_model"]

_PROBE = 2  # tokens
_TOLERANCE = 1e-3


@dataclass(eq=False)
class Host:
    """A model, split where experts differ from what heads read: the decoder, and the way from states to logits.

    Attributes:
        count: experts that it serves, numbered from 0.
        hidden_size, vocab_size: H and V.
        positions: longest text in tokens.
        layers: number of attention layers.
        end_ids: tokens that end a text, by its generation configuration.
        plain: whether the output is nothing but a matrix, which no adapter changes.
    """

    decoder: nn.Module
    output: nn.Module
    finish: Callable[[Tensor], Tensor] | None
    count: int
    stacked: bool
    hidden_size: int
    vocab_size: int
    positions: int
    layers: int
    end_ids: frozenset[int]
    device: torch.device
    takes_positions: bool
    plain: bool
    config: Any

    @classmethod
    def of(cls, model: PreTrainedModel, adapters: Sequence[Lora | None] = (), *, where: str = "") -> Host:
        """A host of `model`, which must not be used elsewhere when there are adapters; None is its bare self.

        Raises:
            ArtifactError: its logits are not its output matrix times its states, or its caches cannot be cropped.
            ShapeMismatch: an adapter does not fit.
        """
        where = where or type(model).__name__
        layers = require_rollback(model.config, where)
        with torch.inference_mode():
            probe = torch.zeros(1, _PROBE, dtype=torch.long, device=model.device)
            wanted = model.eval().requires_grad_(False)(probe).logits
        if adapters:
            stack(model, adapters)
        decoder: Any = model.get_decoder()
        output: Any = model.get_output_embeddings()
        config = model.config.get_text_config(decoder=True)
        ends = getattr(model.generation_config, "eos_token_id", None)
        host = cls(
            decoder=decoder,
            output=output,
            finish=_finish(config),
            count=max(1, len(adapters)),
            stacked=bool(adapters),
            hidden_size=int(config.hidden_size),
            vocab_size=int(wanted.shape[-1]),
            positions=positions(config),
            layers=layers,
            end_ids=frozenset([ends] if isinstance(ends, int) else ends or ()),
            device=model.device,
            takes_positions="position_ids" in inspect.signature(decoder.forward).parameters,
            plain=type(output) is nn.Linear and output.bias is None,
            config=config,
        )
        with torch.inference_mode(), use_experts(()):
            found = host.logits(decoder(input_ids=probe, use_cache=False).last_hidden_state)
        if not torch.allclose(found.float(), wanted.float(), rtol=_TOLERANCE, atol=_TOLERANCE):
            raise ArtifactError(
                f"the logits of {where} are not its output matrix times its last hidden state",
                hint="use another model: heads and fusion need that state",
            )
        return host

    def run(
        self,
        chosen: tuple[int, ...],
        ids: Tensor,
        *,
        mask: Tensor | None = None,
        places: Tensor | None = None,
        cache: ExpertCache | None = None,
    ) -> Tensor:
        """(B, q) new tokens -> (K, B, q, H): the states from which each chosen expert predicts the token after each.

        Args:
            mask: (B, T) of all tokens read so far and these, 0 where padded; None when none is.
            places: (B, q) or (1, q) positions of the new tokens; None counts from 0.
            cache: what the chosen experts have read before; it counts the new tokens too.
        """
        experts, new = len(chosen), ids.shape[1]
        if experts > 1:
            ids = ids.repeat(experts, 1)
            mask = None if mask is None else mask.repeat(experts, 1)
            if places is not None and len(places) > 1:
                places = places.repeat(experts, 1)
        more: dict[str, Any] = {} if places is None or not self.takes_positions else {"position_ids": places}
        if cache is not None:
            more["past_key_values"] = cache.open(chosen, new)
        with use_experts(chosen if self.stacked else ()), renamed(f"run {experts} experts"):
            states: Tensor = self.decoder(
                input_ids=ids, attention_mask=mask, use_cache=cache is not None, **more
            ).last_hidden_state
        if cache is not None:
            cache.close(chosen, new)
        apart: Tensor = states.unflatten(0, (experts, -1))
        return apart

    def logits(self, states: Tensor, chosen: tuple[int, ...] = ()) -> Tensor:
        """(..., H) -> (..., V); with an adapted output matrix, states come expert by expert as in `run`."""
        with use_experts(chosen if self.stacked else ()), renamed("compute logits"):
            weight = self.output.get_parameter("weight") if self.plain and len(chosen) > 1 else None
            if weight is not None and is_skinny(states[..., 0].numel(), weight):
                rows = skinny_linear(states.reshape(-1, states.shape[-1]), weight)
                found = rows.reshape(*states.shape[:-1], len(weight))
            else:
                found = self.output(states)
            return found if self.finish is None else self.finish(found)


def _finish(config: Any) -> Callable[[Tensor], Tensor] | None:
    """What some architectures do to logits after the output matrix."""
    if cap := getattr(config, "final_logit_softcapping", None):  # Gemma 2
        return lambda logits: torch.tanh(logits / cap) * cap
    if scale := getattr(config, "logit_scale", None):  # Cohere
        return lambda logits: logits * scale
    if scaling := getattr(config, "logits_scaling", None):  # Granite
        return lambda logits: logits / scaling
    return None


def load_model(folder: Path, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    """A causal language model from a folder in transformers' format.

    Raises:
        ArtifactError: files are missing, damaged or of another architecture.
    """
    with renamed(f"load the language model in {str(folder)!r}", loading=True), quiet():
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, local_files_only=True, trust_remote_code=False, output_loading_info=True
        )
    model, report = loaded
    refuse_missing(list(report["missing_keys"]), folder)
    placed: PreTrainedModel = model.to(device)
    return placed


ADAPTER_FILES = (ADAPTER_WEIGHTS, ADAPTER_CONFIG)
