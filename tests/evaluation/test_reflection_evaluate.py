"""`mend eval reflection` over a cross-validation and sessions that the test writes itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.assembly import load
from mendgraph.config import Config, ReflectionTrainingSpec, load_config
from mendgraph.core.reflection import LABELS
from mendgraph.core.values import Input, Prediction
from mendgraph.errors import DataError, UnknownNameError
from mendgraph.evaluation.reflection import evaluate
from mendgraph.evaluation.reflection.baselines import rule_leads
from mendgraph.evaluation.reflection.crossvalidation import nested, read_cross_validation
from mendgraph.evaluation.reflection.levels import levels_section
from mendgraph.evaluation.reflection.shares import difference, shares
from mendgraph.evaluation.reflection.targets import q5
from mendgraph.evaluation.reflection.transfer import spearman, transfer_section
from mendgraph.training.reflection.corpus import Group, digest, gather
from mendgraph.training.reflection.folds import FoldResult
from mendgraph.training.reflection.measure import Lead, swaps
from mendgraph.training.reflection.sources import SPLITS, read_pair
from tests import tiny
from tests.training.reflection.corpora import FAST, groups, pair_rows, write_annomi, write_pair

FOUND = groups(10)


def fold_results(
    found: tuple[Group, ...], recipe: str, seed: int, *, dev: float = 0.5, good: bool = True
) -> list[FoldResult]:
    """Two folds of a scorer that is always right, or always wrong."""
    results = []
    for fold in range(2):
        test = found[fold::2]
        drawn = swaps(test, seed)
        results.append(
            FoldResult(
                key=f"{recipe}/{seed}/{fold}of2", recipe=recipe, seed=seed, fold=fold, settings={},
                dev={"score": dev}, best_epoch=0, epochs=0, seconds=1.0,
                prompts=[group.prompt_id for group in test],
                logits=[[float(level if good else -level) for _, level in group.responses] for group in test],
                swaps=[[swap.prompt_id, swap.place, swap.wrong_id] for swap in drawn],
                swapped=[0.5 if good else 3.0] * len(drawn),
                data=digest(found),
            )
        )  # fmt: skip
    return results


def write(path: Path, results: list[FoldResult]) -> Path:
    path.write_text("".join(result.to_json() + "\n" for result in results))
    return path


def test_a_perfect_scorer_wins_everything(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", fold_results(FOUND, "shipped", 0) + fold_results(FOUND, "shipped", 1))
    validation = read_cross_validation(path, FOUND)
    found = shares(validation.leads("shipped"), resamples=50)
    assert {kind: share.value for kind, share in found.items()} == dict.fromkeys(found, 1.0)
    assert (found["H>M"].pairs, found["M>L"].pairs, found["H>L"].pairs) == (20, 30, 60)
    assert found["H>M"].seeds == (1.0, 1.0)
    assert {target.verdict for target in q5(found)} == {"aim met"}


def test_an_unfinished_cross_validation_is_left_out(tmp_path: Path) -> None:
    whole, cut = fold_results(FOUND, "shipped", 0), fold_results(FOUND, "shipped", 1)[:1]
    validation = read_cross_validation(write(tmp_path / "f.jsonl", whole + cut), FOUND)
    assert len(validation.runs["shipped"]) == 1
    with pytest.raises(DataError, match="no whole cross-validation"):
        read_cross_validation(write(tmp_path / "g.jsonl", cut), FOUND)
    with pytest.raises(DataError, match="is not there"):
        read_cross_validation(tmp_path / "nothing.jsonl", FOUND)


def test_nested_choice_follows_the_inner_score_not_the_result(tmp_path: Path) -> None:
    results = fold_results(FOUND, "shipped", 0, dev=0.4) + fold_results(FOUND, "mse", 0, dev=0.6, good=False)
    leads, chosen = nested(read_cross_validation(write(tmp_path / "f.jsonl", results), FOUND))
    assert chosen == ("mse", "mse")
    assert {lead.won for lead in leads if lead.kind == "H>M"} == {0.0}


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=30))
def test_a_share_is_the_mean_and_lies_in_its_interval(rows: list[tuple[int, float]]) -> None:
    run = [Lead(prompt, "H>M", won, False) for prompt, won in rows]
    found = shares([run], resamples=200)["H>M"]
    assert found.value == pytest.approx(np.mean([won for _, won in rows]))
    low, high = found.interval
    assert low - 1e-9 <= high
    assert shares([run], matched=True) == {}
    assert difference(run, run, "H>M", resamples=10)[0] == pytest.approx(0)


def test_rules_are_what_their_names_say() -> None:
    found = {name: shares([leads], resamples=10) for name, leads in rule_leads(FOUND, 0).items()}
    assert found["longer"]["H>M"].value == 1.0
    assert found["starts with You"]["H>L"].value > 0.9
    assert found["starts with You"]["swap"].value == 0.5
    assert found["shares the client's words"]["swap"].value > 0.9


def test_spearman() -> None:
    assert spearman(np.array([1.0, 2, 3, 4]), np.array([1.0, 4, 9, 16])) == pytest.approx(1)
    assert spearman(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)
    assert np.isnan(spearman(np.ones(3), np.arange(3.0)))


class ByLength:
    """The longer a response, the higher its level; it calls every one ``complex``."""

    name, fingerprint, labels, calibrator = "length", "length", LABELS, None

    def predict(self, rows: list[Input]) -> list[Prediction]:
        scores = [len(row.text.split()) / 20 for row in rows]
        levels = dict(zip(LABELS, (0.0, 0.0, 1.0), strict=True))
        return [Prediction("complex", levels, 1.0, value={"score": s, "level": "complex"}) for s in scores]


def test_recalibration_finds_the_levels_of_another_source(tmp_path: Path) -> None:
    write_annomi(tmp_path, "train", 8)
    write_annomi(tmp_path, "dev", 3)
    section, heard = transfer_section({"length": ByLength()}, tmp_path, 20)  # type: ignore[dict-item]
    assert section is not None
    figures = section.figures
    assert figures["length"]["spearman"] == pytest.approx(1)
    assert figures["length, recalibrated on AnnoMI train"]["macro_f1"] == pytest.approx(1)
    assert figures["length"]["accuracy"] == pytest.approx(1 / 3)
    assert len(heard["length"].scores) == 18
    assert transfer_section({}, tmp_path / "empty", 20) == (None, {})


class Knows:
    """Says the level with as much confidence as it is right: `sure` of its answers are, drawn by the text."""

    calibrator, labels = None, LABELS

    def __init__(self, name: str, levels: Mapping[str, int], sure: float) -> None:
        self.name = self.fingerprint = name
        self._levels, self._sure = levels, sure

    def predict(self, rows: Sequence[Input]) -> list[Prediction]:
        said = []
        for row in rows:
            draw = np.random.default_rng([ord(letter) for letter in self.name + row.text]).random()
            level = (self._levels[row.text] + (draw > self._sure)) % len(LABELS)
            top = 0.9 if draw < self._sure - 0.2 else 0.5
            scores = {label: top if at == level else (1 - top) / 2 for at, label in enumerate(LABELS)}
            said.append(Prediction(LABELS[level], scores, top))
        return said


def test_levels_compare_one_tier_with_the_cascade() -> None:
    dev = groups(40)
    known = {text: level for group in dev for text, level in group.responses}
    tiers = {"primary": Knows("primary", known, 0.8), "backup": Knows("backup", known, 0.95)}
    with load("reflection", tiers=tiers) as graph:  # type: ignore[arg-type]
        figures = levels_section(graph, dev, 20).figures
    assert figures["rows"] == len(known)
    alone, cascade = figures["primary alone"], figures["cascade"]
    assert alone["accuracy"] == pytest.approx(0.8, abs=0.06)
    assert cascade["accuracy"] > alone["accuracy"] + 0.05
    assert alone["tiers"] == 1.0 < cascade["tiers"] < 2.0
    for found in (alone, cascade):
        assert 0.0 < found["coverage"] <= 1.0
        assert found["risk"] < 0.15
        assert found["ece"] < 0.15


def configured(tmp_path: Path, encoder: Path) -> Config:
    spec = ReflectionTrainingSpec(
        **{**FAST.model_dump(), "model": str(encoder), "folds": tmp_path / "f.jsonl"}
    )
    config = load_config(None, [f"reflection.encoder={encoder}", "reflection.max_length=48"])
    return config.model_copy(update={"reflection_training": spec})


def test_the_whole_report(tmp_path: Path) -> None:
    encoder = tiny.save_encoder(tmp_path / "encoder")
    write_pair(tmp_path, "train", pair_rows(8))
    write_pair(tmp_path, "dev", pair_rows(4, first=20))
    found = gather([row for split in SPLITS for row in read_pair(tmp_path, split)])
    results = [r for name in ("shipped", "mse", "response_only") for r in fold_results(found, name, 0)]
    write(tmp_path / "f.jsonl", results)
    report = evaluate(
        configured(tmp_path, encoder),
        tmp_path,
        json_path=tmp_path / "out" / "report.json",
        plots_dir=tmp_path / "plots",
        resamples=20,
        only=("pair",),
    )
    titles = [table.title for table in report.tables()]
    assert titles == [
        "Pairs ranked right, prompts unseen in training",
        "The same, responses of like length",
        "Over the seeds",
        "Ablations, seed 0",
        "Targets",
    ]
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written["pairs"]["all"]["cross-encoder, 1 seeds"]["H>M"]["value"] == 1.0
    assert written["pairs"]["all"]["features"]["H>L"]["pairs"] == 72
    assert [file.name for file in report.files] == ["reflection_pairs.png"]
    assert report.files[0].stat().st_size > 1000


def test_an_unknown_test_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="test set"):
        evaluate(load_config(), tmp_path, only=("goemotions",))
