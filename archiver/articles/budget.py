"""How much work one document may cost. Counted, never timed: the same bytes end the same way on any machine."""

from __future__ import annotations

from archiver.errors import InputError

#: About a second's work of a slow core, in steps of a nanosecond of a quick one. The dearest page of 523 real ones
#: takes a fiftieth of it.
STEPS = 600_000_000


class Budget:
    """What is left for one document and everything that stands escaped in it."""

    __slots__ = ("_left", "location")

    def __init__(self, location: str, steps: int | None = STEPS) -> None:
        self.location, self._left = location, steps

    def spend(self, steps: int) -> None:
        """Raise InputError ("too large") where the document has cost more than it may. None is without limit."""
        if self._left is not None:
            self._left -= steps
            if self._left < 0:
                raise InputError(
                    f"{self.location}: too large: it has so much text, or so many references to be told apart, that "
                    f"reading it takes more than {STEPS} steps"
                )

    @property
    def is_spent(self) -> bool:
        return self._left is not None and self._left < 0
