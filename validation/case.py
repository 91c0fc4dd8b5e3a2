"""What a case is, and what a run of it leaves behind."""

import json
import math
import random
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent

STARTS_AT = 1.0
FAILS_AT = 4.0
FAILS_FOR = 4.0
SLOW = 3.0


@dataclass
class Case:
    """A line of cases.json, with what it leaves out. Times are seconds."""

    name: str
    server: str
    algorithm: str
    rho: float
    failure: str
    weights: list = field(default_factory=lambda: [1, 1])
    workers: list = field(default_factory=lambda: [4, 4])
    maxconn: int = 0
    maxqueue: int = 0
    queue_timeout: float = 30.0
    retries: int = 3
    redispatch: bool = True
    backup: bool = False
    inter: float = 0.4
    fall: int = 3
    rise: int = 2
    max_connections: int = 10
    # The mean service time.
    service: float = 0.08

    @property
    def places(self):
        """How many requests can be served at once."""
        return self.max_connections if self.server == "mariadb" else sum(self.workers)

    @property
    def server_timeout(self):
        return 1.0 if self.failure == "hang" else 30.0

    @property
    def checked(self):
        """Does the proxy ask its servers by itself whether they live?"""
        return self.server == "haproxy"

    @property
    def ends_at(self):
        return 13.0 if self.failure != "none" else 19.0

    def trace(self):
        """When requests come, and how long each is to be served: the same at each run."""
        draw = random.Random(self.name)
        at, trace = STARTS_AT, []
        while at < self.ends_at:
            trace.append((at, min(0.005 + draw.expovariate(1 / (self.service - 0.005)), 8 * self.service)))
            at += draw.expovariate(self.rho * self.places / self.service)
        return trace

    def detection(self):
        """From the failure to DOWN, at the earliest and at the latest. A refused check takes no time, one that hangs
        `inter`; the first after the failure begins within `inter`, and each next one `inter` after the end of the last."""
        check = self.inter if self.failure == "hang" else 0.0
        rest = self.fall * check + (self.fall - 1) * self.inter
        return rest, rest + self.inter

    def recovery(self):
        """From the end of the failure to UP: a check that hangs is waited for, then it is as above."""
        check = self.inter if self.failure == "hang" else 0.0
        rest = (self.rise - 1) * self.inter
        return rest, rest + self.inter + check


@dataclass
class Row:
    """A request: when it came, how long it was served, what came back from whom after how long."""

    at: float
    service: float
    code: str
    server: str
    seconds: float


@dataclass
class Observation:
    """A run of a case, real or simulated. Times are seconds after the origin of the trace."""

    rows: list
    failure: tuple | None
    seen: list
    overhead: float = 0.0
    stall: float = 0.0

    def latency(self, quantile=None):
        """The mean of what was answered, or the smallest latency with at least that share at or below."""
        good = sorted(r.seconds for r in self.rows if r.code == "200")
        if not good:
            return math.nan
        if quantile is None:
            return sum(good) / len(good)
        return good[math.ceil(quantile * len(good)) - 1]

    def failures(self):
        counts = {}
        for row in self.rows:
            if row.code != "200":
                counts[row.code] = counts.get(row.code, 0) + 1
        return counts

    def share(self, server):
        answered = [r for r in self.rows if r.code == "200"]
        return sum(r.server == server for r in answered) / max(1, len(answered))

    def noticed(self, what):
        """How long after the failure s1 was seen to be down, or after its end to be up; None if it never was."""
        if self.failure is None:
            return None
        since = self.failure[0 if what == "down" else 1]
        times = [at - since for at, server, word in self.seen if (server, word) == ("s1", what) and at >= since]
        return times[0] if times else None


def cases():
    return [Case(**line) for line in json.loads((HERE / "cases.json").read_text())]
