"""Every error mendgraph raises or records, in one tree.

    MendError
    ├── ConfigError           the configuration is wrong              (also a ValueError)
    ├── InputError            one row cannot be read                  (also a ValueError)
    ├── DataError             a data set is missing or malformed      (also a ValueError)
    ├── UnknownNameError      a registry does not know the name       (also a LookupError)
    ├── JournalError          a record cannot be written or read
    ├── JobError              a durable job cannot start or go on
    └── TierError             a tier could not answer
        ├── ArtifactError     weights, manifest or calibration refused
        │   ├── ArtifactMissing
        │   ├── HashMismatch
        │   └── ShapeMismatch
        ├── HubUnavailable    a hub model was asked for and cannot be had
        ├── OutOfMemory
        ├── DeadlineExceeded
        ├── TierDown          switched off by a person or a breaker, or still starting
        ├── TierCrashed       raised something nobody foresaw
        ├── WorkerDied        its worker process is gone
        ├── EndpointError     an LLM's endpoint cannot be reached, is busy, or broke
        │   └── EndpointRefused    it will not answer this request, however often it is asked
        └── BadOutput         not finite, wrong shape, or outside the label space

Messages say what, got what, and the way out (``hint``).  A `TierError` is data inside a graph run: the
row moves on to the next tier.  Anything outside this tree is a bug and escapes.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar

__all__ = [
    "ArtifactError",
    "ArtifactMissing",
    "BadOutput",
    "ConfigError",
    "DataError",
    "DeadlineExceeded",
    "EndpointError",
    "EndpointRefused",
    "HashMismatch",
    "HubUnavailable",
    "InputError",
    "JobError",
    "JournalError",
    "MendError",
    "OutOfMemory",
    "ShapeMismatch",
    "TierCrashed",
    "TierDown",
    "TierError",
    "UnknownNameError",
    "WorkerDied",
]


class MendError(Exception):
    """Base of every error of this package.

    Args:
        message: what went wrong, and what was found instead.
        hint: the way out, one sentence a user can act on; empty when there is none.
    """

    kind: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ConfigError(MendError, ValueError):
    """The configuration is wrong; the message reads ``where: what``."""

    kind = "config"


class InputError(MendError, ValueError):
    """One row cannot be read; the other rows are unharmed."""

    kind = "input"


class DataError(MendError, ValueError):
    """A data set is missing, malformed, or fails an assertion about itself."""

    kind = "data"


class UnknownNameError(MendError, LookupError):
    """A registry does not know this name; the message lists the known ones and the nearest."""

    kind = "unknown_name"

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=1)
        super().__init__(
            f"unknown {what} {name!r}; known: {', '.join(names) or 'none'}",
            hint=f"did you mean {near[0]!r}?" if near else "",
        )


class JournalError(MendError):
    """A record cannot be written or read; what was acknowledged before is safe."""

    kind = "journal"


class JobError(MendError):
    """A durable job cannot start or go on: another process has it, or its input or settings changed."""

    kind = "job"


class TierError(MendError):
    """A tier could not answer; in a cascade the next tier does."""

    kind = "tier"


class ArtifactError(TierError):
    """Weights, manifest or calibration were refused before use."""

    kind = "artifact"


class ArtifactMissing(ArtifactError):
    """A file the manifest or the configuration names is not there."""

    kind = "artifact_missing"


class HashMismatch(ArtifactError):
    """A file's SHA-256 is not the one its manifest promises."""

    kind = "hash_mismatch"


class ShapeMismatch(ArtifactError):
    """Weights do not fit the model they are meant for."""

    kind = "shape_mismatch"


class HubUnavailable(TierError):
    """A hub model is configured, is not in the local cache, and the hub cannot be reached."""

    kind = "hub_unavailable"
    retryable = True


class OutOfMemory(TierError):
    """The device ran out of memory; a smaller batch may fit."""

    kind = "out_of_memory"
    retryable = True


class DeadlineExceeded(TierError):
    """The tier did not answer in time."""

    kind = "deadline"
    retryable = True


class TierDown(TierError):
    """The tier is not called: switched off by a person or its breaker, or its worker is still starting."""

    kind = "tier_down"


class TierCrashed(TierError):
    """The tier raised an exception that is none of ours: a bug in it, or in what it runs on."""

    kind = "crashed"


class WorkerDied(TierError):
    """The tier's worker process is gone: killed, out of memory, or a fault in native code."""

    kind = "worker_died"
    retryable = True


class EndpointError(TierError):
    """An LLM's endpoint cannot be reached, is busy, or broke."""

    kind = "endpoint"
    retryable = True


class EndpointRefused(EndpointError):
    """An LLM's endpoint will not answer this request: a wrong key, an unknown model, an answer without text."""

    kind = "endpoint_refused"
    retryable = False


class BadOutput(TierError):
    """The model's output is not finite, has the wrong shape, or lies outside the label space."""

    kind = "bad_output"
