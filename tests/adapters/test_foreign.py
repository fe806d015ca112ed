from __future__ import annotations

import json

import pytest
import torch
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled
from safetensors import SafetensorError

from mendgraph.adapters.foreign import renamed, translate
from mendgraph.errors import (
    ArtifactError,
    ArtifactMissing,
    ConfigError,
    HubUnavailable,
    MendError,
    OutOfMemory,
    ShapeMismatch,
)

ANYWHERE = [
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), OutOfMemory),
    (RuntimeError("MPS backend out of memory"), OutOfMemory),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"), OutOfMemory),
    (MemoryError(), OutOfMemory),
    (RuntimeError("Error(s) in loading state_dict for Net: size mismatch for w"), ShapeMismatch),
]
LOADING = [
    (SafetensorError("header too large"), ArtifactError),
    (OSError("no file named model.safetensors"), ArtifactError),
    (ValueError("Unrecognized model"), ArtifactError),
    (json.JSONDecodeError("Expecting value", "", 0), ArtifactError),
    (KeyError("added_tokens"), ArtifactError),
    (ImportError("sentencepiece"), ArtifactError),
    (Exception("data did not match any variant of untagged enum"), ArtifactError),
    (RuntimeError("PytorchStreamReader failed reading zip archive"), ArtifactError),
    (FileNotFoundError("x.bin"), ArtifactMissing),
    (HFValidationError("Repo id must be in the form"), ArtifactMissing),
    (LocalEntryNotFoundError("not cached"), HubUnavailable),
    (OfflineModeIsEnabled("offline"), HubUnavailable),
    (ConnectionResetError("peer"), HubUnavailable),
    (TimeoutError("read"), HubUnavailable),
]
BUGS = [
    TypeError("x"),
    AttributeError("x"),
    IndexError("x"),
    ZeroDivisionError("x"),
    RuntimeError("shapes cannot be multiplied"),
]


@pytest.mark.parametrize(
    ("error", "ours"), ANYWHERE + LOADING, ids=lambda part: getattr(part, "__name__", type(part).__name__)
)
def test_named_errors_become_ours(error: Exception, ours: type[MendError]) -> None:
    with pytest.raises(ours) as caught, renamed("load the tiny model", loading=True):
        raise error
    assert type(caught.value) is ours
    assert caught.value.message.startswith(f"cannot load the tiny model: {type(error).__name__}")
    assert caught.value.hint
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [error for error, _ in LOADING], ids=repr)
def test_around_a_forward_trouble_with_files_is_a_bug(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, renamed("run"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("error", BUGS, ids=repr)
def test_bugs_escape(error: Exception) -> None:
    assert translate(error, "load", loading=True) is None
    with pytest.raises(type(error)) as caught, renamed("load", loading=True):
        raise error
    assert caught.value is error


def test_interrupts_and_our_own_errors_pass() -> None:
    with pytest.raises(KeyboardInterrupt), renamed("load", loading=True):
        raise KeyboardInterrupt
    with pytest.raises(ConfigError, match=r"^here: wrong$"), renamed("load", loading=True):
        raise ConfigError("here: wrong")


def test_torch_itself_running_out_of_memory() -> None:
    with pytest.raises(OutOfMemory, match="cannot run a batch of 4 rows"), renamed("run a batch of 4 rows"):
        torch.empty(1 << 50)


def test_nothing_happens_when_nothing_is_raised() -> None:
    with renamed("load"):
        done = True
    assert done
