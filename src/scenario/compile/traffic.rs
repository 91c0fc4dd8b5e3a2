//! Request classes and sources of load.
//!
//! Checks arrivals; their arithmetic is in the model.

use super::Context;
use super::names::Component;
use super::trace;
use crate::base::dist::Dist;
use crate::base::ids::ClassId;
use crate::base::limits;
use crate::base::random::label;
use crate::base::time::{Span, Time};
use crate::scenario::plan::{Arrivals, Bytes, Class, Entry, Keys, Load, Retry, Source, TraceRow};
use crate::scenario::raw::traffic as raw;
use crate::scenario::raw::units::{Duration, Named, Rate, typed};
use crate::scenario::read::tree::Path;

/// The classes, with shares that sum to 1.
pub fn classes(cx: &mut Context) -> Vec<Class> {
    let raw = cx.raw;
    let mut classes = Vec::new();
    for (name, class) in raw.requests.iter() {
        let path = Path::to("requests").key(name);
        let legal = class.share >= 0.0 && class.share <= 1e9;
        if !legal {
            cx.bad(
                &path.key("share"),
                format!("a share is from 0 to 1000000000, and not {}", typed(class.share)),
            );
        }
        if class.share == 0.0 {
            cx.warn(format!(
                "class \"{name}\" has a share of 0: only a trace brings requests of it"
            ));
        }
        let keys = class.keys.as_ref().map(|keys| {
            if keys.count == 0 {
                cx.bad(&path.key("keys").key("count"), "there must be at least one key");
            }
            if !(0.0..=10.0).contains(&keys.zipf) {
                cx.bad(
                    &path.key("keys").key("zipf"),
                    format!("zipf is from 0 to 10, and not {}", typed(keys.zipf)),
                );
            }
            Keys {
                count: keys.count.max(1),
                zipf: keys.zipf,
            }
        });
        if class.priority_offset.unsigned_abs() > limits::PRIORITY_OFFSET_MS {
            let message = format!(
                "a priority_offset of {} ms is beyond {} ms, which is the limit",
                class.priority_offset,
                limits::PRIORITY_OFFSET_MS
            );
            cx.bad(&path.key("priority_offset"), message);
        }
        let share = if legal { class.share } else { 1.0 };
        classes.push(Class {
            name: name.to_owned(),
            share,
            mix: share,
            keys,
            bytes: class.bytes.as_ref().map_or(Bytes::default(), |bytes| Bytes {
                request: bytes.request,
                response: bytes.response,
            }),
            priority: class.priority,
            priority_offset: class.priority_offset,
        });
    }
    let sum: f64 = classes.iter().map(|c| c.share).sum();
    if sum > 0.0 {
        classes
            .iter_mut()
            .for_each(|c| (c.share, c.mix) = (c.share / sum, c.share / sum));
    } else if !classes.is_empty() {
        cx.bad(&Path::to("requests"), "the shares of all classes are 0");
    }
    classes
}

/// The sources.
pub fn sources(cx: &mut Context) -> Vec<Source> {
    let raw = cx.raw;
    if raw.clients.0.is_empty() {
        let hint =
            "add \"clients\": { \"browsers\": { \"arrivals\": { \"poisson\": \"100/s\" }, \"entry\": \"NODE\" } }";
        cx.hint(
            &Path::to("clients"),
            "there is no load: a scenario needs at least one of \"clients\"",
            hint,
        );
    }
    let sources = raw
        .clients
        .iter()
        .map(|(name, client)| source(cx, name, client))
        .collect();
    trace::columns_in_every_source(cx);
    sources
}

/// The connect time-out of a client without a time-out.
const CONNECT: Span = Span::from_millis(5000);

fn source(cx: &mut Context, name: &str, client: &raw::Client) -> Source {
    let path = Path::to("clients").key(name);
    let entry = entry(cx, &client.entry.0, &path.key("entry"));
    // Before the load, because a trace must have the columns that rendering asks for.
    let render = client
        .render
        .as_ref()
        .map(|dist| cx.dist_of_request(&dist.0, &path.key("render")));
    let load = load(cx, client, &path);
    let timeout = client.timeout.map(|t| t.0);
    if timeout.is_some_and(Span::is_zero) {
        cx.hint(
            &path.key("timeout"),
            "a time-out of 0 ends every request at once",
            "leave it out for none",
        );
    }
    let page = client
        .page
        .as_ref()
        .map_or(Vec::new(), |page| self::page(cx, page, &load, &path));
    let retry = client
        .retry
        .as_ref()
        .map(|retry| self::retry(cx, retry, &path.key("retry")));
    Source {
        name: name.to_owned(),
        label: label(name),
        load,
        entry,
        timeout,
        connect_timeout: timeout.unwrap_or(CONNECT),
        retry,
        min_ttl: client.min_ttl.0,
        page,
        render,
    }
}

/// What a page view fetches, in order.
fn page(cx: &mut Context, raw: &Named<u32>, load: &Load, path: &Path) -> Vec<ClassId> {
    let at = path.key("page");
    let (mut page, mut whole) = (Vec::new(), 0);
    for (name, &count) in raw.iter() {
        whole += u64::from(count);
        let Some(class) = cx.class(name, &at.key(name)) else {
            continue;
        };
        if whole <= limits::PAGE {
            page.extend((0..count).map(|_| ClassId::new(class)));
        }
    }
    if whole == 0 {
        cx.hint(
            &at,
            "a page view of no requests",
            "such as \"page\": { \"html\": 1, \"image\": 20 }",
        );
    } else if whole > limits::PAGE {
        let message = format!("a page view of {whole} requests; the limit is {}", limits::PAGE);
        cx.bad(&at, message);
    }
    if let Load::Open {
        arrivals: Arrivals::Trace { rows },
        ..
    } = load
        && rows.iter().any(|row| row.class.is_some())
    {
        let message = "the trace says the class of each request, and \"page\" says what each arrival fetches";
        cx.hint(&at, message, "leave out the page, or the column class");
    }
    page
}

/// The share of each class in the requests of all sources. It is the class's own, unless a source has pages or a trace
/// with classes.
pub fn mix(classes: &mut [Class], sources: &[Source], end: f64) {
    if !sources.iter().any(Source::names_classes) {
        return;
    }
    let mut rates = vec![0.0; classes.len()];
    for source in sources {
        let per_s = source.mean_requests_per_s(end);
        let mix = source.mix(classes);
        rates
            .iter_mut()
            .zip(mix)
            .for_each(|(rate, share)| *rate += per_s * share);
    }
    let all: f64 = rates.iter().sum();
    if all > 0.0 {
        classes
            .iter_mut()
            .zip(rates)
            .for_each(|(class, rate)| class.mix = rate / all);
    }
}

fn entry(cx: &mut Context, entry: &raw::Entry, path: &Path) -> Entry {
    let mut resolvers = Vec::new();
    if entry.nodes.is_empty() {
        cx.bad(path, "a list of resolvers must not be empty");
    }
    for (i, name) in entry.nodes.iter().enumerate() {
        let at = if entry.list { path.index(i) } else { path.clone() };
        match cx.component(name, "node", &at) {
            Some(Component::Node(id, "dns")) => resolvers.push(id),
            Some(other) if entry.list => {
                let message = format!(
                    "\"{name}\" is {}, and a list of entries is one of resolvers",
                    other.what()
                );
                cx.hint(&at, message, "name one node, or dns nodes only");
            }
            Some(_) => {
                if let Some(target) = cx.target(name, &at) {
                    return Entry::Node(target);
                }
            }
            None => {}
        }
    }
    Entry::Resolvers(resolvers)
}

fn load(cx: &mut Context, client: &raw::Client, path: &Path) -> Load {
    let nothing = Load::Open {
        arrivals: Arrivals::Trace { rows: Vec::new() },
        population: 1,
    };
    match (&client.arrivals, client.users) {
        (Some(arrivals), None) => {
            if client.think.is_some() {
                cx.bad(
                    &path.key("think"),
                    "\"think\" belongs to \"users\"; an open source has \"arrivals\" only",
                );
            }
            let population = clients(cx, client.population.unwrap_or(1), &path.key("population"));
            Load::Open {
                arrivals: self::arrivals(cx, arrivals, &path.key("arrivals")),
                population,
            }
        }
        (None, Some(users)) => {
            if client.population.is_some() {
                cx.bad(
                    &path.key("population"),
                    "\"population\" belongs to \"arrivals\"; with \"users\", each of them is a client",
                );
            }
            let users = clients(cx, users, &path.key("users"));
            let Some(think) = &client.think else {
                cx.hint(
                    path,
                    "\"users\" needs \"think\", the time from an answer to the next wish",
                    "such as \"think\": \"2s\"",
                );
                return nothing;
            };
            let why = "a user who is refused would ask again in the same instant, for ever";
            let think = cx.positive_dist(&think.0, &path.key("think"), why);
            if let Dist::Constant(span) = think
                && users > 1
            {
                cx.warn(format!(
                    "{path}: {users} users who all think {span} begin in the same instant and stay nearly in step; \
                     \"think\": {{ \"exponential\": {{ \"mean\": \"{span}\" }} }} spreads them"
                ));
            }
            Load::Closed { users, think }
        }
        (Some(_), Some(_)) => {
            cx.bad(
                path,
                "\"arrivals\" and \"users\" exclude each other: a source is open or closed",
            );
            nothing
        }
        (None, None) => {
            let cut = [&path.key("arrivals"), &path.key("users")]
                .iter()
                .any(|p| cx.pruned.contains(p));
            if !cut {
                cx.bad(path, "a source of load needs \"arrivals\", or \"users\" and \"think\"");
            }
            nothing
        }
    }
}

fn clients(cx: &mut Context, count: u32, path: &Path) -> u32 {
    if count == 0 {
        cx.bad(path, "there must be at least one");
    }
    if u64::from(count) > limits::CLIENTS {
        cx.bad(
            path,
            format!("{count} clients are more than {}, which is the limit", limits::CLIENTS),
        );
    }
    count.max(1)
}

fn arrivals(cx: &mut Context, arrivals: &raw::Arrivals, path: &Path) -> Arrivals {
    match arrivals {
        raw::Arrivals::Poisson(rate) => Arrivals::Poisson {
            rate: some_rate(cx, *rate, &path.key("poisson")),
        },
        raw::Arrivals::Uniform(rate) => {
            let rate = some_rate(cx, *rate, &path.key("uniform"));
            Arrivals::Uniform {
                spacing: Span::from_seconds(1.0 / rate),
            }
        }
        raw::Arrivals::Renewal(gap) => {
            let path = path.key("renewal");
            let gap = cx.positive_dist(&gap.0, &path, "it is the time from one arrival to the next");
            if gap
                .mean_s()
                .is_some_and(|mean| mean > 0.0 && mean * limits::RATE_PER_S < 0.999)
            {
                let message = format!(
                    "gaps this short are a rate above {} per second, which is the limit",
                    limits::RATE_PER_S
                );
                cx.bad(&path, message);
            }
            Arrivals::Renewal { gap }
        }
        raw::Arrivals::Profile(points) => Arrivals::Profile {
            points: profile(cx, points, &path.key("profile")),
        },
        raw::Arrivals::Mmpp(mmpp) => {
            let path = path.key("mmpp").key("states");
            if mmpp.states.is_empty() || mmpp.states.iter().all(|s| s.rate.0 == 0.0) {
                cx.bad(&path, "there must be a state with a rate above 0");
            }
            for (i, state) in mmpp.states.iter().enumerate() {
                if state.mean.0.is_zero() {
                    cx.bad(&path.index(i).key("mean"), "a state must last longer than 0");
                }
            }
            let cycle_s = mmpp.states.iter().map(|s| s.mean.0.seconds()).sum::<f64>();
            let changes = mmpp.states.len() as f64 * cx.raw.duration.0.seconds() / cycle_s;
            if cycle_s > 0.0 && changes > limits::STATE_CHANGES {
                let message = format!(
                    "the states change about {} times in {}, which is more than {}, the limit",
                    typed(libm::round(changes)),
                    cx.raw.duration.0,
                    limits::STATE_CHANGES
                );
                cx.hint(&path, message, "a longer mean, or a shorter duration");
            }
            Arrivals::Mmpp {
                states: mmpp.states.iter().map(|s| (s.rate.0, s.mean.0)).collect(),
            }
        }
        raw::Arrivals::Trace(file) => {
            let path = path.key("trace");
            let rows = trace::read(cx, file, &path);
            trace_and_run(cx, &rows, &path);
            Arrivals::Trace { rows }
        }
    }
}

/// Warns of a trace that ends long before the run, or goes on after it.
fn trace_and_run(cx: &mut Context, rows: &[TraceRow], path: &Path) {
    let end = cx.raw.duration.0;
    let Some(last) = rows.last().map(|row| row.at.since(Time::ZERO)) else {
        return;
    };
    let late = rows.iter().filter(|row| row.at.since(Time::ZERO) >= end).count();
    if late > 0 {
        let message = format!(
            "{path}: {late} of {} rows come after the end of the run at {end}, and never arrive; is \"at_s\" in seconds?",
            rows.len()
        );
        cx.warn(message);
    } else if last < end.scaled(SHORT) {
        let message = format!(
            "{path}: the last row comes at {last}, and the run goes on until {end}: every rate is a mean over all of it; a \"duration\" \
             of about {last} ends with the recording"
        );
        cx.warn(message);
    }
}

/// A trace that covers a smaller share of the run leaves much of it empty.
const SHORT: f64 = 0.8;

fn some_rate(cx: &mut Context, rate: Rate, path: &Path) -> f64 {
    // Two arrivals 584 years apart exceed the range of integers.
    if rate.0 < 1e-9 {
        cx.bad(path, "the rate must be above 0");
        return 1.0;
    }
    rate.0
}

fn profile(cx: &mut Context, points: &[(Duration, Rate)], path: &Path) -> Vec<(Time, f64)> {
    if points.is_empty() || points.iter().all(|(_, rate)| rate.0 == 0.0) {
        cx.bad(path, "a profile needs a point with a rate above 0");
    }
    for (i, pair) in points.windows(2).enumerate() {
        if pair[1].0 < pair[0].0 {
            let message = format!("the point at {} comes after the one at {}", pair[1].0.0, pair[0].0.0);
            cx.hint(&path.index(i + 1), message, "points stand in the order of time");
        }
    }
    points
        .iter()
        .map(|(at, rate)| (Time::from_nanos(at.0.nanos()), rate.0))
        .collect()
}

pub fn retry(cx: &mut Context, retry: &raw::Retry, path: &Path) -> Retry {
    if retry.max > limits::RETRIES {
        cx.bad(
            &path.key("max"),
            format!(
                "{} retries are more than {}, which is the limit",
                retry.max,
                limits::RETRIES
            ),
        );
    }
    if !(1.0..=1000.0).contains(&retry.factor) {
        cx.bad(
            &path.key("factor"),
            format!("factor is from 1 to 1000, and not {}", typed(retry.factor)),
        );
    }
    let (backoff, cap) = (retry.backoff.0, retry.cap.map(|c| c.0));
    if cap.is_some_and(|cap| cap < backoff) {
        cx.bad(
            &path.key("cap"),
            format!("cap {} is below backoff {backoff}", cap.unwrap_or_default()),
        );
    }
    let budget = retry.budget.map(|b| b.0);
    Retry {
        max: retry.max,
        backoff,
        factor: retry.factor,
        cap,
        jitter: retry.jitter.0,
        budget,
    }
}
