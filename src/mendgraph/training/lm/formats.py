"""Questions and answers as the plain text that prompts will later imitate."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import cycle, islice

from mendgraph.errors import DataError

_CALCULATOR = re.compile(r"<<[^<>]*>>")
_CHOICE = re.compile(
    r"Please choose the correct answer to the question: (.*?)\s*\n\s*Answer1: (.*?)\s*\n\s*Answer format:",
    re.S,
)
_OPTION = re.compile(r"\s*Answer\d: ")
_WHOLE = re.compile(r"(\d+)\.0+\b")
_LOOSE = re.compile(r" +([.,?!;:%])")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}

GROUPS = (1, 2, 4)
"""Short questions stand alone, in pairs and in fours, so that few-shot prompts look like training text."""


def question_answer(question: str, answer: str) -> str:
    return f"Question: {question.strip()}\nAnswer: {answer.strip()}"


def grouped(texts: Iterable[str], sizes: Sequence[int] = GROUPS) -> Iterator[str]:
    """The texts in documents of `sizes` in turn, a blank line between two; every text exactly once."""
    left = iter(texts)
    for size in cycle(sizes):
        group = list(islice(left, size))
        if not group:
            return
        yield "\n\n".join(group)


def steps_and_result(solution: str) -> str:
    """A GSM8K solution without its calculator marks; the last line stays ``#### result``."""
    return _CALCULATOR.sub("", solution).strip()


def choice(prompt: str, answer: str) -> tuple[str, str]:
    """Question and text of the right option of ``Answer1: ... Answer2: ...`` prompts.

    Raises:
        DataError: the prompt has another form, or `answer` names no option.
    """
    found = _CHOICE.match(prompt)
    options = _OPTION.split(found.group(2)) if found else []
    number = answer.strip().removeprefix("answer")
    if found is None or not number.isdigit() or not 1 <= int(number) <= len(options):
        raise DataError(f"multiple choice row {prompt[:80]!r} with answer {answer!r} cannot be read")
    return found.group(1).strip(), options[int(number) - 1].strip()


def tidy(text: str) -> str:
    """``gave 5.0 apples .`` as a person writes it."""
    text = _LOOSE.sub(r"\1", _WHOLE.sub(r"\1", text))
    return re.sub(r"\$ (?=\d)", "$", text).strip()


def word_problem(question: str, equation: str, result: str) -> str:
    """A MAWPS row: its prefix equation as one worked step, where it gives the result; then ``#### result``."""
    numbers = _NUMBER.findall(question)
    value = Fraction(result)
    shown = _plain(value)
    worked = _infix(equation.split(), numbers)
    steps = f"{worked[0]} = {shown}\n" if worked and abs(worked[1] - value) < Fraction(1, 1000) else ""
    return question_answer(tidy(question), f"{steps}#### {shown}")


def _infix(prefix: Sequence[str], numbers: Sequence[str]) -> tuple[str, Fraction] | None:
    """Text and value of a prefix equation over ``number0``...; None where it cannot be worked out."""
    stack: list[tuple[str, Fraction]] = []
    for token in reversed(prefix):
        if token in _OPERATORS:
            if len(stack) < 2 or (token == "/" and stack[-2][1] == 0):
                return None
            (left, a), (right, b) = stack.pop(), stack.pop()
            stack.append((f"({left} {token} {right})", _OPERATORS[token](a, b)))
        else:
            index = token.removeprefix("number")
            known = index.isdigit() and token != index and int(index) < len(numbers)
            literal = numbers[int(index)] if known else token
            if not _NUMBER.fullmatch(literal):
                return None
            value = Fraction(literal)
            stack.append((_plain(value), value))
    if len(stack) != 1:
        return None
    text, value = stack[0]
    return text.removeprefix("(").removesuffix(")") if text.startswith("(") else text, value


def _plain(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.4f}".rstrip("0").rstrip(".")
