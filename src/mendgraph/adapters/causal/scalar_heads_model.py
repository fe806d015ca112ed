"""The ensemble under the names its users know: load, generate, save."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Self, overload

from mendgraph.adapters.artifacts import resolve
from mendgraph.adapters.causal.decoding import Decoder, Event
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import MODELS, Expert
from mendgraph.adapters.causal.heads_file import SavedHeads, load_heads, save_heads
from mendgraph.adapters.causal.sampling import Sampling
from mendgraph.adapters.causal.state import Mode, Options, State
from mendgraph.adapters.foreign import renamed
from mendgraph.errors import ArtifactMissing, BadOutput, ConfigError, DataError

__all__ = ["EXPERTS", "MultiModelWithScalarHeads"]

EXPERTS = "experts.json"


class MultiModelWithScalarHeads:
    """Several causal language models that write one text; a scalar head each says who is best placed for a token::

        model = MultiModelWithScalarHeads.from_pretrained(base_models=MODELS, weights_path="best_model_heads.pt")
        print(model.generate("If I have 5 apples and give 2 away, how many are left?", max_new_tokens=200))

    Attributes:
        ensemble, decoder: the parts, for those who need more than text.
        saved: the heads and what they were trained for; None allows forced generation only.
    """

    def __init__(self, ensemble: Ensemble, saved: SavedHeads | None = None) -> None:
        self.ensemble, self.saved = ensemble, saved
        self.decoder = Decoder(ensemble, None if saved is None else saved.heads)

    @classmethod
    def from_pretrained(
        cls,
        base_models: str | Path | Iterable[Expert | Mapping[str, Any]] = MODELS,
        weights_path: str | Path | None = None,
        *,
        device: str = "auto",
        precision: str = "fp32",
    ) -> Self:
        """
        Args:
            base_models: experts, mappings with ``name`` (or ``id``) and ``path``, or a folder of `save_pretrained`.
            weights_path: heads: a safetensors file or its folder, or a published ``best_model_heads.pt``; None takes
                those of the folder, or none.

        Raises:
            ArtifactError: something is missing or damaged, or does not fit together.
        """
        if isinstance(base_models, str | Path):
            folder = resolve(base_models)
            base_models, weights_path = _experts(folder), weights_path or folder
        ensemble = Ensemble.open(base_models, device=device, precision=precision)
        if weights_path is None:
            return cls(ensemble)
        return cls(ensemble, load_heads(resolve(weights_path), ensemble.names, ensemble.hidden_size))

    def save_pretrained(self, folder: str | Path) -> Path:
        """The heads, and which experts they are for; the experts' own weights stay where they are.

        Raises:
            ConfigError: there are no heads.
            DataError: the folder cannot be written.
        """
        if self.saved is None:
            raise ConfigError("there are no heads to save", hint="load or train them first")
        folder = Path(folder).expanduser()
        save_heads(self.saved, folder / "heads.safetensors")
        text = json.dumps([asdict(one) for one in self.ensemble.experts], indent=2) + "\n"
        try:
            (folder / EXPERTS).write_text(text, encoding="utf-8")
        except OSError as error:
            raise DataError(f"cannot write {folder / EXPERTS}: {error.strerror}") from error
        return folder

    @overload
    def generate(self, prompt: str, *, stream: Literal[False] = False, **options: Any) -> str: ...

    @overload
    def generate(
        self, prompt: Sequence[str], *, stream: Literal[False] = False, **options: Any
    ) -> list[str]: ...

    @overload
    def generate(self, prompt: str, *, stream: Literal[True], **options: Any) -> Iterator[str]: ...

    @overload
    def generate(
        self, prompt: Sequence[str], *, stream: Literal[True], **options: Any
    ) -> Iterator[tuple[int, str]]: ...

    def generate(
        self, prompt: str | Sequence[str], *, stream: bool = False, **options: Any
    ) -> str | list[str] | Iterator[str] | Iterator[tuple[int, str]]:
        """What the experts write after each prompt, without the prompt.

        Args:
            prompt: one, or a batch, which is written together.
            stream: return an iterator of pieces of text instead, for a batch of (row, piece).
            options: see `options`.

        Raises:
            TierError: no expert is left that can go on.
        """
        batch = [prompt] if isinstance(prompt, str) else list(prompt)
        state = self.decoder.begin(batch, self.options(**options))
        if stream:
            pieces = self._pieces(state)
            return (piece for _, piece in pieces) if isinstance(prompt, str) else pieces
        texts = _whole(self.decoder.decode(state)).texts
        return texts[0] if isinstance(prompt, str) else texts

    def write(self, prompts: Sequence[str], **options: Any) -> State:
        """As `generate`, with everything that is known of each token, and failures as data."""
        return self.decoder.decode(self.decoder.begin(prompts, self.options(**options)))

    def answer(self, question: str, **options: Any) -> dict[str, Any]:
        """``{"question", "answer", "tokens": [{"id", "token", "expert", "confidences", "probability"}]}``."""
        row = _whole(self.write([question], **options)).rows[0]
        return {"question": question, "answer": row.text, "tokens": [token.to_dict() for token in row.tokens]}

    def options(
        self,
        *,
        max_new_tokens: int = 200,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        stop: str | Sequence[str] = (),
        seed: int = 0,
        mode: Mode | None = None,
        force: str | None = None,
        doubt: float | None = None,
    ) -> Options:
        """
        Args:
            temperature: 0 takes the likeliest token.
            seed: the same seed writes the same text; row n of a batch draws with seed + n.
            mode: None takes the one the heads were trained for.
            force: an expert that writes everything.
            doubt: for lazy mode; None takes the threshold fitted with the heads, or .5.
        """
        fitted = self.saved.doubt if self.saved is not None else None
        trained = self.saved.mode if self.saved is not None else "soft"
        return Options(
            mode="forced" if force is not None else mode or trained,
            expert=force,
            max_new_tokens=max_new_tokens,
            sampling=Sampling(temperature, top_p, top_k),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            seed=seed,
            doubt=doubt if doubt is not None else 0.5 if fitted is None else fitted,
        )

    def _pieces(self, state: State) -> Iterator[tuple[int, str]]:
        running = self.decoder.run(state)
        while True:
            try:
                event: Event = next(running)
            except StopIteration as end:
                _whole(end.value)
                return
            if event.piece:
                yield event.row, event.piece


def _whole(state: State) -> State:
    """The state, refused when a row could not be finished."""
    for number, row in enumerate(state.rows):
        if row.finish == "failed":
            story = "; ".join(f"{loss.expert}: {loss.message}" for loss in row.losses)
            raise BadOutput(
                f"no expert is left for prompt {number} after {len(row.ids)} tokens ({story})",
                hint="use write() to keep what was written before",
            )
    return state


def _experts(folder: Path) -> list[dict[str, Any]]:
    path = folder / EXPERTS
    if not path.is_file():
        raise ArtifactMissing(
            f"no {EXPERTS} in {str(folder)!r}",
            hint="give a folder that save_pretrained wrote, or a list of experts",
        )
    with renamed(f"read {path}", loading=True):
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found
