"""The peers' work on SimPy: a process a request, a resource a station. MODEL REQUESTS SEED."""

import itertools
import json
import math
import random
import sys

import simpy

MODEL, REQUESTS, SEED = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
draw = random.Random(SEED)
env = simpy.Environment()
latencies = [0, 0.0]


def answered(since):
    latencies[0] += 1
    latencies[1] += env.now - since


def source(rate, request):
    while True:
        yield env.timeout(draw.expovariate(rate))
        env.process(request())


def mm1():
    server = simpy.Resource(env, 1)

    def customer():
        since = env.now
        with server.request() as turn:
            yield turn
            yield env.timeout(draw.expovariate(100))
        answered(since)

    return 90, customer


def stack():
    webs = itertools.cycle([(simpy.Resource(env, 4), simpy.Resource(env, 16)) for _ in range(2)])
    members = [simpy.Resource(env, 32) for _ in range(2)]
    reads = itertools.cycle(members)
    variance = math.log(1 + 0.533**2)
    mu, sigma = math.log(0.012) - variance / 2, math.sqrt(variance)

    def request():
        since, kind = env.now, draw.random()
        if draw.random() < 0.1:
            yield env.timeout(0.001)
        web, app = next(webs)
        with web.request() as turn:
            yield turn
            yield env.timeout(draw.expovariate(1 / 0.0004))
        if kind >= 0.3:
            with app.request() as turn:
                yield turn
                yield env.timeout(draw.lognormvariate(mu, sigma))
                is_read = kind < 0.86
                with (next(reads) if is_read else members[0]).request() as slot:
                    yield slot
                    yield env.timeout(draw.expovariate(1 / (0.002 if is_read else 0.004)))
        answered(since)

    return 500, request


rate, request = {"mm1": mm1, "stack": stack}[MODEL]()
env.process(source(rate, request))
env.run(until=REQUESTS / rate)
print(json.dumps({"requests": latencies[0], "mean_s": latencies[1] / latencies[0]}))
