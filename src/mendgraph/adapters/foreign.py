"""Where foreign errors become ours, each with a way out.  What is not named here is a bug and escapes."""

from __future__ import annotations

import json
from pickle import (
    UnpicklingError,
)  # the class torch.load(weights_only=True) refuses with; nothing is unpickled
from types import TracebackType

from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from safetensors import SafetensorError

from mendgraph.errors import (
    ArtifactError,
    ArtifactMissing,
    HubUnavailable,
    MendError,
    OutOfMemory,
    ShapeMismatch,
    TierError,
)
from mendgraph.runtime.memory import out_of_memory

__all__ = ["renamed", "translate"]

_MISFIT = ("size mismatch", "ignore_mismatched_sizes", "Error(s) in loading state_dict")
_ONLINE = "connect to the network, or configure a local folder or the embedded model"


class renamed:  # noqa: N801 - used as `with renamed("load the encoder"):`
    """Context that raises the project's error in place of a foreign one, chained to it.

    Args:
        what: the action in the imperative, for the message: "cannot <what>: ...".
        loading: also translate what only means trouble with files while loading (`OSError`, `ValueError`,
            `KeyError`, `ImportError`, ...).  Around a forward pass these are bugs and escape.
    """

    def __init__(self, what: str, *, loading: bool = False) -> None:
        self.what = what
        self.loading = loading

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ours = translate(error, self.what, loading=self.loading) if isinstance(error, Exception) else None
        if ours is not None:
            raise ours from error


def translate(error: Exception, what: str, *, loading: bool = False) -> TierError | None:
    """The project's error for a foreign one; None where it is not ours to explain."""
    if isinstance(error, MendError):
        return None
    story = " ".join(str(error).split())[:300]
    message = f"cannot {what}: {type(error).__name__}: {story}"
    if out_of_memory(error):
        return OutOfMemory(message, hint="use a smaller batch_size or max_length, or another device")
    if isinstance(error, RuntimeError) and any(sign in story for sign in _MISFIT):
        return ShapeMismatch(message, hint="the weights belong to another model or configuration")
    return _of_loading(error, message) if loading else None


def _of_loading(error: Exception, message: str) -> TierError | None:
    if isinstance(error, GatedRepoError):
        return ArtifactMissing(message, hint="accept the model's terms on the hub and log in")
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return ArtifactMissing(message, hint="check the model's name, or log in if it is private")
    # Of a repository that is there; what only is not in the cache (also an EntryNotFoundError) is dealt with below.
    if isinstance(error, EntryNotFoundError | RevisionNotFoundError) and isinstance(error, HfHubHTTPError):
        return ArtifactMissing(message, hint="check the file's name in the model's repository")
    if isinstance(
        error,
        LocalEntryNotFoundError | OfflineModeIsEnabled | HfHubHTTPError | ConnectionError | TimeoutError,
    ):
        return HubUnavailable(message, hint=_ONLINE)
    if isinstance(error, FileNotFoundError):
        return ArtifactMissing(message, hint="check the path")
    damaged = SafetensorError | UnpicklingError | json.JSONDecodeError | UnicodeDecodeError
    if isinstance(error, damaged) or (isinstance(error, RuntimeError) and "PytorchStreamReader" in message):
        return ArtifactError(
            message, hint="the file is damaged or not what its name says; fetch or train it again"
        )
    if isinstance(error, ImportError):
        return ArtifactError(message, hint="install the package that this model needs")
    # transformers: OSError and ValueError for unusable folders, KeyError for broken JSON files;
    # tokenizers raises bare Exception objects.
    if isinstance(error, OSError | ValueError | KeyError | EOFError) or type(error) is Exception:
        return ArtifactError(
            message, hint="check that the folder holds a complete model that transformers can load"
        )
    return None
