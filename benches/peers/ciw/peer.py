"""M/M/1 on Ciw, which has no word for a worker that is held through a call to another station. MODEL REQUESTS SEED."""

import json
import sys

import ciw

REQUESTS, SEED = int(sys.argv[2]), int(sys.argv[3])
ciw.seed(SEED)
network = ciw.create_network(
    arrival_distributions=[ciw.dists.Exponential(rate=90)],
    service_distributions=[ciw.dists.Exponential(rate=100)],
    number_of_servers=[1],
)
simulation = ciw.Simulation(network)
simulation.simulate_until_max_time(REQUESTS / 90)
latencies = [r.exit_date - r.arrival_date for r in simulation.get_all_records()]
print(json.dumps({"requests": len(latencies), "mean_s": sum(latencies) / len(latencies)}))
