"""`python -m mendgraph.training.lm`: the same as `mend train lm`, on machines without pydantic and langgraph."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path

from mendgraph.training.lm.recipe import PARTS, Options, make
from mendgraph.training.lm.spec import DOMAINS, ModelSpec


def main(arguments: list[str] | None = None) -> None:
    began = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m mendgraph.training.lm", description=__doc__)
    parser.add_argument("parts", nargs="+", choices=PARTS, help="what to make, in this order")
    parser.add_argument(
        "--data", type=Path, default=Path("data/processed/lm"), help="what `mend data lm` wrote"
    )
    parser.add_argument("--out", type=Path, default=Path("models/fine_tuned/lm"), help="where the models go")
    parser.add_argument("--max-minutes", type=float, help="wall-clock limit, everything included")
    parser.add_argument("--steps", type=int, help="optimizer steps of each run")
    parser.add_argument("--batch-tokens", type=int, help="tokens of one optimizer step")
    parser.add_argument("--learning-rate", type=float, help="peak, instead of the part's own")
    parser.add_argument("--evaluations", type=int, help="measurements on dev in each run")
    for name, value in asdict(ModelSpec()).items():
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=int, default=value, help=f"of the base model; {value} unless given")
    parser.add_argument("--experts", nargs="+", choices=DOMAINS, default=DOMAINS, help="which experts")
    parser.add_argument("--full", action="store_true", help="experts as full models instead of adapters")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--no-compile", action="store_true", help="do not compile")
    given = parser.parse_args(arguments)

    def echo(line: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:6.0f} s  {line}\n")
        sys.stderr.flush()

    options = Options(
        minutes=given.max_minutes,
        steps=given.steps,
        batch_tokens=given.batch_tokens,
        learning_rate=given.learning_rate,
        evaluations=given.evaluations,
        full=given.full,
        experts=tuple(given.experts),
        resume=given.resume,
        compiled=False if given.no_compile else None,
        model=ModelSpec(**{name: getattr(given, name) for name in asdict(ModelSpec())}),
    )
    make(tuple(dict.fromkeys(given.parts)), given.data, given.out, options, echo=echo)


if __name__ == "__main__":
    main()
