"""Passages whose domain changes within: what a router must follow token by token."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from mendgraph.training.token_routing.passages import MIXED, Passage, pieces

STRETCH = (150, 550)
"""Characters of one stretch, shortest and longest."""
STRETCHES = (2, 3, 4)
PER_GROUP = 3
"""Passages that share their documents, and therefore a `doc`."""


def mixed(texts: Mapping[str, Sequence[str]], split: str, count: int, seed: int) -> list[Passage]:
    """At most `count` passages of 2 to 4 stretches; no two stretches in a row have one domain.

    Args:
        texts: domain -> documents; each is used for one group of passages only.
    """
    noise = random.Random(f"{seed} {split}")
    stocks = {domain: _stretches(documents, noise) for domain, documents in texts.items()}
    found: list[Passage] = []
    group = 0
    while len(found) < count:
        stock = {domain: next(left, []) for domain, left in stocks.items()}
        if sum(bool(part) for part in stock.values()) < len(stocks):
            break
        for _ in range(PER_GROUP):
            drawn = _draw(stock, noise)
            if drawn and len(found) < count:
                domains, chosen = zip(*drawn, strict=True)
                stretches = (chosen[0], *(f"\n\n{text}" for text in chosen[1:]))
                found.append(Passage(f"{MIXED}-{split}-{group}", MIXED, split, stretches, domains))
        group += 1
    return found


def _stretches(documents: Sequence[str], noise: random.Random) -> Iterator[list[str]]:
    """Per document, in random order, some of its stretches, in random order."""
    for number in noise.sample(range(len(documents)), len(documents)):
        shortest, longest = STRETCH
        found = list(pieces(documents[number], longest, shortest))
        if found:
            yield noise.sample(found, min(len(found), PER_GROUP * 2))


def _draw(stock: Mapping[str, list[str]], noise: random.Random) -> list[tuple[str, str]]:
    """Stretches taken out of the stock; fewer than two are none."""
    drawn: list[tuple[str, str]] = []
    for _ in range(noise.choice(STRETCHES)):
        able = [name for name, left in stock.items() if left and (not drawn or drawn[-1][0] != name)]
        if not able:
            break
        name = noise.choice(able)
        drawn.append((name, stock[name].pop()))
    return drawn if len(drawn) > 1 else []
