"""The router under the names its users know: made from a spec, trained, saved, loaded, asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from mendgraph.adapters.artifacts import Artifact, DataSource, open_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.router_model import RouterModel
from mendgraph.errors import ConfigError, DataError
from mendgraph.training.prompt_routing.comparisons import Comparisons, Responses
from mendgraph.training.prompt_routing.data_specs import first_problem
from mendgraph.training.prompt_routing.embeddings.base import LLMEmbeddings
from mendgraph.training.prompt_routing.fit import Fitted, fit
from mendgraph.training.prompt_routing.joining import save_joined
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.save import save
from mendgraph.training.prompt_routing.specs import EMBEDDED, ModelSpec, ValidationSplit
from mendgraph.training.prompt_routing.tuning import encoder_name

__all__ = ["TransformerEmbeddingModel"]


class TransformerEmbeddingModel:
    """Which LLM answers a prompt best.

    An encoder reads the prompt once, each LLM is a vector learned from its answers or its results, a head makes a
    score of both::

        model = TransformerEmbeddingModel(finetuning_spec=LoraSpec(rank=16), embedding_spec=OutcomesEmbeddingSpec())
        model.train(outcomes, validation_split=ValidationSplit(0.2, 42), epochs=20)
        model.save("my-router")
        scores = TransformerEmbeddingModel.load("my-router").predict(["Prove that ..."])

    Args:
        transformer_model_name: ``embedded``, a folder, or a hub name.
        settings: the other fields of `ModelSpec`.

    Raises:
        ConfigError: an unknown setting, or settings that do not fit each other.

    Attributes:
        spec: the settings.
        fitted: what `train` found: history, best epoch, collapse measure; None before, and after `load`.
    """

    def __init__(self, transformer_model_name: str = EMBEDDED, **settings: Any) -> None:
        try:
            self.spec = ModelSpec(transformer_model_name=transformer_model_name, **settings)
        except ValidationError as error:
            raise ConfigError(first_problem(error)) from error
        self.fitted: Fitted | None = None
        self._router: RouterModel | None = None
        self._artifact: Artifact | None = None

    @classmethod
    def of(cls, spec: ModelSpec) -> Self:
        return cls(**{name: getattr(spec, name) for name in ModelSpec.model_fields})

    @property
    def router(self) -> RouterModel:
        """The trained router.

        Raises:
            ConfigError: there is none yet.
        """
        if self._router is None:
            raise ConfigError("the model is not trained", hint="call train, or open one with load")
        return self._router

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the LLMs it knows."""
        return self.router.models

    def train(
        self,
        data: Outcomes | Comparisons,
        *,
        responses: Responses | None = None,
        validation_split: ValidationSplit | None = None,
        epochs: int = 20,
        batch_size: int = 32,
        device: str = "auto",
        checkpoints: Path | None = None,
        resume: bool = False,
        echo: Callable[[str], None] = lambda line: None,
    ) -> Self:
        """Embeddings of the LLMs first, then encoder and head; the epoch that does best on held-out prompts is kept.

        Args:
            responses: what the LLMs answered, for embeddings that are learned from that.
            batch_size: prompts per step, each with everything known on it.
            checkpoints: folder to go on from after an interruption, with `resume`.
            echo: told every epoch, and at the end whether the prompt matters.

        Raises:
            DataError: too few comparisons, or answers that are missing.
            ConfigError: settings that do not fit the data, the encoder or this machine.
        """
        self.fitted = fit(
            self.spec,
            data,
            responses,
            validation_split or ValidationSplit(),
            epochs=epochs,
            batch_size=batch_size,
            device=device,
            checkpoints=checkpoints,
            resume=resume,
            echo=echo,
        )
        self._router = self.fitted.router
        return self

    def predict(
        self, prompts: Sequence[str], models: Sequence[str] | None = None, *, batch_size: int = 32
    ) -> dict[str, npt.NDArray[np.float64]]:
        """LLM -> (N,) scores in [-1, 1], higher is better for that prompt; each prompt is encoded once.

        Args:
            models: some of the known LLMs; all by default.
            batch_size: prompts per forward pass.
        """
        router = self.router
        names = router.models if models is None else tuple(models)
        columns = router.columns(names)
        encoder = replace(router.vectors.encoder, limits=type(router.vectors.encoder.limits).of(batch_size))
        scores = router.with_encoder(encoder).scores(list(prompts))
        return {name: scores[:, column] for name, column in zip(names, columns, strict=True)}

    def join(self, name: str, prompts: Sequence[str], outcomes: npt.ArrayLike) -> Self:
        """Make one LLM more known, from its outcomes in [0, 1] on k prompts; nothing else is trained."""
        self._router = self.router.join(name, prompts, outcomes)
        return self

    def save(
        self, folder: str | Path, *, name: str | None = None, sources: Sequence[DataSource] = ()
    ) -> Artifact:
        """As an artefact folder: weights, embeddings of the LLMs, settings, figures, model card; joined LLMs too.

        Raises:
            ConfigError: the model is not trained.
        """
        router, place = self.router, Path(folder)
        if self.fitted is not None:
            self._artifact = save(self.fitted, place, name=name, sources=sources)
        assert self._artifact is not None  # trained above, or loaded
        if router.models != self._artifact.manifest.labels or self.fitted is None:
            self._artifact = save_joined(router, self._artifact, place)
        return self._artifact

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "auto") -> Self:
        """A model that was saved; ready to predict.

        Raises:
            ArtifactError: the folder is no router, or is damaged.
        """
        artifact = open_artifact(folder)
        made = artifact.manifest.training.get("spec")
        if artifact.manifest.kind != "router" or not isinstance(made, dict):
            raise DataError(f"{str(folder)!r} holds no router, but {artifact.manifest.kind!r}")
        model = cls.of(ModelSpec.model_validate(made))
        encoder = SharedEncoder.open(
            encoder_name(model.spec.transformer_model_name), device=device, max_length=model.spec.max_length
        )
        model._router, model._artifact = RouterModel.open(artifact, encoder), artifact
        return model

    @property
    def embeddings(self) -> LLMEmbeddings:
        """Of the LLMs, as `train` made or loaded them."""
        if self.fitted is None:
            raise ConfigError(
                "the model was not trained here", hint="LLMEmbeddings.load reads those of a folder"
            )
        return self.fitted.embeddings
