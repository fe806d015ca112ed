"""The evaluation of token routing: questions read right, patterns counted right, a whole report on tiny experts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.heads_file import SavedHeads
from mendgraph.errors import UnknownNameError
from mendgraph.evaluation.token_routing.likelihood import answer_by_likelihood
from mendgraph.evaluation.token_routing.measure import Router, Sizes, measure
from mendgraph.evaluation.token_routing.numeric import number_in
from mendgraph.evaluation.token_routing.patterns import following, routing_matrix, since_change
from mendgraph.evaluation.token_routing.questions import Question, read_questions
from mendgraph.training.emotion.tables import write_table
from mendgraph.training.token_routing.fit import fit
from mendgraph.training.token_routing.passages import DOMAINS, FILE, columns
from mendgraph.training.token_routing.sequences import fit_sequences
from mendgraph.training.token_routing.spec import HeadSpec
from mendgraph.training.token_routing.states import read_states, tokenize
from tests.experts import open_experts, passages, stretch


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Router:
    folder = tmp_path_factory.mktemp("router")
    ensemble = open_experts(folder / "experts")
    train, dev = (
        read_states(ensemble, tokenize(ensemble, passages(split, count, seed=seed), DOMAINS))
        for split, count, seed in (("train", 10, 0), ("dev", 4, 1))
    )
    spec = HeadSpec(num_epochs=6, batch_size=8, learning_rate=5e-3, head_hidden_dim=32)
    heads = {}
    for mode in ("soft", "lazy"):
        fitted = fit(train, dev, ensemble, replace(spec, mode=mode), folder)  # type: ignore[arg-type]
        heads[mode] = SavedHeads(fitted.heads, mode, fitted.doubt)
    return Router(ensemble, ensemble.experts, heads, fit_sequences(train, dev, prompt_tokens=4))


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    rows = [*passages("dev", 4, seed=1), *passages("test", 6, seed=2)]
    strings = dict.fromkeys(("doc", "source", "split", "texts", "domains"), "string")
    write_table(folder / FILE, columns(rows), strings)
    _write(
        folder / "gsm8k_test.parquet",
        [{"question": f"sum {n}?", "solution": f"#### {n}", "answer": str(n)} for n in range(6)],
    )
    _write(
        folder / "gsm8k_train.parquet",
        [{"question": f"sum {n}?", "solution": f"{n} = <<{n}={n}>>{n}\n#### {n}"} for n in range(3)],
    )
    _write(
        folder / "arc-easy_test.parquet",
        [
            {
                "prompt": f"Please choose the correct answer to the question: {stretch('general', n, 3)}\n\n"
                f"Answer1: {stretch('math', n, 2)} Answer2: {stretch('medical', n, 2)}\n\n"
                "Answer format: answer1/answer2",
                "answer": f"answer{n % 2 + 1}",
            }
            for n in range(8)
        ],
    )
    return folder


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def test_questions_are_read_with_their_options(sets: Path) -> None:
    found = read_questions(sets, "arc_easy", 100, 0)
    assert len(found) == 8
    assert [question.answer for question in found] == [n % 2 for n in range(8)]
    assert found[0].options == (stretch("math", 0, 2), stretch("medical", 0, 2))
    assert found[0].prompt == f"Question: {stretch('general', 0, 3)}\nAnswer:"
    assert len(read_questions(sets, "arc_easy", 3, 0)) == 3
    assert read_questions(sets, "medqa", 3, 0) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("so #### 1,234.", "1234"),
        ("3 and 4.50", "4.5"),
        ("none", None),
        ("-2\n#### -7", "-7"),
        ("$2.00", "2"),
    ],
)
def test_numbers_are_found(text: str, number: str | None) -> None:
    assert number_in(text) == number


def test_patterns_count_tokens() -> None:
    domain = np.array([0, 0, 1, 1, 1, 0, 1])
    starts = np.array([0, 5])
    assert since_change(domain, starts).tolist() == [-1, -1, 0, 1, 2, -1, 0]
    matrix = routing_matrix(2, np.array([0, 1, 1, 1, 0, 0, 1]), domain, 2)
    assert matrix.tolist() == [[2 / 3, 1 / 3], [0.25, 0.75]]
    assert following(domain, domain, starts)[0] == 1.0


def test_the_likeliest_option_wins(router: Router) -> None:
    """An expert finds the option likelier that is made of its own words."""
    questions = [
        Question(str(n), stretch("math", n), (stretch("medical", n + 50), stretch("math", n + 90)), 1)
        for n in range(8)
    ]
    found = answer_by_likelihood(router.ensemble, router.heads, questions, resamples=50)
    assert found["math"].value == 1.0
    assert found["medical"].value == 0.0
    assert found["soft"].value > 0.5
    assert {"random", "longest answer", "uniform mixture", "lazy"} <= set(found)


def test_a_report_holds_every_system(router: Router, sets: Path, tmp_path: Path) -> None:
    told: list[str] = []
    report = measure(
        router,
        sets,
        sets,
        Sizes(sample_size=4, resamples=20, max_new_tokens=6, num_examples=2),
        plots=tmp_path / "plots",
        examples=tmp_path / "examples",
        echo=told.append,
    )
    figures = report.to_dict()
    bits = {name: row["mean"] for name, row in figures["text"]["bits_per_byte"].items()}
    assert bits["token oracle"] <= min(bits.values()) + 1e-9
    assert bits["soft"] < min(bits[name] for name in DOMAINS)
    assert 0 < figures["text"]["way_to_oracle"]["soft"]["value"] <= 1
    assert np.allclose(np.array(figures["routing"]["routing"]["soft"]).sum(axis=1), 1)
    assert figures["gsm8k"]["most common answer"]["accuracy"] == 0.25
    assert figures["likelihood"]["arc_easy"]["chance"] == 0.5
    assert [target["id"] for target in figures["targets"]["targets"]] == ["Q10", "Q10"]
    assert any("medqa" in line and "skipped" in line for line in told)
    assert all(path.is_file() for path in report.files)
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        "token_bits_per_byte.png", "token_matrix.png", "token_lazy.png", "token_accuracy.png",
    }  # fmt: skip
    [first, _] = (tmp_path / "examples" / "soft_zero-shot.jsonl").read_text().splitlines()
    answer = json.loads(first)
    assert {"question", "answer", "tokens"} <= set(answer)
    assert set(answer["tokens"][0]) >= {"token", "expert", "confidences", "probability"}


def test_one_expert_alone_is_measured_without_a_way_to_an_oracle(
    router: Router, sets: Path, tmp_path: Path
) -> None:
    alone = Ensemble.open(router.experts[:1], device="cpu")
    train, dev = (
        read_states(alone, tokenize(alone, passages(split, 6, seed=seed), DOMAINS))
        for split, seed in (("train", 0), ("dev", 1))
    )
    spec = HeadSpec(mode="fusion", num_epochs=2, batch_size=8, head_hidden_dim=32)
    fitted = fit(train, dev, alone, spec, tmp_path)
    heads = {"fusion": SavedHeads(fitted.heads, "fusion", fitted.doubt)}
    one = Router(alone, alone.experts, heads, None)
    figures = measure(one, sets, sets, Sizes(resamples=20), only=("text",)).to_dict()
    assert figures["text"]["way_to_oracle"] == {}
    assert "fusion" in figures["text"]["bits_per_byte"]
    assert [target["verdict"] for target in figures["targets"]["targets"]] == ["not met"]


def test_unknown_sets_are_refused(router: Router, sets: Path) -> None:
    with pytest.raises(UnknownNameError, match="gsm8k"):
        measure(router, sets, sets, Sizes(), only=("gsm9k",))
