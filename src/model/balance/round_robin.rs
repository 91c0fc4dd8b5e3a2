//! HAProxy's `roundrobin`: every server has a place on a turning wheel, spaced by its share of the total weight.
//!
//! This is not plain interleaving: 3:1 is `1 1 1 2`, and a server that comes back waits for about one of its intervals.
//! The steps follow recordings of the real program (`tests/recordings`); what looks arbitrary is HAProxy's choice.

use super::{Ask, Balance, Change, Member, Pool};
use crate::base::random::Draw;
use crate::engine::heap::Heap;

/// The balancer: one wheel for active servers and one for backups, which keep their places while not in use.
#[derive(Debug)]
pub struct RoundRobin {
    wheels: [Wheel; 2],
    places: Vec<Place>,
    /// Servers passed over during one pick; kept to reuse its memory.
    passed: Vec<usize>,
}

/// Servers ordered by a number; ties go to the one inserted first.
#[derive(Debug, Default)]
struct Queue {
    heap: Heap<usize>,
    /// Insertions so far; orders equal numbers.
    insertions: u64,
}

impl Queue {
    fn push(&mut self, number: i64, server: usize) {
        self.insertions += 1;
        // With its sign bit flipped a signed number is ordered as its bits are.
        let rank = number as u64 ^ 1 << 63;
        self.heap
            .push(u128::from(rank) << 64 | u128::from(self.insertions), server);
    }

    fn first(&self) -> Option<usize> {
        self.heap.first().map(|(_, server)| server)
    }

    fn pop(&mut self) -> Option<usize> {
        self.heap.pop().map(|(_, server)| server)
    }

    fn remove(&mut self, server: usize) {
        let mut rest = Heap::default();
        while let Some((key, other)) = self.heap.pop() {
            if other != server {
                rest.push(key, other);
            }
        }
        self.heap = rest;
    }
}

/// One turn of the wheel has as many places as the servers have weight, in sixteenths.
#[derive(Debug, Default)]
struct Wheel {
    /// Servers with a place in this turn, by place.
    current: Queue,
    /// Servers without a place, heaviest first: those that wait for one in this turn (`waiting[init]`), and those that
    /// have used up their share of it (the other).
    waiting: [Queue; 2],
    init: usize,
    /// The current place: from `weight` to twice that.
    position: i64,
    /// Total weight at the start of this turn.
    weight: i64,
    /// Current total weight, for the next turn.
    next_weight: i64,
}

/// The wheel's state of one server.
#[derive(Clone, Debug, Default)]
struct Place {
    home: Home,
    /// The weight that the wheel uses for it.
    weight: i64,
    /// Its next place.
    next: i64,
    /// Its last place.
    last: i64,
    /// The remainder of the integer spacing so far, in units of `weight`.
    rest: i64,
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
enum Home {
    /// Not on the wheel.
    #[default]
    Out,
    Current,
    Waiting(usize),
}

impl RoundRobin {
    /// A wheel in its initial state.
    pub fn new(pool: &Pool) -> RoundRobin {
        let places = vec![Place::default(); pool.servers.len()];
        let mut balancer = RoundRobin {
            wheels: Default::default(),
            places,
            passed: Vec::new(),
        };
        for (server, member) in pool.servers.iter().enumerate() {
            if member.stands() {
                balancer.begin(member, server);
            }
        }
        balancer.wheels.iter_mut().for_each(Wheel::count);
        balancer
    }

    /// Adds a server that has never been on the wheel to those that wait for a place.
    fn begin(&mut self, member: &Member, server: usize) {
        let (wheel, place) = (&mut self.wheels[usize::from(member.backup)], &mut self.places[server]);
        place.weight = i64::from(member.eweight);
        wheel.next_weight += place.weight;
        wheel.wait(place, server, wheel.init);
    }

    /// Puts back a server that was away, about one of its intervals ahead.
    fn come_back(&mut self, member: &Member, server: usize) {
        let (wheel, place) = (&mut self.wheels[usize::from(member.backup)], &mut self.places[server]);
        place.weight = i64::from(member.eweight);
        wheel.next_weight += place.weight;
        place.next = wheel.position + (wheel.next_weight + wheel.weight - wheel.position) / place.weight;
        wheel.insert(place, server);
    }

    fn leave(&mut self, member: &Member, server: usize) {
        let (wheel, place) = (&mut self.wheels[usize::from(member.backup)], &mut self.places[server]);
        wheel.remove(place, server);
        wheel.next_weight -= place.weight;
    }

    /// Moves a server to the place its new weight gives: never later than before, and not before the current place.
    fn reweigh(&mut self, member: &Member, server: usize) {
        let (wheel, place) = (&mut self.wheels[usize::from(member.backup)], &mut self.places[server]);
        let (before, home) = (place.weight, place.home);
        place.weight = i64::from(member.eweight);
        wheel.next_weight += place.weight - before;
        wheel.remove(place, server);
        if home == Home::Waiting(wheel.init) {
            return wheel.wait(place, server, wheel.init);
        }
        let stood = if home == Home::Current {
            place.next
        } else {
            place.next + wheel.weight
        };
        let step = wheel.next_weight / place.weight;
        place.next = stood.min(place.last + step);
        place.rest = 0;
        if place.next < wheel.position + 2 {
            place.next = wheel.position + step;
        }
        wheel.insert(place, server);
    }
}

impl Balance for RoundRobin {
    fn pick(&mut self, pool: &Pool, ask: Ask, _: &mut Draw) -> Option<usize> {
        let RoundRobin {
            wheels: [actives, backups],
            places,
            passed,
        } = self;
        if actives.next_weight > 0 {
            return actives.pick(places, passed, pool, ask.avoid);
        }
        // A backup that serves alone does not turn the wheel.
        match pool.first_of_backups() {
            Some(first) => pool.servers[first].can_serve().then_some(first),
            None => backups.pick(places, passed, pool, ask.avoid),
        }
    }

    #[inline]
    fn changed(&mut self, pool: &Pool, server: usize, change: Change) {
        if !matches!(change, Change::Taken | Change::Released) {
            self.moved(pool, server);
        }
    }

    fn crowds_a_lone_backup(&self) -> bool {
        true
    }
}

impl RoundRobin {
    /// A server became usable or unusable, or changed its weight.
    fn moved(&mut self, pool: &Pool, server: usize) {
        let member = &pool.servers[server];
        let place = &self.places[server];
        match (place.home, member.stands()) {
            (Home::Out, true) => self.come_back(member, server),
            (Home::Out, false) => {}
            (_, true) if place.weight != i64::from(member.eweight) => self.reweigh(member, server),
            (_, true) => {}
            (_, false) => self.leave(member, server),
        }
    }
}

impl Wheel {
    /// Turns the wheel to the next server with room. Those passed over lose their turn, as does the one to avoid.
    fn pick(
        &mut self,
        places: &mut [Place],
        passed: &mut Vec<usize>,
        pool: &Pool,
        avoid: Option<usize>,
    ) -> Option<usize> {
        if self.next_weight == 0 {
            return None;
        }
        if self.weight == 0 {
            self.count();
        }
        passed.clear();
        let (mut turned, mut avoided) = (false, None);
        let chosen = loop {
            let Some(server) = self.take_next(places) else {
                if turned {
                    break avoided;
                }
                turned = true;
                self.begin_turn();
                continue;
            };
            self.advance(&mut places[server]);
            if pool.servers[server].can_serve() {
                if avoid != Some(server) {
                    break Some(server);
                }
                avoided = Some(server);
            }
            passed.push(server);
        };
        if let Some(server) = chosen {
            self.insert(&mut places[server], server);
        }
        // The last one passed over goes back first. After the start of a new turn the old places mean nothing.
        for &server in passed.iter().rev().filter(|&&server| chosen != Some(server)) {
            let place = &mut places[server];
            if turned {
                self.wait(place, server, self.init);
            } else {
                self.insert(place, server);
            }
        }
        chosen
    }

    /// Takes the next server: one whose place is due, else one without a place, else the next one ahead of time.
    fn take_next(&mut self, places: &mut [Place]) -> Option<usize> {
        let first = self.current.first();
        let due = first.is_some_and(|server| places[server].next <= self.position);
        if !due && let Some(server) = self.waiting[self.init].pop() {
            places[server].next = 0;
            places[server].rest = 0;
            return Some(server);
        }
        self.current.pop()
    }

    /// Uses up the current place and computes the server's next one.
    fn advance(&mut self, place: &mut Place) {
        place.home = Home::Out;
        if place.next == 0 {
            place.next = self.position;
        }
        place.last = place.next;
        place.next += self.next_weight / place.weight;
        place.rest += self.next_weight % place.weight;
        if place.rest >= place.weight {
            place.rest -= place.weight;
            place.next += 1;
        }
        self.position += 1;
    }

    /// Servers that had used up their share wait for a place in the new turn.
    fn begin_turn(&mut self) {
        self.init ^= 1;
        self.count();
    }

    /// Sets the number of places in the turn to the current weight.
    fn count(&mut self) {
        self.weight = self.next_weight;
        self.position = self.weight;
    }

    /// Gives a server its next place, in this turn if that is long enough.
    fn insert(&mut self, place: &mut Place, server: usize) {
        if place.next >= (2 * self.weight).min(self.weight + self.next_weight) {
            place.next -= self.weight;
            return self.wait(place, server, self.init ^ 1);
        }
        place.home = Home::Current;
        let key = 256 * place.next + (4096 + place.rest - place.weight) / 16;
        self.current.push(key, server);
    }

    fn wait(&mut self, place: &mut Place, server: usize, queue: usize) {
        place.home = Home::Waiting(queue);
        self.waiting[queue].push(-place.weight, server);
    }

    fn remove(&mut self, place: &mut Place, server: usize) {
        match place.home {
            Home::Out => {}
            Home::Current => self.current.remove(server),
            Home::Waiting(queue) => self.waiting[queue].remove(server),
        }
        place.home = Home::Out;
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::healthy;
    use super::*;

    fn pool(servers: usize) -> Pool {
        Pool {
            servers: vec![healthy(1); servers],
        }
    }

    /// The next servers, counted from 1 as in HAProxy's configuration.
    fn picks(balancer: &mut RoundRobin, pool: &Pool, n: usize) -> Vec<usize> {
        (0..n)
            .map(|_| 1 + balancer.pick(pool, Ask::default(), &mut Draw::keyed(0)).unwrap())
            .collect()
    }

    /// With one of two servers dead and undetected, every request tries the dead one first, not every second request.
    #[test]
    fn a_redispatch_uses_up_the_other_servers_turn() {
        let pool = pool(2);
        let mut balancer = RoundRobin::new(&pool);
        for _ in 0..20 {
            assert_eq!(picks(&mut balancer, &pool, 1), [1]);
            let elsewhere = Ask {
                avoid: Some(0),
                hash: 0,
            };
            assert_eq!(balancer.pick(&pool, elsewhere, &mut Draw::keyed(0)), Some(1));
        }
    }

    #[test]
    fn a_full_server_loses_its_turn_and_no_more() {
        let mut pool = pool(3);
        let mut balancer = RoundRobin::new(&pool);
        assert_eq!(picks(&mut balancer, &pool, 2), [1, 2]);
        pool.servers[2].limit = 0;
        assert_eq!(picks(&mut balancer, &pool, 3), [1, 2, 1]);
        pool.servers[2].limit = 1;
        assert_eq!(picks(&mut balancer, &pool, 4), [2, 3, 1, 2]);
    }

    #[test]
    fn backups_go_on_where_their_last_turn_ended() {
        let mut pool = pool(3);
        for backup in &mut pool.servers[1..] {
            backup.backup = true;
            backup.usable = false;
        }
        let mut balancer = RoundRobin::new(&pool);
        for expected in [[2, 3, 2], [3, 2, 3]] {
            assert_eq!(picks(&mut balancer, &pool, 2), [1, 1]);
            set_usable(&mut balancer, &mut pool, [false, true, true]);
            assert_eq!(picks(&mut balancer, &pool, 3), expected);
            set_usable(&mut balancer, &mut pool, [true, false, false]);
        }
    }

    fn set_usable(balancer: &mut RoundRobin, pool: &mut Pool, usable: [bool; 3]) {
        for (server, usable) in usable.into_iter().enumerate() {
            let member = &mut pool.servers[server];
            (member.usable, member.up) = (usable, usable || member.backup);
            balancer.changed(pool, server, if usable { Change::Up } else { Change::Down });
        }
    }
}
