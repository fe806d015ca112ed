"""A dictionary with manners: names cannot clash, and an unknown name lists the known ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from mendgraph.errors import UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one sort; built-ins and plugins enter by the same door, `register`.

    Args:
        what: what one entry is, in the singular, as error messages should call it: ``"confidence measure"``.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator.  A name that is taken raises ValueError, also when the same object comes twice."""

        def enter(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self.what} {name!r} is already registered as {self._entries[name]!r}")
            self._entries[name] = entry
            return entry

        return enter

    def get(self, name: str) -> T:
        """Unlike a dictionary's `get`, raises `UnknownNameError` for an unknown name."""
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownNameError(self.what, name, self._entries) from None

    __getitem__ = get

    def names(self) -> tuple[str, ...]:
        """In order of registration."""
        return tuple(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Registry({self.what!r}: {', '.join(self._entries) or 'empty'})"
