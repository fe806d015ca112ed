"""Experts that share one tokenizer: their hidden states and logits for a batch of texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from mendgraph.adapters.artifacts import MANIFEST, open_artifact, resolve
from mendgraph.adapters.causal.expert import Expert, experts_of
from mendgraph.adapters.causal.host import ADAPTER_FILES, Host, load_model
from mendgraph.adapters.causal.vocabulary import Vocabulary
from mendgraph.adapters.device import choose_device, choose_dtype
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.hashing import sha256_of, sha256_of_json
from mendgraph.adapters.hub import locate, weights_hash
from mendgraph.errors import ArtifactMissing, HashMismatch, UnknownNameError
from mendgraph.modules.stacked_lora import Lora

__all__ = ["Ensemble"]


class Ensemble:
    """M experts in a fixed order; adapters over one base are computed in one forward pass.

    Attributes:
        experts, names: in the order of every first axis.
        vocabulary: the tokenizer they share.
        hidden_size: H of the widest; narrower states are filled up with zeros.
        vocab_size: V of the smallest output, at least the tokenizer's size.
        positions: longest text in tokens that all of them can read.
        fingerprint: hash of all weights; "" for models that were never on disk.
    """

    def __init__(
        self,
        experts: Sequence[Expert],
        hosts: Sequence[Host],
        vocabulary: Vocabulary,
        *,
        order: Sequence[str] = (),
        fingerprint: str = "",
    ) -> None:
        """
        Args:
            hosts: their experts, host after host, are `experts`.
            order: names in the order that the ensemble has them in; () keeps that of `experts`.
        """
        seats = [(host, place) for host in hosts for place in range(host.count)]
        if len(seats) != len(experts):
            raise ValueError(f"{len(experts)} experts, but {len(seats)} seats")
        seated = {one.name: (one, seat) for one, seat in zip(experts, seats, strict=True)}
        self.names = tuple(order) or tuple(seated)
        self.experts = tuple(seated[name][0] for name in self.names)
        self.seats = tuple(seated[name][1] for name in self.names)
        self.hosts, self.vocabulary, self.fingerprint = tuple(hosts), vocabulary, fingerprint
        self.hidden_size = max(host.hidden_size for host in hosts)
        self.vocab_size = min(host.vocab_size for host in hosts)
        self.positions = min(host.positions for host in hosts)
        self.device = hosts[0].device

    @classmethod
    def open(
        cls,
        experts: Iterable[Expert | Mapping[str, Any]],
        *,
        device: str = "auto",
        precision: str = "fp32",
    ) -> Ensemble:
        """Load experts; those with the same `path` share one model in memory, wherever they stand in the list.

        Raises:
            ConfigError: the list cannot be read, or device or precision are not available.
            ArtifactError: a model or adapter is missing, damaged, or does not fit; tokenizers differ.
            HubUnavailable: a model is on the hub, is not cached, and the hub cannot be reached.
        """
        wanted = experts_of(experts)
        place = choose_device(device)
        dtype = choose_dtype(precision, place)
        groups: dict[Path, list[Expert]] = {}
        for one in wanted:
            groups.setdefault(_folder(one.path).resolve(), []).append(one)
        hosts = [_host(folder, group, place, dtype) for folder, group in groups.items()]
        vocabularies = [_vocabulary(folder) for folder in groups]
        for other in vocabularies[1:]:
            vocabularies[0].require_same(other)
        largest = max(vocabularies, key=lambda one: one.size)
        print_ = sha256_of_json(
            {"experts": [_hashes(folder, one) for folder, g in groups.items() for one in g]}
        )
        ordered = [one for group in groups.values() for one in group]
        return cls(ordered, hosts, largest, order=[one.name for one in wanted], fingerprint=print_[:16])

    def index(self, name: str) -> int:
        """Number of an expert; raises `UnknownNameError` for a name that is none."""
        if name not in self.names:
            raise UnknownNameError("expert", name, self.names)
        return self.names.index(name)

    def groups(self, experts: Sequence[int]) -> list[tuple[Host, list[int]]]:
        """Experts by host, in the order of their seats: those of one host can run in one pass."""
        found: dict[int, tuple[Host, list[int]]] = {}
        for expert in sorted(experts, key=lambda number: self.seats[number][1]):
            host = self.seats[expert][0]
            found.setdefault(id(host), (host, []))[1].append(expert)
        return list(found.values())

    def hidden(self, ids: Tensor, mask: Tensor | None = None, experts: Sequence[int] | None = None) -> Tensor:
        """(B, T) token ids -> (M, B, T, H): the state from which each expert predicts the token after each.

        Args:
            mask: (B, T), 0 where padded, on either side; None when no row is.
            experts: a choice of them, in the order of the result; None for all.
        """
        wanted = list(range(len(self.experts))) if experts is None else list(experts)
        ids = ids.to(self.device)
        mask = None if mask is None or bool(mask.all()) else mask.to(self.device)
        places = None if mask is None else (mask.long().cumsum(1) - 1).clamp(min=0)
        found: dict[int, Tensor] = {}
        with torch.no_grad():  # not inference mode: heads are trained on these states
            for host, group in self.groups(wanted):
                chosen = tuple(self.seats[expert][1] for expert in group)
                states = host.run(chosen, ids, mask=mask, places=places)
                found |= zip(group, self.widened(states), strict=True)
            return torch.stack([found[expert] for expert in wanted])

    def logits(self, states: Tensor, experts: Sequence[int] | None = None) -> Tensor:
        """(M, ..., H) states of the experts -> (M, ..., V); adapters over one base share one matrix product."""
        wanted = list(range(len(self.experts))) if experts is None else list(experts)
        if len(wanted) != len(states):
            raise ValueError(f"{len(wanted)} experts, but states of {len(states)}")
        with torch.no_grad():
            groups = self.groups(wanted)
            if len(groups) == 1 and groups[0][1] == wanted:
                return self._projected(groups[0][0], wanted, states)
            place = {expert: number for number, expert in enumerate(wanted)}
            found: dict[int, Tensor] = {}
            for host, group in groups:
                part = states[[place[expert] for expert in group]]
                found |= zip(group, self._projected(host, group, part), strict=True)
            return torch.stack([found[expert] for expert in wanted])

    def project(self, expert: int, states: Tensor) -> Tensor:
        """(..., H) states of one expert -> (..., V)."""
        return self._projected(self.seats[expert][0], [expert], states)

    def _projected(self, host: Host, group: Sequence[int], states: Tensor) -> Tensor:
        chosen = tuple(self.seats[expert][1] for expert in group)
        return host.logits(states[..., : host.hidden_size], chosen)[..., : self.vocab_size]

    def widened(self, states: Tensor) -> Tensor:
        """Filled up with zeros to the widest expert's H."""
        missing = self.hidden_size - states.shape[-1]
        return states if missing == 0 else torch.nn.functional.pad(states, (0, missing))

    def end_ids(self, experts: Sequence[int]) -> frozenset[int]:
        """Tokens that end a text for any of these experts: as its model says, or else as the tokenizer does."""
        found = [self.seats[expert][0].end_ids or self.vocabulary.end_ids for expert in experts]
        return frozenset[int]().union(*found)


_hosts: WeakValueDictionary[tuple[str, ...], Host] = WeakValueDictionary()


def _folder(path: str) -> Path:
    if path.startswith("embedded:"):
        folder = resolve(path)
        if not folder.is_dir():
            raise ArtifactMissing(
                f"no model at {path!r}", hint="mend train lm makes it, or name a folder or a hub model"
            )
        return folder
    return locate(path)


def _host(folder: Path, group: Sequence[Expert], device: torch.device, dtype: torch.dtype) -> Host:
    """The same object for the same content, as long as anyone holds it."""
    adapters = [None if one.adapter is None else _adapter_folder(one.adapter, folder) for one in group]
    hashes = [_adapter_hash(one) for one in adapters]
    key = (str(folder), weights_hash(folder), str(device), str(dtype), *map(str, [*adapters, *hashes]))
    found = _hosts.get(key)
    if found is None:
        loaded = [None if one is None else _lora(one) for one in adapters]
        model = load_model(folder, device, dtype)
        # the model alone needs no stacking; several experts need it even where one of them is the bare model
        found = Host.of(model, () if loaded == [None] else loaded, where=repr(str(folder)))
        _hosts[key] = found
    return found


def _adapter_folder(name: str, base: Path) -> Path:
    folder = resolve(name) if name.startswith("embedded:") else locate(name, weights=True)
    if (folder / MANIFEST).is_file():
        made_on = open_artifact(folder).manifest.base_model
        if made_on is not None and made_on.sha256 != weights_hash(base):
            raise HashMismatch(
                f"adapter {str(folder)!r} was trained on {made_on.name} {made_on.sha256[:16]}..., "
                f"not on {str(base)!r}",
                hint="configure the model that the adapter was trained on",
            )
    return folder.resolve()


def _adapter_hash(folder: Path | None) -> str | None:
    if folder is None:
        return None
    with renamed(f"read the adapter in {str(folder)!r}", loading=True):
        return sha256_of(folder / ADAPTER_FILES[0])


def _lora(folder: Path) -> Lora:
    weights, config = (folder / name for name in ADAPTER_FILES)
    with renamed(f"read the adapter in {str(folder)!r}", loading=True):
        return Lora(load_file(weights), json.loads(config.read_text(encoding="utf-8")))


def _vocabulary(folder: Path) -> Vocabulary:
    """By tokenizer.json as it was saved: `AutoTokenizer` rebuilds it after the model's type, which may differ."""
    kind = PreTrainedTokenizerFast if (folder / "tokenizer.json").is_file() else AutoTokenizer
    with renamed(f"load the tokenizer in {str(folder)!r}", loading=True):
        tokenizer = kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return Vocabulary(tokenizer, repr(str(folder)))


def _hashes(folder: Path, one: Expert) -> dict[str, Any]:
    adapter = None if one.adapter is None else _adapter_folder(one.adapter, folder)
    return {"name": one.name, "model": weights_hash(folder), "adapter": _adapter_hash(adapter)}
