"""From a tier, or how to build one, to the channel that a policy asks for."""

from __future__ import annotations

from collections.abc import Callable

from mendgraph.core.supervision import Supervision
from mendgraph.core.tier import Tier
from mendgraph.errors import ConfigError
from mendgraph.runtime.channel import Channel
from mendgraph.runtime.inline import InlineChannel
from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.threaded import ThreadChannel

Source = Tier | Recipe | Callable[[], Tier]


def open_channel(name: str, source: Source, policy: Supervision) -> Channel:
    """The channel of the policy's isolation, with the tier open or down.

    Raises:
        ConfigError: process isolation of a tier that is no `Recipe`.
        MendError: the tier cannot be opened for a reason that is not its own.
    """
    if policy.isolation == "process":
        if not isinstance(source, Recipe):
            raise ConfigError(
                f"tier {name!r}: isolation 'process' needs a recipe, got a {type(source).__name__}",
                hint="pass a Recipe that names an importable function, or use isolation 'thread'",
            )
        from mendgraph.runtime.worker.process import ProcessChannel  # only where a worker is wanted

        return ProcessChannel(name, source, start_s=policy.start_s, warm_standby=policy.warm_standby)
    build = _builder(source)
    if policy.isolation == "thread":
        renewable = not isinstance(source, Tier)
        return ThreadChannel(name, build, start_s=policy.start_s, renewable=renewable)
    return InlineChannel(name, build)


def _builder(source: Source) -> Callable[[], Tier]:
    if isinstance(source, Recipe):
        return source.open
    if isinstance(source, Tier):
        return lambda: source
    return source
