//! The peer models on SimCore: one component that emits every event to itself.

#[path = "../../work.rs"]
mod work;

use std::cell::RefCell;
use std::rc::Rc;

use simcore::{Event, EventHandler, Simulation, SimulationContext, cast};
use work::{Happening, Work, asked};

struct Component {
    work: Work,
    context: SimulationContext,
}

#[derive(Clone, serde::Serialize)]
struct Due {
    what: Happening,
}

impl EventHandler for Component {
    fn on(&mut self, event: Event) {
        let Component { work, context } = self;
        let now = context.time();
        cast!(match event.data {
            Due { what } => {
                work.happen(now, what, &mut |span, what| {
                    context.emit_self(Due { what }, span);
                });
            }
        });
    }
}

fn main() {
    let (work, horizon) = asked();
    let mut simulation = Simulation::new(1);
    let context = simulation.create_context("work");
    context.emit_self(Due { what: Happening::Arrive }, 0.0);
    let component = Rc::new(RefCell::new(Component { work, context }));
    simulation.add_handler("work", component.clone());
    simulation.step_until_time(horizon);
    component.borrow().work.report();
}
