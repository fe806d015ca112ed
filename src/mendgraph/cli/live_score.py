"""The score of a response while it is being typed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from prompt_toolkit.formatted_text import StyleAndTextTuples

from mendgraph.cli.glyphs import bar
from mendgraph.cli.session import INDENT, Session
from mendgraph.core.values import Input, Prediction
from mendgraph.errors import InputError
from mendgraph.nodes.call import call

REFRESH_S = 0.2
WIDTH = 24


class LiveScore:
    """Asks the first tier that is well, in a thread of its own, about the latest text; older ones are passed over.

    As a context manager: the thread ends with the block.  Nothing is recorded.
    """

    def __init__(self, session: Session, prompt: str) -> None:
        self._session = session
        self._prompt = prompt
        self._text = self._scored = ""
        self._value: Mapping[str, Any] | None = None
        self._over = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="mend-live", daemon=True)

    def __enter__(self) -> LiveScore:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        with self._news:
            self._over = True
            self._news.notify()

    def toolbar(self, text: str) -> StyleAndTextTuples:
        """A bar for what is known so far; the text is scored as soon as may be."""
        with self._news:
            if text != self._text:
                self._text = text
                self._news.notify()
            value = self._value if text.strip() else None
        if value is None:
            return [("class:quiet", f"{INDENT}the score shows here as you type")]
        drawn = bar(value["score"], self._session.glyphs, style="", width=WIDTH).plain
        return [
            ("", f"{INDENT}score "),
            ("class:name", drawn),
            ("", f" {value['score']:.2f}  {value['level']}"),
        ]

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._over or self._text != self._scored)
                if self._over:
                    return
                text = self._scored = self._text
            value = self._score(text)
            with self._news:
                self._value = value

    def _score(self, text: str) -> Mapping[str, Any] | None:
        graph = self._session.graph
        well = [name for name in graph.tiers if name not in self._session.ill]
        if not well:
            return None
        try:
            row: Input = graph.context.prepare({"prompt": self._prompt, "response": text})
        except InputError:
            return None
        tier, policy = graph.tiers[well[0]], graph.context.policy
        [said] = call(well[0], tier, [row], graph.labels).outcomes
        if not isinstance(said, Prediction):
            return None
        [calibrated] = policy.calibrate(well[0], tier.fingerprint, [said], tier.calibrator)
        value: Mapping[str, Any] = graph.context.value(calibrated)
        return value
