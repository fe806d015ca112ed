"""Plain data as bytes on a stream: a length, a codec, a body.  No pickle: a frame can only ever become data.

The body is msgpack.  Where msgpack cannot say it (lone surrogates, integers beyond 64 bits) it is JSON, with
the surrogates kept as they are.  Floats come back bit for bit from both.
"""

from __future__ import annotations

import json
from struct import Struct
from typing import Any, Final

from ormsgpack import (
    OPT_PASSTHROUGH_DATACLASS,
    OPT_PASSTHROUGH_DATETIME,
    OPT_PASSTHROUGH_ENUM,
    OPT_PASSTHROUGH_UUID,
    packb,
    unpackb,
)

from mendgraph.errors import BadOutput, OutOfMemory

__all__ = ["LIMIT", "Incoming", "pack"]

LIMIT: Final = 64 * 2**20
"""Most bytes in one body; what is larger is split by whoever splits batches that do not fit in memory."""

_HEADER: Final = Struct("<IB")  # bytes in the body, codec
_MSGPACK, _JSON = 0, 1
# Values that JSON does not know would arrive as something else; better to refuse them.
_STRICT: Final = (
    OPT_PASSTHROUGH_DATACLASS | OPT_PASSTHROUGH_DATETIME | OPT_PASSTHROUGH_ENUM | OPT_PASSTHROUGH_UUID
)


def pack(value: dict[str, Any], *, limit: int = LIMIT) -> bytes:
    """The frame of one message.

    Raises:
        BadOutput: something in it is no plain data.
        OutOfMemory: it is longer than `limit`; with fewer rows it fits.
    """
    try:
        codec, body = _MSGPACK, packb(value, default=_scalar, option=_STRICT)
    except TypeError:
        codec, body = _JSON, _as_json(value)
    if len(body) > limit:
        raise OutOfMemory(
            f"a message of {len(body) / 2**20:.1f} MB is too long for a worker, which takes {limit / 2**20:.1f} MB",
            hint="use fewer or shorter rows per call",
        )
    return _HEADER.pack(len(body), codec) + body


class Incoming:
    """Frames out of the pieces in which a stream delivers them."""

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> dict[str, Any] | None:
        """The message that `piece` completes; None while it is incomplete.

        Raises:
            BadOutput: the stream holds no frames of ours, or more than the one that is due; nothing after it
                can be understood.
        """
        self._buffer += piece
        if len(self._buffer) < _HEADER.size:
            return None
        length, codec = _HEADER.unpack_from(self._buffer)
        if length > self._limit or codec not in (_MSGPACK, _JSON):
            raise BadOutput(f"a worker's message announces {length} bytes in codec {codec}: not one of ours")
        end = _HEADER.size + length
        if len(self._buffer) < end:
            return None
        if len(self._buffer) > end:
            raise BadOutput(
                f"a worker's message is followed by {len(self._buffer) - end} bytes nobody asked for"
            )
        body = bytes(memoryview(self._buffer)[_HEADER.size :])
        self._buffer.clear()
        return _unpack(codec, body)


def _unpack(codec: int, body: bytes) -> dict[str, Any]:
    try:
        value = unpackb(body) if codec == _MSGPACK else json.loads(body.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise BadOutput(f"a worker's message cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise BadOutput(f"a worker's message is a {type(value).__name__}, not a mapping")
    return value


def _as_json(value: dict[str, Any]) -> bytes:
    try:
        # Escaped surrogates would merge into one character when two of them meet; raw ones stay apart.
        return json.dumps(value, ensure_ascii=False, default=_scalar).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadOutput(
            f"this cannot travel between processes: {error}",
            hint="facts, signals and values hold JSON values only",
        ) from error


def _scalar(value: Any) -> Any:
    """The Python number in a scalar of numpy or torch."""
    item = getattr(value, "item", None)
    if callable(item):
        return item()
    raise TypeError(f"{type(value).__name__} is no JSON value")
