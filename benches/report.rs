//! The cost of a report: `cargo bench --bench report`. Each is written whole, synced and renamed: under one second.

#[path = "../tests/samples/mod.rs"]
mod samples;

use criterion::{Criterion, criterion_group, criterion_main};
use fallover::report::sink::{Output, Printing};

fn reports(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("makes a directory");
    let bundle: Vec<_> = samples::all().into_iter().map(|(_, document)| document).collect();
    let results = [
        ("run", vec![samples::lb_failure()]),
        ("200 nodes", vec![samples::crowd()]),
        ("spof", vec![samples::of_command("spof")]),
        ("13 results", bundle),
    ];
    let mut group = criterion.benchmark_group("report");
    group.sample_size(10);
    for (name, documents) in &results {
        for kind in ["pdf", "html", "png", "svg"] {
            if documents.len() > 1 && ["png", "svg"].contains(&kind) {
                continue;
            }
            let output = Output::parse(&folder.path().join(format!("report.{kind}"))).expect("is of a known kind");
            let printing = Printing::default();
            group.bench_function(format!("{name}, {kind}"), |b| {
                b.iter(|| output.write(documents, &printing).expect("writes"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, reports);
criterion_main!(benches);
