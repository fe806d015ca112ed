"""`mend eval conflict`: a tiny reader from the command line, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

from mendgraph.training.conflict.claims.files import claims_path, write_claims
from mendgraph.training.conflict.claims.sets import claim_sets
from tests.cli.conftest import Mend
from tests.readers import save_reader


def test_what_is_not_there_is_told_and_the_rest_is_measured(mend: Mend, tmp_path: Path) -> None:
    write_claims(claims_path(tmp_path, "test"), claim_sets("test", 6))
    reader = save_reader(tmp_path / "reader")
    wanted = {
        "reader.model": reader,
        "reader.detector": tmp_path / "nowhere",
        "reader.refinement": "null",
        "types": "null",
    }
    settings = [
        part for name, value in wanted.items() for part in ("--set", f"conflict.tiers.{name}={value}")
    ]
    places = ("--data-dir", tmp_path, "--claims", tmp_path, "--json", tmp_path / "found.json")
    done = mend("eval", "conflict", *places, "--sets", 4, "--seed", 3, "--only", "answers", *settings)
    assert done.code == 0
    assert f"no detector in '{tmp_path / 'nowhere'}'" in " ".join(done.err.split())
    assert "no refinement is configured" in done.err
    assert "Right answers, claim sets of test" in done.out
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["answers"]["sets"] == 4
    assert found["about"]["sizes"]["seed"] == 3
    assert found["answers"]["cost"]["plain"]["passes"]["all"] == 1.0
    assert "refined" not in found["answers"]["accuracy"]


def test_options_of_conflict_are_refused_for_other_graphs(mend: Mend, tmp_path: Path) -> None:
    done = mend("eval", "emotion", "--data-dir", tmp_path, "--sets", 3)
    assert done.code == 2
    assert "--sets belongs to conflict, not to emotion" in " ".join(done.err.replace("│", " ").split())
    done = mend("eval", "conflict", "--data-dir", tmp_path, "--sample-size", 3)
    assert done.code == 2
    assert "--sample-size belongs to token_routing" in " ".join(done.err.replace("│", " ").split())


def test_a_part_that_is_none_names_the_parts(mend: Mend, tmp_path: Path) -> None:
    settings = [
        part
        for name, value in (("reader.model", save_reader(tmp_path / "reader")), ("types", "null"))
        for part in ("--set", f"conflict.tiers.{name}={value}")
    ]
    done = mend("eval", "conflict", "--data-dir", tmp_path, "--only", "answer", *settings)
    assert done.code == 1
    assert "did you mean 'answers'?" in " ".join(done.err.split())
