"""`mend data conflict` needs no folder: its claim sets are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from mendgraph.training.conflict import prepare
from mendgraph.training.conflict.claims.files import claims_path, read_claims
from tests.cli.conftest import Mend


def test_claim_sets_are_written_and_counted(
    mend: Mend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "COUNTS", {"train": 12, "dev": 8, "test": 8})
    done = mend("data", "conflict", "--out", tmp_path / "out", "--seed", "3")
    assert done.code == 0
    assert "| sets | 12 | 8 | 8 |" in done.out
    assert "next: mend train conflict" in done.err
    assert len(read_claims(claims_path(tmp_path / "out", "train"))) == 12


def test_other_data_still_need_their_folder(mend: Mend) -> None:
    done = mend("data", "lm")
    assert done.code == 2
    assert "--data-dir" in done.err
