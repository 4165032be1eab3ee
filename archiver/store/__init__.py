"""`archive.db`: the only SQL. Facts are appended, opinions replaced, work moved on; one writer, any number of readers.

`Writer` is the one connection that writes, under a lease with a fencing token; what it writes is in `facts`,
`opinions` and `work`. Readers use `connect_to_read` and `search`, which import the standard library only; so the
writer is loaded when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.store.schema import connect_to_read, translated

if TYPE_CHECKING:
    from archiver.store.writer import Writer

__all__ = ["Writer", "connect_to_read", "translated"]


def __getattr__(name: str) -> Any:
    if name == "Writer":
        from archiver.store.writer import Writer

        return Writer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
