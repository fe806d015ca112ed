"""Fits the two backups that read plain sentence vectors: the neighbour index and the label descriptions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import normalize

from mendgraph.modules.neighbours import NeighbourIndex, quantised

DESCRIPTIONS = {
    "joy": [
        "I am so happy and excited about this.",
        "That is hilarious, I can't stop laughing.",
        "What a wonderful, fun day, I feel great.",
        "Yay, we did it, I'm thrilled.",
    ],
    "sadness": [
        "I am so sad, it makes me cry.",
        "I feel disappointed and let down.",
        "I'm sorry for your loss, this is heartbreaking.",
        "I regret it, I feel lonely and hopeless.",
    ],
    "anger": [
        "I am so angry, this makes me furious.",
        "This is annoying and infuriating, shut up.",
        "I hate this idiot, how dare they.",
        "I'm sick of this nonsense, it's outrageous.",
    ],
    "fear": [
        "I am scared and afraid of what will happen.",
        "This is terrifying, it gives me nightmares.",
        "I'm nervous and anxious about it.",
        "Help, I'm panicking, it feels dangerous.",
    ],
    "love": [
        "I love you so much.",
        "I adore this, it's my favourite, love it.",
        "You mean the world to me, my darling.",
        "Sending hugs and all my affection.",
    ],
    "surprise": [
        "Wow, I did not expect that at all.",
        "I'm shocked, I can't believe it happened.",
        "Whoa, what a surprise, that is unexpected.",
        "Oh my god, really? That's astonishing.",
    ],
    "neutral": [
        "The meeting is at three in the second room.",
        "It depends on which version you have installed.",
        "He plays for the other team now.",
        "You can find the list on the website.",
    ],
    "disgust": [
        "That is disgusting and gross.",
        "Ew, this makes me want to vomit.",
        "What a revolting, vile, sickening thing.",
        "The smell is foul, it's repulsive.",
    ],
}
"""Written by this project; sentences a person would say, since the encoder compares sentences."""


def fit_neighbours(
    vectors: Tensor,
    classes: npt.NDArray[np.int64],
    count: int,
    *,
    k: int = 200,
    temperature: float = 0.1,
    shrinkage: float = 0.1,
) -> NeighbourIndex:
    """An index over (M, H) sentence vectors of known (M,) classes.

    The projection is Fisher's linear discriminant with a shrunk within-class covariance; it keeps at most
    C - 1 directions, which is what makes the index small.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage)
    analysis.fit(vectors.double().numpy(), classes)
    projection = torch.from_numpy(np.ascontiguousarray(analysis.scalings_[:, : count - 1])).float()
    mean = vectors.mean(0)
    share = np.bincount(classes, minlength=count) / len(classes)
    return NeighbourIndex(
        mean=mean,
        projection=projection,
        points=quantised(normalize((vectors - mean) @ projection, dim=1)),
        classes=torch.from_numpy(classes).to(torch.uint8),
        weights=torch.from_numpy(np.maximum(share, 1e-6) ** -0.5).float(),
        k=k,
        temperature=temperature,
    )
