"""The simulated side: the same stack as a scenario, the requests that were really sent as its trace, the failure when it
was really done.
"""

import csv
import json
import subprocess
import tempfile
from pathlib import Path

from case import SLOW, Observation, Row

DRAIN = 10.0
# The four legs of a request share what the real way there and back adds.
LEGS = 4

CODES = {
    "haproxy": {"ok": "200", "reset": "502", "server_timeout": "504"},
    "nginx": {"ok": "200", "server_timeout": "504"},
    "mariadb": {"ok": "200", "reset": "lost"},
}
OTHERWISE = {"haproxy": "503", "nginx": "502", "mariadb": "refused"}


def scenario(case, real, later):
    """The stack; everything that happens to it comes `later` seconds later."""
    nodes = database(case) if case.server == "mariadb" else proxy(case)
    faults = []
    if real.failure:
        failed, restored = real.failure
        effect = {"kill": "crash", "hang": "hang", "slow": "slow"}[case.failure]
        target = "db1" if case.server == "mariadb" else "s1"
        fault = {"at": failed + later, "for": restored - failed, "target": target, "effect": effect}
        faults.append(fault | ({"factor": SLOW} if case.failure == "slow" else {}))
    return {
        "duration": case.ends_at + later + DRAIN,
        "requests": {"all": {}},
        "clients": {"kit": {"arrivals": {"trace": "trace.csv"}, "entry": next(iter(nodes))}},
        "network": {"latency": max(0.0, real.overhead) / LEGS},
        "nodes": nodes,
        "faults": faults,
    }


def proxy(case):
    servers = [{"node": f"s{i + 1}", "weight": weight} for i, weight in enumerate(case.weights)]
    if case.backup:
        servers[1]["backup"] = True
    if case.server == "haproxy":
        for server in servers:
            server |= {"maxconn": case.maxconn} if case.maxconn else {}
            server |= {"maxqueue": case.maxqueue} if case.maxqueue else {}
        front = {
            "kind": "load-balancer",
            "algorithm": case.algorithm,
            "servers": servers,
            "check": {"inter": case.inter, "fall": case.fall, "rise": case.rise},
            "retries": case.retries,
            "redispatch": case.redispatch,
            "timeouts": {"connect": 2.0, "server": case.server_timeout, "queue": case.queue_timeout},
        }
    else:
        front = {
            "kind": "web",
            "upstreams": [server | {"max_fails": 1, "fail_timeout": 2.0} for server in servers],
            "balance": case.algorithm,
            "connections": 4096,
            "timeouts": {"connect": 2.0, "read": case.server_timeout},
        }
    backend = {"kind": "app", "work": {"*": {"io": {"trace": "service_s"}}}, "abandoned": "finish"}
    workers = [{} if case.maxconn else {"workers": n} for n in case.workers]
    return {"front": front, "s1": backend | workers[0], "s2": backend | workers[1]}


def database(case):
    return {
        "app": {"kind": "app", "database": "db", "queries": {"*": {"read": 1}}},
        "db": {
            "kind": "database",
            "members": {"db1": {}},
            "max_connections": case.max_connections,
            "work": {"*": {"io": {"trace": "service_s"}}},
        },
    }


def run(program, case, real, later=0.0, seed=1):
    with tempfile.TemporaryDirectory(prefix="fallover-twin-") as folder:
        folder = Path(folder)
        sent = sorted(real.rows, key=lambda row: row.at)
        with open(folder / "trace.csv", "w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["at_s", "service_s"])
            out.writerows([f"{row.at + later:.6f}", f"{row.service:.6f}"] for row in sent)
        (folder / "scenario.json").write_text(json.dumps(scenario(case, real, later)))
        command = [program, "run", folder / "scenario.json", "--replications", "1", "--seed", str(seed), "--quiet"]
        command += ["--requests", folder / "rows.csv", "--output", folder / "result.json"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{case.name}: the simulator ended with {done.returncode}: {done.stderr.strip()}")
        with open(folder / "rows.csv", newline="") as file:
            rows = [simulated(case, row, later) for row in csv.DictReader(file)]
        events = json.loads((folder / "result.json").read_text())["events"]
    seen = [(e["at_s"] - later, e["target"].split("/")[-1], e["what"]) for e in events if "/" in e["target"]]
    return Observation(rows, real.failure, seen)


def simulated(case, row, later):
    code = CODES[case.server].get(row["outcome"], OTHERWISE[case.server])
    seconds = float(row["latency_s"]) if row["latency_s"] else float("nan")
    # Nginx names no server, but who was asked has waited there; of two, the first has failed.
    asked = [server for server in ("s1", "s2") if row.get(f"{server}.wait_s")]
    server = row["server"] or (asked[-1] if asked else "")
    return Row(float(row["arrived_s"]) - later, 0.0, code, server, seconds)


def in_phase(program, case, real, seed):
    """A run whose first check after the failure begins when the real one did: that phase is chance, and the rest of the
    failure follows from it."""
    first = run(program, case, real, 0.0, seed)
    down, really = first.noticed("down"), real.noticed("down")
    if down is None or really is None:
        return first
    # Real checks take some milliseconds each, which may carry the verdict past the interval of theory: then the phase is
    # the last that theory allows, not the first of the next round.
    earliest, latest = case.detection()
    phase = min(max(really, earliest), latest - 0.001)
    return run(program, case, real, (down - phase) % case.inter, seed)
