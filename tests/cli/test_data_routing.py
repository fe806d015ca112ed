"""`mend data prompt_routing` writes what `mend train prompt_routing` reads, and says what it dropped."""

from __future__ import annotations

from pathlib import Path

from mendgraph.training.prompt_routing.prepare import read_prepared
from tests.cli.conftest import Mend
from tests.training.prompt_routing.routing_tables import write_llmrouter, write_routellm


def test_routing_data_are_prepared_and_counted(mend: Mend, tmp_path: Path) -> None:
    write_routellm(tmp_path / "sets")
    write_llmrouter(tmp_path / "sets", "a prompt of its own")
    done = mend("data", "prompt_routing", "--data-dir", tmp_path / "sets", "--out", tmp_path / "out")
    assert done.code == 0
    assert "| source | groups | train | dev | test | dropped as leaks |" in done.out
    assert "next: mend train prompt_routing" in done.err
    assert len(read_prepared(tmp_path / "out", "train").models) == 4


def test_a_missing_file_says_where_to_point(mend: Mend, tmp_path: Path) -> None:
    (tmp_path / "sets").mkdir()
    done = mend("data", "prompt_routing", "--data-dir", tmp_path / "sets", "--out", tmp_path / "out")
    assert done.code != 0
    assert "routellm_mmlu.parquet' is not there" in done.err
    assert "point --data-dir" in done.err
