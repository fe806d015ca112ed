"""States: exact, independent of the batch, read from the file only where it fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.training.token_routing.passages import DOMAINS
from mendgraph.training.token_routing.states import States, beginning, read_states, tokenize
from tests.experts import CONTEXT, passages


def test_nats_are_those_of_each_expert_alone(ensemble: Ensemble, states: dict[str, States]) -> None:
    found = states["test"]
    tokens = found.tokens
    for passage in (0, 3):  # of one domain, and mixed
        span = slice(int(tokens.starts[passage]), int(tokens.starts[passage] + tokens.lengths[passage]))
        labels = torch.from_numpy(tokens.labels[span])
        start = torch.tensor([min(ensemble.vocabulary.end_ids)])
        ids = torch.cat([start, labels[:-1]])[None]
        logits = ensemble.logits(ensemble.hidden(ids))[:, 0]
        for expert, own in enumerate(logits):
            nats = torch.nn.functional.cross_entropy(own, labels, reduction="none").numpy()
            np.testing.assert_allclose(found.nats[expert, span], nats, atol=1e-4)


def test_tokens_know_their_domain_and_their_bytes(ensemble: Ensemble) -> None:
    rows = passages("test", 2)
    tokens = tokenize(ensemble, rows, DOMAINS)
    for number, row in enumerate(rows):
        inside = tokens.passage == number
        assert tokens.bytes[number].sum() == len(row.text.encode())
        assert set(tokens.domain[inside]) == {DOMAINS.index(name) for name in row.domains}
        assert ensemble.vocabulary.decode(tokens.labels[inside].tolist()) == row.text


def test_long_passages_end_with_the_context(ensemble: Ensemble) -> None:
    [row] = [one for one in passages("test", 1) if one.kind == "math"]
    long = type(row)("d", "math", "test", (row.text * 20,), ("math",))
    tokens = tokenize(ensemble, [long], DOMAINS)
    assert len(tokens.labels) == CONTEXT
    assert 0 < tokens.bytes.sum() < len(long.text)


def test_states_are_kept_for_the_same_passages_only(ensemble: Ensemble, tmp_path: Path) -> None:
    path = tmp_path / "states.safetensors"
    calls: list[int] = []

    def count(stage: str, done: int, total: int) -> None:
        calls.append(done)

    tokens = tokenize(ensemble, passages("train", 2), DOMAINS)
    first = read_states(ensemble, tokens, cache=path, progress=count)
    assert calls[-1] == len(tokens.labels)
    calls.clear()
    again = read_states(ensemble, tokens, cache=path, progress=count)
    assert not calls
    assert torch.equal(first.hidden, again.hidden)
    np.testing.assert_array_equal(first.nats, again.nats)
    read_states(ensemble, tokenize(ensemble, passages("train", 3), DOMAINS), cache=path, progress=count)
    assert calls
    path.write_bytes(path.read_bytes()[:100])
    read_states(ensemble, tokens, cache=path)
    assert path.stat().st_size > 100


def test_a_beginning_is_what_its_passages_alone_would_be(states: dict[str, States]) -> None:
    whole = states["test"]
    lengths = whole.tokens.lengths
    for tokens, count in ((1, 1), (int(lengths[:3].sum()), 3), (10**9, len(lengths))):
        part = beginning(whole, tokens)
        assert part.tokens.passages == whole.tokens.passages[:count]
        np.testing.assert_array_equal(part.tokens.lengths, lengths[:count])
        assert part.hidden.shape[1] == part.nats.shape[1] == len(part.tokens.labels) == lengths[:count].sum()
