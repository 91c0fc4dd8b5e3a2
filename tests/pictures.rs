//! Every chart by its name: which results have it, that the stack is drawn without overlaps, and that no picture
//! changes without somebody looking.

#[path = "support/pictures.rs"]
mod pictures;
mod samples;

use fallover::analysis::result::{Answer, Document};
use fallover::analysis::sweep::Sweep;
use fallover::analysis::topology::{Edge, Machine, Place, Topology};
use fallover::report::chart::{self, Look, Name, Theme};
use fallover::scenario;
use pictures::{clash, parse, texts};
use std::path::{Path, PathBuf};

fn look(width: u32) -> Look {
    Look {
        width,
        ..Look::default()
    }
}

fn draw(document: &Document, name: Name) -> String {
    chart::svg(document, name, &look(960)).unwrap_or_else(|e| panic!("{name:?}: {e}"))
}

#[test]
fn each_command_gives_its_charts() {
    let words = |document: &Document| -> Vec<&str> { Name::given_by(document).into_iter().map(Name::word).collect() };
    let of = |name: &str| words(&samples::of_command(name)).join(" ");
    assert_eq!(
        words(&samples::lb_failure()).join(" "),
        "dashboard topology timeline latency utilization waterfall nines"
    );
    assert_eq!(of("compare"), "dashboard topology timeline latency difference nines");
    assert_eq!(of("capacity"), "dashboard topology utilization knee");
    assert_eq!(of("spof"), "dashboard topology spof");
    assert_eq!(of("availability"), "dashboard topology spof nines");
    // No input moves an output in this grid; `what_no_input_moves_has_no_tornado` has one in which one does.
    assert_eq!(of("sweep"), "dashboard curve");
    assert_eq!(of("sensitivity"), "dashboard tornado");
    assert_eq!(of("review"), "dashboard");
}

#[test]
fn a_chart_that_a_result_cannot_give_says_why() {
    for (sample, document) in samples::all() {
        let given = Name::given_by(&document);
        for (name, word, _) in Name::ALL {
            match chart::svg(&document, name, &look(800)) {
                Ok(_) => assert!(given.contains(&name), "{sample} {word}"),
                Err(why) => {
                    let says = why.to_string();
                    assert!(!given.contains(&name), "{sample} {word}: {says}");
                    assert!(says.contains(&format!("nothing for the chart `{word}`: ")), "{says}");
                }
            }
        }
    }
}

// --- the stack ------------------------------------------------------------------------------------------------------

/// A document with this topology and flows on every arrow, as a run would measure them.
fn with(mut topology: Topology, name: &str) -> Document {
    let arrows = topology.entries.iter_mut().chain(&mut topology.edges);
    for (i, edge) in arrows.filter(|e| !e.names).enumerate() {
        edge.answered_per_s = Some([412.6, 0.4, 38_211.0, 7.25, 99.6][i % 5]);
        edge.share = Some([0.5, 1.0, 0.333, 0.07][i % 4]);
    }
    let mut document = samples::lb_failure();
    samples::run_of(&mut document).topology = topology;
    document.envelope.scenario.name = name.into();
    document
}

/// A stack of `tiers` tiers with `nodes` nodes each, on hosts that hold parts of several tiers. Each node calls some of
/// the next tier and occasionally one further on.
fn made_up(tiers: usize, nodes: usize, salt: usize) -> Topology {
    let dice = |i: usize, j: usize| (i * 7919 + j * 104_729 + salt * 1_299_709) % 97;
    let name = |tier: usize, i: usize| match dice(tier, i) % 5 {
        0 => format!("a-rather-long-name-of-a-server-{tier}-{i}"),
        _ => format!("n{tier}-{i}"),
    };
    let all = || (1..=tiers).flat_map(|tier| (0..1 + (nodes * (1 + dice(tier, 3))) / 97).map(move |i| (tier, i)));
    let in_tier = |tier: usize| all().filter(move |(t, _)| *t == tier).map(|(_, i)| i);
    let edge = |from: String, to: String| Edge {
        from,
        to,
        names: false,
        answered_per_s: None,
        share: None,
    };
    let asks = |tier: usize, i: usize, to: usize, j: usize| {
        dice(tier + to, i + 3 * j) % (1 + to - tier) == 0 && (i + j) % 3 != 1
    };
    let pairs = all().flat_map(|(tier, i)| {
        let onward = (tier + 1..=(tier + 2).min(tiers)).flat_map(move |to| in_tier(to).map(move |j| (to, j)));
        onward
            .filter(move |(to, j)| asks(tier, i, *to, *j))
            .map(move |(to, j)| edge(name(tier, i), name(to, j)))
    });
    let edges: Vec<Edge> = pairs.collect();
    Topology {
        sources: vec!["browsers".into(), "phones".into()],
        nodes: all()
            .map(|(tier, i)| Place {
                name: name(tier, i),
                kind: "app".into(),
                host: (dice(tier, i) % 3 > 0).then(|| format!("host{}", (i + tier / 2) % (2 + nodes))),
                database: None,
                tier: (dice(i, tier) != 5).then_some(tier as u32),
            })
            .collect(),
        hosts: (0..2 + nodes)
            .map(|i| Machine {
                name: format!("host{i}"),
                zone: (i % 2 == 0).then(|| "the-eastern-zone".into()),
            })
            .collect(),
        entries: in_tier(1)
            .flat_map(|i| ["browsers", "phones"].map(|s| edge(s.into(), name(1, i))))
            .collect(),
        edges,
    }
}

/// All scenarios of the repository, with made-up stacks to make twenty.
fn stacks() -> Vec<(String, Document)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = std::fs::read_dir(folder)
        .expect("is there")
        .map(|entry| entry.expect("is there").path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| !path.to_string_lossy().contains(".schema."))
        .collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort();
    let mut stacks: Vec<(String, Document)> = files
        .iter()
        .map(|file| {
            let plan = scenario::load(file, &[])
                .unwrap_or_else(|e| panic!("{}: {e:?}", file.display()))
                .plan;
            let name = file.file_name().expect("has one").to_string_lossy().into_owned();
            (name.clone(), with(Topology::of(&plan, None), &name))
        })
        .collect();
    for (tiers, nodes) in [(2, 3), (3, 6), (4, 9), (5, 12), (6, 8), (3, 20), (8, 7), (4, 100)] {
        let name = format!("made up, {tiers} tiers of up to {nodes}");
        stacks.push((name.clone(), with(made_up(tiers, nodes, stacks.len()), &name)));
    }
    assert!(stacks.len() >= 20, "only {}", stacks.len());
    stacks
}

#[test]
fn no_two_labels_of_a_stack_meet_and_none_leaves_the_page() {
    for (name, document) in stacks() {
        for width in [480, 720, 1200, 2000] {
            let svg = chart::svg(&document, Name::Topology, &look(width)).expect("draws");
            let tree = parse(&svg);
            let mut found = Vec::new();
            texts(tree.root(), &mut found);
            assert!(found.len() > 6, "{name} has words");
            if let Some(clash) = clash(&tree, &found) {
                panic!("{name} at {width}: {clash}");
            }
        }
    }
}

#[test]
fn a_stack_names_every_node_or_counts_them() {
    for (name, document) in stacks() {
        let Answer::Run(run) = &document.answer else {
            panic!("is a run")
        };
        let svg = draw(&document, Name::Topology);
        let mut found = Vec::new();
        texts(parse(&svg).root(), &mut found);
        let nodes = &run.topology.nodes;
        let grouped: usize = found
            .iter()
            .filter_map(|(words, _)| words.split_once(" × ")?.0.parse::<usize>().ok())
            .sum();
        let named = nodes
            .iter()
            .filter(|n| found.iter().any(|(words, _)| *words == n.name))
            .count();
        let cut = found.iter().filter(|(words, _)| words.contains('…')).count();
        // Long names are cut in the middle.
        let shown = grouped + named + cut;
        assert!(
            shown >= nodes.len(),
            "{name}: {named} named, {cut} cut, {grouped} grouped of {}",
            nodes.len()
        );
    }
}

#[test]
fn what_failed_and_what_limits_is_marked() {
    let says = |document: &Document| {
        let mut found = Vec::new();
        texts(parse(&draw(document, Name::Topology)).root(), &mut found);
        found.into_iter().map(|(words, _)| words).collect::<Vec<_>>().join("|")
    };
    assert!(says(&samples::lb_failure()).contains("haproxy|load-balancer|crash 60 s to 90 s"));
    assert!(says(&samples::steady()).contains("busiest: 87.4 %"));
    let spof = says(&samples::of_command("spof"));
    assert!(spof.contains("single point"));
    // A number is shown whole or not at all, because half of it would be another number.
    assert!(spof.contains("db2 · 341 min/y") && !spof.contains('…'), "{spof}");
    let wide = chart::svg(&samples::of_command("spof"), Name::Topology, &look(1200)).expect("is drawn");
    let mut found = Vec::new();
    texts(parse(&wide).root(), &mut found);
    assert!(found.iter().any(|(words, _)| words == "db1 · 341 min/y"), "{found:?}");
    assert!(says(&samples::of_command("availability")).contains("costs most"));
    let mut limited = samples::of_command("capacity");
    let Answer::Capacity(found) = &mut limited.answer else {
        panic!("is a capacity")
    };
    let component = found.topology.nodes[2].name.clone();
    found.knee.limited_by = Some(fallover::analysis::capacity::Limit {
        objective: "p99".into(),
        component: Some(component),
    });
    assert!(says(&limited).contains("limits"));
}

#[test]
fn what_no_input_moves_has_no_tornado() {
    let document = samples::of_command("sweep");
    let moves =
        |document: &Document| chart::svg(document, Name::Tornado, &look(800)).map(|svg| svg.contains("availability"));
    assert!(moves(&document).is_err(), "every point is as good as every other");
    let mut moved = document;
    let Answer::Sweep(sweep) = &mut moved.answer else {
        panic!("is a sweep")
    };
    let mut estimates = sweep.points[0].estimates.0.iter_mut();
    let p99 = estimates
        .find(|(metric, _)| metric == "latency_s.p99")
        .expect("is measured");
    p99.1 = samples::estimate(0.5, 0.01);
    assert!(!moves(&moved).expect("is drawn"), "only latency was moved");
}

/// Curves run along the input with the most numeric values, with a line for each value of the other. There is no curve
/// chart for inputs that are words, or with more lines than colours.
#[test]
fn a_grid_has_curves_where_an_input_is_a_number() {
    let drawn = |change: &dyn Fn(&mut Sweep)| {
        let mut document = samples::of_command("sweep");
        let Answer::Sweep(sweep) = &mut document.answer else {
            panic!("is a sweep")
        };
        change(sweep);
        chart::svg(&document, Name::Curve, &look(800)).map_err(|why| why.to_string())
    };
    let svg = drawn(&|_| {}).expect("workers are three numbers");
    for says in ["nodes.app1.workers", "algorithm roundrobin", "algorithm leastconn"] {
        assert!(svg.contains(says), "{says}");
    }
    let set = |sweep: &mut Sweep, column: &str, value: &dyn Fn(u64) -> serde_json::Value| {
        for point in &mut sweep.points {
            let number = point.point;
            let found = point.inputs.0.iter_mut().find(|(name, _)| name == column);
            found.expect("is a column").1 = value(number);
        }
    };
    let words = drawn(&|s| set(s, "nodes.app1.workers", &|n| format!("w{}", n % 3).into()));
    assert!(words.expect_err("are words").contains("no input is a number"));
    let many = drawn(&|s| {
        set(s, "nodes.app1.workers", &|n| (n % 3).into());
        let points = s.points.clone();
        (0..10).for_each(|_| s.points.extend(points.clone()));
        (0..).zip(&mut s.points).for_each(|(n, p)| p.point = n);
        set(s, "nodes.haproxy.algorithm", &|n| format!("a{}", n / 3).into());
    });
    assert!(many.expect_err("are too many").contains("told apart"));
}

#[test]
fn what_is_done_for_failed_requests_goes_back_on_the_way() {
    let mut document = samples::lb_failure();
    samples::run_of(&mut document).waterfall.all.elsewhere_s = -0.02;
    let svg = draw(&document, Name::Waterfall);
    assert!(svg.contains("for requests that failed") && svg.contains("−20 ms"));
}

// --- change ---------------------------------------------------------------------------------------------------------

/// One picture of each kind, at the width of an HTML page and in both themes between them.
fn goldens() -> Vec<(String, String)> {
    let pictures = [
        ("lb-failure", Name::Topology),
        ("lb-failure", Name::Timeline),
        ("lb-failure", Name::Latency),
        ("lb-failure", Name::Utilization),
        ("lb-failure", Name::Waterfall),
        ("lb-failure", Name::Nines),
        ("several", Name::Dashboard),
        ("compare", Name::Difference),
        ("capacity", Name::Knee),
        ("spof", Name::Spof),
        ("spof", Name::Dashboard),
        ("availability", Name::Spof),
        ("sensitivity", Name::Tornado),
        ("review", Name::Dashboard),
        ("sweep", Name::Curve),
    ];
    let samples = samples::all();
    let picture = |(i, (sample, name)): (usize, (&str, Name))| {
        let (_, document) = samples.iter().find(|(s, _)| *s == sample).expect("is a sample");
        let look = Look {
            theme: if i % 2 == 0 { Theme::Light } else { Theme::Dark },
            ..look(960)
        };
        let svg = chart::svg(document, name, &look).expect("draws");
        (format!("{sample}-{}.svg", name.word()), svg)
    };
    pictures.into_iter().enumerate().map(picture).collect()
}

/// A changed picture must be reviewed: `UPDATE_PICTURES=1 cargo test --test pictures`, look, commit.
#[test]
fn pictures_change_only_on_purpose() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pictures");
    let update = std::env::var_os("UPDATE_PICTURES").is_some();
    let mut changed = Vec::new();
    for (name, svg) in goldens() {
        let path = folder.join(&name);
        if update {
            std::fs::create_dir_all(&folder).expect("makes a folder");
            std::fs::write(&path, &svg).expect("writes");
        } else if std::fs::read_to_string(&path).unwrap_or_default() != svg {
            changed.push(name);
        }
    }
    assert!(
        changed.is_empty(),
        "changed: {}; if that was meant, run UPDATE_PICTURES=1 cargo test --test pictures, and look at them",
        changed.join(", ")
    );
}

/// Two application servers that each call two members of a database, each on its own host, in two zones.
fn crossing() -> Document {
    let place = |name: &str, kind: &str, host: &str, tier: u32| Place {
        name: name.into(),
        kind: kind.into(),
        host: Some(host.into()),
        database: None,
        tier: Some(tier),
    };
    let machine = |name: &str, zone: &str| Machine {
        name: name.into(),
        zone: Some(zone.into()),
    };
    let edge = |from: &str, to: &str, per_s: f64| Edge {
        from: from.into(),
        to: to.into(),
        names: false,
        answered_per_s: Some(per_s),
        share: Some(0.5),
    };
    let topology = Topology {
        sources: vec!["browsers".into()],
        nodes: vec![
            place("app1", "app", "server1", 1),
            place("app2", "app", "server2", 1),
            place("mysql-primary", "database", "db1", 2),
            place("mysql-replica", "database", "db2", 2),
        ],
        hosts: vec![
            machine("server1", "east"),
            machine("server2", "west"),
            machine("db1", "east"),
            machine("db2", "west"),
        ],
        entries: vec![edge("browsers", "app1", 111.0), edge("browsers", "app2", 222.0)],
        edges: vec![
            edge("app1", "mysql-primary", 101.0),
            edge("app1", "mysql-replica", 102.0),
            edge("app2", "mysql-primary", 103.0),
            edge("app2", "mysql-replica", 104.0),
        ],
    };
    let mut document = samples::lb_failure();
    let run = samples::run_of(&mut document);
    (run.topology, run.events) = (topology, Vec::new());
    document
}

#[test]
fn all_four_arrows_of_a_crossing_are_named_whatever_the_width() {
    for width in [480, 720, 960, 1200] {
        let svg = chart::svg(&crossing(), Name::Topology, &look(width)).expect("draws");
        let mut found = Vec::new();
        texts(parse(&svg).root(), &mut found);
        let words: Vec<&str> = found.iter().map(|(words, _)| words.as_str()).collect();
        for flow in ["101/s", "102/s", "103/s", "104/s"] {
            assert!(words.contains(&flow), "{flow} at {width}: {words:?}");
        }
        // Nodes called by the same server stand nearer to it.
        let middle = |word: &str| {
            let place = &found.iter().find(|(words, _)| words == word).expect("is there").1;
            (
                f64::from(place.left() + place.right()) / 2.0,
                f64::from(place.top() + place.bottom()) / 2.0,
            )
        };
        let far = |a: &str, b: &str| {
            let (a, b) = (middle(a), middle(b));
            (a.0 - b.0).hypot(a.1 - b.1)
        };
        assert!(far("102/s", "app1") < far("102/s", "app2"), "at {width}");
        assert!(far("103/s", "app2") < far("103/s", "app1"), "at {width}");
        // Zones have a legend, and names this short are not cut.
        for whole in ["east", "west", "mysql-primary", "mysql-replica"] {
            assert!(words.contains(&whole), "{whole} at {width}: {words:?}");
        }
    }
}

#[test]
fn on_paper_a_long_stack_goes_down_the_page() {
    let mut document = with(made_up(9, 2, 1), "long");
    samples::run_of(&mut document).events.clear();
    let size = |width: u32| {
        let tree = parse(&chart::svg(&document, Name::Topology, &look(width)).expect("draws"));
        (tree.size().width(), tree.size().height())
    };
    let (paper, screen) = (size(720), size(1200));
    assert!(paper.1 > paper.0 && screen.1 < screen.0, "{paper:?} {screen:?}");
}

#[test]
fn how_to_read_a_picture_is_said_to_its_end() {
    let mut document = crossing();
    let run = samples::run_of(&mut document);
    run.topology.entries[0].names = true;
    for width in [480, 720] {
        let svg = chart::svg(&document, Name::Topology, &look(width)).expect("draws");
        let mut found = Vec::new();
        texts(parse(&svg).root(), &mut found);
        let says: Vec<&str> = found.iter().map(|(words, _)| words.as_str()).collect();
        let reads = says
            .iter()
            .filter(|w| w.contains('·'))
            .copied()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            reads.contains("zones, below") && !says.iter().any(|w| w.ends_with(" …")),
            "{width}: {says:?}"
        );
    }
}
