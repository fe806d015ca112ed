"""The chart of a scored session."""

from __future__ import annotations

from pathlib import Path

from mendgraph.core.conversation_report import ConversationReport
from mendgraph.core.reflection import WORTH
from mendgraph.evaluation.charts import BLUE, GREY, ORANGE, calm, new_figure, saved

COLOURS = {"none": GREY, "simple": ORANGE, "complex": BLUE}
WINDOW = 5
"""Exchanges the running mean looks back on."""


def conversation_chart(report: ConversationReport, path: Path) -> Path:
    """Scores over the session as a PNG file: a dot per exchange, hollow where its level was not accepted.

    Raises:
        DataError: the file cannot be written.
    """
    figure = new_figure(7.5, 3.8)
    axes = figure.subplots()
    scored = report.scored
    for level, colour in COLOURS.items():
        for accepted in (True, False):
            chosen = [
                t
                for t in scored
                if t.level == level and (t.answer is not None and t.answer.accepted) == accepted
            ]
            if chosen:
                axes.scatter(
                    [t.number for t in chosen],
                    [t.score or 0.0 for t in chosen],
                    s=26,
                    edgecolors=colour,
                    facecolors=colour if accepted else "none",
                    label=level if accepted else f"{level}, not sure",
                    zorder=3,
                )
    values = [t.score or 0.0 for t in scored]
    spans = [values[max(0, end - WINDOW) : end] for end in range(1, len(values) + 1)]
    axes.plot(
        [t.number for t in scored],
        [sum(span) / len(span) for span in spans],
        color=GREY,
        linewidth=1.4,
        label=f"mean of {WINDOW}",
    )
    axes.set(
        xlabel="turn", ylabel="reflection score", ylim=(-0.03, 1.03), xlim=(0.5, len(report.turns) + 0.5)
    )
    axes.set_yticks(list(WORTH.values()))
    axes.set_title("Reflection over the session", loc="left")
    axes.legend(
        frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4, borderaxespad=0.2
    )
    calm(axes)
    return saved(figure, path)
