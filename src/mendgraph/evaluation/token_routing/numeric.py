"""GSM8K: problems whose answer is a number, written out and then compared."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.heads_file import SavedHeads
from mendgraph.adapters.causal.sampling import Sampling
from mendgraph.adapters.causal.state import MODES, Options, Row
from mendgraph.core.metrics import bootstrap_interval
from mendgraph.errors import DataError, UnknownNameError
from mendgraph.evaluation.report import Section, Table, between
from mendgraph.training.emotion.tables import read_table
from mendgraph.training.lm.formats import question_answer, steps_and_result
from mendgraph.training.lm.sources import find

FILE, EXAMPLES = "gsm8k_test.parquet", "gsm8k_train.parquet"
SHOTS = 2
ROWS_AT_ONCE = 16
STOP = ("\n\n", "Question:")
MOST_COMMON = "most common answer"
_MARKED = re.compile(r"####\s*(-?[\d,]*\.?\d+)")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """A GSM8K problem and its number."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Solved:
    """What one system wrote for one problem; `number` is None where its text has none."""

    problem: Problem
    row: Row
    number: str | None

    @property
    def right(self) -> bool:
        return self.number == self.problem.answer

    def to_dict(self) -> dict[str, Any]:
        """As the reference document's answer generator writes it."""
        return {
            "question": self.problem.question,
            "answer": self.row.text,
            "expected": self.problem.answer,
            "number": self.number,
            "right": self.right,
            "tokens": [token.to_dict() for token in self.row.tokens],
        }


def number_in(text: str) -> str | None:
    """The number after ``####``, else the last one in the text; without commas, and without zeros after the point."""
    marked = _MARKED.search(text)
    numbers = [marked.group(1)] if marked else _NUMBER.findall(text)
    if not numbers:
        return None
    plain = numbers[-1].replace(",", "")
    value = float(plain)
    return str(int(value)) if value.is_integer() else repr(value)


def read_problems(data_dir: Path, size: int, seed: int) -> list[Problem]:
    """At most `size` problems of the test part, drawn; none where the file is not there."""
    try:
        table = read_table(find(data_dir, FILE), ("question", "answer"))
    except DataError:
        return []
    rows = [
        Problem(question, number_in(str(answer)) or "")
        for question, answer in zip(table["question"], table["answer"], strict=True)
    ]
    drawn = random.Random(f"{seed} gsm8k")
    return rows if len(rows) <= size else drawn.sample(rows, size)


def shots(data_dir: Path, count: int = SHOTS) -> str:
    """The shortest worked problems of the train part, which leave the most room in a small context."""
    table = read_table(find(data_dir, EXAMPLES), ("question", "solution"))
    texts = [
        question_answer(question, steps_and_result(solution))
        for question, solution in zip(table["question"], table["solution"], strict=True)
    ]
    return "".join(f"{text}\n\n" for text in sorted(texts, key=lambda text: (len(text), text))[:count])


def solve(
    decoder: Decoder,
    problems: Sequence[Problem],
    options: Options,
    prefix: str = "",
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Solved]:
    """Problems whose prompt does not fit the experts' context count as not answered."""
    found: list[Solved] = []
    for start in range(0, len(problems), ROWS_AT_ONCE):
        part = problems[start : start + ROWS_AT_ONCE]
        prompts = [f"{prefix}Question: {one.question}\nAnswer:" for one in part]
        lengths = [len(decoder.ensemble.vocabulary.encode(prompt)) for prompt in prompts]
        fit = [number for number, length in enumerate(lengths) if length < decoder.ensemble.positions]
        rows: dict[int, Row] = {}
        if fit:
            state = decoder.decode(decoder.begin([prompts[number] for number in fit], options))
            rows = dict(zip(fit, state.rows, strict=True))
        for number, problem in enumerate(part):
            row = rows.get(number, Row(prompt=(), finish="context"))
            found.append(Solved(problem, row, number_in(row.text)))
        progress(len(found), len(problems))
    return found


def numeric_section(
    ensemble: Ensemble,
    heads: Mapping[str, SavedHeads],
    data_dir: Path,
    *,
    size: int,
    max_new_tokens: int,
    temperature: float,
    only_ensemble: bool,
    few_shot: bool,
    seed: int,
    resamples: int,
    echo: Echo,
) -> tuple[Section, dict[str, list[Solved]]] | None:
    """Accuracy of every system; None where the file is not there."""
    problems = read_problems(data_dir, size, seed)
    if not problems:
        echo(f"gsm8k: no {FILE} in the folder; skipped")
        return None
    plain = Options(max_new_tokens=max_new_tokens, sampling=Sampling(temperature), stop=STOP, seed=seed)
    runs = [(mode, Decoder(ensemble, own.heads), decoding(own, plain)) for mode, own in heads.items()]
    if not only_ensemble:
        alone = Decoder(ensemble)
        runs += [(name, alone, replace(plain, mode="forced", expert=name)) for name in ensemble.names]
    prefixes = {"zero-shot": ""} | ({f"{SHOTS}-shot": shots(data_dir)} if few_shot else {})
    solved: dict[str, list[Solved]] = {}
    for name, decoder, options in runs:
        for shot, prefix in prefixes.items():
            solved[f"{name}, {shot}"] = solve(decoder, problems, options, prefix)
            echo(
                f"gsm8k: {name}, {shot}: {sum(one.right for one in solved[f'{name}, {shot}'])} of {len(problems)} right"
            )
    common, count = Counter(one.answer for one in problems).most_common(1)[0]
    figures: dict[str, Any] = {}
    for name, answers in solved.items():
        right = [float(one.right) for one in answers]
        interval = bootstrap_interval(lambda rows: float(rows.mean()), right, seed=seed, resamples=resamples)
        figures[name] = {
            "accuracy": sum(right) / len(right),
            "interval": interval,
            "with a number": sum(one.number is not None for one in answers) / len(answers),
        }
    level = count / len(problems)
    table = Table(
        "gsm8k: numeric answers",
        ("system", "accuracy [95 %]", "gave a number", ""),
        tuple(
            (
                name,
                between(f["accuracy"], f["interval"]),
                f"{f['with a number']:.0%}",
                "no better than one constant answer" if f["interval"][0] <= level else "",
            )
            for name, f in figures.items()
        ),
        f"{len(problems)} problems. Always answering {common!r}, the commonest of these, gets {level:.1%}.",
    )
    return Section("gsm8k", (table,), {**figures, MOST_COMMON: {"answer": common, "accuracy": level}}), solved


def decoding(own: SavedHeads, plain: Options) -> Options:
    """`plain` in the mode that the heads were trained for, with the doubt that was fitted for them.

    Raises:
        UnknownNameError: they were trained for something else.
    """
    for mode in MODES:
        if mode == own.mode:
            return replace(plain, mode=mode, doubt=plain.doubt if own.doubt is None else own.doubt)
    raise UnknownNameError("mode", own.mode, MODES)
