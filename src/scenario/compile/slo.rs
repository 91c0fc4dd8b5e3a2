//! The service-level objectives.
//!
//! Only those in the scenario: commands add their own.

use super::Context;
use crate::base::ids::ClassId;
use crate::base::time::Span;
use crate::scenario::plan::{Measure, Objective};
use crate::scenario::raw::failure::ClassSlo;
use crate::scenario::read::tree::Path;

/// The objectives; those of all requests come first.
pub fn objectives(cx: &mut Context) -> Vec<Objective> {
    let slo = &cx.raw.slo;
    let path = Path::to("slo");
    #[rustfmt::skip]
    let all = ClassSlo {
        availability: slo.availability, error_ratio: slo.error_ratio,
        p50: slo.p50, p95: slo.p95, p99: slo.p99, p999: slo.p999,
    };
    let mut objectives = of(cx, &all, None, "", &path);
    for (name, class) in slo.classes.iter() {
        let path = path.key("classes").key(name);
        let id = cx.class(name, &path).map(ClassId::new);
        objectives.extend(of(cx, class, id, &format!("classes.{name}."), &path));
    }
    objectives
}

fn of(cx: &mut Context, slo: &ClassSlo, class: Option<ClassId>, prefix: &str, path: &Path) -> Vec<Objective> {
    let shares = [
        ("availability", slo.availability, Measure::Availability),
        ("error_ratio", slo.error_ratio, Measure::ErrorRatio),
    ];
    let latencies = [
        ("p50", slo.p50, 0.5),
        ("p95", slo.p95, 0.95),
        ("p99", slo.p99, 0.99),
        ("p999", slo.p999, 0.999),
    ];
    let patience = patience(cx);
    let mut objectives = Vec::new();
    let mut add = |key: &str, measure, target| {
        objectives.push(Objective {
            name: format!("{prefix}{key}"),
            class,
            measure,
            target,
        });
    };
    for (key, share, measure) in shares {
        if let Some(share) = share {
            add(key, measure, share.0);
        }
    }
    for (key, bound, p) in latencies {
        if let Some(bound) = bound {
            if bound.0.is_zero() {
                cx.bad(&path.key(key), "a bound of 0 can never be met");
            }
            if let Some(patience) = patience.filter(|p| bound.0 >= *p) {
                cx.warn(format!(
                    "{}: {} is never missed, since every client gives up after {patience} and latency is that of good answers; \
                     a number without a unit is seconds",
                    path.key(key),
                    bound.0
                ));
            }
            add(key, Measure::Latency(p), bound.0.seconds());
        }
    }
    objectives
}

/// How long the most patient client waits for its answer; `None` = for ever.
fn patience(cx: &Context) -> Option<Span> {
    let all = cx.raw.clients.iter().map(|(_, client)| client.timeout.map(|t| t.0));
    all.collect::<Option<Vec<Span>>>()?.into_iter().max()
}
