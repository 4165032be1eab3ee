"""Bounds on a processor's time that hold while another test runs beside."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def within(seconds: float, work: Callable[..., Any], *arguments: Any) -> None:
    """Fail if *work* takes this process more time than that, three times over: a processor that was busy elsewhere is
    not so each time, and what is slow is."""
    took: list[float] = []
    while len(took) < 3:
        began = time.process_time()
        work(*arguments)
        took.append(time.process_time() - began)
        if took[-1] < seconds:
            return
    raise AssertionError(f"took {min(took):.2f} s at best, and may take {seconds}")
