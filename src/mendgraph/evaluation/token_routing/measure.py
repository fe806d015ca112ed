"""`mend eval token_routing`: text, routing, heads and benchmarks in one report."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import Expert
from mendgraph.adapters.causal.heads_file import SavedHeads
from mendgraph.adapters.causal.trace import to_html
from mendgraph.core.token_routing import MODES
from mendgraph.errors import UnknownNameError
from mendgraph.evaluation.emotion.targets import targets_section
from mendgraph.evaluation.report import Report, Section
from mendgraph.evaluation.token_routing.heads import calibration_section
from mendgraph.evaluation.token_routing.likelihood import likelihood_section
from mendgraph.evaluation.token_routing.numeric import Solved, numeric_section
from mendgraph.evaluation.token_routing.patterns import patterns_section
from mendgraph.evaluation.token_routing.plots import accuracy_chart, lazy_chart, routing_chart, text_chart
from mendgraph.evaluation.token_routing.questions import BENCHMARKS
from mendgraph.evaluation.token_routing.systems import BASE, Routed, only, route
from mendgraph.evaluation.token_routing.targets import q10
from mendgraph.evaluation.token_routing.text import score_text, text_section
from mendgraph.modules.sequence_head import SequenceHead
from mendgraph.training.token_routing.passages import DOMAINS, MIXED, Passage, read_passages
from mendgraph.training.token_routing.spec import HeadSpec
from mendgraph.training.token_routing.states import Progress, read_states, tokenize

TEXT, GSM8K, ALL = "text", "gsm8k", "all"
SETS = (TEXT, GSM8K, *BENCHMARKS)
DEBUG_SIZE = 4

Echo = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured; names as in the reference document.

    Attributes:
        sample_size: questions of each benchmark.
        passages: of each kind of held-out text; None for all.
        only_ensemble: leave the single experts out of the benchmarks.
        max_new_tokens, temperature: of GSM8K's answers.
        few_shot: also put worked examples before GSM8K's problems.
        num_examples: written answers that are saved per system, where a folder for them is given.
        debug: four of everything, and every written answer told.
    """

    sample_size: int = 500
    passages: int | None = None
    only_ensemble: bool = False
    max_new_tokens: int = 160
    temperature: float = 0.0
    few_shot: bool = True
    num_examples: int = 5
    resamples: int = 1000
    seed: int = 0
    debug: bool = False

    @property
    def effective(self) -> Sizes:
        return replace(self, sample_size=DEBUG_SIZE, passages=DEBUG_SIZE) if self.debug else self


@dataclass(frozen=True, slots=True)
class Router:
    """What is measured.

    Attributes:
        experts: as they were given, to find the bare base they may share.
        heads: mode -> heads trained for it.
        tolerances: mode -> how near the best an expert had to be for its head's trust.
        precision: that the experts were opened in; the base is measured in the same.
    """

    ensemble: Ensemble
    experts: Sequence[Expert]
    heads: Mapping[str, SavedHeads]
    sequence: SequenceHead | None = None
    tolerances: Mapping[str, float] = field(default_factory=dict)
    precision: str = "fp32"


def measure(
    router: Router,
    passages: Path,
    data_dir: Path,
    sizes: Sizes,
    *,
    only: Sequence[str] = (),
    plots: Path | None = None,
    examples: Path | None = None,
    echo: Echo = lambda line: None,
    progress: Progress = lambda stage, done, total: None,
) -> Report:
    """
    Args:
        passages: what `mend data token_routing` wrote.
        data_dir: folder of the benchmarks' own files; those that are missing are told and skipped.
        only: of `SETS`; empty or ``all`` for every one.
        plots, examples: folders for charts, and for written answers as JSON lines and coloured HTML.

    Raises:
        UnknownNameError: a name in `only` is no set.
        DataError: there are no test passages.
    """
    for name in only:
        if name not in (*SETS, ALL):
            raise UnknownNameError("test set", name, (*SETS, ALL))
    wanted = SETS if not only or ALL in only else tuple(only)
    sizes = sizes.effective
    sections: list[Section] = []
    files: list[Path] = []
    if TEXT in wanted:
        found, charts = _text(router, passages, sizes, plots, echo, progress)
        sections += found
        files += charts
    if GSM8K in wanted:
        numeric = numeric_section(
            router.ensemble,
            router.heads,
            data_dir,
            size=sizes.sample_size,
            max_new_tokens=sizes.max_new_tokens,
            temperature=sizes.temperature,
            only_ensemble=sizes.only_ensemble,
            few_shot=sizes.few_shot,
            seed=sizes.seed,
            resamples=sizes.resamples,
            echo=echo,
        )
        if numeric is not None:
            sections.append(numeric[0])
            if sizes.debug:
                for name, solved in numeric[1].items():
                    for one in solved:
                        echo(f"{name}: {one.row.text!r} -> {one.number}, expected {one.problem.answer}")
            if examples is not None:
                files += write_examples(numeric[1], router.ensemble.names, examples, sizes.num_examples)
    choices = likelihood_section(
        router.ensemble,
        router.heads,
        data_dir,
        [name for name in wanted if name in BENCHMARKS],
        size=sizes.sample_size,
        only_ensemble=sizes.only_ensemble,
        seed=sizes.seed,
        resamples=sizes.resamples,
        echo=echo,
    )
    if choices is not None:
        sections.append(choices)
        if plots is not None:
            files.append(accuracy_chart(choices.figures, plots / "token_accuracy.png"))
    return Report(tuple(sections), _about(router, sizes), tuple(files))


def _text(
    router: Router, folder: Path, sizes: Sizes, plots: Path | None, echo: Echo, progress: Progress
) -> tuple[list[Section], list[Path]]:
    heads = {mode: router.heads[mode] for mode in MODES if mode in router.heads}
    routed: dict[str, Routed] = {}
    for split, ensemble in (("dev", router.ensemble), ("test", _with_base(router))):
        chosen = _first(read_passages(folder, split), sizes.passages)
        tokens = tokenize(ensemble, chosen, DOMAINS)
        echo(f"{split}: {len(chosen)} passages, {len(tokens.labels):,} tokens")
        states = read_states(ensemble, tokens, progress=progress)
        count = len(router.ensemble.names)
        base = np.asarray(states.nats[count], np.float64) if len(states.experts) > count else None
        judged = heads if split == "test" else {}  # dev only says which expert is the best one
        routed[split] = route(only(states, count), router.ensemble, judged, router.sequence, base)
    test = routed["test"]
    modes = tuple(heads)
    scores = score_text(test, routed["dev"], modes, seed=sizes.seed, resamples=sizes.resamples)
    patterns = patterns_section(test, modes)
    tolerances = {mode: router.tolerances.get(mode, HeadSpec().tolerance) for mode in modes}
    sections = [
        text_section(scores, modes, test.states.tokens),
        patterns,
        calibration_section(heads, test, tolerances),
        targets_section(q10(scores)),
    ]
    files = []
    if plots is not None:
        files.append(text_chart(scores, modes, plots / "token_bits_per_byte.png"))
        matrices: Any = patterns.figures["routing"]
        files.append(
            routing_chart(
                matrices, test.states.tokens.domains, test.states.experts, plots / "token_matrix.png"
            )
        )
        if "lazy" in patterns.figures:
            files.append(lazy_chart(patterns.figures["lazy"], plots / "token_lazy.png"))
    return sections, files


def _with_base(router: Router) -> Ensemble:
    """The experts and, where they are adapters over one base, the base itself behind them."""
    paths = {one.path for one in router.experts}
    if len(paths) != 1 or any(one.adapter is None for one in router.experts):
        return router.ensemble
    device = str(router.ensemble.device)
    several = [*router.experts, Expert(BASE, paths.pop())]
    return Ensemble.open(several, device=device, precision=router.precision)


def _first(passages: Sequence[Passage], count: int | None) -> list[Passage]:
    """At most `count` of each kind."""
    kinds = (*DOMAINS, MIXED)
    return [row for kind in kinds for row in [one for one in passages if one.kind == kind][:count]]


def write_examples(
    solved: Mapping[str, Sequence[Solved]], experts: Sequence[str], folder: Path, count: int
) -> list[Path]:
    """Per system the first answers, as JSON lines and as pages in which each token has the colour of its expert."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, answers in solved.items():
        stem = name.replace(", ", "_")
        path = folder / f"{stem}.jsonl"
        lines = (json.dumps(one.to_dict(), ensure_ascii=False) for one in answers[:count])
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        files.append(path)
        for number, one in enumerate(answers[:count]):
            page = folder / f"{stem}_{number}.html"
            page.write_text(
                to_html(one.problem.question, one.row.tokens, experts, one.row.losses), encoding="utf-8"
            )
            files.append(page)
    return files


def _about(router: Router, sizes: Sizes) -> dict[str, Any]:
    return {
        "experts": [{"name": one.name, "path": one.path, "adapter": one.adapter} for one in router.experts],
        "weights": router.ensemble.fingerprint,
        "modes": list(router.heads),
        "doubt": {mode: own.doubt for mode, own in router.heads.items()},
        "sizes": sizes,
        "versions": {name: version(name) for name in ("mendgraph", "numpy", "torch", "transformers")},
        "platform": platform.platform(),
    }
