"""Warm-up, constant rate, decay: a run that is given more time later goes on as if it had always had it."""

from __future__ import annotations

import math
import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from mendgraph.training.lm.spec import Limit

_UNTIMED = 2  # first steps, which compile and allocate, say nothing about the pace
LOG_SECONDS = 15.0


class Trapezoid:
    """Factor of the learning rate: linear warm-up by steps, 1, then 1 - sqrt over the part that decays.

    Hägele et al. 2024, Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations, section 3: as good
    as a cosine of the same length, and its length need not be known.

    Only plain numbers in it: `LambdaLR` puts its attributes into checkpoints, and takes them out again.

    Attributes:
        decays: the run lowers the rate from its first step to its last; else the rate stays.
        fraction: of the run that is done, in [0, 1].
        origin: step at which the run began.
        seconds: of training so far, earlier runs included.
    """

    def __init__(self, warmup_steps: int, *, decays: bool, origin: int = 0) -> None:
        self.warmup_steps = warmup_steps
        self.decays = decays
        self.origin = origin
        self.fraction = 0.0
        self.seconds = 0.0

    def __call__(self, step: int) -> float:
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        return warm * (1 - math.sqrt(self.fraction)) if self.decays else warm


class Pace(TrainerCallback):
    """Moves the schedule on; says when to measure, to save, to log and to stop.

    A run that is resumed spreads what is left of it over the time or the steps it is given now.

    Args:
        anew: the checkpoint that was loaded, if any, belongs to an earlier run, whose steps and rates this one
            continues and whose fraction it does not.
    """

    def __init__(
        self,
        schedule: Trapezoid,
        limit: Limit,
        *,
        anew: bool,
        evaluations: int,
        checkpoint_minutes: float,
    ) -> None:
        self._schedule = schedule
        self._decays, self._origin = schedule.decays, schedule.origin
        self._limit = limit
        self._anew = anew
        self._evaluations = evaluations
        self._checkpoint_seconds = checkpoint_minutes * 60
        self._before = 0.0
        self._first_step = 0
        self._began = 0.0
        self._last = 0.0
        self._saved = 0.0
        self._logged = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._anew:
            self._schedule.decays, self._schedule.origin = self._decays, self._origin
            self._schedule.fraction = 0.0
        self._first_step = state.global_step
        self._before = self._schedule.fraction
        self._began = self._last = self._saved = self._logged = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        now = time.monotonic()
        if state.global_step == self._first_step + _UNTIMED:
            self._began = now
        self._schedule.seconds, self._last = self._schedule.seconds + now - self._last, now
        reached = self._schedule.fraction
        self._schedule.fraction = fraction = max(reached, self._fraction(state.global_step, now))
        control.should_training_stop |= fraction >= 1
        crossed = int(fraction * self._evaluations) > int(reached * self._evaluations)
        control.should_evaluate |= crossed
        if crossed or now - self._logged >= LOG_SECONDS:
            control.should_log, self._logged = True, now
        if now - self._saved >= self._checkpoint_seconds or fraction >= 1:
            control.should_save, self._saved = True, now
        return control

    def _fraction(self, step: int, now: float) -> float:
        parts = [self._before]
        if self._limit.steps is not None:
            parts.append((step - self._schedule.origin) / self._limit.steps)
        if self._limit.deadline is not None:
            given = max(self._limit.deadline - self._began, 1e-9)
            parts.append(self._before + (1 - self._before) * (now - self._began) / given)
        return min(1.0, max(parts))
