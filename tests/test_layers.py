"""Imports flow one way, and a few habits hold everywhere.  Read from the syntax trees, so that nothing is missed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Set
from functools import cache

import pytest

from tests.loading import ROOT

PACKAGE = ROOT / "src" / "mendgraph"

# layer -> what it may import of this package.  A layer is a folder, or a single file at the top.
MAY_IMPORT: dict[str, Set[str]] = {
    "errors": set(),
    "core": {"errors"},
    "runtime": {"core", "errors"},
    "modules": {"core", "errors"},
    "settings_file": {"errors"},
    "config": {"core", "errors", "settings_file"},
    "home": {"errors"},
    "testing": {"core", "errors", "runtime", "settings_file"},
    "nodes": {"core", "errors", "runtime"},
    "graphs": {"core", "errors", "nodes"},
    "adapters": {"config", "core", "errors", "modules", "runtime"},
    "training": {"adapters", "config", "core", "errors", "home", "modules", "runtime"},
    "app": {"core", "errors", "nodes", "runtime"},
    "reflection": {"app", "core", "errors", "nodes", "runtime"},
    "prompt_routing": {"adapters", "app", "config", "core", "errors", "nodes", "runtime"},
    "token_routing": {"app", "config", "core", "errors", "nodes", "runtime"},
    "conflict": {"adapters", "app", "config", "core", "errors", "nodes", "runtime"},
}
BELOW_ASSEMBLY = {"adapters", "app", "config", "core", "errors", "graphs", "nodes", "runtime"}
MAY_IMPORT["assembly"] = BELOW_ASSEMBLY | {"conflict", "prompt_routing", "reflection", "token_routing"}
ABOVE = set(MAY_IMPORT)  # everything a layer above all of these may use
MAY_IMPORT["studio"] = ABOVE
MAY_IMPORT["evaluation"] = ABOVE
MAY_IMPORT["chaos"] = ABOVE | {"evaluation"}
MAY_IMPORT["replay"] = ABOVE | {"evaluation"}
MAY_IMPORT["classifier"] = ABOVE | {"evaluation"}
DOOR = "__init__"  # names everything, imports it only when asked
MAY_IMPORT["cli"] = ABOVE | {"chaos", "classifier", "evaluation", "replay", DOOR}

IMPURE = {
    "asyncio", "datetime", "glob", "http", "io", "multiprocessing", "os", "pathlib", "pickle", "random", "secrets",
    "shutil", "socket", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip

# package -> the only layers that know it
ONLY_IN: dict[str, Set[str]] = {
    "langgraph": {"nodes", "graphs", "app", "assembly", "studio", "classifier", "cli", "evaluation"},
    "langchain_core": {
        "app",
        "assembly",
        "classifier",
        "cli",
        "conflict",
        "prompt_routing",
        "reflection",
        "token_routing",
    },
    "peft": {"adapters", "training"},
    "prompt_toolkit": {"cli"},
    "pydantic": {"adapters", "config", "training"},
    "rich": {"cli"},
    "torch": {"modules", "adapters", "training", "cli", "evaluation"},
    "transformers": {"adapters", "training", "cli"},
    "typer": {"cli"},
    "yaml": {"settings_file"},
}


def layer(module: str) -> str:
    return module.split(".")[1] if "." in module else DOOR


@cache
def sources() -> dict[str, ast.Module]:
    """Module -> its syntax tree, the linked graphs included."""
    files = [
        *PACKAGE.glob("*.py"),
        *(f for d in PACKAGE.iterdir() if d.is_dir() for f in d.resolve().rglob("*.py")),
    ]
    found = {}
    for file in files:
        place = (
            "graphs" / file.relative_to(ROOT / "graphs")
            if ROOT / "graphs" in file.parents
            else file.relative_to(PACKAGE)
        )
        parts = [part for part in place.with_suffix("").parts if part != "__init__"]
        found[".".join(["mendgraph", *parts])] = ast.parse(file.read_text(encoding="utf-8"), str(file))
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    """Everything imported anywhere in the tree, inside functions and for types too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            module = node.module or ""
            yield from (name if (name := f"{module}.{a.name}") in sources() else module for a in node.names)


def modules(*layers: str) -> list[str]:
    """All modules, or those of some layers."""
    return sorted(module for module in sources() if not layers or layer(module) in layers)


def roots(module: str) -> set[str]:
    return {name.split(".")[0] for name in imports(sources()[module])}


def violations(found: Iterator[tuple[str, object]]) -> dict[str, list[object]]:
    gathered: dict[str, list[object]] = {}
    for module, what in found:
        gathered.setdefault(module, []).append(what)
    return gathered


def test_the_sources_were_found() -> None:
    expected = {"mendgraph", "mendgraph.core.policy", "mendgraph.graphs.emotion", "mendgraph.nodes.check"}
    assert expected <= set(sources())


def test_every_layer_is_known() -> None:
    assert {layer(module) for module in modules()} <= {DOOR, *MAY_IMPORT}


def test_imports_flow_one_way() -> None:
    def found() -> Iterator[tuple[str, object]]:
        for module in modules(*MAY_IMPORT):
            allowed = MAY_IMPORT[layer(module)] | {layer(module)}
            for name in imports(sources()[module]):
                if name.split(".")[0] == "mendgraph" and layer(name) not in allowed:
                    yield module, name

    assert violations(found()) == {}


def test_core_is_pure() -> None:
    pure = (sys.stdlib_module_names - IMPURE) | {"annotated_types", "emoji", "mendgraph", "numpy"}
    assert {m: strange for m in modules("core") if (strange := roots(m) - pure)} == {}


def test_heavy_libraries_stay_where_they_belong() -> None:
    def found() -> Iterator[tuple[str, object]]:
        for module in modules():
            for root in roots(module) & set(ONLY_IN):
                if layer(module) not in ONLY_IN[root]:
                    yield module, root

    assert violations(found()) == {}


def reached(module: str) -> set[str]:
    """`module` and every module of ours that importing it imports, packages on the way included."""
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name in seen or name not in sources():
            continue
        seen.add(name)
        todo.append(name.rpartition(".")[0])
        todo.extend(imports(sources()[name]) if layer(name) != DOOR else ())
    return seen


def test_training_reaches_no_library_that_bare_machines_lack() -> None:
    lacking = {"langgraph", "langchain_core", "loguru"}
    within = {name for module in modules("training") for name in reached(module) if layer(name) != DOOR}
    assert {name: used for name in within if (used := roots(name) & lacking)} == {}


def test_only_the_command_prints() -> None:
    asked_to = {
        name for name in modules() if name.startswith("mendgraph.adapters.lcr.")
    }  # `print_report` of the published loader, to any stream

    def found() -> Iterator[tuple[str, object]]:
        for module in set(modules()) - set(modules("cli")) - asked_to:
            for node in ast.walk(sources()[module]):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "input"}:
                    yield module, node.lineno
                if isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdout", "sys.stdin"}:
                    yield module, node.lineno

    assert violations(found()) == {}


def test_only_what_is_named_is_caught() -> None:
    """A handler for everything hides bugs; one that ends by raising again only cleans up."""
    relays = {"mendgraph.cli.background"}  # carries whatever a thread raised to the thread that waits for it

    def found() -> Iterator[tuple[str, object]]:
        for module in set(modules()) - relays:
            for node in ast.walk(sources()[module]):
                if not isinstance(node, ast.ExceptHandler) or isinstance(node.body[-1], ast.Raise):
                    continue
                names = (
                    {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else {"all"}
                )
                if names & {"all", "Exception", "BaseException"}:
                    yield module, node.lineno

    assert violations(found()) == {}


def test_nothing_is_unpickled() -> None:
    def found() -> Iterator[tuple[str, object]]:
        for module in modules():
            for node in ast.walk(sources()[module]):
                if isinstance(node, ast.Import) and {"pickle", "dill", "joblib"} & {
                    a.name for a in node.names
                }:
                    yield module, node.lineno
                if isinstance(node, ast.ImportFrom) and node.module in {"pickle", "dill", "joblib"}:
                    yield from ((module, a.name) for a in node.names if a.name != "UnpicklingError")
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                    if given.get("weights_only") != "True":
                        yield module, node.lineno

    assert violations(found()) == {}


def test_nothing_global_is_changed() -> None:
    """A good guest sets no environment variable, thread count, seed or log sink.

    Training owns its process and may seed it.
    """
    never = {"torch.set_num_threads", "os.putenv", "os.environ.setdefault", "os.environ.update", "logger.add"}
    seeds = {"torch.manual_seed", "random.seed", "np.random.seed", "set_seed"}

    def found() -> Iterator[tuple[str, object]]:
        for module in modules():
            for node in ast.walk(sources()[module]):
                if isinstance(node, ast.Call):
                    name = ast.unparse(node.func)
                    if name in never or (name in seeds and layer(module) != "training"):
                        yield module, f"line {node.lineno}: {name}"
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("os.environ"):
                    yield module, f"line {node.lineno}: {ast.unparse(node)}"

    assert violations(found()) == {}


def test_every_module_says_what_it_is_for() -> None:
    assert [module for module in modules() if not ast.get_docstring(sources()[module])] == []


def loaded_after(*names: str, without: str = "") -> set[str]:
    """Top-level packages in memory after a fresh process imports `names`."""
    lines = [
        "import sys",
        *(f"sys.modules[{name!r}] = None" for name in without.split()),
        *(f"import {name}" for name in names),
        "print(*{name.split('.')[0] for name, module in sys.modules.items() if module is not None})",
    ]
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


HEAVY = {
    "torch",
    "langgraph",
    "langchain_core",
    "transformers",
    "scipy",
    "sklearn",
    "pandas",
    "matplotlib",
    "yaml",
    "rich",
}


@pytest.mark.parametrize("layers", [[DOOR], ["core", "errors"]], ids=["door", "core"])
def test_the_door_and_the_core_are_light(layers: list[str]) -> None:
    assert loaded_after(*modules(*layers)) & HEAVY == set()


def test_training_imports_where_langgraph_and_loguru_are_missing() -> None:
    loaded = loaded_after(*modules("training"), without="langgraph langchain_core loguru")
    assert "mendgraph" in loaded
