"""What a case must agree in, and the table of it."""

import datetime
import math
import re
import statistics
import subprocess
from dataclasses import dataclass

import live

MEAN, P99 = 0.05, 0.10
# Failures may differ by so many, or by this share of them.
COUNT, SHARE = 3, 0.05
# Student's t for 19 degrees of freedom, two-sided, 99 %: `run` takes twenty draws.
T99 = 2.861
# What the log and the clock of a busy machine may add to a time, as the recordings' README allows it.
SLACK = 0.03


@dataclass
class Line:
    """A case compared: the cells of its row, and what does not agree."""

    name: str
    cells: list
    misses: list

    @property
    def agrees(self):
        return not self.misses

    def said(self):
        return f"{self.name}: {'agrees' if self.agrees else 'MISSES ' + ', '.join(self.misses)}"


def compare(case, real, twins, tries):
    misses, cells = [], [f"`{case.name}`", str(len(real.rows))]
    for name, quantile, bound in (("mean", None, MEAN), ("p90", 0.9, None), ("p99", 0.99, P99)):
        was, is_ = real.latency(quantile), average(t.latency(quantile) for t in twins)
        off = (is_ - was) / was
        cells.append(f"{milliseconds(was)} / {milliseconds(is_)} ({100 * off:+.1f} %)")
        if bound and not abs(off) <= bound:
            misses.append(name)
    cells.append(counts(real, twins, misses))
    cells.append(noticed(real, twins, "down", case.detection() if case.checked else None, case, misses))
    cells.append(noticed(real, twins, "up", case.recovery() if case.checked else None, case, misses))
    share = average(t.share("s1") for t in twins)
    cells.append("" if case.server == "mariadb" else f"{100 * real.share('s1'):.0f} / {100 * share:.0f} %")
    cells.append("yes" if not misses else "**no**: " + ", ".join(misses))
    if tries > 1:
        cells[0] += f" ({tries} runs)"
    return Line(case.name, cells, misses)


def average(values):
    values = list(values)
    return sum(values) / len(values)


def milliseconds(seconds):
    return f"{1000 * seconds:.1f}"


def counts(real, twins, misses):
    was = real.failures()
    each = [t.failures() for t in twins]
    cells = []
    for code in sorted(set(was) | {code for counted in each for code in counted}):
        is_ = average(counted.get(code, 0) for counted in each)
        number = was.get(code, 0)
        cells.append(f"{code}: {number} / {is_:.3g}")
        chance = prediction([counted.get(code, 0) for counted in each])
        if abs(is_ - number) > max(COUNT, SHARE * number, chance):
            misses.append(code)
    return ", ".join(cells) or "none"


def prediction(draws):
    """How far from the mean of these draws one more may lie, in 99 of 100 cases: where a balancer draws at random, the
    real run is one draw as well. None for a lone, deterministic run."""
    if len(draws) < 2:
        return 0.0
    return T99 * statistics.stdev(draws) * math.sqrt(1 + 1 / len(draws))


def noticed(real, twins, what, interval, case, misses):
    if interval is None or case.failure not in ("kill", "hang"):
        return ""
    was, is_ = real.noticed(what), [t.noticed(what) for t in twins]
    if was is None or None in is_:
        misses.append(f"never {what}")
        return "never"
    low, high = interval
    for time in (was, *is_):
        if not low - SLACK <= time <= high + SLACK:
            misses.append(what)
            break
    return f"{was:.2f} / {average(is_):.2f} s in {low:.1f}–{high:.1f}"


HEADS = ["case", "requests", "mean, ms", "p90, ms", "p99, ms", "failures", "DOWN after", "UP after", "share of s1", "agrees"]


def markdown(lines):
    rows = [HEADS, ["---"] * len(HEADS), *(line.cells for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def summary(lines):
    good = sum(line.agrees for line in lines)
    means = [abs(float(re.search(r"\(([+-][\d.]+|[+-]?nan) %", line.cells[2])[1])) for line in lines]
    means = [m for m in means if not math.isnan(m)]
    return (
        f"{good} of {len(lines)} cases agree. Mean latency is off by {average(means):.2f} % on average, "
        f"by {max(means):.1f} % at most."
    )


def versions():
    said = []
    for name, flag in (("haproxy", "-v"), ("nginx", "-v"), ("mariadbd", "--version")):
        try:
            done = subprocess.run([live.program(name), flag], capture_output=True, text=True)
        except live.Missing:
            continue
        found = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
        said.append(f"{ {'mariadbd': 'MariaDB', 'haproxy': 'HAProxy', 'nginx': 'Nginx'}[name] } {found[0]}")
    return ", ".join(said)


def write_docs(lines, path):
    """Everything below the mark is written anew."""
    mark = "<!-- validation/run --write-docs writes what follows -->\n"
    head = path.read_text().split(mark)[0]
    today = datetime.date.today().isoformat()
    path.write_text(f"{head}{mark}\n{today}; {versions()}.\n\n{summary(lines)}\n\n{markdown(lines)}\n")
