//! How a run ends, and what it holds meanwhile.

use super::*;
use crate::scenario::load_text;

/// Forty nodes, each of which calls the next twice and takes no time: a million million calls at one instant.
fn plan() -> Plan {
    let node = |i: usize| {
        format!(
            r#""n{i}": {{ "kind": "app", "workers": 9, "calls": ["n{0}", "n{0}"] }}, "#,
            i + 1
        )
    };
    let nodes: String = (0..40).map(node).collect();
    let text = format!(
        r#"{{ "clients": {{ "c": {{ "arrivals": {{ "uniform": 1 }}, "entry": "n0" }} }}, "nodes": {{ {nodes} "n40": {{ "kind": "app" }} }} }}"#
    );
    load_text("x.json", &text, &[]).expect("it is right").plan
}

fn order() -> Order {
    Order {
        seed: 1,
        replication: 0,
        warmup: Span::ZERO,
        lifetimes: false,
        wanted: Wanted::default(),
    }
}

#[test]
fn an_instant_without_end_can_be_stopped() {
    let looks = std::sync::atomic::AtomicU32::new(0);
    let stop = |_| looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2;
    assert!(run(&plan(), &order(), &stop).expect("nothing is closed").is_none());
}

#[test]
fn a_run_of_too_many_steps_ends_early_and_its_books_balance() {
    let plan = plan();
    let mut world = World::new(&plan, &order());
    world.looks = limits::STEPS / CHECKED_EVERY;
    let Ended::Early(Budget::Steps) = world.advance(&|_| false) else {
        panic!("it does not end");
    };
    let now = world.cx.now();
    let record = world.close(&order(), Some((now, Budget::Steps))).expect("they balance");
    assert!(record.in_flight > 0);
}

#[test]
fn a_run_that_keeps_too_many_rows_ends_early() {
    let text = r#"{ "duration": "1h", "clients": { "c": { "arrivals": { "uniform": 100 }, "entry": "n" } },
                    "nodes": { "n": { "kind": "app" } } }"#;
    let plan = load_text("x.json", text, &[]).expect("it is right").plan;
    let mut order = order();
    let never = |_| false;
    let whole = run(&plan, &order, &never).expect("they balance").expect("not stopped");
    assert_eq!((whole.overflowed, whole.rows.len()), (None, 0));
    order.wanted.rows = true;
    let record = run(&plan, &order, &never).expect("they balance").expect("not stopped");
    let (at, budget) = record.overflowed.expect("it has used up its rows");
    assert_eq!(budget, Budget::Rows);
    // A row each 10 ms, and a check each 16,384 events; a request without work makes at least one event.
    assert!(
        (limits::ROWS..limits::ROWS + 16_384).contains(&record.rows.len()),
        "{}",
        record.rows.len()
    );
    assert_eq!(at.nanos() / 10_000_000, record.rows.len() as u64);
}

/// Batches that were complete by then equal those of a run that was not cut short.
#[test]
fn a_run_that_ends_early_leaves_its_whole_batches_alone() {
    let text = r#"{ "duration": "400s", "clients": { "c": { "arrivals": { "uniform": 100 }, "entry": "n" } },
                    "nodes": { "n": { "kind": "app", "workers": 2, "work": { "*": { "io": "5ms" } } } } }"#;
    let plan = load_text("x.json", text, &[]).expect("it is right").plan;
    let mut order = order();
    order.wanted.batches = 8;
    let batches = |order: &Order| {
        let record = run(&plan, order, &|_| false)
            .expect("they balance")
            .expect("not stopped");
        let busy = |b: &super::super::recorder::Batch| (b.nodes[0].tally.served, b.nodes[0].tally.utilization);
        (record.overflowed, record.batches.iter().map(busy).collect::<Vec<_>>())
    };
    let (ended, whole) = batches(&order);
    assert_eq!((ended, whole.len()), (None, 8));
    order.wanted.rows = true;
    let (ended, cut) = batches(&order);
    assert!(ended.is_some() && (2..8).contains(&cut.len()), "{cut:?}");
    assert_eq!(cut, whole[..cut.len()]);
}

/// The audit relies on what each kind of node reports as held: one that reports nothing would always pass.
#[test]
fn whoever_serves_says_what_it_holds() {
    let text = r#"{ "duration": "1s", "clients": { "c": { "arrivals": { "uniform": 10 }, "entry": "fw" } }, "nodes": {
        "fw": { "kind": "firewall", "to": "lb" }, "lb": { "kind": "load-balancer", "servers": ["web"] },
        "web": { "kind": "web", "upstreams": ["app"] },
        "app": { "kind": "app", "database": "db", "queries": { "*": { "read": 1 } } },
        "db": { "kind": "database", "members": { "one": {} }, "primary": "one", "work": { "*": { "io": "1m" } } } } }"#;
    let plan = load_text("x.json", text, &[]).expect("it is right").plan;
    let mut world = World::new(&plan, &order());
    assert!(matches!(world.advance(&|_| false), Ended::Done));
    for name in ["fw", "lb", "web", "app"] {
        let at = plan.nodes.iter().position(|n| n.name == name).expect("it is there");
        assert!(world.nodes[at].behaviour().held() > 0, "{name}");
    }
    world.close(&order(), None).expect("all is given back");
}
