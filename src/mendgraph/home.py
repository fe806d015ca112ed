"""Where mendgraph keeps what belongs to a user: history, corrections, trained models."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mendgraph.errors import ConfigError

_HINT = "set MENDGRAPH_HOME to a folder you can write to"


def home() -> Path:
    """``$MENDGRAPH_HOME``, else ``mendgraph`` in the platform's folder for user data.  Not created here."""
    named = os.environ.get("MENDGRAPH_HOME")
    return Path(named).expanduser().absolute() if named else _user_data() / "mendgraph"


def home_file(name: str) -> Path:
    """Path of ``home()/name``, its folders made.

    Raises:
        ConfigError: the folder cannot be made.
    """
    path = home() / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {path.parent}: {error.strerror}", hint=_HINT) from error
    return path


def _user_data() -> Path:
    """Each platform's convention; on Linux the XDG Base Directory Specification, which ignores relative paths."""
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Application Support"
        named = Path(os.environ.get("XDG_DATA_HOME", ""))
        return named if named.is_absolute() else Path.home() / ".local" / "share"
    except RuntimeError as error:
        raise ConfigError("this user has no home folder", hint=_HINT) from error
