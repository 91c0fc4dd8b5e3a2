//! The rows of `--requests`: one request a line, written as they come, so that millions never sit in memory.
//!
//! The order of the rows is the caller's. What did not happen is an empty field.

use std::io::Write;

/// One request, from its wish to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRow {
    /// Which replication it belongs to.
    pub replication: u32,
    /// Its number within the replication.
    pub id: u64,
    /// Its class.
    pub class: String,
    /// The source of load it came from.
    pub client: String,
    /// When it was wished for.
    pub arrived_s: f64,
    /// When it ended; `None` if it had not by the end of the run.
    pub finished_s: Option<f64>,
    /// From wish to end.
    pub latency_s: Option<f64>,
    /// `ok` or the cause of its failure.
    pub outcome: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The last load balancer's choice.
    pub server: Option<String>,
    /// Time waited at each node, in the order given to the writer; `None` where it never came.
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

/// Writes rows to wherever bytes go.
pub struct RequestWriter<W: Write> {
    out: csv::Writer<W>,
}

impl<W: Write> RequestWriter<W> {
    /// Writes the head: the fixed columns, then `<node>.wait_s` for each node.
    pub fn new(out: W, nodes: &[String]) -> csv::Result<Self> {
        let mut out = csv::Writer::from_writer(out);
        let waits = nodes.iter().map(|node| format!("{node}.wait_s"));
        out.write_record(COLUMNS.iter().map(ToString::to_string).chain(waits))?;
        Ok(RequestWriter { out })
    }

    /// Writes one row. A row with another number of waits than there are nodes is an error.
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

    /// Hands back what was written to, with everything in it.
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
