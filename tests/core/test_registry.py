from __future__ import annotations

import pytest

from mendgraph.core.registry import Registry
from mendgraph.errors import UnknownNameError


@pytest.fixture
def colours() -> Registry[int]:
    registry: Registry[int] = Registry("colour")
    registry.register("crimson")(1)
    registry.register("azure")(2)
    return registry


def test_entries_are_found_by_name_in_order_of_registration(colours: Registry[int]) -> None:
    assert colours["azure"] == colours.get("azure") == 2
    assert colours.names() == tuple(colours) == ("crimson", "azure")
    assert len(colours) == 2
    assert "azure" in colours
    assert "teal" not in colours


def test_register_returns_what_it_decorates() -> None:
    functions: Registry[object] = Registry("function")

    @functions.register("double")
    def double(value: int) -> int:
        return 2 * value

    assert functions["double"] is double


def test_unknown_name_lists_the_known_and_the_nearest(colours: Registry[int]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        colours.get("crimsen")
    assert str(caught.value) == "unknown colour 'crimsen'; known: azure, crimson (did you mean 'crimson'?)"
    with pytest.raises(LookupError):
        colours["zzz"]


def test_a_name_is_taken_once(colours: Registry[int]) -> None:
    with pytest.raises(ValueError, match="colour 'azure' is already registered as 2"):
        colours.register("azure")(3)
    assert colours["azure"] == 2
