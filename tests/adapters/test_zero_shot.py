from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from mendgraph.adapters.zero_shot import ZeroShotTier
from mendgraph.core.tier import Tier
from mendgraph.core.values import Input, Prediction
from mendgraph.errors import ArtifactError, ConfigError
from tests.tiny import save_classifier, sentences, tokenizer

NLI = ("contradiction", "neutral", "ENTAILMENT")
GRAPH = ("joy", "sadness", "anger")
ROWS = [Input(text) for text in sentences(5, seed=8)]


@pytest.mark.parametrize("distil", [False, True])
def test_scores_are_the_softmax_of_entailment(tmp_path: Path, distil: bool) -> None:
    folder = save_classifier(tmp_path, NLI, distil=distil)
    tier = ZeroShotTier("nli", str(folder), GRAPH, wording={"anger": "hate"}, device="cpu", batch_size=4)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    outcomes = tier.predict(ROWS)

    assert isinstance(tier, Tier)
    for row, outcome in zip(ROWS, outcomes, strict=True):
        hypotheses = [f"This text expresses {word}." for word in ("joy", "sadness", "hate")]
        batch = tokenizer(types=not distil)([row.text] * 3, hypotheses, return_tensors="pt", padding=True)
        with torch.no_grad():
            expected = model(**batch).logits[:, 2].softmax(0)
        assert isinstance(outcome, Prediction)
        assert list(outcome.scores) == list(GRAPH)
        assert torch.allclose(torch.tensor(list(outcome.scores.values())), expected, atol=1e-5)
    assert tier.predict([]) == []


def test_long_texts_are_cut_and_the_hypothesis_kept(tmp_path: Path) -> None:
    tier = ZeroShotTier("nli", str(save_classifier(tmp_path, NLI)), GRAPH, device="cpu", max_length=16)
    long, cut = tier.predict([Input(" ".join(["cat"] * 500)), Input(" ".join(["cat"] * 8))])
    assert isinstance(long, Prediction)
    assert isinstance(cut, Prediction)
    # 16 tokens: [CLS] + 8 of the text + [SEP] + "This text expresses joy ." + [SEP]
    assert list(long.scores.values()) == pytest.approx(list(cut.scores.values()), abs=1e-5)


def test_a_model_without_entailment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no entailment label among joy, sad, mad"):
        ZeroShotTier("nli", str(save_classifier(tmp_path, ("joy", "sad", "mad"))), GRAPH)


@pytest.mark.parametrize(
    ("labels", "template", "wording"),
    [(GRAPH, "no slot", {}), (GRAPH, "{} and {}", {}), (("joy",), "{}", {}), (GRAPH, "{}", {"glee": "x"})],
)
def test_settings_are_checked_before_loading(
    labels: tuple[str, ...], template: str, wording: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match="zero-shot"):
        ZeroShotTier("nli", "/gone", labels, template, wording=wording)
