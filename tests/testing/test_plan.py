"""Plans of faults: strict to read, the same again from the same seed, in this process or another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.values import Input
from mendgraph.errors import ConfigError, MendError
from mendgraph.testing import KINDS, Fault, FaultPlan
from mendgraph.testing.plan import draw

ROWS = [Input("a plain row", "a plain row")]
NEEDED: dict[str, dict[str, Any]] = {
    "error": {"error": "hub_unavailable"},
    "hang": {"seconds": 0.01},
    "out_of_memory": {"above": 4},
    "slow": {"factor": 2.0},
    "corrupt": {"path": "weights.safetensors"},
}


def when() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "tier": st.sampled_from(["primary", "backup"]),
            "at_call": st.integers(1, 9) | st.lists(st.integers(1, 9), min_size=1, max_size=3),
            "from_call": st.integers(1, 5),
            "until_call": st.integers(5, 20),
            "every": st.integers(1, 4),
            "rate": st.floats(0.05, 1.0),
            "rows": st.sampled_from(["plain", "other"]),
            "from_s": st.floats(0.0, 5.0),
            "until_s": st.floats(5.5, 9.0),
        },
    )


def faults() -> st.SearchStrategy[Fault]:
    return st.builds(
        lambda kind, chosen: Fault.from_dict({"kind": kind, **NEEDED.get(kind, {}), **chosen}),
        st.sampled_from(sorted(KINDS)),
        when(),
    )


def plans() -> st.SearchStrategy[FaultPlan]:
    return st.builds(FaultPlan, st.lists(faults(), max_size=4), st.integers(0, 99), st.none() | st.just(12.5))


def struck(plan: FaultPlan, tier: str = "primary") -> list[list[int]]:
    return [[place for place, _ in plan.due(tier, number, number / 2, ROWS)] for number in range(1, 25)]


@given(plans())
def test_a_plan_survives_json(plan: FaultPlan) -> None:
    again = FaultPlan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again == plan
    assert struck(again) == struck(plan)


@given(plans(), st.integers(1, 30), st.floats(0, 10))
def test_every_fault_due_is_one_whose_conditions_all_hold(
    plan: FaultPlan, number: int, seconds: float
) -> None:
    for _, fault in plan.of("primary").due("primary", number, seconds, ROWS):
        calls = [fault.at_call] if isinstance(fault.at_call, int) else fault.at_call
        assert fault.tier in (None, "primary")
        assert calls is None or number in calls
        assert fault.from_call <= number <= (fault.until_call or number)
        assert fault.from_s <= seconds
        assert fault.until_s is None or seconds < fault.until_s
        assert fault.rows in "a plain row"


@given(st.integers(), st.text(), st.integers())
def test_draws_lie_in_the_unit_interval(seed: int, tier: str, number: int) -> None:
    assert 0.0 <= draw(seed, tier, number) < 1.0


def test_the_rate_is_the_share_of_calls_struck_and_the_seed_says_which() -> None:
    plan = FaultPlan([Fault("crash", rate=0.3)], seed=1)
    hit = [n for n in range(1, 2001) if list(plan.due("primary", n, 0.0, ROWS))]
    assert 0.25 < len(hit) / 2000 < 0.35
    other = FaultPlan(plan.faults, seed=2)
    assert hit != [n for n in range(1, 2001) if list(other.due("primary", n, 0.0, ROWS))]
    assert hit != [n for n in range(1, 2001) if list(plan.due("backup", n, 0.0, ROWS))]


def test_another_process_draws_the_same() -> None:
    plan = FaultPlan([Fault("crash", rate=0.5), Fault("nan", every=3)], seed=5)
    code = (
        "import json, sys; from mendgraph.core.values import Input; from mendgraph.testing import FaultPlan\n"
        "plan = FaultPlan.from_dict(json.loads(sys.argv[1]))\n"
        "rows = [Input('a plain row')]\n"
        "print([[p for p, _ in plan.due('primary', n, n / 2, rows)] for n in range(1, 25)])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, json.dumps(plan.to_dict())], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == str(struck(plan))


def test_every_reads_from_the_first_call() -> None:
    plan = FaultPlan([Fault("crash", from_call=2, every=3, until_call=9)])
    assert [n for n in range(1, 15) if list(plan.due("t", n, 0.0, ROWS))] == [2, 5, 8]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("faults: [{kind: crsh}]", r"fault 1: unknown kind of fault 'crsh'.*did you mean 'crash'"),
        ("faults: [{kind: nan}, {kind: crash, at_cal: 3}]", r"fault 2: unknown key 'at_cal'.*'at_call'"),
        ("faults: [{at_call: 3}]", r"fault 1: no kind"),
        ("faults: [crash]", r"fault 1: expected a mapping with a kind, got 'crash'"),
        ("faults: [{kind: hang}]", r"fault 1: fault 'hang' needs seconds"),
        ("faults: [{kind: hang, seconds: -1}]", r"seconds: expected a number of seconds above 0, got -1"),
        ("faults: [{kind: hang, seconds: soon}]", r"got 'soon'"),
        ("faults: [{kind: crash, seconds: 1}]", r"fault 'crash' takes no seconds.*it takes message"),
        ("faults: [{kind: kill, share: 0.5}]", r"'kill' takes no share.*no parameters"),
        ("faults: [{kind: nan, share: 5}]", r"share: expected a number above 0, at most 1, got 5"),
        ("faults: [{kind: nan, share: .nan}]", r"share: .*got nan"),
        ("faults: [{kind: slow}]", r"'slow' needs factor or seconds"),
        ("faults: [{kind: slow, factor: 2, seconds: 1}]", r"'slow' needs factor or seconds"),
        ("faults: [{kind: error, error: hub}]", r"unknown kind of tier error 'hub'"),
        ("faults: [{kind: crash, at_call: true}]", r"at_call: expected a whole number from 1"),
        ("faults: [{kind: crash, at_call: []}]", r"at_call: expected"),
        ("faults: [{kind: crash, from_call: 5, until_call: 3}]", r"until_call 3 is before from_call"),
        ("faults: [{kind: crash, from_s: 5, until_s: 5}]", r"until_s 5 is not after from_s"),
        ("faults: [{kind: corrupt, how: burn}]", r"how: expected one of truncate, flip, remove"),
        ("fault: []", r"unknown key 'fault'; known: seed, start, faults"),
        ("seed: 3", r"faults: expected a list, got None"),
        ("{seed: x, faults: []}", r"seed: expected a whole number, got 'x'"),
        ("[1, 2]", r"expected a mapping"),
        ("faults: [", r"cannot be read as YAML"),
    ],
)
def test_a_wrong_plan_says_where_and_what(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        FaultPlan.from_file(file)
    assert "plan.yaml" in caught.value.message


def test_plans_in_yaml_and_json_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(
        "seed: 7\nfaults:\n  - {tier: primary, kind: crash, at_call: [3, 4]}\n  - {kind: nan, share: 0.05}\n"
    )
    plan = FaultPlan.from_file(tmp_path / "plan.yaml")
    assert plan == FaultPlan(
        [Fault("crash", tier="primary", at_call=[3, 4]), Fault("nan", share=0.05)], seed=7
    )
    (tmp_path / "plan.json").write_text(json.dumps(plan.to_dict()))
    assert FaultPlan.from_file(tmp_path / "plan.json") == plan
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ConfigError, match="cannot be read as JSON"):
        FaultPlan.from_file(tmp_path / "broken.json")
    with pytest.raises(ConfigError, match="no plan"):
        FaultPlan.from_file(tmp_path / "none.yaml")


def test_a_wrong_fault_in_python_is_refused_too() -> None:
    with pytest.raises(ConfigError, match="takes no seconds"):
        Fault("crash", seconds=1)
    with pytest.raises(MendError, match="did you mean 'segfault'"):
        Fault("segfalt")
