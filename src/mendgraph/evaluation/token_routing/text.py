"""Bits per byte of held-out text, of one domain and of several within a passage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.metrics import bootstrap_interval
from mendgraph.evaluation.report import Section, Table, between, percent
from mendgraph.evaluation.token_routing.systems import (
    DOMAIN,
    ORACLE,
    SEQUENCE,
    SEQUENCE_MIXTURE,
    UNIFORM,
    Routed,
)
from mendgraph.training.token_routing.states import Tokens

MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Bits:
    """Bits per byte of one system: by kind of passage, their mean, and its 95 % interval over documents."""

    kinds: Mapping[str, float]
    mean: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Gain:
    """Bits per byte that a mode saves against another system, paired by document; above 0 is better."""

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class TextScores:
    """What the report and the targets need of the held-out text.

    Attributes:
        best_single: the expert that is best on dev.
        gains: mode -> other system -> gain.
        ways: mode -> share of the way from the best single expert to the per-token oracle.
    """

    bits: Mapping[str, Bits]
    best_single: str
    gains: Mapping[str, Mapping[str, Gain]]
    ways: Mapping[str, Gain]


class Sums:
    """Per passage: bytes, nats of a system, kind and document, for statistics over passages."""

    def __init__(self, tokens: Tokens) -> None:
        self.names = tuple(dict.fromkeys(tokens.kinds))
        self.kinds: IntArray = np.array([self.names.index(kind) for kind in tokens.kinds], np.int64)
        self.sizes: FloatArray = tokens.bytes.sum(axis=1)
        self.docs = np.array([row.doc for row in tokens.passages])
        self._starts = tokens.starts

    def nats(self, per_token: FloatArray) -> FloatArray:
        return np.asarray(np.add.reduceat(per_token, self._starts), dtype=np.float64)

    def by_kind(self, nats: FloatArray, sizes: FloatArray, kinds: IntArray) -> FloatArray:
        """(K,) bits per byte; NaN for a kind without passages."""
        count = len(self.names)
        spent = np.bincount(kinds, nats, count) / log(2)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(spent / np.bincount(kinds, sizes, count), dtype=np.float64)

    def interval(
        self, statistic: Callable[..., float], *nats: FloatArray, seed: int, resamples: int
    ) -> tuple[float, float]:
        """Of a statistic of (nats..., sizes, kinds), over documents."""
        return bootstrap_interval(
            statistic, *nats, self.sizes, self.kinds, seed=seed, resamples=resamples, groups=self.docs
        )

    def mean(self, nats: FloatArray, sizes: FloatArray, kinds: IntArray) -> float:
        """Every kind counts the same."""
        return float(self.by_kind(nats, sizes, kinds).mean())


def score_text(
    test: Routed, dev: Routed, modes: Sequence[str], *, seed: int = 0, resamples: int = 1000
) -> TextScores:
    """Intervals are over the documents of test; the best single expert is chosen on dev."""
    sums = Sums(test.states.tokens)
    spent = {name: sums.nats(system.nats) for name, system in test.systems.items()}
    bits = {}
    for name, nats in spent.items():
        kinds = sums.by_kind(nats, sums.sizes, sums.kinds)
        bits[name] = Bits(
            dict(zip(sums.names, kinds.tolist(), strict=True)),
            float(kinds.mean()),
            sums.interval(sums.mean, nats, seed=seed, resamples=resamples),
        )
    single = _best_on(dev)
    rivals = [name for name in (single, UNIFORM, SEQUENCE, SEQUENCE_MIXTURE) if name in bits]

    def saved(other: FloatArray, mine: FloatArray, sizes: FloatArray, kinds: IntArray) -> float:
        return sums.mean(other - mine, sizes, kinds)

    def way(
        other: FloatArray, mine: FloatArray, top: FloatArray, sizes: FloatArray, kinds: IntArray
    ) -> float:
        return sums.mean(other - mine, sizes, kinds) / sums.mean(other - top, sizes, kinds)

    gains = {
        mode: {
            rival: Gain(
                bits[rival].mean - bits[mode].mean,
                sums.interval(saved, spent[rival], spent[mode], seed=seed, resamples=resamples),
            )
            for rival in rivals
        }
        for mode in modes
    }
    apart = sums.mean(spent[single] - spent[ORACLE], sums.sizes, sums.kinds)
    others = (*modes, *(rival for rival in (*rivals, DOMAIN) if rival != single and rival in spent))
    ways = {
        name: Gain(
            way(spent[single], spent[name], spent[ORACLE], sums.sizes, sums.kinds),
            sums.interval(way, spent[single], spent[name], spent[ORACLE], seed=seed, resamples=resamples),
        )
        for name in others
        if apart > 0  # one expert alone is its own oracle
    }
    return TextScores(bits, single, gains, ways)


def text_section(scores: TextScores, modes: Sequence[str], tokens: Tokens) -> Section:
    kinds = list(next(iter(scores.bits.values())).kinds)
    documents = {kind: len({row.doc for row in tokens.passages if row.kind == kind}) for kind in kinds}
    rows = tuple(
        (
            f"{name} (best single on dev)" if name == scores.best_single else name,
            *(f"{found.kinds[kind]:.4f}" for kind in kinds),
            between(found.mean, found.interval, 4),
            percent(scores.ways[name].value) if name in scores.ways else "-",
        )
        for name, found in scores.bits.items()
    )
    main = Table(
        "Held-out text, bits per byte",
        ("system", *kinds, "mean [95 %]", "way to oracle"),
        rows,
        f"{len(tokens.labels):,} tokens; documents: "
        + ", ".join(f"{kind} {count}" for kind, count in documents.items())
        + ". Lower is better. Way to oracle: from the best single expert to an oracle that picks the best expert "
        "knowing the token; no router can know it, and fusion is not bound by it. The domain oracle always takes the "
        "expert of the domain.",
    )
    gained = tuple(
        (mode, *(between(gain.value, gain.interval, 4) for gain in scores.gains[mode].values()))
        for mode in modes
    )
    rivals = tuple(next(iter(scores.gains.values()))) if scores.gains else ()
    saved = Table(
        "Bits per byte saved, paired by document [95 %]",
        ("mode", *(f"against {rival}" for rival in rivals)),
        gained,
        "An interval above 0 means better.",
    )
    return Section(
        "text",
        (main, saved) if gained else (main,),
        {
            "bits_per_byte": scores.bits,
            "best_single": scores.best_single,
            "saved": scores.gains,
            "way_to_oracle": scores.ways,
            "documents": documents,
            "tokens": len(tokens.labels),
        },
    )


def _best_on(dev: Routed) -> str:
    sums = Sums(dev.states.tokens)

    def cost(name: str) -> float:
        return sums.mean(sums.nats(dev.systems[name].nats), sums.sizes, sums.kinds)

    return min(dev.states.experts, key=cost)
