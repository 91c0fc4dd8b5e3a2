//! Fills in the defaults that depend on other keys.
//!
//! After this, `explain` shows, and the compiler reads, the values in force.

use super::Scenario;
use super::app::Mode;
use super::balancer::Check;
use super::node::{Abandoned, Limit, Node};
use super::traffic::{Class, Client};
use super::units::seconds;

/// The default `population` of an open source.
const POPULATION: u32 = 1000;

/// Fills in the defaults that depend on other keys; `stem` is the file's name without its extension.
pub fn settle(scenario: &mut Scenario, stem: &str) {
    scenario.name.get_or_insert_with(|| stem.to_owned());
    if scenario.requests.0.is_empty() {
        scenario.requests.0.push((
            "default".into(),
            Class {
                share: 1.0,
                ..Class::default()
            },
        ));
    }
    scenario
        .clients
        .0
        .iter_mut()
        .for_each(|(_, client)| self::client(client));
    scenario.nodes.0.iter_mut().for_each(|(_, node)| self::node(node));
    for link in &mut scenario.network.links {
        link.latency.get_or_insert(scenario.network.latency);
        link.loss.get_or_insert(scenario.network.loss);
    }
}

fn client(client: &mut Client) {
    if client.arrivals.is_some() {
        client.population.get_or_insert(POPULATION);
    }
}

fn node(node: &mut Node) {
    match node {
        Node::Dns(dns) => {
            dns.abandoned.get_or_insert(Abandoned::Stop);
            dns.failover.iter_mut().for_each(|f| check(&mut f.check));
        }
        Node::Firewall(firewall) => {
            firewall.abandoned.get_or_insert(Abandoned::Stop);
            firewall.limit.iter_mut().for_each(limit);
        }
        Node::LoadBalancer(balancer) => {
            balancer.abandoned.get_or_insert(Abandoned::Stop);
            balancer.timeouts.queue.get_or_insert(balancer.timeouts.connect);
            balancer.check.iter_mut().for_each(check);
            balancer.backlog = balancer.backlog.or(balancer.maxconn);
            for (i, server) in balancer.servers.iter_mut().enumerate() {
                server.0.id.get_or_insert(i as u32 + 1);
            }
        }
        Node::Web(web) => {
            web.abandoned.get_or_insert(Abandoned::Stop);
        }
        Node::App(app) => {
            app.abandoned.get_or_insert(Abandoned::Finish);
            if app.database.is_some() {
                app.pool = app.pool.or(app.workers);
            }
        }
        Node::Database(database) => {
            let first = database.members.names().next().map(str::to_owned);
            database.primary = database.primary.take().or(first);
            if database.replication.mode == Mode::SemiSync {
                // `rpl_semi_sync_master_timeout`.
                database.replication.timeout.get_or_insert(seconds::<10>());
            }
        }
        Node::VirtualIp(_) => {}
    }
}

fn limit(limit: &mut Limit) {
    limit.burst.get_or_insert((limit.rate.0 as u32).max(1));
}

fn check(check: &mut Check) {
    check.fastinter.get_or_insert(check.inter);
    check.downinter.get_or_insert(check.inter);
    check.timeout.get_or_insert(check.inter);
}
