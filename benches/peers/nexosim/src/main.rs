//! The peer models on NeXosim: one model that schedules every event for itself, on one thread.

#[path = "../../work.rs"]
mod work;

use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::{EventSinkReader, Output, SinkState, event_slot};
use nexosim::simulation::{Mailbox, SimInit, SimulationError};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};
use work::{Happening, Work, asked};

#[derive(Serialize, Deserialize)]
struct Stack {
    work: Work,
    horizon: f64,
    result: Output<Work>,
}

#[Model]
impl Stack {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        let end = Duration::from_secs_f64(self.horizon);
        cx.schedule_event(end, schedulable!(Self::end), ()).expect("in the future");
        self.happen(Happening::Arrive, cx).await;
    }

    #[nexosim(schedulable)]
    async fn happen(&mut self, what: Happening, cx: &Context<Self>) {
        let now = cx.time().duration_since(MonotonicTime::EPOCH).as_secs_f64();
        self.work.happen(now, what, &mut |span, what| {
            // An event must lie in the future.
            let span = Duration::from_nanos((span * 1e9) as u64 + 1);
            cx.schedule_event(span, schedulable!(Self::happen), what).expect("in the future");
        });
    }

    #[nexosim(schedulable)]
    async fn end(&mut self) {
        self.result.send(self.work.clone()).await;
    }
}

fn main() -> Result<(), SimulationError> {
    let (work, horizon) = asked();
    let mut stack = Stack { work, horizon, result: Output::default() };
    let mailbox = Mailbox::new();
    let (sink, mut result) = event_slot(SinkState::Enabled);
    stack.result.connect_sink(sink);
    let mut simulation =
        SimInit::with_num_threads(1).add_model(stack, mailbox, "stack").init(MonotonicTime::EPOCH)?;
    simulation.step_until(Duration::from_secs_f64(horizon))?;
    result.try_read().expect("the end has come").report();
    Ok(())
}
