"""`mend data lm` and `mend train lm`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Mend
from tests.training.lm.corpora import write_data_sets


def test_corpus_is_written_and_counted(mend: Mend, tmp_path: Path) -> None:
    done = mend("data", "lm", "--data-dir", write_data_sets(tmp_path / "sets"), "--out", tmp_path / "corpus")
    assert done.code == 0
    assert "| math | gsm8k_train | MIT |" in done.out
    assert "Left out: hendrycks_MATH_train" in done.out
    assert "next: mend train lm" in done.err
    assert {path.name for path in (tmp_path / "corpus").iterdir()} == {
        "general.parquet",
        "math.parquet",
        "medical.parquet",
        "sources.json",
    }


def test_training_asks_for_an_end(mend: Mend, tmp_path: Path) -> None:
    done = mend("train", "lm", "--part", "base", "--out", tmp_path)
    assert done.code == 1
    assert "needs an end" in done.err
    assert "--max-minutes" in done.err


def test_other_names_are_refused_with_the_known_ones(mend: Mend) -> None:
    done = mend("train", "lmm")
    assert done.code == 2
    assert "did you mean 'lm'?" in " ".join(done.err.replace("│", " ").split())
