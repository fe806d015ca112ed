"""A tier that writes: the experts in one mode of decoding, a chunk of tokens at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log, log1p
from pathlib import Path
from threading import Lock
from typing import Any

from mendgraph.adapters.artifacts import MANIFEST, open_artifact, resolve
from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.heads_file import load_heads
from mendgraph.adapters.causal.sampling import Sampling
from mendgraph.adapters.causal.state import Mode, Options, Row, State
from mendgraph.adapters.causal.trace import TracedToken
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.core.calibration import Platt
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.core.writing import Draft, drafted
from mendgraph.errors import ArtifactError, BadOutput, ConfigError, HashMismatch, InputError, UnknownNameError

__all__ = ["TokenCalibration", "Voice", "WriterTier", "open_calibration", "open_voice", "open_writer"]

_FLOOR = 1e-12
_DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class TokenCalibration:
    """Platt scaling of a token's probability: the chance that a reference text has that token.

    Attributes:
        fingerprint: of the experts it was fitted with.
    """

    slope: float
    intercept: float
    fingerprint: str

    def __call__(self, probability: float) -> float:
        inside = min(max(probability, _FLOOR), 1 - _FLOOR)
        return 1 / (1 + exp(-(self.slope * (log(inside) - log1p(-inside)) + self.intercept)))


def open_calibration(path: Path) -> TokenCalibration | None:
    """That of a ``policy.json`` beside trained heads; None without one.

    Raises:
        ArtifactError: the file is damaged.
    """
    if not path.is_file():
        return None
    with renamed(f"read {path}", loading=True):
        found = json.loads(path.read_text(encoding="utf-8"))
        return TokenCalibration(float(found["slope"]), float(found["intercept"]), str(found["fingerprint"]))


@dataclass(frozen=True, slots=True)
class Voice:
    """The experts with the heads of one mode.

    Attributes:
        calibration: of single tokens; without one for these experts nothing is sure.
        doubt: trust below which lazy decoding asks the others.
    """

    decoder: Decoder
    calibration: TokenCalibration | None = None
    doubt: float = _DEFAULTS.doubt


def open_voice(ensemble: Ensemble, heads: str) -> Voice:
    """With what training left in a folder: heads, the doubt they were fitted with, and their calibration.

    Args:
        heads: a folder of `mend train token_routing`, or a file of heads alone, which leaves the voice uncalibrated.

    Raises:
        ArtifactError: the heads are refused, or were trained for experts with other weights.
    """
    folder = resolve(heads)
    if (folder / MANIFEST).is_file():
        trained_for = open_artifact(folder).manifest.settings.get("ensemble")
        if trained_for != ensemble.fingerprint:
            raise HashMismatch(
                f"the heads in {heads!r} were trained for experts {trained_for}, these are {ensemble.fingerprint}",
                hint="train heads for these experts: mend train token_routing",
            )
    saved = load_heads(folder, ensemble.names, ensemble.hidden_size)
    doubt = _DEFAULTS.doubt if saved.doubt is None else saved.doubt
    return Voice(Decoder(ensemble, saved.heads), open_calibration(folder / "policy.json"), doubt)


def open_writer(
    name: str,
    ensemble: Ensemble,
    mode: Mode,
    *,
    heads: str | None = None,
    expert: str | None = None,
    own_way: bool = False,
    others: Callable[[Mode], str] | None = None,
) -> WriterTier:
    """A writer with trained heads.

    Args:
        expert: who writes in ``forced`` mode; None for the first.
        heads: as for `open_voice`; None for ``forced``, which then counts every token as right as its probability says.
        others: where the heads of another mode are, for rows that ask for it; they are opened when one does.

    Raises:
        ConfigError: the mode needs heads, or an expert, that are not named.
        ArtifactError: they are refused, or were trained for experts with other weights.
    """
    if expert is not None:
        ensemble.index(expert)
    elif mode == "forced":
        expert = ensemble.names[0]
    if heads is None:
        if mode != "forced":
            raise ConfigError(f"tiers.{name}: mode {mode!r} needs heads", hint="name their folder as heads")
        voice = Voice(Decoder(ensemble), TokenCalibration(1.0, 0.0, ensemble.fingerprint))
    else:
        voice = open_voice(ensemble, heads)
    return WriterTier(
        name,
        voice.decoder,
        mode=mode,
        expert=expert,
        calibration=voice.calibration,
        doubt=voice.doubt,
        own_way=own_way,
        others=None if others is None else lambda other: open_voice(ensemble, others(other)),
    )


class WriterTier:
    """Writes with an ensemble.

    Args:
        mode: how it decodes unless a row asks for another way; with ``forced``, `expert` writes.
        calibration: of single tokens; without one for these experts the tier is sure of nothing.
        doubt: trust below which lazy decoding asks the others.
        own_way: keep `mode` whatever a row asks for: a backup that did as its primary would heal nothing.
        others: the voice of another mode that a row asks for; None to decode it with the heads of `mode`.
    """

    def __init__(
        self,
        name: str,
        decoder: Decoder,
        *,
        mode: Mode,
        expert: str | None = None,
        calibration: TokenCalibration | None = None,
        doubt: float | None = None,
        own_way: bool = False,
        others: Callable[[Mode], Voice] | None = None,
    ) -> None:
        ensemble = decoder.ensemble
        self.name = name
        self.decoder = decoder
        self.experts = ensemble.names
        own = Voice(decoder, calibration, _DEFAULTS.doubt if doubt is None else doubt)
        self._plain = replace(_DEFAULTS, mode=mode, expert=expert, doubt=own.doubt)
        self._own_way = own_way
        self._own, self._others = own, others
        self._voices: dict[str, Voice] = {mode: own, "forced": own}
        self._opening = Lock()
        self.fingerprint = sha256_of_json({"experts": ensemble.fingerprint, "mode": mode, "expert": expert})[
            :16
        ]

    @property
    def calibrator(self) -> Platt | None:
        """How its tokens' probabilities are calibrated, for those who ask whether they are; `predict` has done it."""
        sure = self._own.calibration
        if sure is None or sure.fingerprint != self.decoder.ensemble.fingerprint:
            return None
        return Platt(sure.slope, sure.intercept, self.fingerprint)

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        """Rows are `core.writing.Task`s in the facts; those that are decoded alike are decoded together."""
        found: dict[int, Prediction | Failure] = {}
        groups: dict[Options, list[tuple[int, Row]]] = {}
        for place, row in enumerate(rows):
            try:
                options, state = self._begun(row)
            except (InputError, ConfigError, UnknownNameError) as error:
                message = error.message.replace(
                    "prompt 0", "the prompt", 1
                )  # the decoder sees one row at a time
                found[place] = Failure.of(InputError(message, hint=error.hint))
                continue
            except ArtifactError as error:  # the heads of another mode that the row asks for
                found[place] = Failure.of(error)
                continue
            if row.facts["tokens"] < 1 or state.finish:
                found[place] = self._said(state, state, options)
            else:
                groups.setdefault(options, []).append((place, state))
        for options, group in groups.items():
            found |= self._decoded(options, group, rows)
        return [found[place] for place in range(len(rows))]

    def _begun(self, row: Input) -> tuple[Options, Row]:
        task = row.facts
        options = self._options(task["ways"])
        if task["text"] is None:
            state = self._voice(options.mode).decoder.begin([row.text], options)
        else:
            known = Row.from_dict(task["text"])
            active = known.active if known.active in self.experts else None
            state = State((replace(known, active=active, finish=_reopened(known, options)),), options)
        for expert in task["gone"]:
            state = state.without(expert)
        return options, state.rows[0]

    def _options(self, ways: Mapping[str, Any]) -> Options:
        plain, force = self._plain, ways.get("force")
        sampling = Sampling(ways.get("temperature", 0.0), ways.get("top_p", 1.0), ways.get("top_k", 0))
        chosen = replace(
            plain,
            sampling=sampling,
            max_new_tokens=ways.get("max_new_tokens", plain.max_new_tokens),
            stop=tuple(ways.get("stop", ())),
            seed=ways.get("seed", 0),
        )
        if force is not None:
            self.decoder.ensemble.index(force)
            return replace(chosen, mode="forced", expert=force)
        mode = plain.mode if self._own_way else ways.get("mode", plain.mode)
        if mode == plain.mode:
            return chosen
        return replace(chosen, mode=mode, expert=None, doubt=self._voice(mode).doubt)

    def _voice(self, mode: Mode) -> Voice:
        with self._opening:
            if mode not in self._voices:
                self._voices[mode] = self._own if self._others is None else self._others(mode)
            return self._voices[mode]

    def _decoded(
        self, options: Options, group: Sequence[tuple[int, Row]], rows: Sequence[Input]
    ) -> dict[int, Prediction | Failure]:
        """Each row stands where its number in the run says, so that its draws do not depend on who is with it."""
        places = {int(rows[place].facts["row"]): place for place, _ in group}
        states = dict(group)
        size = max(places) + 1
        absent = Row(prompt=(self.decoder.ensemble.vocabulary.pad_id,), finish="length")
        batch = tuple(states[places[n]] if n in places else absent for n in range(size))
        wanted = {place: int(rows[place].facts["tokens"]) for place in states}
        after = self._voice(options.mode).decoder.decode(State(batch, options), min(wanted.values()))
        return {
            place: self._said(states[place], after.rows[number], options) for number, place in places.items()
        }

    def _said(self, before: Row, after: Row, options: Options) -> Prediction | Failure:
        new = after.tokens[len(before.tokens) :]
        if after.finish == "failed" and not new:
            story = (
                "; ".join(f"{loss.expert}: {loss.message}" for loss in after.losses) or "no expert is left"
            )
            return Failure.of(BadOutput(f"no expert of tier {self.name!r} can go on ({story})"))
        draft = Draft(
            after.to_dict(), after.text[len(before.text) :], len(before.tokens), len(before.tokens) + len(new)
        )
        raw = exp(sum(log(max(token.probability, _FLOOR)) for token in new) / len(new)) if new else 1.0
        return drafted(draft, min(raw, 1.0), self._confidence(new, options.mode))

    def _confidence(self, new: Sequence[TracedToken], mode: Mode) -> float | None:
        sure = self._voice(mode).calibration
        if sure is None or sure.fingerprint != self.decoder.ensemble.fingerprint:
            return None
        return sum(map(sure, (token.probability for token in new))) / len(new) if new else 1.0


def _reopened(row: Row, options: Options) -> Any:
    """A text that ended for want of tokens goes on where more of them are allowed now; one that nobody could go on
    with is tried again."""
    if row.finish == "length" and len(row.ids) < options.max_new_tokens:
        return ""
    return "" if row.finish == "failed" else row.finish
