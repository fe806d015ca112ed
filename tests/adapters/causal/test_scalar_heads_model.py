"""The names users know: load from folders, generate, stream, save, load again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from mendgraph.adapters.causal.expert import Expert
from mendgraph.adapters.causal.heads_file import SavedHeads, save_heads
from mendgraph.adapters.causal.scalar_heads_model import MultiModelWithScalarHeads
from mendgraph.adapters.causal.trace import Loss, TracedToken, to_html
from mendgraph.errors import ArtifactMissing, BadOutput, ConfigError
from tests import languages

PROMPTS = ["the cat sat on", "12 + 30 ="]


@pytest.fixture
def experts(tmp_path: Path) -> list[Expert]:
    base = languages.save_model(tmp_path / "base", languages.llama())
    found = []
    for seed, name in enumerate(languages.NAMES):
        folder = languages.save_peft(tmp_path / name, languages.peft_model(languages.llama(), seed=seed))
        found.append(Expert(name, str(base), str(folder)))
    return found


@pytest.fixture
def model(experts: list[Expert], tmp_path: Path) -> MultiModelWithScalarHeads:
    weights = save_heads(SavedHeads(languages.heads(), "hard"), tmp_path / "heads")
    return MultiModelWithScalarHeads.from_pretrained(base_models=experts, weights_path=weights, device="cpu")


def test_one_prompt_gives_a_text_and_a_batch_a_list(model: MultiModelWithScalarHeads) -> None:
    text = model.generate(prompt=PROMPTS[0], max_new_tokens=12, temperature=0.3)
    texts = model.generate(PROMPTS, max_new_tokens=12, temperature=0.3)
    assert isinstance(text, str)
    assert texts[0] == text
    assert len(texts) == 2


def test_pieces_are_the_text(model: MultiModelWithScalarHeads) -> None:
    whole = model.generate(PROMPTS, max_new_tokens=20)
    assert "".join(model.generate(PROMPTS[0], max_new_tokens=20, stream=True)) == whole[0]
    rows = ["", ""]
    for row, piece in model.generate(PROMPTS, max_new_tokens=20, stream=True):
        rows[row] += piece
    assert rows == whole


def test_seeds_repeat_and_differ(model: MultiModelWithScalarHeads) -> None:
    texts = [model.generate(PROMPTS[0], max_new_tokens=20, temperature=1.0, seed=seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_heads_are_used_as_they_were_trained(model: MultiModelWithScalarHeads) -> None:
    assert model.options().mode == "hard"
    assert model.options(mode="soft").mode == "soft"
    assert model.options(force="math").mode == "forced"
    assert model.options(stop="x").stop == ("x",)


def test_answers_hold_every_token(model: MultiModelWithScalarHeads) -> None:
    found = model.answer(PROMPTS[0], max_new_tokens=8, mode="soft")
    assert json.loads(json.dumps(found)) == found
    assert found["question"] == PROMPTS[0]
    assert set(found["tokens"][0]) == {"id", "token", "expert", "confidences", "probability"}
    assert set(found["tokens"][0]["confidences"]) == set(languages.NAMES)


def test_what_was_saved_writes_the_same(model: MultiModelWithScalarHeads, tmp_path: Path) -> None:
    folder = model.save_pretrained(tmp_path / "saved")
    again = MultiModelWithScalarHeads.from_pretrained(folder, device="cpu")
    assert again.generate(PROMPTS, max_new_tokens=12) == model.generate(PROMPTS, max_new_tokens=12)
    assert again.options().mode == "hard"
    with pytest.raises(ArtifactMissing, match=r"no experts\.json"):
        MultiModelWithScalarHeads.from_pretrained(tmp_path)


def test_without_heads_one_expert_can_be_forced(experts: list[Expert]) -> None:
    bare = MultiModelWithScalarHeads.from_pretrained([asdict(one) for one in experts], device="cpu")
    assert bare.generate(PROMPTS[0], max_new_tokens=4, force="math")
    with pytest.raises(ConfigError, match="needs heads"):
        bare.generate(PROMPTS[0])
    with pytest.raises(ConfigError, match="no heads to save"):
        bare.save_pretrained("anywhere")


def test_a_text_that_nobody_can_finish_is_an_error(model: MultiModelWithScalarHeads) -> None:
    with torch.no_grad():
        next(model.ensemble.hosts[0].decoder.parameters()).fill_(torch.nan)
    with pytest.raises(BadOutput, match="no expert is left for prompt 0 after 0 tokens"):
        model.generate(PROMPTS)
    with pytest.raises(BadOutput, match="no expert is left"):
        list(model.generate(PROMPTS, stream=True))
    assert [row.finish for row in model.write(PROMPTS).rows] == ["failed", "failed"]


def test_html_shows_who_wrote_what_and_escapes_everything() -> None:
    tokens = [
        TracedToken(5, "<b>", "math", {"math": 0.75, "general": 0.25}, 0.5),
        TracedToken(6, "&", "gen<i>", {}, 1.0),
    ]
    page = to_html("<script>", tokens, ["math", "gen<i>"], [Loss("law", 3, "crashed", "a < b")])
    assert "<script>" not in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "math, probability 0.500; math 0.75, general 0.25" in page
    assert "law from token 3 on: a &lt; b" in page
    colours = {part.split(" ")[0] for part in page.split("hsl(")[1:]}
    assert len(colours) == 2
