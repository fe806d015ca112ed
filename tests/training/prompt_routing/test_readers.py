"""Every published shape of table is read into the same two values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mendgraph.errors import DataError
from mendgraph.training.emotion.tables import write_table
from mendgraph.training.prompt_routing.readers import (
    read_arena,
    read_llmrouter,
    read_outcomes,
    read_preference_responses,
    read_preferences,
    read_routellm,
)
from tests.training.prompt_routing.routing_tables import write_llmrouter, write_routellm


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def said(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def test_an_arena_with_conversations(tmp_path: Path) -> None:
    def row(winner: str, a: str, b: str) -> dict[str, Any]:
        start = [said("user", "Hello"), said("assistant", a), said("user", "More")]
        other = [said("user", "Hello"), said("assistant", b), said("user", "More")]
        return {
            "model_a": "x",
            "model_b": "y",
            "winner": winner,
            "conversation_a": start,
            "conversation_b": other,
        }

    path = lines(
        tmp_path / "arena.jsonl",
        [
            row("model_a", "hi", "yo"),
            row("tie", "hi", "yo"),
            row("tie (bothbad)", "", ""),
            row("model_b", "a", "b"),
        ],
    )
    found, answers = read_arena(path)
    assert found.prompts == ("Hello\n\nMore",)
    assert found.outcome.tolist() == [1, 0.5, 0.5, 0]
    assert found.both_bad.tolist() == [False, False, True, False]
    assert answers is not None
    assert answers.texts == (("hi", "yo"),)


def test_an_arena_as_csv_with_one_column_per_winner(tmp_path: Path) -> None:
    path = tmp_path / "arena.csv"
    path.write_text(
        "model_a,model_b,prompt,winner_model_a,winner_model_b,winner_tie\n"
        'x,y,"[""First"",""Second""]",0,1,0\n'
        'y,z,"[not json, a prompt",0,0,1\n'
    )
    found, answers = read_arena(path)
    assert found.prompts == ("First\n\nSecond", "[not json, a prompt")
    assert (found.models, found.outcome.tolist(), answers) == (("x", "y", "z"), [0, 0.5], None)


def test_newer_messages_hold_parts(tmp_path: Path) -> None:
    content = [{"type": "text", "text": "Look"}, {"type": "image", "image": "..."}]
    rows = [{"model_a": "x", "model_b": "y", "winner": "both_bad", "conversation": [said("user", content)]}]  # type: ignore[arg-type]
    found, _ = read_arena(lines(tmp_path / "new.jsonl", rows))
    assert found.prompts == ("Look",)
    assert found.both_bad.all()


def test_an_unknown_winner_is_named_with_its_row(tmp_path: Path) -> None:
    rows = [{"model_a": "x", "model_b": "y", "winner": winner, "prompt": "p"} for winner in ("tie", "c")]
    with pytest.raises(DataError, match="row 1: winner 'c' is unknown"):
        read_arena(lines(tmp_path / "arena.jsonl", rows))
    with pytest.raises(DataError, match="no column 'winner'"):
        read_arena(lines(tmp_path / "bare.jsonl", [{"model_a": "x", "model_b": "y", "prompt": "p"}]))
    with pytest.raises(DataError, match="column 'model_a' is missing"):
        read_arena(lines(tmp_path / "other.jsonl", [{"prompt": "p"}]))


def test_a_table_with_one_column_per_model(tmp_path: Path) -> None:
    path = tmp_path / "bench.csv"
    path.write_text("prompt,eval,gpt,llama\nWhy?,mmlu,1.0,\nHow?,gsm,0.25,1\n")
    found = read_outcomes(path, {"gpt": "gpt", "llama": "llama"}, group="eval")["train"]
    assert np.array_equal(found.scores, [[1, np.nan], [0.25, 1]], equal_nan=True)
    assert found.groups == ("mmlu", "gsm")
    with pytest.raises(DataError, match="found 0 columns of scores"):
        read_outcomes(path)
    path.write_text("prompt,score__a,score__b\nWhy?,yes,1\n")
    with pytest.raises(DataError, match="row 0: score__a is 'yes', which is no number"):
        read_outcomes(path)


def test_routellm_and_llmrouter(tmp_path: Path) -> None:
    write_routellm(tmp_path)
    mmlu = read_routellm(tmp_path / "routellm_mmlu.parquet")
    assert {split: len(table) for split, table in mmlu.items()} == {"train": 32, "dev": 8}
    assert set(mmlu["train"].groups) == {"anatomy", "law"}
    assert mmlu["train"].models == ("mixtral-8x7b-instruct-v0.1", "gpt-4-1106-preview")
    write_llmrouter(tmp_path, "shared")
    found = read_llmrouter(tmp_path / "llmrouter_9models.parquet")
    assert {split: len(table) for split, table in found.items()} == {"train": 20, "test": 9}
    assert not set(found["train"].prompts) & set(found["test"].prompts)


def test_preferences_of_one_judge_against_one_baseline_are_compared(tmp_path: Path) -> None:
    prompts, preferences, answers = (
        tmp_path / f"{name}.parquet" for name in ("prompts", "preferences", "answers")
    )
    write_table(
        prompts,
        {"prompt_id": [7, 9], "instruction": ["Sing", "Count"], "split": ["train", "dev"]},
        {"prompt_id": "int64", "instruction": "string", "split": "string"},
    )
    rows = [
        (7, "j", "base", "a", 1.9), (7, "j", "base", "b", 1.2), (7, "k", "base", "c", 2.0),
        (9, "j", "base", "a", 0.0), (9, "j", "base", "b", 1.0),
    ]  # fmt: skip
    names = ("prompt_id", "judge", "baseline", "model", "preference")
    types = dict.fromkeys(names, "string") | {"prompt_id": "int64", "preference": "float"}
    write_table(preferences, dict(zip(names, zip(*rows, strict=True), strict=True)), types)
    found = read_preferences(preferences, prompts)
    assert found["train"].outcome.tolist() == [1.0]  # c has another judge
    assert found["dev"].outcome.tolist() == [1.0]  # 0 is a tie with the baseline, which beat b
    assert read_preferences(preferences, prompts, tie_within=0.8)["train"].outcome.tolist() == [0.5]
    write_table(
        answers,
        {"prompt_id": [7, 9], "model": ["a", "b"], "response": ["la", "one"]},
        {"prompt_id": "int64", "model": "string", "response": "string"},
    )
    assert read_preference_responses(answers, prompts)["dev"].texts == ((None, "one"),)
