"""Bounds on a processor's time that also hold where the processor is a slow one, or busy with another test."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator

#: What `_yardstick` took on the machine for which the bounds were set, with nothing else to do, in seconds.
_SET_FOR = 0.085

_TEXT = b"(@harbour) August 7, 2024 a.b.c " * 60_000


def _yardstick() -> float:
    """What our readers do: patterns over megabytes, and objects made of what they find."""
    began = time.process_time()
    found = [match.span() for match in re.finditer(rb"[a-z]+(?=[.)])", _TEXT)]
    assert sum(end - start for start, end in found) > len(found)
    return time.process_time() - began


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail if it takes more of this process's time than that; more is allowed by as much as the machine is slower, just
    before or just after, than the one for which the bound was set."""
    before = _yardstick()
    began = time.process_time()
    yield
    took = time.process_time() - began
    if took >= seconds:
        slower = max(1.0, max(before, _yardstick()) / _SET_FOR)
        assert took < seconds * slower, f"{took:.2f} s, on a machine {slower:.1f} times slower than the bound is for"
