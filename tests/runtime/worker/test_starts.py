"""Workers that do not get as far as an open tier, or not for long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mendgraph.errors import (
    ArtifactMissing,
    ConfigError,
    DeadlineExceeded,
    TierCrashed,
    TierError,
    WorkerDied,
)
from mendgraph.runtime.recipe import Recipe
from tests.runtime.worker.asking import failing, said
from tests.runtime.worker.conftest import Opener
from tests.runtime.worker.moody import MODULE, recipe
from tests.runtime.worker.processes import children, wait_until


def test_a_refused_tier_is_down_with_the_reason_and_comes_back(opened: Opener, tmp_path: Path) -> None:
    file = tmp_path / "weights"
    channel = opened(recipe(file=str(file)))
    assert channel.state == "down"
    assert type(channel.error) is ArtifactMissing
    assert (channel.error.message, channel.error.hint) == (f"no file {file}", "put it back")
    assert f"is down: no file {file}" in failing(channel, "well").message
    channel.recover()
    wait_until(lambda: channel.state == "down" and not children(), "the second refusal")
    file.write_text("weights-2", encoding="utf-8")
    wait_until(lambda: channel.recover() or channel.state == "up", "the tier back")  # type: ignore[func-returns-value]
    assert (channel.error, channel.fingerprint) == (None, "weights-2")
    assert said(channel, "well") == ["well"]


def test_weights_that_vanish_take_it_down_at_the_restart(opened: Opener, tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_text("weights-1", encoding="utf-8")
    channel = opened(recipe(file=str(file)))
    file.unlink()
    failing(channel, "kill")
    wait_until(lambda: channel.state == "down", "the refusal")
    assert type(channel.error) is ArtifactMissing


@pytest.mark.parametrize(
    ("what", "kind", "message"),
    [
        (recipe(dies="now"), WorkerDied, "ended with exit code 7: about to give up"),
        (recipe(slow_s=60), DeadlineExceeded, "was not ready after 2 s"),
        (Recipe(f"{MODULE}:open_broken"), TierCrashed, "KeyError: 'no such layer' in open_broken ("),
    ],
    ids=["death", "hang", "crash"],
)
def test_a_start_that_fails_leaves_it_down(
    opened: Opener, what: Recipe, kind: type[TierError], message: str
) -> None:
    channel = opened(what, start_s=2.0)
    assert channel.state == "down"
    assert type(channel.error) is kind
    assert message in channel.error.message
    wait_until(lambda: not children(), "the failed worker gone")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (recipe(wrong=True), "tiers.moody: wrong"),
        (Recipe("tests.no_such_module:open"), "recipe 'tests.no_such_module:open'"),
        (recipe(file={1, 2}), "set is no"),
    ],
    ids=["configuration", "recipe", "arguments"],
)
def test_a_wrong_configuration_escapes(opened: Opener, what: Recipe, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        opened(what)
    assert children() == []


def test_restarts_without_an_answer_slow_down(opened: Opener, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    channel = opened(recipe(dies="soon", starts=str(starts)))
    time.sleep(3.0)
    channel.close()
    assert 3 <= len(starts.read_text(encoding="utf-8").splitlines()) <= 8  # some 20 without pauses
