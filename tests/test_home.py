"""Where a user's files go."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mendgraph.errors import ConfigError
from mendgraph.home import home, home_file


def test_the_variable_comes_first_and_nothing_is_made_by_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MENDGRAPH_HOME", str(tmp_path / "mine"))
    assert home() == tmp_path / "mine"
    assert not home().exists()
    assert home_file("models/x").parent.is_dir()


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the XDG convention")
@pytest.mark.parametrize(("data", "expected"), [("/data", "/data/mendgraph"), ("relative", None), ("", None)])
def test_the_platform_folder_otherwise(
    monkeypatch: pytest.MonkeyPatch, data: str, expected: str | None
) -> None:
    monkeypatch.delenv("MENDGRAPH_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", data)
    assert home() == Path(expected or Path.home() / ".local/share/mendgraph")


def test_a_folder_that_cannot_be_made_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MENDGRAPH_HOME", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match=r"cannot make the folder .*\(set MENDGRAPH_HOME"):
        home_file("corrections.sqlite")
