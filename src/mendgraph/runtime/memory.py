"""What running out of memory looks like."""

from __future__ import annotations

_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


def out_of_memory(error: Exception) -> bool:
    """Whether a foreign exception says that memory ran out: Python's own, or torch's of any device.

    Told by name and words, because torch may not be imported here, and because MPS, the CPU's allocator and some
    CUDA libraries raise a plain `RuntimeError`.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)
