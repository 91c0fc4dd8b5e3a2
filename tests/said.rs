//! A page claims no more than is known: about numbers, chance, missing points, and questions that were not asked.

#[path = "support/pictures.rs"]
mod pictures;
mod program;
mod samples;

use fallover::analysis::capacity::Verdict as Knee;
use fallover::analysis::compare::Verdict as Difference;
use fallover::analysis::result::{Answer, Caveat, Document, Estimate, Happening, NamedRun, Run};
use fallover::analysis::spof::{Spof, Verdict};
use fallover::analysis::sweep::Sweep;
use fallover::report::answer::Conclusions;
use fallover::report::chart::{self, Look, Name};
use fallover::report::document::{Span, Tone};
use fallover::report::headline::numbers;
use fallover::report::sink::Output;
use fallover::report::terminal::Terminal;
use fallover::report::timeline::timeline;
use fallover::report::view::runs;
use fallover::report::words;
use pictures::{parse, texts};
use resvg::usvg;

fn plain(document: &Document) -> String {
    let width = 140;
    Terminal { width, colour: false }.render(&words(document))
}

/// All text in the drawing.
fn drawn(document: &Document, name: Name, width: u32) -> Vec<String> {
    let look = Look {
        width,
        ..Look::default()
    };
    let svg = chart::svg(document, name, &look).expect("draws");
    let mut found = Vec::new();
    texts(parse(&svg).root(), &mut found);
    found.into_iter().map(|(text, _)| text).collect()
}

fn found(document: &Document) -> Vec<Span> {
    Conclusions::of(document).found
}

fn all(spans: &[Span]) -> String {
    spans.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join("\n")
}

fn to_do(document: &Document) -> String {
    all(&Conclusions::of(document).to_do)
}

/// The note below a headline number of the first page.
fn note(document: &Document, name: &str) -> Span {
    let number = numbers(document).into_iter().find(|n| n.name == name);
    number.unwrap_or_else(|| panic!("there is no {name}")).note
}

fn sweep_of(document: &mut Document) -> &mut Sweep {
    match &mut document.answer {
        Answer::Sweep(sweep) => sweep,
        _ => panic!("is of a sweep"),
    }
}

fn between(value: f64, lo: f64, hi: f64) -> Estimate {
    Estimate {
        value: Some(value),
        lo: Some(lo),
        hi: Some(hi),
        confidence: 0.95,
    }
}

#[test]
fn no_number_of_a_picture_is_cut() {
    let mut document = samples::lb_failure();
    let run = samples::run_of(&mut document);
    run.metrics.availability = between(0.998_14, 0.914_1, 0.998_14);
    run.metrics.latency_s.p99 = between(0.054_81, 0.034_57, 4.581);
    let all = samples::of_commands().into_iter().map(|(_, document)| document);
    for document in all.chain([document.clone()]) {
        for (name, width) in Name::given_by(&document)
            .into_iter()
            .flat_map(|n| [320, 480, 720, 1200].map(|w| (n, w)))
        {
            for text in drawn(&document, name, width) {
                let is_cut = text
                    .split_once('…')
                    .is_some_and(|(before, _)| before.ends_with(|c: char| c.is_ascii_digit() || c == '('));
                assert!(!is_cut, "{name:?} at {width}: {text}");
            }
        }
    }
    assert!(
        drawn(&document, Name::Dashboard, 1000)
            .iter()
            .any(|t| t.starts_with("99.8 "))
    );
}

#[test]
fn a_sweep_does_not_call_chance_a_promise_kept() {
    let mut document = samples::of_command("sweep");
    assert!(found(&document)[0].text.contains("kept at all 6 points"));
    let sweep = sweep_of(&mut document);
    sweep.points[1].slo_open = true;
    (sweep.points[2].slo_met, sweep.points[2].slo_open) = (Some(false), true);
    let says = &found(&document)[0];
    assert!(
        says.text.contains("kept at 4 of 6 points; 2 more may be chance, at "),
        "{says:?}"
    );
    assert!(
        says.text.contains("workers 16 and ") && says.tone == Tone::Caution,
        "{says:?}"
    );
    assert!(
        note(&document, "Keep every promise")
            .text
            .contains("of 6, 2 more may be chance")
    );
    let text = plain(&document);
    assert!(
        text.contains("? met") && text.contains("? missed") && text.contains("✓ met"),
        "{text}"
    );
    assert!(!to_do(&document).contains("Nothing has to be done") && to_do(&document).contains("More replications"));
}

#[test]
fn a_sweep_that_was_stopped_says_what_is_missing() {
    let mut document = samples::of_command("sweep");
    document.envelope.complete = false;
    sweep_of(&mut document).points.truncate(2);
    let says = found(&document);
    assert_eq!(
        says[0].text,
        "4 of 6 points are missing: nothing is known of nodes.haproxy.algorithm leastconn and nodes.app1.workers 32."
    );
    assert!(says.iter().all(|s| s.tone != Tone::Good), "{says:?}");
    assert!(to_do(&document).starts_with("Let the sweep come to its end") && !to_do(&document).contains("Nothing has"));
    assert_eq!(note(&document, "Points").tone, Tone::Caution);
}

#[test]
fn what_was_stopped_says_how_far_it_came() {
    let mut document = samples::of_command("compare");
    document.envelope.complete = false;
    let of = |document: &Document| plain(document).lines().nth(3).expect("is there").to_owned();
    assert!(
        of(&document).contains("after 6 replications of each;"),
        "{}",
        of(&document)
    );
    let typed = ["--replications", "40"].map(str::to_owned);
    document.envelope.options.extend(typed);
    assert!(
        of(&document).contains("after 6 replications of 40 of each;"),
        "{}",
        of(&document)
    );
    let Answer::Compare(compare) = &mut document.answer else {
        panic!("is of designs")
    };
    compare.variants.0[1].1.replications = 5;
    assert!(
        of(&document).contains("of 40: 6 of roundrobin and 5 of leastconn;"),
        "{}",
        of(&document)
    );
}

#[test]
fn losses_that_are_not_known_are_not_summed_up() {
    let mut document = samples::of_command("spof");
    assert!(all(&found(&document)).contains("All losses together cost"));
    document.envelope.complete = false;
    let Answer::Spof(spof) = &mut document.answer else {
        panic!("is of losses")
    };
    spof.unfinished = vec!["app1".into(), "app2".into()];
    let says = all(&found(&document));
    assert!(
        says.contains("and those of app1 and app2 are not known") && !says.contains("All losses"),
        "{says}"
    );
    assert_eq!(note(&document, "Lost a year").tone, Tone::Caution);
}

#[test]
fn what_loses_much_is_named_though_it_is_no_single_point() {
    let document = samples::of_command("spof");
    let says = all(&found(&document));
    assert!(
        says.contains("Without db2 70.2 % of all requests are lost, though it is no single point."),
        "{says}"
    );
    assert!(says.contains("db1 and db2 cost 341 min each of it."), "{says}");
    let weak = note(&document, "Overloaded without");
    assert_eq!(
        (weak.text.as_str(), weak.tone),
        ("but 70.2 % lost without db2", Tone::Caution)
    );
    assert_eq!(note(&document, "The costliest").text, "341 min a year each");
}

#[test]
fn an_outage_without_a_price_has_a_place_in_the_picture() {
    let mut document = samples::of_command("spof");
    let Answer::Spof(spof) = &mut document.answer else {
        panic!("is of losses")
    };
    let one = spof.components[1].clone();
    spof.components.extend((0..40).map(|i| {
        let mut more = one.clone();
        more.name = format!("server{i}");
        more
    }));
    let lb = spof
        .components
        .iter_mut()
        .find(|p| p.name == "haproxy")
        .expect("is there");
    (lb.downtime_min_per_year, lb.verdict) = (None, Verdict::Outage);
    let texts = drawn(&document, Name::Spof, 1200);
    assert!(
        texts.iter().any(|t| t == "no lifetime · 100 % lost · outage"),
        "{texts:?}"
    );
    assert!(
        texts
            .iter()
            .any(|t| t.starts_with("… and ") && t.ends_with("that cost less")),
        "{texts:?}"
    );
    let Answer::Spof(spof) = &mut document.answer else {
        panic!("is of losses")
    };
    let last = spof.components.last_mut().expect("is there");
    (last.downtime_min_per_year, last.verdict) = (None, Verdict::Degraded);
    let texts = drawn(&document, Name::Spof, 1200);
    assert!(
        texts
            .iter()
            .any(|t| t.starts_with("… and ") && t.ends_with("more losses")),
        "{texts:?}"
    );
}

/// Nothing is answered from this bin on, and requests of the last bins are still in flight.
fn storm(from: usize, open: usize) -> Document {
    let mut document = samples::lb_failure();
    let run = samples::run_of(&mut document);
    run.events.clear();
    run.metrics.requests.unfinished = 10_000;
    for (name, series) in &mut run.timeline.series.0 {
        let bins = series.median.len();
        for curve in [&mut series.median, &mut series.lo, &mut series.hi] {
            for (i, value) in curve.iter_mut().enumerate() {
                let gone = if name.starts_with("latency") { None } else { Some(0.0) };
                match i {
                    i if i >= bins - open => *value = None,
                    i if i >= from => *value = gone,
                    _ => {}
                }
            }
        }
    }
    document
}

#[test]
fn what_was_still_inside_at_the_end_is_not_called_recovered() {
    let document = storm(12, 6);
    let says = all(&found(&document));
    assert!(
        says.contains(" on, and had not recovered at the end: availability fell to 0 %."),
        "{says}"
    );
    let texts = drawn(&document, Name::Timeline, 1200);
    assert!(texts.iter().any(|t| t == "still inside: not known yet"), "{texts:?}");
    let well = drawn(&samples::lb_failure(), Name::Timeline, 1200);
    assert!(!well.iter().any(|t| t.contains("still inside")));
    // A curve's name stands at its own end, not next to another curve that continues.
    let look = Look::default();
    let place = |document: &Document| {
        let mut found = Vec::new();
        texts_of(document, look, &mut found);
        found
            .into_iter()
            .find(|(text, _)| text == "p99")
            .expect("is named")
            .1
            .left()
    };
    assert!(place(&document) < 0.6 * place(&samples::lb_failure()));
}

fn texts_of(document: &Document, look: Look, found: &mut Vec<(String, usvg::Rect)>) {
    texts(
        parse(&chart::svg(document, Name::Timeline, &look).expect("draws")).root(),
        found,
    );
}

fn variant(document: &mut Document, i: usize) -> &mut NamedRun {
    match &mut document.answer {
        Answer::Compare(compare) => &mut compare.variants.0[i].1,
        _ => panic!("is of designs"),
    }
}

#[test]
fn more_answers_of_more_load_make_no_design_better() {
    let mut document = samples::of_command("compare");
    assert!(
        Conclusions::of(&document)
            .asked
            .starts_with("Which serves the same requests best")
    );
    variant(&mut document, 1).run.metrics.requests.offered *= 2;
    // Clients that wait for a slow design send it less.
    assert!(!plain(&document).contains("different loads"));
    let Answer::Compare(compare) = &mut document.answer else {
        panic!("is of designs")
    };
    for (_, sets) in &mut compare.changes.0 {
        sets.push("clients.browsers.arrivals.poisson=200/s".into());
    }
    let says = "They are asked for different loads, roundrobin for 222/s and leastconn for 443/s:";
    assert!(all(&found(&document)).starts_with(says), "{:?}", found(&document));
    let text = plain(&document);
    assert!(text.contains(says) && text.contains("asked for another load"), "{text}");
    assert!(!Conclusions::of(&document).asked.contains("same requests"));
}

#[test]
fn many_designs_are_held_to_the_first_in_one_table() {
    let mut document = samples::of_command("compare");
    let Answer::Compare(compare) = &mut document.answer else {
        panic!("is of designs")
    };
    let (name, run) = compare.variants.0[1].clone();
    let pair = compare.differences.clone();
    for i in 0..10 {
        let name = format!("{name}-{i}");
        let again = pair.iter().cloned().map(|mut d| {
            d.b.clone_from(&name);
            d
        });
        compare.differences.extend(again);
        compare.changes.0.push((name.clone(), Vec::new()));
        let mut run = run.clone();
        // The values fall, so they can be found in the picture.
        run.run.metrics.availability = between(1.0 - 0.01 * f64::from(i), 0.0, 1.0);
        compare.variants.0.push((name, run));
    }
    let text = plain(&document);
    assert!(text.contains("Against roundrobin") && text.contains("(Holm)"), "{text}");
    assert_eq!(
        text.lines().filter(|l| l.starts_with("leastconn-9")).count(),
        3,
        "{text}"
    );
    let texts = drawn(&document, Name::Latency, 1200);
    let is_line = |t: &&String| t.starts_with("leastconn") || *t == "roundrobin";
    let lines: Vec<&String> = texts.iter().filter(is_line).collect();
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert!(lines.iter().any(|t| *t == "leastconn-9") && !lines.iter().any(|t| *t == "leastconn-0"));
}

fn run_where(change: impl FnOnce(&mut Run)) -> Document {
    let mut document = samples::lb_failure();
    change(samples::run_of(&mut document));
    document
}

#[test]
fn advice_is_for_what_happened() {
    // Two causes, the second with a handful of failures.
    let of = |resets: u64| {
        run_where(|run| {
            let outcomes = &mut run.metrics.outcomes.0;
            outcomes.retain(|(name, _)| name == "ok");
            outcomes.extend([("refused".to_owned(), 48_250), ("reset".to_owned(), resets)]);
            run.metrics.requests.failed = 48_250 + resets;
        })
    };
    assert!(to_do(&of(12_000)).contains("retry_on") && !to_do(&of(12)).contains("retry_on"));
    // Abandoned work where nothing is retried.
    let of = |attempts: u64| {
        run_where(|run| {
            run.metrics.attempts = attempts;
            run.metrics.requests.offered = 1_000_000;
            let node = &mut run.nodes.0[0].1;
            (node.orphaned, node.served, node.arrived) = (50_000, 10, 60_000);
        })
    };
    assert!(to_do(&of(2_000_000)).contains("Bound what is asked again"));
    assert!(to_do(&of(0)).contains("worked 50,000 times") && !to_do(&of(0)).contains("Bound what is asked again"));
    // Workers idle on average were not idle while a queue was full.
    let of = |full: u64| {
        run_where(|run| {
            run.events.clear();
            for node in &mut run.nodes.0 {
                node.1.utilization_ratio = samples::estimate(0.02, 0.01);
            }
            for host in &mut run.hosts.0 {
                host.1.cpu_ratio = samples::estimate(0.02, 0.01);
            }
            for slo in &mut run.slo {
                slo.met = slo.objective != "p99";
            }
            let outcomes = &mut run.metrics.outcomes.0;
            outcomes.retain(|(name, _)| !name.starts_with("queue_"));
            outcomes.push(("queue_full".to_owned(), full));
        })
    };
    let idle = "though no worker and no core was busy";
    assert!(
        to_do(&of(0)).contains(idle) && !to_do(&of(500)).contains(idle),
        "{}",
        to_do(&of(0))
    );
    // Idle workers are not spare capacity where nothing was answered.
    let nothing = run_where(|run| run.metrics.requests.succeeded = 0);
    assert!(!all(&found(&nothing)).contains("There was room") && !all(&found(&nothing)).contains("hardly any room"));
}

#[test]
fn late_answers_are_laid_to_what_was_broken_then() {
    let mut document = samples::lb_failure();
    let run = samples::run_of(&mut document);
    run.slo.retain(|s| s.objective == "p99");
    run.slo[0].met = false;
    run.slo[0].target = 0.2;
    run.events = vec![
        Happening {
            at_s: 60.0,
            what: "crash begins".into(),
            target: "app1".into(),
        },
        Happening {
            at_s: 90.0,
            what: "crash ends".into(),
            target: "app1".into(),
        },
    ];
    for (name, series) in &mut run.timeline.series.0 {
        let level = |i: usize| match name.as_str() {
            "latency_p99_s" if (12..18).contains(&i) => 1.5,
            "latency_p99_s" => 0.1,
            _ => 1.0,
        };
        series
            .median
            .iter_mut()
            .enumerate()
            .for_each(|(i, v)| *v = Some(level(i)));
    }
    let says = all(&found(&document));
    assert!(
        says.contains("Answers were slowest between") && says.contains("from the crash of app1 on: p99 rose to 1.5 s"),
        "{says}"
    );
    assert!(to_do(&document).contains("Answers were late while something was broken"));
}

#[test]
fn a_knee_is_named_where_there_is_one() {
    let mut document = samples::of_command("capacity");
    let title = |document: &Document| drawn(document, Name::Utilization, 1200).join("\n");
    assert!(title(&document).contains("How busy at the knee"));
    let Answer::Capacity(capacity) = &mut document.answer else {
        panic!("is of a load")
    };
    capacity.knee.verdict = fallover::analysis::capacity::Verdict::NoLoad;
    capacity.utilization_per_s = 680.0;
    assert!(title(&document).contains("How busy at 680/s"));
    assert!(!to_do(&document).contains("faults=[]"), "there are none");
    document.caveats.push(Caveat {
        code: "load.faults".into(),
        message: "faults act".into(),
    });
    assert!(
        found(&document)[0]
            .text
            .starts_with("The scheduled faults alone break the promise")
    );
    assert!(to_do(&document).contains("faults=[]"));
}

#[test]
fn what_is_taken_as_never_failing_is_said_on_the_first_page() {
    let mut document = samples::of_command("availability");
    assert!(!all(&found(&document)).contains("never failing"));
    document.caveats.push(Caveat {
        code: "lifetime.some".into(),
        message: "taken as never failing, for want of a `lifetime`: lb, lbh".into(),
    });
    assert!(all(&found(&document)).contains("That counts as never failing what has no `lifetime`: lb, lbh."));
    assert_eq!(note(&document, "Between outages").text, "lb, lbh never failing");
    assert!(to_do(&document).starts_with("Give what is counted as never failing a `lifetime`"));
}

#[test]
fn of_many_hops_the_small_ones_are_one_and_the_whole_stays() {
    let mut document = samples::lb_failure();
    let run = samples::run_of(&mut document);
    let hop = run.waterfall.all.hops[0].clone();
    run.waterfall.all.hops = (0..44)
        .map(|i| {
            let mut hop = hop.clone();
            hop.node = format!("app{i:02}");
            hop.own_s = 0.001 * f64::from(i + 1);
            hop
        })
        .collect();
    let texts = drawn(&document, Name::Waterfall, 1200);
    for wanted in ["mean latency", "25 others together", "app43"] {
        assert!(texts.iter().any(|t| t == wanted), "{wanted}: {texts:?}");
    }
    assert!(
        !texts.iter().any(|t| t == "app00" || t.starts_with("… and")),
        "{texts:?}"
    );
}

#[test]
fn letters_that_a_page_lacks_are_noticed() {
    let mut document = samples::lb_failure();
    let lacks = |name: &str, document: &Document| {
        let output = Output::parse(std::path::Path::new(name)).expect("can be written");
        output.lacks_letters(std::slice::from_ref(document))
    };
    assert!(!lacks("x.pdf", &document), "an ordinary result is all letters");
    document.envelope.scenario.name = "負荷分散".into();
    let of = ["x.pdf", "x.png", "x.html", "x.svg", "x.json"].map(|name| lacks(name, &document));
    assert_eq!(of, [true, true, false, false, false]);
}

#[test]
fn what_never_ended_is_shaded_to_the_end_of_its_own_run() {
    let mut document = samples::several();
    let Answer::Runs(several) = &mut document.answer else {
        panic!("is of several")
    };
    let short = &mut several.runs[0];
    short.duration_s = 100.0;
    short.run.events.retain(|e| e.what == "crash begins");
    for (_, series) in &mut short.run.timeline.series.0 {
        for curve in [&mut series.median, &mut series.lo, &mut series.hi] {
            curve.truncate(20);
        }
    }
    let timeline = timeline(&runs(&document)).expect("is there");
    assert_eq!(timeline.end_s, 300.0);
    let own = timeline
        .periods
        .iter()
        .find(|p| p.whose == "lb-failure")
        .expect("is its own");
    assert_eq!((own.from_s, own.to_s), (60.0, 100.0));
}

#[test]
fn a_rate_of_few_requests_is_told_of_several_bins_together() {
    let rates = |rate: &str| {
        let rate = format!("clients.browsers.arrivals={{\"poisson\":\"{rate}\"}}");
        let run = [
            "run",
            "scenarios/roundrobin-vs-leastconn.json",
            "--set",
            &rate,
            "--replications",
            "3",
        ];
        let found = program::document(&[&run[..], &["--duration", "600s", "--warmup", "0s"]].concat());
        program::values(&found["timeline"]["series"]["throughput_per_s"]["median"])
    };
    let sparse = rates("0.1/s");
    assert!(
        sparse.iter().flatten().all(|rate| *rate > 0.02 && *rate < 0.3),
        "{sparse:?}"
    );
    // With enough requests, each bin has a rate of its own.
    let mut busy = rates("10/s");
    busy.dedup();
    assert!(busy.len() > 200, "{}", busy.len());
}

#[test]
fn what_may_be_first_is_not_told_to_be_first() {
    let mut document = samples::of_command("sensitivity");
    let sensitivity = sweep_of(&mut document).sensitivity.as_mut().expect("is asked for");
    for output in &mut sensitivity.outputs {
        let totals = [between(0.6, 0.4, 0.8), between(0.5, 0.3, 0.7)];
        output
            .effects
            .iter_mut()
            .zip(totals)
            .for_each(|(e, total)| e.total = total);
    }
    let says = to_do(&document);
    assert!(
        says.contains("which may move most") && !says.contains("which moves most"),
        "{says}"
    );
}

#[test]
fn a_stack_that_is_full_is_not_left_at_that() {
    let mut document = samples::steady();
    let run = samples::run_of(&mut document);
    run.slo.clear();
    run.metrics.outcomes.0.retain(|(name, _)| name == "ok");
    (run.metrics.requests.failed, run.metrics.requests.unfinished) = (0, 0);
    let busy = |document: &mut Document, share: f64| {
        let run = samples::run_of(document);
        run.hosts
            .0
            .iter_mut()
            .for_each(|(_, h)| h.cpu_ratio = between(share, share, share));
        run.nodes
            .0
            .iter_mut()
            .for_each(|(_, n)| n.utilization_ratio = between(share, share, share));
        to_do(document)
    };
    assert!(busy(&mut document, 0.3).contains("Nothing needs to be done for what this run tried."));
    assert!(busy(&mut document, 0.94).contains("but hardly more than it can come"));
}

#[test]
fn who_came_before_a_crash_is_told_to_have() {
    let document = run_where(|run| run.events[0].at_s = 61.0);
    let says = all(&found(&document));
    assert!(
        says.contains("between 60 s and 90 s (by time of arrival), with the crash of haproxy at 61 s"),
        "{says}"
    );
}

#[test]
fn no_line_of_a_picture_ends_between_a_number_and_its_unit() {
    let document = samples::of_command("spof");
    for width in 320..420 {
        let texts = drawn(&document, Name::Dashboard, width);
        assert!(
            !texts.iter().any(|t| t.starts_with("% ") || t.starts_with("min ")),
            "{width}: {texts:?}"
        );
    }
}

fn losses(document: &mut Document) -> &mut Spof {
    match &mut document.answer {
        Answer::Spof(spof) => spof,
        _ => panic!("is of losses"),
    }
}

/// The same component with another effect.
fn faltering(document: &mut Document, name: &str, effect: &str, verdict: Verdict, lost: f64) {
    let spof = losses(document);
    let mut more = spof
        .components
        .iter()
        .find(|p| p.name == name)
        .expect("is there")
        .clone();
    (more.effect, more.verdict) = (effect.into(), verdict);
    more.lost_ratio = between(lost, lost, lost);
    more.downtime_min_per_year = None;
    spof.components.push(more);
}

#[test]
fn what_falters_is_not_said_to_be_gone() {
    let mut document = samples::of_command("spof");
    faltering(&mut document, "haproxy", "hang", Verdict::Degraded, 1.0);
    faltering(&mut document, "app1", "slow", Verdict::Overload, 0.25);
    faltering(&mut document, "app2", "slow", Verdict::Overload, 0.25);
    let says = all(&found(&document));
    // A single point of failure that hangs is still one.
    assert!(
        says.contains("Without db2 70.2 %") && !says.contains("haproxy (hang)"),
        "{says}"
    );
    assert!(
        says.contains("The load is too much while any one of app1 and app2 is slow."),
        "{says}"
    );
    let tile = numbers(&document).into_iter().find(|n| n.name == "Overloaded without");
    let tile = tile.expect("is there");
    assert_eq!(
        (tile.value.as_str(), tile.note.text.as_str()),
        ("0", "but while one of 2 is slow")
    );
}

#[test]
fn nothing_has_to_be_doubled_where_nothing_stands_alone() {
    let mut document = samples::of_command("spof");
    document.envelope.complete = true;
    let spof = losses(&mut document);
    spof.fixes.clear();
    assert!(to_do(&document).contains("What stands alone has to be doubled."));
    let spof = losses(&mut document);
    spof.components.retain(|p| p.verdict == Verdict::None);
    let mut one = spof.components[0].clone();
    (one.effect, one.verdict) = ("slow".into(), Verdict::Overload);
    spof.components.push(one);
    let says = to_do(&document);
    assert!(
        !says.contains("stands alone") && says.contains("give it more room"),
        "{says}"
    );
}

#[test]
fn all_that_lose_as_much_are_named_and_called_no_overload() {
    let mut document = samples::of_command("spof");
    let spof = losses(&mut document);
    let mut twin = spof
        .components
        .iter()
        .find(|p| p.name == "db2")
        .expect("is there")
        .clone();
    twin.name = "db3".into();
    spof.components.push(twin);
    assert_eq!(
        note(&document, "Overloaded without").text,
        "but 70.2 % lost without db2 or db3"
    );
    let says = all(&found(&document));
    assert!(
        says.contains("Without any one of db2 and db3 70.2 % of all requests are lost, though none is a single point."),
        "{says}"
    );
}

#[test]
fn losses_in_passing_are_said_beside_bars_of_nothing() {
    let mut document = samples::of_command("spof");
    for p in &mut losses(&mut document).components {
        p.downtime_min_per_year = None;
        (p.lost_ratio, p.lost_in_passing_s) = (between(0.0, 0.0, 0.001), 5.52);
    }
    let texts = drawn(&document, Name::Spof, 1200);
    assert!(texts.iter().any(|t| t == "5.5 s in passing · degraded"), "{texts:?}");
}

#[test]
fn a_picture_of_losses_begins_with_its_bars() {
    let mut document = samples::of_command("spof");
    let spof = losses(&mut document);
    let mut pair = spof
        .components
        .iter()
        .find(|p| p.verdict == Verdict::Outage)
        .expect("is there")
        .clone();
    (pair.name, pair.kind, pair.downtime_min_per_year) = ("a + b".into(), "pair".into(), None);
    spof.pairs.push(pair);
    let texts = drawn(&document, Name::Spof, 1200);
    let place = |name: &str| texts.iter().position(|t| t == name).expect("is drawn");
    assert!(place("db1") < place("a + b"), "{texts:?}");
}

#[test]
fn a_promise_missed_by_chance_is_open_on_every_page() {
    let mut document = samples::of_command("availability");
    let Answer::Availability(of) = &mut document.answer else {
        panic!("is of years")
    };
    let slo = &mut of.slo[0];
    (slo.met, slo.observed) = (
        false,
        between(slo.target - 0.0001, slo.target - 0.004, slo.target + 0.0005),
    );
    let says = found(&document)[0].clone();
    assert!(
        says.text.contains("missed, which may be chance") && says.tone == Tone::Caution,
        "{says:?}"
    );
    let text = plain(&document);
    assert!(
        text.contains("? missed, may be chance") && !text.contains("MISSED"),
        "{text}"
    );
    assert!(to_do(&document).contains("would tell whether"), "{}", to_do(&document));
}

#[test]
fn what_carries_something_is_not_said_to_carry_nothing() {
    let mut document = samples::of_command("capacity");
    let Answer::Capacity(of) = &mut document.answer else {
        panic!("is of loads")
    };
    let knee = &mut of.n_minus_1.0[0].1;
    knee.verdict = Knee::NoLoad;
    knee.limited_by = of.knee.limited_by.clone();
    if let Some(limit) = &mut knee.limited_by {
        limit.objective = "availability".into();
    }
    let text = plain(&document);
    assert!(
        text.contains("Losses without") && text.contains("whatever the load") && !text.contains("Nothing without"),
        "{text}"
    );
}

#[test]
fn a_last_bin_that_is_not_full_makes_no_run_longer() {
    let mut document = samples::lb_failure();
    document.envelope.duration_s = 298.0;
    let line = plain(&document)
        .lines()
        .find(|l| l.starts_with("Over time"))
        .expect("is there")
        .to_owned();
    assert!(line.contains("298 s") && !line.contains("300"), "{line}");
    assert_eq!(timeline(&runs(&document)).expect("is there").end_s, 298.0);
}

#[test]
fn a_share_is_told_within_its_interval_and_by_name() {
    let mut document = samples::of_command("sensitivity");
    let sweep = sweep_of(&mut document);
    let effects = &mut sweep.sensitivity.as_mut().expect("is there").outputs[0].effects;
    effects[0].total = between(0.98, 0.9, 1.0);
    effects[1].first = between(-0.11, 0.0, 0.12);
    let text = plain(&document);
    assert!(text.contains("0 (0–0.12)") && !text.contains("-0.11"), "{text}");
    let texts = drawn(&document, Name::Tornado, 1200);
    assert!(texts.iter().any(|t| t.ends_with("share 98 %")), "{texts:?}");
    assert!(
        texts.iter().any(|t| t.contains("share: its part of the variance")),
        "{texts:?}"
    );
}

#[test]
fn caveats_of_many_points_say_what_they_mean() {
    let mut document = samples::of_command("sweep");
    let sweep = sweep_of(&mut document);
    for point in &mut sweep.points {
        point.caveats = vec!["tail.open".into(), "unstable.app1".into(), "slo.straddles.p99".into()];
    }
    let says: Vec<String> = sweep.caveats().into_iter().map(|c| c.message).collect();
    assert!(
        says[0].starts_with("at 6 of 6 points, first at ") && says[0].contains("may be longer"),
        "{says:?}"
    );
    assert!(says[1].contains("app1 is asked for more than it can do"), "{says:?}");
    assert!(
        says[2].contains("the interval of p99 reaches across its target"),
        "{says:?}"
    );
    assert!(says.iter().all(|s| !s.contains("fallover run")), "{says:?}");
}

#[test]
fn a_picture_says_how_many_caveats_it_leaves_out() {
    let mut document = samples::of_command("sweep");
    document.caveats = (0..6)
        .map(|i| Caveat {
            code: format!("c{i}"),
            message: format!("caveat {i}"),
        })
        .collect();
    let texts = drawn(&document, Name::Dashboard, 1200);
    assert!(texts.iter().any(|t| t == "! caveat 3"), "{texts:?}");
    assert!(texts.iter().any(|t| t.starts_with("… and 2 more, ")), "{texts:?}");
}

#[test]
fn users_are_counted_where_they_are_what_is_scaled() {
    let mut document = samples::of_command("capacity");
    let Answer::Capacity(of) = &mut document.answer else {
        panic!("is of loads")
    };
    (of.closed, of.users) = (true, Some(200));
    of.knee.knee_ratio = between(10.42, 10.2, 10.6);
    let text = plain(&document);
    assert!(text.contains("2,084 users, 942 % more than the 200 of now"), "{text}");
    assert!(
        all(&found(&document)).contains("of today: 2,084 users"),
        "{}",
        all(&found(&document))
    );
    assert!(note(&document, "Carries").text.starts_with("2,084 users, "));
}

#[test]
fn designs_that_have_nothing_to_do_are_to_be_compared_under_load() {
    let mut document = samples::of_command("compare");
    let Answer::Compare(compare) = &mut document.answer else {
        panic!("is of designs")
    };
    for d in &mut compare.differences {
        d.verdict = Difference::NoDifferenceShown;
    }
    for (_, named) in &mut compare.variants.0 {
        named
            .run
            .nodes
            .0
            .iter_mut()
            .for_each(|(_, n)| n.utilization_ratio = between(0.1, 0.09, 0.11));
        named
            .run
            .hosts
            .0
            .iter_mut()
            .for_each(|(_, h)| h.cpu_ratio = between(0.05, 0.05, 0.05));
    }
    let says = to_do(&document);
    assert!(
        says.contains("for more than 10 % of the time") && says.contains("near the knee"),
        "{says}"
    );
    let Answer::Compare(compare) = &mut document.answer else {
        panic!("is of designs")
    };
    compare.variants.0[0].1.run.hosts.0[0].1.cpu_ratio = between(0.8, 0.8, 0.8);
    assert!(!to_do(&document).contains("near the knee"));
}

#[test]
fn a_price_that_is_unsure_is_not_told_as_if_it_were_sure() {
    let mut document = samples::of_command("spof");
    losses(&mut document).components[0].lost_ratio = between(0.7, 0.2, 1.0);
    let text = plain(&document);
    assert!(
        text.contains("70 (20 to 100) %") && text.contains("no surer than the share lost"),
        "{text}"
    );
}

/// A box of many components counts them by kind of fault.
#[test]
fn a_box_of_many_counts_each_kind_of_fault() {
    let mut document = samples::steady();
    let run = samples::run_of(&mut document);
    let app = run
        .topology
        .nodes
        .iter()
        .find(|n| n.kind == "app")
        .expect("there is one")
        .clone();
    let more = (0..20).map(|i| {
        let mut one = app.clone();
        one.name = format!("copy{i:02}");
        one.host = None;
        one
    });
    run.topology.nodes.extend(more);
    let note = |what: &str, i: usize| fallover::analysis::result::Happening {
        at_s: 20.0,
        what: what.into(),
        target: format!("copy{i:02}"),
    };
    run.events = (0..6)
        .map(|i| note("crash begins", i))
        .chain([note("slow x5 begins", 6)])
        .collect();
    let told = drawn(&document, Name::Topology, 1600).join("\n");
    assert!(told.contains("6: crash · 1: slow x5"), "{told}");
}
