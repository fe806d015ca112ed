"""Questions and answers as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.errors import DataError
from mendgraph.training.lm.formats import choice, grouped, steps_and_result, tidy, word_problem


def test_calculator_marks_go_and_the_result_line_stays() -> None:
    assert steps_and_result("In May 48/2 = <<48/2=24>>24.\n#### 72") == "In May 48/2 = 24.\n#### 72"


@given(st.lists(st.text("ab", min_size=1)), st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_grouping_keeps_every_text_once_and_in_order(texts: list[str], sizes: list[int]) -> None:
    joined = list(grouped(texts, sizes))
    assert [text for group in joined for text in group.split("\n\n")] == texts


def test_choice_gives_the_text_of_the_right_option() -> None:
    prompt = (
        "Please choose the correct answer to the question: Plates are like a large\n\n"
        "Answer1: pizza Answer2: jenga tower Answer3: cane\n\nAnswer format: answer1/answer2/answer3"
    )
    assert choice(prompt, "answer2") == ("Plates are like a large", "jenga tower")


@pytest.mark.parametrize(("prompt", "answer"), [("Which?", "answer1"), ("", "answer1")])
def test_unreadable_choice_is_refused(prompt: str, answer: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        choice(prompt, answer)


def test_numbers_and_marks_read_as_people_write_them() -> None:
    assert tidy("He gave 5.0 of 14.5 apples , for $ 3.0 . Why ?") == "He gave 5 of 14.5 apples, for $3. Why?"


def test_word_problem_shows_its_equation() -> None:
    question = "Ann bought 14.0 boxes and gave 5.0 away . A box holds 6.0 . How many pieces ?"
    text = word_problem(question, "* number2 - number0 number1", "54.0")
    assert text.endswith("Answer: 6 * (14 - 5) = 54\n#### 54")


@pytest.mark.parametrize(
    "equation", ["+ number0 number1", "number7", "/ number0", "- number1 number0 number0"]
)
def test_equation_that_does_not_give_the_result_is_left_out(equation: str) -> None:
    text = word_problem("Ann has 3.0 pens , Bob 9.0 .", equation, "6.0")
    assert text == "Question: Ann has 3 pens, Bob 9.\nAnswer: #### 6"
