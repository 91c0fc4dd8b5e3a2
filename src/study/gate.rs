//! Limits memory when runs grow large on many threads: only a few large runs go on at once. Waiting delays a result but
//! never changes it.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::limits;

/// How often a waiting run checks whether to stop.
const LOOKS: Duration = Duration::from_millis(100);

/// The place where large runs wait.
#[derive(Debug, Default)]
pub struct Gate {
    large: Mutex<usize>,
    freed: Condvar,
}

/// One run's pass. Dropping it frees the run's place.
#[derive(Debug)]
pub struct Pass<'g> {
    gate: &'g Gate,
    is_large: Cell<bool>,
}

impl Gate {
    /// The pass of a new run, which is small.
    pub fn pass(&self) -> Pass<'_> {
        Pass {
            gate: self,
            is_large: Cell::new(false),
        }
    }

    fn count(&self) -> MutexGuard<'_, usize> {
        // A run that panicked has already given up its place.
        self.large.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// Called by a run with this many requests in flight. A run that has become large waits for a place; false means
    /// stop.
    pub fn goes_on(&self, inside: usize, stopped: impl Fn() -> bool) -> bool {
        if self.is_large.get() || inside <= limits::LARGE {
            return !stopped();
        }
        let mut large = self.gate.count();
        while *large >= limits::LARGE_AT_ONCE {
            if stopped() {
                return false;
            }
            let waited = self.gate.freed.wait_timeout(large, LOOKS);
            large = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *large += 1;
        self.is_large.set(true);
        !stopped()
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_large.get() {
            *self.gate.count() -= 1;
            self.gate.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    #[test]
    fn only_a_few_are_large_at_once_and_all_get_their_turn() {
        let (gate, inside, done) = (Gate::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let pass = gate.pass();
                    assert!(pass.goes_on(limits::LARGE, || false));
                    for _ in 0..20 {
                        assert!(pass.goes_on(limits::LARGE + 1, || false));
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        assert!(now <= limits::LARGE_AT_ONCE, "{now} at once");
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(done.into_inner(), 16);
        assert_eq!(*gate.count(), 0);
    }

    #[test]
    fn who_waits_hears_that_all_is_to_end() {
        let (gate, stop) = (Gate::default(), AtomicBool::new(false));
        let holders: Vec<Pass<'_>> = (0..limits::LARGE_AT_ONCE).map(|_| gate.pass()).collect();
        assert!(holders.iter().all(|pass| pass.goes_on(usize::MAX, || false)));
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| gate.pass().goes_on(usize::MAX, || stop.load(Ordering::SeqCst)));
            stop.store(true, Ordering::SeqCst);
            assert!(!waits.join().expect("it ends"));
        });
    }
}
