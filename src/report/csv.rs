//! The rows of `--requests`: one request for each line, written as they come, so that millions are never held in
//! memory.
//!
//! The caller decides the order of the rows. A field is empty where the event did not happen.

use std::io::Write;

/// One request, from its intended start to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRow {
    /// Its replication.
    pub replication: u32,
    /// Its number within the replication.
    pub id: u64,
    /// Its class.
    pub class: String,
    /// The source of load it came from.
    pub client: String,
    /// Its intended start.
    pub arrived_s: f64,
    /// When it ended; `None` if it was still in flight at the end of the run.
    pub finished_s: Option<f64>,
    /// From the intended start to the end.
    pub latency_s: Option<f64>,
    /// `ok` or the cause of its failure.
    pub outcome: String,
    /// Number of attempts.
    pub attempts: u32,
    /// The server that the last load balancer chose.
    pub server: Option<String>,
    /// Time waited at each node, in the order given to the writer; `None` where it never arrived.
    pub waits: Vec<Option<f64>>,
}

const COLUMNS: [&str; 10] = [
    "replication",
    "id",
    "class",
    "client",
    "arrived_s",
    "finished_s",
    "latency_s",
    "outcome",
    "attempts",
    "server",
];

/// Writes rows to any byte sink.
pub struct RequestWriter<W: Write> {
    out: csv::Writer<W>,
}

impl<W: Write> RequestWriter<W> {
    /// Writes the header: the fixed columns, then `<node>.wait_s` for each node.
    pub fn new(out: W, nodes: &[String]) -> csv::Result<Self> {
        let mut out = csv::Writer::from_writer(out);
        let waits = nodes.iter().map(|node| format!("{node}.wait_s"));
        out.write_record(COLUMNS.iter().map(ToString::to_string).chain(waits))?;
        Ok(RequestWriter { out })
    }

    /// Writes one row. The number of waits must be the number of nodes; anything else is an error.
    pub fn write(&mut self, row: &RequestRow) -> csv::Result<()> {
        let fixed = [
            row.replication.to_string(),
            row.id.to_string(),
            row.class.clone(),
            row.client.clone(),
            row.arrived_s.to_string(),
            seconds(row.finished_s),
            seconds(row.latency_s),
            row.outcome.clone(),
            row.attempts.to_string(),
            row.server.clone().unwrap_or_default(),
        ];
        self.out
            .write_record(fixed.into_iter().chain(row.waits.iter().map(|w| seconds(*w))))
    }

    /// Returns the sink, with everything flushed.
    pub fn finish(self) -> std::io::Result<W> {
        self.out.into_inner().map_err(|e| e.into_error())
    }
}

/// The shortest form that reads back as the same number, without an exponent.
fn seconds(value: Option<f64>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> RequestRow {
        RequestRow {
            replication: 0,
            id: 7,
            class: "a,b".into(),
            client: "browser".into(),
            arrived_s: 0.1,
            finished_s: None,
            latency_s: None,
            outcome: "unfinished".into(),
            attempts: 2,
            server: None,
            waits: vec![Some(0.000_000_25), None],
        }
    }

    #[test]
    fn what_did_not_happen_is_empty_and_commas_are_quoted() {
        let mut writer = RequestWriter::new(Vec::new(), &["app1".into(), "db".into()]).expect("writes the head");
        writer.write(&row()).expect("writes a row");
        let text = String::from_utf8(writer.finish().expect("finishes")).expect("is text");
        let expected = "replication,id,class,client,arrived_s,finished_s,latency_s,outcome,attempts,server,app1.wait_s,db.wait_s\n\
                        0,7,\"a,b\",browser,0.1,,,unfinished,2,,0.00000025,\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_row_of_another_width_is_refused() {
        let mut writer = RequestWriter::new(Vec::new(), &["app1".into()]).expect("writes the head");
        assert!(writer.write(&row()).is_err());
    }
}
