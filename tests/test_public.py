"""The public door: what it names can be had, and what can be had is named."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import version

import pytest

import mendgraph
from mendgraph import errors

ERRORS = sorted(name for name in errors.__all__)


@pytest.mark.parametrize("name", mendgraph.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    found = getattr(mendgraph, name)
    assert found.__name__ == name
    assert inspect.getdoc(found)
    assert found.__module__.startswith("mendgraph.")


def test_the_door_is_small_and_in_order() -> None:
    assert 5 <= len(mendgraph.__all__) <= 12
    assert sorted(mendgraph.__all__) == mendgraph.__all__ == dir(mendgraph)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        _ = mendgraph.laod


def test_the_version_is_that_of_the_package() -> None:
    assert mendgraph.__version__ == version("mendgraph")


def test_the_errors_are_all_named() -> None:
    tree = {n for n, e in vars(errors).items() if inspect.isclass(e) and issubclass(e, errors.MendError)}
    assert tree == set(ERRORS)


@pytest.mark.parametrize("name", [name for name in ERRORS if name != "UnknownNameError"])
def test_every_error_says_what_and_the_way_out(name: str) -> None:
    error = getattr(errors, name)("what, got what", hint="the way out")
    assert isinstance(error, errors.MendError)
    assert (error.message, error.hint) == ("what, got what", "the way out")
    assert str(error) == "what, got what (the way out)"
    assert str(getattr(errors, name)("what, got what")) == "what, got what"


def test_kinds_tell_the_errors_apart() -> None:
    kinds = [getattr(errors, name).kind for name in ERRORS]
    assert len(set(kinds)) == len(kinds)


def test_an_unknown_name_suggests_the_nearest() -> None:
    error = errors.UnknownNameError("graph", "emotoin", ["emotion", "reflection"])
    assert str(error) == "unknown graph 'emotoin'; known: emotion, reflection (did you mean 'emotion'?)"
    assert isinstance(error, LookupError)
    assert errors.UnknownNameError("graph", "xyz", []).hint == ""


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = {line.split("──")[1].split()[0] for line in (errors.__doc__ or "").splitlines() if "──" in line}
    assert drawn | {"MendError"} == set(ERRORS)


@pytest.mark.parametrize("module", ["mendgraph.testing", "mendgraph.errors"])
def test_all_matches_what_a_module_defines(module: str) -> None:
    found = import_module(module)
    own = {
        name
        for name, value in vars(found).items()
        if not name.startswith("_") and f"{getattr(value, '__module__', '')}.".startswith(f"{module}.")
    }
    assert own <= set(found.__all__) <= set(vars(found))
