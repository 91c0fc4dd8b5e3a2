//! Closed forms of queueing theory, and small exact computations where there are none. `verify` and the tests compare
//! the simulator with them.

/// Erlang's loss formula: the share of arrivals that find all `servers` busy at a load of `a` erlangs.
pub fn erlang_b(servers: u32, a: f64) -> f64 {
    (1..=servers).fold(1.0, |b, n| a * b / (f64::from(n) + a * b))
}

/// Erlang's delay formula: the share of arrivals that must wait.
pub fn erlang_c(servers: u32, a: f64) -> f64 {
    let (b, c) = (erlang_b(servers, a), f64::from(servers));
    c * b / (c - a * (1.0 - b))
}

/// Mean waiting time in M/M/c.
pub fn m_m_c_wait(servers: u32, lambda: f64, mu: f64) -> f64 {
    erlang_c(servers, lambda / mu) / (f64::from(servers) * mu - lambda)
}

/// Pollaczek and Khinchine: mean waiting time in M/G/1, from the mean and coefficient of variation of the service time.
pub fn m_g_1_wait(lambda: f64, mean: f64, cv: f64) -> f64 {
    lambda * mean * mean * (1.0 + cv * cv) / (2.0 * (1.0 - lambda * mean))
}

/// Probabilities of 0 … K customers in M/M/c/K.
pub fn m_m_c_k(servers: u32, places: u32, lambda: f64, mu: f64) -> Vec<f64> {
    let mut weights = vec![1.0];
    for n in 1..=servers + places {
        weights.push(weights[n as usize - 1] * lambda / (mu * f64::from(n.min(servers))));
    }
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

/// Mean time in GI/M/1, from the transform of the time between arrivals: 1/(mu (1 - sigma)) with
/// sigma = transform(mu (1 - sigma)).
pub fn gi_m_1_time(mu: f64, transform: impl Fn(f64) -> f64) -> f64 {
    let mut sigma = 0.5;
    for _ in 0..10_000 {
        sigma = transform(mu * (1.0 - sigma));
    }
    1.0 / (mu * (1.0 - sigma))
}

/// Exact mean-value analysis of a closed network of single servers: throughput and time in the network.
pub fn mva(users: u32, think: f64, demands: &[f64]) -> (f64, f64) {
    let mut queues = vec![0.0; demands.len()];
    let (mut throughput, mut time) = (0.0, 0.0);
    for n in 1..=users {
        let times: Vec<f64> = demands.iter().zip(&queues).map(|(d, q)| d * (1.0 + q)).collect();
        time = times.iter().sum();
        throughput = f64::from(n) / (think + time);
        queues = times.iter().map(|t| throughput * t).collect();
    }
    (throughput, time)
}

/// Mean time with two exponential servers if customers join the shorter queue, ties broken by a coin: the stationary
/// chain of both queue lengths, truncated far beyond any effect, by Gauss-Seidel.
pub fn join_the_shorter_of_two_time(lambda: f64, mu: f64) -> f64 {
    const MOST: usize = 40;
    // One row and column more than there are states, always empty, so that every state has neighbours.
    let mut p = vec![vec![0.0; MOST + 2]; MOST + 2];
    let states = || (0..=MOST).flat_map(|x| (0..=MOST).map(move |y| (x, y)));
    states().for_each(|(x, y)| p[x][y] = 1.0);
    let joins = |mine: usize, other: usize| match mine.cmp(&other) {
        std::cmp::Ordering::Less => lambda,
        std::cmp::Ordering::Equal => lambda / 2.0,
        std::cmp::Ordering::Greater => 0.0,
    };
    for _ in 0..2_000 {
        for (x, y) in states() {
            let mut flow = mu * (p[x + 1][y] + p[x][y + 1]);
            flow += if x > 0 { joins(x - 1, y) * p[x - 1][y] } else { 0.0 };
            flow += if y > 0 { joins(y - 1, x) * p[x][y - 1] } else { 0.0 };
            let arrivals = if x + y < 2 * MOST { lambda } else { 0.0 };
            p[x][y] = flow / (arrivals + mu * f64::from(u8::from(x > 0) + u8::from(y > 0)));
        }
        let sum: f64 = states().map(|(x, y)| p[x][y]).sum();
        states().for_each(|(x, y)| p[x][y] /= sum);
    }
    states().map(|(x, y)| (x + y) as f64 * p[x][y]).sum::<f64>() / lambda
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oracles_agree_with_what_is_known() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6 * b.abs(), "{a}, not {b}");
        near(erlang_b(1, 1.0), 0.5);
        near(erlang_c(1, 0.8), 0.8);
        near(m_m_c_wait(1, 80.0, 100.0), 0.04);
        near(m_g_1_wait(80.0, 0.01, 1.0), 0.04);
        near(*m_m_c_k(3, 0, 2.0, 1.0).last().expect("has states"), erlang_b(3, 2.0));
        near(gi_m_1_time(100.0, |s| 80.0 / (80.0 + s)), 0.05);
        // A single user never meets another; without thinking, one station is always busy.
        near(mva(1, 1.0, &[0.2, 0.3]).1, 0.5);
        near(mva(7, 0.0, &[0.2]).0, 5.0);
        // Between M/M/2 with one queue and two M/M/1 at half the load each.
        let (jsq, pooled) = (
            join_the_shorter_of_two_time(160.0, 100.0),
            0.01 + m_m_c_wait(2, 160.0, 100.0),
        );
        assert!(pooled < jsq && jsq < 0.05 / 1.5, "{pooled} {jsq}");
    }
}
