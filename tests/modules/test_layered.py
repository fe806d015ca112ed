"""Reading a BERT layer by layer gives what the whole model gives; padding changes nothing."""

from __future__ import annotations

import pytest
import torch

from mendgraph.errors import ConfigError, ShapeMismatch
from mendgraph.modules.layered import climb, depth, embedded, head_inputs, input_widths, pair_vectors
from mendgraph.modules.level_head import LevelHead, level_chances, level_scores, match_logits, score_logits
from tests import tiny

IDS = torch.tensor([[2, 7, 8, 3, 9, 10, 3], [2, 7, 3, 9, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0, 0]])
TYPES = torch.tensor([[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 0, 0]])


def test_every_layer_is_that_of_the_whole_model() -> None:
    model = tiny.bert()
    with torch.no_grad():
        whole = model(input_ids=IDS, attention_mask=MASK, token_type_ids=TYPES, output_hidden_states=True)
        states = climb(model, embedded(model, IDS, TYPES), MASK)
        upper = climb(model, states[1], MASK, 1)
    assert len(states) == depth(model) + 1
    for mine, theirs in zip(states, whole.hidden_states, strict=True):
        torch.testing.assert_close(mine[MASK == 1], theirs[MASK == 1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(upper[-1], states[-1])


def test_padding_changes_nothing() -> None:
    model = tiny.bert()
    with torch.no_grad():
        padded = pair_vectors(climb(model, embedded(model, IDS, TYPES), MASK), MASK, TYPES)[1]
        short = IDS[1:, :5], TYPES[1:, :5]
        alone = pair_vectors(climb(model, embedded(model, *short), None), None, short[1])[0]
    torch.testing.assert_close(padded, alone, atol=1e-5, rtol=1e-5)
    assert alone.shape == (2 * 3 * tiny.HIDDEN + 1,)


def test_means_are_of_each_text_alone() -> None:
    states = torch.arange(7.0).reshape(1, 7, 1)
    vector = pair_vectors([states], None, TYPES[:1])[0]
    torch.testing.assert_close(vector, torch.tensor([1.5, 5.0, torch.tensor(3.0).log()]))


def test_another_architecture_is_refused() -> None:
    with pytest.raises(ConfigError, match="DistilBertModel is not built like BERT"):
        depth(tiny.distilbert())


def test_the_score_is_the_worth_of_the_classes() -> None:
    logits = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)) * 5
    wanted = logits.softmax(-1) @ torch.tensor((0.0, 0.5, 1.0, 0.0))
    torch.testing.assert_close(score_logits(logits).sigmoid(), wanted)
    far = torch.tensor([[300.0, 0, 0, 0], [0, 0, 300.0, 0], [0, 300.0, 0, 0]])
    assert score_logits(far).isfinite().all()
    assert score_logits(far)[2] == pytest.approx(0.0, abs=1e-5)


def test_a_score_is_that_of_the_response_times_the_chance_that_it_answers_the_prompt() -> None:
    logits = torch.randn(50, 4, generator=torch.Generator().manual_seed(1)) * 3
    wanted = level_scores(logits) * match_logits(logits).sigmoid()
    torch.testing.assert_close(score_logits(logits).sigmoid(), wanted)
    chances = level_chances(logits * 20)
    assert (chances <= 1.0).all()
    torch.testing.assert_close(chances.sum(1), torch.ones(50, dtype=torch.float64))


def test_inputs_are_as_wide_as_they_say_and_compare_unit_vectors() -> None:
    width = 2 * 3 * 4 + 1
    together, prompts, responses = (torch.randn(5, width) for _ in range(3))
    found = head_inputs(together, prompts, responses, 3)
    pair, alone = input_widths(4, 3)
    assert found.shape == (5, pair + alone)
    torch.testing.assert_close(found, head_inputs(together, prompts * 3, responses, 3))
    responses[:, 20:24] = prompts[:, 8:12]  # the same vector at the upper layer
    same = head_inputs(together, prompts, responses, 3)[:, width:pair]
    torch.testing.assert_close(same[:, :4].sum(1), torch.full((5,), 4.0))
    assert same[:, 4:].abs().max() < 1e-6


def test_rescaling_the_match_leaves_the_levels() -> None:
    head, vectors = LevelHead((9, 5), 4).eval(), torch.randn(20, 14)
    with torch.no_grad():
        before = head(vectors)
        head.rescale_match(3.0, -1.0)
        after = head(vectors)
    torch.testing.assert_close(match_logits(after), 3.0 * match_logits(before) - 1.0, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(level_scores(after), level_scores(before))


def test_folding_the_standardisation_away_changes_nothing() -> None:
    vectors = torch.randn(40, 9 + 5, generator=torch.Generator().manual_seed(0)) * 3 + 2
    head = LevelHead((9, 5), 4).eval()
    head.standardise(vectors)
    plain = LevelHead((9, 5), 4).eval()
    plain.load_plain(head.plain())
    torch.testing.assert_close(plain(vectors), head(vectors), atol=1e-5, rtol=1e-5)
    with pytest.raises(ShapeMismatch, match="the head has"):
        LevelHead((9, 5), 6).load_plain(head.plain())
