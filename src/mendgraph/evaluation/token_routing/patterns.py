"""Who speaks where: routing by domain, switches, how fast a router follows, and what being lazy saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

import numpy as np

from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.token_routing import lazy_expert, spoken_nats, switch_rate
from mendgraph.evaluation.report import Section, Table, number, percent
from mendgraph.evaluation.token_routing.systems import ORACLE, SEQUENCE, Routed
from mendgraph.evaluation.token_routing.text import Sums
from mendgraph.training.token_routing.passages import MIXED

SINCE = (0, 4, 8, 16, 32, 64)
"""Tokens since the domain last changed, as ends of intervals."""
THRESHOLDS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class LazyPoint:
    """One trust threshold: share of tokens at which all experts are heard, mean bits per byte, switch rate."""

    threshold: float
    heard: float
    bits: float
    switches: float


def routing_matrix(experts: int, expert: IntArray, domain: IntArray, domains: int) -> FloatArray:
    """(D, M) share of the tokens of each domain that each expert speaks; rows sum to 1, NaN without tokens."""
    counts = np.bincount(domain * experts + expert, minlength=domains * experts).reshape(domains, experts)
    with np.errstate(invalid="ignore"):
        return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float64)


def since_change(domain: IntArray, starts: IntArray) -> IntArray:
    """(N,) tokens since the domain changed within the passage; -1 before the first change."""
    found = np.full(len(domain), -1, np.int64)
    ends = np.append(starts[1:], len(domain))
    for start, end in zip(starts, ends, strict=True):
        changes = np.flatnonzero(np.diff(domain[start:end])) + 1
        for place, after in zip(changes, [*changes, end - start][1:], strict=True):
            found[start + place : start + after] = np.arange(after - place)
    return found


def following(expert: IntArray, domain: IntArray, starts: IntArray) -> list[float]:
    """Share of tokens whose expert is the one of their domain, by tokens since the change; see `SINCE`.

    Experts and domains must be numbered alike.
    """
    age = since_change(domain, starts)
    right = expert == domain
    found = []
    for low, high in zip(SINCE, [*SINCE[1:], np.iinfo(np.int64).max], strict=True):
        inside = (age >= low) & (age < high)
        found.append(float(right[inside].mean()) if inside.any() else float("nan"))
    return found


def lazy_frontier(routed: Routed) -> list[LazyPoint]:
    """What the lazy mode pays and saves at every threshold."""
    said, tokens = routed.heard["lazy"], routed.states.tokens
    sums = Sums(tokens)
    found = []
    for threshold in THRESHOLDS:
        active, heard = lazy_expert(said.trust, tokens.starts, threshold)
        nats = sums.nats(spoken_nats(routed.states.nats, active))
        bits = sums.mean(nats, sums.sizes, sums.kinds)
        found.append(LazyPoint(threshold, float(heard.mean()), bits, switch_rate(active, tokens.starts)))
    return found


def patterns_section(routed: Routed, modes: Sequence[str]) -> Section:
    tokens, experts = routed.states.tokens, routed.states.experts
    shown = [name for name in (SEQUENCE, *modes, ORACLE) if name in routed.systems]
    chosen = {name: expert for name in shown if (expert := routed.systems[name].expert) is not None}
    matrices = {
        name: routing_matrix(len(experts), expert, tokens.domain, len(tokens.domains))
        for name, expert in chosen.items()
    }
    routing = Table(
        "Routing: share of the tokens of a domain that each expert speaks",
        ("system", "domain", *experts),
        tuple(
            (name, domain, *(percent(share) for share in row))
            for name, matrix in matrices.items()
            for domain, row in zip(tokens.domains, matrix, strict=True)
        ),
        "For soft: the expert with the largest weight. The oracle's choice is mostly noise: experts that are nearly "
        "as good as each other take turns in being the best.",
    )
    rates = {name: _rates(expert, routed) for name, expert in chosen.items()}
    switching = Table(
        "Switch rate: share of tokens at which another expert speaks than before",
        ("system", *next(iter(rates.values())), "all experts heard"),
        tuple(
            (name, *(number(rate) for rate in found.values()), _heard(routed, name))
            for name, found in rates.items()
        ),
    )
    tables = [routing, switching]
    figures: dict[str, object] = {
        "experts": experts,
        "domains": tokens.domains,
        "routing": matrices,
        "switch_rate": rates,
    }
    if experts == tokens.domains:
        followed = {name: following(expert, tokens.domain, tokens.starts) for name, expert in chosen.items()}
        labels = [f"{low}-{high - 1}" for low, high in pairwise(SINCE)]
        tables.append(
            Table(
                "After the domain changes: share of tokens spoken by its expert, by tokens since the change",
                ("system", *labels, f"{SINCE[-1]} and more"),
                tuple((name, *(percent(share) for share in row)) for name, row in followed.items()),
            )
        )
        figures["following"] = followed
    if "lazy" in routed.heard:
        frontier = lazy_frontier(routed)
        tables.append(
            Table(
                "Lazy: trust threshold, share of tokens at which all experts are heard, bits per byte",
                ("threshold", "heard", "bits per byte", "switch rate"),
                tuple(
                    (f"{p.threshold:.1f}", percent(p.heard), f"{p.bits:.4f}", number(p.switches))
                    for p in frontier
                ),
            )
        )
        figures["lazy"] = frontier
    return Section("routing", tuple(tables), figures)


def confusion_bits(routed: Routed) -> Mapping[str, FloatArray]:
    """Domain -> (M,) bits per byte of its text under each expert."""
    tokens = routed.states.tokens
    found = {}
    for place, domain in enumerate(tokens.domains):
        inside = tokens.domain == place
        size = tokens.bytes[:, place].sum()
        found[domain] = np.asarray(routed.states.nats[:, inside].sum(axis=1) / log(2) / size, np.float64)
    return found


def _rates(expert: IntArray, routed: Routed) -> dict[str, float]:
    """Switch rates within passages of one domain and of several."""
    tokens = routed.states.tokens
    several = np.array([kind == MIXED for kind in tokens.kinds])
    found = {}
    for name, rows in (("one domain", ~several), ("mixed", several)):
        inside = rows[tokens.passage]
        lengths = tokens.lengths[rows]
        starts = np.cumsum(lengths) - lengths
        found[name] = switch_rate(expert[inside], starts) if inside.any() else float("nan")
    return found


def _heard(routed: Routed, name: str) -> str:
    heard = routed.systems[name].heard
    return "-" if heard is None else percent(float(heard.mean()))
