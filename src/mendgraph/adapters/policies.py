"""Fitted policies as artefacts."""

from __future__ import annotations

from collections.abc import Sequence

from mendgraph.adapters.artifacts import open_artifact, resolve
from mendgraph.adapters.foreign import renamed
from mendgraph.core.healing import HealingPolicy
from mendgraph.errors import ArtifactError, ShapeMismatch, UnknownNameError


def open_policy(source: str, labels: Sequence[str]) -> HealingPolicy:
    """The policy in an artefact folder.

    Raises:
        ArtifactError: it is missing, was changed, is of another layout, or was learned for other labels.
    """
    try:
        with renamed(f"read the policy in {source!r}", loading=True):
            policy = HealingPolicy.from_dict(open_artifact(resolve(source)).json("policy.json"))
    except UnknownNameError as error:  # a kind of calibrator this version does not have
        raise ArtifactError(
            f"the policy in {source!r}: {error}", hint="fit it again: mend train emotion --part policy"
        ) from error
    try:
        return policy.over(labels)
    except ArtifactError as error:
        raise ShapeMismatch(f"{source!r}: {error.message}", hint=error.hint) from error
