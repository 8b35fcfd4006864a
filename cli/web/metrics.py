"""Counts and times of requests in the text format that Prometheus reads."""

from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import accumulate
from threading import Lock
from typing import NamedTuple

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
PREFIX = "myosem"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Route(NamedTuple):
    """What a request was for: its method and the template of its path, never the path itself."""

    method: str
    path: str


class Metrics:
    """Numbers of one server; threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: Counter[tuple[Route, int]] = Counter()
        self._buckets: defaultdict[Route, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS_S) + 1))
        self._seconds: defaultdict[Route, float] = defaultdict(float)

    def count(self, route: Route, status: int, seconds: float) -> None:
        """One request was answered."""
        with self._lock:
            self._requests[route, status] += 1
            self._buckets[route][bisect_left(BUCKETS_S, seconds)] += 1
            self._seconds[route] += seconds

    def text(self, gauges: dict[str, tuple[str, float]]) -> str:
        """Everything, with numbers of the moment: name to meaning and value."""
        with self._lock:
            lines = [*self._request_lines(), *self._time_lines()]
        for name, (meaning, value) in gauges.items():
            lines += [*_heading(name, "gauge", meaning), f"{PREFIX}_{name} {value:g}"]
        return "\n".join(lines) + "\n"

    def _request_lines(self) -> list[str]:
        lines = _heading("requests_total", "counter", "Requests that were answered.")
        for (route, status), count in sorted(self._requests.items()):
            lines.append(f'{PREFIX}_requests_total{{{_labels(route)},status="{status}"}} {count}')
        return lines

    def _time_lines(self) -> list[str]:
        name = "request_seconds"
        lines = _heading(name, "histogram", "Time from a request to the end of its answer.")
        for route, counts in sorted(self._buckets.items()):
            labels, total = _labels(route), sum(counts)
            for edge, count in zip((*map(str, BUCKETS_S), "+Inf"), accumulate(counts), strict=True):
                lines.append(f'{PREFIX}_{name}_bucket{{{labels},le="{edge}"}} {count}')
            lines.append(f"{PREFIX}_{name}_sum{{{labels}}} {self._seconds[route]:.6f}")
            lines.append(f"{PREFIX}_{name}_count{{{labels}}} {total}")
        return lines


def _heading(name: str, kind: str, meaning: str) -> list[str]:
    return [f"# HELP {PREFIX}_{name} {meaning}", f"# TYPE {PREFIX}_{name} {kind}"]


def _labels(route: Route) -> str:
    return f'method="{route.method}",path="{route.path}"'
