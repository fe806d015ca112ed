"""Laws of what is shown, for any text and any number."""

from __future__ import annotations

import io
import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from mendgraph.cli.console import one_line
from mendgraph.cli.glyphs import ASCII, UNICODE, bar, fitted, percent, sparkline
from mendgraph.cli.render import answers_table, headline, trail, why_table
from mendgraph.core.values import Answer, Attempt, Failure, Prediction
from mendgraph.runtime.journal import json_line
from mendgraph.testing import scores_for

SHARES = st.floats(0.0, 1.0)
GLYPHS = st.sampled_from([UNICODE, ASCII])


@given(st.text())
def test_one_line_holds_nothing_a_terminal_would_obey(text: str) -> None:
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs"}]
    assert "\u202e" not in shown
    assert one_line(shown) == shown


@given(st.text(), st.integers(2, 80))
def test_fitted_takes_exactly_its_width(text: str, width: int) -> None:
    assert cell_len(fitted(text, width)) == width


@given(st.dictionaries(st.text(), st.text()))
def test_a_json_line_is_one_line_and_loses_nothing(value: dict[str, str]) -> None:
    line = json_line(value)
    assert len(line.splitlines()) == 1
    assert json.loads(line) == value
    assert json_line(value, ascii_only=True).isascii()


@given(SHARES, st.none() | SHARES, st.integers(1, 60), GLYPHS)
def test_a_bar_has_its_width_and_grows_with_its_share(
    share: float, mark: float | None, width: int, g: object
) -> None:
    assert isinstance(g, type(UNICODE))
    drawn = bar(share, g, style="green", width=width, mark=mark)
    assert len(drawn.plain) == width
    filled = bar(share, g, style="green", width=width).plain.count(g.full)
    assert filled == round(share * width)
    assert (g.mark in drawn.plain) == (mark is not None)


@given(SHARES)
def test_percent_says_100_only_for_certainty(share: float) -> None:
    assert len(percent(share)) == 4
    assert ("100" in percent(share)) == (share == 1.0)


@given(st.lists(SHARES, max_size=300), GLYPHS)
def test_a_sparkline_fits_and_uses_only_its_steps(values: list[float], g: object) -> None:
    assert isinstance(g, type(UNICODE))
    drawn = sparkline(values, g, width=60)
    assert len(drawn) == min(len(values), 60)
    assert set(drawn) <= set(g.steps)


attempts = st.one_of(
    st.builds(
        lambda c, threshold, verdict, reason: Attempt(
            "tier", Prediction("joy", scores_for("joy", 0.5), 0.5, c), None, threshold, verdict, reason
        ),
        st.none() | SHARES,
        st.none() | SHARES,
        st.sampled_from([None, "accept", "defer", "ask", "abstain"]),
        st.text(),
    ),
    st.builds(lambda message: Attempt("dead", None, Failure("tier", message), 0.5, "defer"), st.text()),
)
answers = st.one_of(
    st.builds(
        lambda text, message, hint: Answer(text, "failed", error=Failure("input", message, hint)),
        st.text(),
        st.text(),
        st.text(),
    ),
    st.builds(
        lambda text, status, confidence, steps: Answer(
            text,
            status,
            label="joy" if status == "accepted" else None,
            best_guess="joy",
            confidence=confidence,
            options=("joy", "love"),
            source="tier" if status == "accepted" else "",
            trail=tuple(steps),
        ),
        st.text(),
        st.sampled_from(["accepted", "abstained", "needs_clarification"]),
        st.none() | SHARES,
        st.lists(attempts, max_size=4),
    ),
)


@given(st.lists(answers, min_size=1, max_size=5), GLYPHS, st.integers(30, 150))
def test_any_answer_can_be_shown_without_letting_its_text_command_the_terminal(
    shown: list[Answer], g: object, width: int
) -> None:
    assert isinstance(g, type(UNICODE))
    console = Console(
        file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False, force_terminal=False
    )
    console.print(answers_table(shown, g))
    for answer in shown:
        console.print(headline(answer, g))
        console.print(why_table(answer))
        for line in trail(answer, g):
            console.print(line)
    assert isinstance(console.file, io.StringIO)
    assert not [c for c in console.file.getvalue() if c != "\n" and unicodedata.category(c) == "Cc"]
