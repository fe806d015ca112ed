"""Each kind of fault does what it says, and nothing happens outside its calls."""

from __future__ import annotations

import ctypes
import json
import math
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import (
    ArtifactError,
    ArtifactMissing,
    ConfigError,
    HubUnavailable,
    OutOfMemory,
    TierError,
)
from mendgraph.graphs.emotion import LABELS
from mendgraph.nodes.call import call as called
from mendgraph.runtime.recipe import Recipe
from mendgraph.testing import Damage, Fault, FaultPlan, Faulty, Scripted, faulty_tier, injecting, scratch_copy
from mendgraph.testing.ledger import Strikes

Outcome = Prediction | Failure


def rows(*texts: str) -> list[Input]:
    return [Input(text, text) for text in texts or ("one", "two", "three")]


def faulty(*faults: Fault, seed: int = 0, sleep: object = None) -> Faulty:
    plan = FaultPlan(faults, seed)
    return Faulty(Scripted({}), plan, name="primary", **({"sleep": sleep} if sleep else {}))  # type: ignore[arg-type]


def crashes(tier: Faulty, calls: int) -> list[int]:
    """Numbers of the calls that raised."""
    failed = []
    for number in range(1, calls + 1):
        try:
            tier.predict(rows())
        except RuntimeError:
            failed.append(number)
    return failed


def test_without_faults_it_is_the_tier_inside() -> None:
    inner = Scripted({"one": "joy"}, fingerprint="abc")
    tier = Faulty(inner, FaultPlan())
    assert (tier.name, tier.fingerprint, tier.calibrator) == ("scripted", "abc", None)
    assert tier.predict(rows()) == inner.predict(rows())


def test_a_crash_is_an_exception_nobody_foresaw() -> None:
    tier = faulty(Fault("crash", at_call=3))
    assert crashes(tier, 6) == [3]
    with pytest.raises(RuntimeError, match="injected crash at call 1 of tier 'primary'") as caught:
        faulty(Fault("crash")).predict(rows())
    assert not isinstance(caught.value, TierError)
    with pytest.raises(RuntimeError, match=r"^boom$"):
        faulty(Fault("crash", message="boom")).predict(rows())


def test_a_named_error_is_that_error() -> None:
    with pytest.raises(HubUnavailable, match="call 1"):
        faulty(Fault("error", error="hub_unavailable")).predict(rows())


def test_hang_and_slow_hold_the_call_up_and_then_it_answers() -> None:
    slept: list[float] = []
    tier = faulty(
        Fault("hang", seconds=7, at_call=1), Fault("slow", seconds=2, at_call=2), sleep=slept.append
    )
    assert len(tier.predict(rows())) == len(tier.predict(rows())) == len(tier.predict(rows())) == 3
    assert slept == [7, 2]


def test_slow_by_a_factor_takes_that_many_times_as_long() -> None:
    slept: list[float] = []

    def thinking(text: str) -> str:
        time.sleep(0.02)
        return "joy"

    Faulty(Scripted(thinking), FaultPlan([Fault("slow", factor=10)]), sleep=slept.append).predict(rows("one"))
    assert slept[0] >= 9 * 0.02


def beats_during(seconds: float, *, hard: bool) -> int:
    """How often another thread gets its turn while a tier hangs."""
    beats, stop = [0], threading.Event()

    def beat() -> None:
        while not stop.wait(0.005):
            beats[0] += 1

    thread = threading.Thread(target=beat)
    thread.start()
    time.sleep(0.05)
    before = beats[0]
    faulty(Fault("hang", seconds=seconds, hard=hard)).predict(rows())
    during = beats[0] - before
    stop.set()
    thread.join()
    return during


def test_a_hang_lets_other_threads_run_and_a_hard_one_does_not() -> None:
    assert beats_during(0.4, hard=False) > 5
    assert beats_during(0.4, hard=True) <= 2


@pytest.mark.parametrize("kind", ["nan", "bad_label"])
def test_spoilt_rows_are_the_share_asked_for_and_are_found_out(kind: str) -> None:
    tier = faulty(Fault(kind, share=0.2), seed=3)
    texts = rows(*map(str, range(1000)))
    outcomes = called("primary", tier, texts, LABELS).outcomes
    bad = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, Failure)]
    assert 150 < len(bad) < 250
    assert {o.kind for o in outcomes if isinstance(o, Failure)} == {"bad_output"}
    again = called("primary", faulty(Fault(kind, share=0.2), seed=3), texts, LABELS).outcomes
    assert [place for place, outcome in enumerate(again) if isinstance(outcome, Failure)] == bad


def test_rows_that_contain_a_text_are_spoilt_and_no_others() -> None:
    tier = faulty(Fault("nan", rows="tw"))
    one, two, three = tier.predict(rows())
    assert isinstance(two, Prediction)
    assert math.isnan(two.raw)
    assert all(isinstance(o, Prediction) and o.raw == 0.9 for o in (one, three))
    assert len(faulty(Fault("crash", rows="tw")).predict(rows("one", "three"))) == 2
    with pytest.raises(RuntimeError):
        faulty(Fault("crash", rows="tw")).predict(rows())


def test_wrong_count_loses_an_outcome() -> None:
    assert len(faulty(Fault("wrong_count")).predict(rows())) == 2


def test_out_of_memory_depends_on_the_rows() -> None:
    tier = faulty(Fault("out_of_memory", above=2))
    assert len(tier.predict(rows("one", "two"))) == 2
    with pytest.raises(OutOfMemory, match="3 rows, more than 2 do not fit"):
        tier.predict(rows())


@pytest.mark.parametrize("kind", ["kill", "segfault"])
def test_nobody_kills_their_own_program(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends the process it strikes.*isolation to process"):
        faulty(Fault(kind, at_call=99))
    live = Faulty(Scripted({}), tmp_path / "plan.json")
    (tmp_path / "plan.json").write_text(json.dumps(FaultPlan([Fault(kind)]).to_dict()))
    with pytest.raises(ConfigError, match="ends the process it strikes"):
        live.predict(rows())


@given(st.integers(0, 999), st.floats(0.1, 0.9), st.integers(1, 4))
def test_the_same_seed_strikes_the_same_calls(seed: int, rate: float, every: int) -> None:
    fault = Fault("crash", rate=rate, every=every)
    assert crashes(faulty(fault, seed=seed), 40) == crashes(faulty(fault, seed=seed), 40)


@given(st.integers(1, 12), st.integers(0, 99))
def test_a_restarted_worker_goes_on_where_its_predecessor_died(cut: int, seed: int) -> None:
    import tempfile

    plan = FaultPlan([Fault("crash", rate=0.4)], seed)
    whole = crashes(Faulty(Scripted({}), plan, name="primary"), 24)
    with tempfile.TemporaryDirectory() as folder:
        first = crashes(Faulty(Scripted({}), plan, name="primary", ledger=Path(folder)), cut)
        second = crashes(Faulty(Scripted({}), plan, name="primary", ledger=Path(folder)), 24 - cut)
        assert first + [cut + number for number in second] == whole
        struck = list(Strikes(Path(folder)).new())
    assert [strike["call"] for strike in struck] == whole
    assert {(strike["tier"], strike["kind"]) for strike in struck} <= {("primary", "crash")}


def test_strikes_are_read_once(tmp_path: Path) -> None:
    tier, strikes = (
        Faulty(Scripted({}), FaultPlan([Fault("nan", every=2)]), ledger=tmp_path),
        Strikes(tmp_path),
    )
    assert list(strikes.new()) == []
    for _ in range(3):
        tier.predict(rows())
    assert [strike["call"] for strike in strikes.new()] == [1, 3]
    tier.predict(rows())
    tier.predict(rows())
    assert [strike["call"] for strike in strikes.new()] == [5]


def test_threads_never_share_a_call_number(tmp_path: Path) -> None:
    tier = Faulty(Scripted({}), FaultPlan([Fault("nan")]), ledger=tmp_path)
    threads = [
        threading.Thread(target=lambda: [tier.predict(rows("one")) for _ in range(50)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(strike["call"] for strike in Strikes(tmp_path).new()) == list(range(1, 401))


def test_a_fault_has_its_time() -> None:
    now = [100.0]
    plan = FaultPlan([Fault("crash", from_s=5, until_s=8)], start=100.0)
    tier = Faulty(Scripted({}), plan, clock=lambda: now[0])
    found = []
    for now[0] in (100.0, 104.9, 105.0, 107.9, 108.0):
        try:
            tier.predict(rows())
            found.append("well")
        except RuntimeError:
            found.append("struck")
    assert found == ["well", "well", "struck", "struck", "well"]


def test_a_live_plan_is_switched_while_the_tier_works(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    tier = Faulty(Scripted({}), file)
    assert crashes(tier, 2) == []
    file.write_text(json.dumps(FaultPlan([Fault("crash")]).to_dict()))
    assert crashes(tier, 2) == [1, 2]
    file.write_text(json.dumps(FaultPlan([Fault("nan")]).to_dict()))
    assert crashes(tier, 1) == []
    file.unlink()
    assert all(isinstance(o, Prediction) and o.raw == 0.9 for o in tier.predict(rows()))


# ---- weights on disk ----------------------------------------------------------------------------------------


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A scratch copy of an artefact: its manifest names a small and a larger file."""
    folder = tmp_path / "artefact"
    folder.mkdir()
    (folder / "small.json").write_text("{}")
    (folder / "large.safetensors").write_bytes(bytes(range(200)))
    (folder / "manifest.json").write_text(json.dumps({"files": {"small.json": "", "large.safetensors": ""}}))
    return scratch_copy(folder, tmp_path / "copy")


@pytest.mark.parametrize("how", ["truncate", "flip", "remove"])
def test_damage_breaks_the_largest_file_and_repair_brings_it_back(weights: Path, how: str) -> None:
    file = weights / "large.safetensors"
    before = file.read_bytes()
    with Damage(weights, how) as damage:
        damage.inflict()  # twice is once
        assert not file.exists() if how == "remove" else file.read_bytes() != before
        assert Damage(weights, how).path == file
    assert file.read_bytes() == before
    assert (weights / "small.json").read_text() == "{}"
    damage.repair()
    assert file.read_bytes() == before


def test_only_copies_are_damaged(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(ConfigError, match=r"it is no scratch copy.*scratch_copy"):
        Damage(tmp_path / "artefact")
    with pytest.raises(ConfigError, match="no file"):
        Damage(weights / "none.bin")
    with pytest.raises(ConfigError, match="can be opened again"):
        Faulty(Scripted({}), FaultPlan([Fault("corrupt", path=str(weights))]))
    with pytest.raises(ConfigError, match="needs a path"):
        Faulty(lambda: Scripted({}), FaultPlan([Fault("corrupt")]), name="t")


def opened(folder: str) -> Scripted:
    """Stands in for a model: refuses weights that are not what they were."""
    file = Path(folder) / "large.safetensors"
    if not file.is_file():
        raise ArtifactMissing(f"no {file.name}")
    if file.read_bytes() != bytes(range(200)):
        raise ArtifactError("wrong hash")
    return Scripted({}, fingerprint="whole")


@pytest.mark.parametrize(("how", "kind"), [("flip", "artifact"), ("remove", "artifact_missing")])
def test_a_tier_with_broken_weights_fails_as_the_weights_do_and_comes_back(
    weights: Path, how: str, kind: str
) -> None:
    fault = Fault("corrupt", path=str(weights), how=how, at_call=[2, 3])
    tier = Faulty(lambda: opened(str(weights)), FaultPlan([fault]), name="primary")
    found = []
    for _ in range(5):
        try:
            tier.predict(rows())
            found.append((tier.fingerprint, ""))
        except TierError as error:
            found.append((tier.fingerprint, error.kind))
    assert found == [("whole", ""), ("", kind), ("", kind), ("whole", ""), ("whole", "")]


def test_a_tier_opened_while_its_weights_are_broken_does_not_open(weights: Path) -> None:
    now = [0.0]
    fault = Fault("corrupt", path=str(weights), from_s=10, until_s=20)
    plan = FaultPlan([fault], start=0.0)

    def start() -> Faulty:
        return Faulty(lambda: opened(str(weights)), plan, name="primary", clock=lambda: now[0])

    assert start().fingerprint == "whole"
    now[0] = 12.0
    with pytest.raises(ArtifactError):
        start()
    now[0] = 21.0  # the worker that broke the file is gone; its successor mends it
    assert start().fingerprint == "whole"


def test_closing_mends_what_was_broken(weights: Path) -> None:
    tier = Faulty(
        lambda: opened(str(weights)), FaultPlan([Fault("corrupt", path=str(weights), from_call=2)]), name="t"
    )
    tier.predict(rows())
    with pytest.raises(ArtifactError):
        tier.predict(rows())
    tier.close()
    assert opened(str(weights)).fingerprint == "whole"


# ---- recipes ------------------------------------------------------------------------------------------------


def scripted_tier(label: str) -> Scripted:
    return Scripted({}, otherwise=label)


def test_a_recipe_is_wrapped_as_a_recipe_of_json_values(tmp_path: Path) -> None:
    plan = FaultPlan([Fault("crash", tier="primary", at_call=2), Fault("nan", tier="backup")], seed=4)
    recipe = Recipe("tests.testing.test_faulty:scripted_tier", {"label": "joy"})
    wrapped = injecting(plan, ledger=tmp_path)("primary", recipe)
    assert isinstance(wrapped, Recipe)
    arguments = json.loads(json.dumps(wrapped.arguments))
    assert [fault["kind"] for fault in arguments["plan"]["faults"]] == ["crash"]
    tier = faulty_tier(**arguments)
    assert tier.name == "primary"
    assert tier.predict(rows())[0].label == "joy"  # type: ignore[union-attr]
    with pytest.raises(RuntimeError):
        tier.predict(rows())


def test_a_function_is_wrapped_as_a_function() -> None:
    opener = injecting(FaultPlan([Fault("crash")]))("primary", lambda: Scripted({}))
    with pytest.raises(RuntimeError, match="tier 'primary'"):
        opener().predict(rows())  # type: ignore[operator]


# ---- inside a worker ----------------------------------------------------------------------------------------

WORKER = """
import runpy, sys, types
sys.modules["__main__"].__spec__ = types.SimpleNamespace(name="mendgraph.runtime.worker.__main__")
from mendgraph.core.values import Input
from mendgraph.testing import Fault, FaultPlan, Faulty, Scripted
tier = Faulty(Scripted({}), FaultPlan([Fault(sys.argv[1], at_call=2)]))
tier.predict([Input("one")])
print("answered", flush=True)
tier.predict([Input("two")])
print("survived", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize(("kind", "signal"), [("kill", 9), ("segfault", 11)])
def test_in_a_worker_the_process_really_dies(kind: str, signal: int) -> None:
    run = subprocess.run([sys.executable, "-c", WORKER, kind], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["answered"]
    assert run.returncode == -signal


def test_the_lock_is_really_held_by_the_foreign_call() -> None:
    assert ctypes.PyDLL(None).poll(None, 0, 1) == 0
