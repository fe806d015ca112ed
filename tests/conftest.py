"""What every test runs under: no network, no files in the user's home, reproducible Hypothesis runs."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Deadlines measure the machine, not the code; derandomised runs fail for everyone or for nobody.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# A job in the background inherits an ignored SIGINT; some tests send it, also to processes that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

LOCAL = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting to another machine fails the test, even where the code would swallow the error."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def checked(real: Any) -> Any:
        def guard(self: socket.socket, address: Any) -> Any:
            if self.family != getattr(socket, "AF_UNIX", None) and not str(address[0]).startswith(LOCAL):
                pytest.fail(f"this test tried to reach {address!r}")
            return real(self, address)

        return guard

    monkeypatch.setattr(socket.socket, "connect", checked(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", checked(connect_ex))


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Journals, corrections and trained models go to an empty folder; no user's configuration is read."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("MENDGRAPH_HOME", str(home))
    monkeypatch.delenv("MENDGRAPH_CONFIG", raising=False)
    return home
