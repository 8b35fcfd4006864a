"""Where the time of a program goes: functions are wrapped by name and charged with what they take."""

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

REST = "everything else"


class Stages:
    """Seconds of wall clock by stage; what a function calls that is wrapped too is not its own."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = defaultdict(float)
        self._running = [REST]
        self._since = self._clock()

    def watch(self, places: Mapping[str, Sequence[tuple[object, str]]]) -> None:
        """Wrap functions: for each stage (module or class, dotted name)."""
        for stage, functions in places.items():
            for owner, name in functions:
                *path, last = name.split(".")
                holder = attrgetter(".".join(path))(owner) if path else owner
                setattr(holder, last, self._wrapped(stage, getattr(holder, last)))

    def start(self) -> None:
        """Count from here."""
        self.seconds.clear()
        self._since = self._clock()

    def stop(self) -> dict[str, float]:
        """Seconds of each stage since ``start``."""
        self._charge()
        return dict(self.seconds)

    def _charge(self) -> None:
        now = self._clock()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def _wrapped(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            self._charge()
            self._running.append(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self._charge()
                self._running.pop()

        return run
