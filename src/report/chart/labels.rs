//! Finds positions for labels so that none covers another.
//!
//! Pure geometry: it knows the sizes and the wanted positions, and draws nothing.

/// Heights near the wanted ones, at least `gap` apart and within the bounds, in the order given.
///
/// If they do not all fit, the bounds give way: the caller asks for no more labels than fit.
pub fn spread(wanted: &[f64], gap: f64, lowest: f64, highest: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut placed = wanted.to_vec();
    let mut floor = lowest;
    for &i in &order {
        placed[i] = placed[i].max(floor);
        floor = placed[i] + gap;
    }
    let mut ceiling = highest;
    for &i in order.iter().rev() {
        placed[i] = placed[i].min(ceiling);
        ceiling = placed[i] - gap;
    }
    placed
}

/// An event at `x`, with a label that extends from `from` to `to`.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Flag {
    /// Where its pole stands.
    pub x: f64,
    /// Where its label begins.
    pub from: f64,
    /// Where its label ends.
    pub to: f64,
}

/// A row for each flag, 0 the lowest; `None` where `most` rows are not enough. Flags given first are placed first.
///
/// A pole extends from its flag down to the ground. So where two flags meet, the earlier flies above the later: then
/// neither pole crosses the other's label.
pub fn rows(flags: &[Flag], most: usize) -> Vec<Option<usize>> {
    let mut rows = vec![None; flags.len()];
    let mut kept: Vec<usize> = Vec::new();
    for candidate in 0..flags.len() {
        kept.push(candidate);
        match stacked(flags, &kept, most) {
            Some(stack) => kept.iter().zip(stack).for_each(|(i, row)| rows[*i] = Some(row)),
            None => {
                kept.pop();
            }
        }
    }
    rows
}

/// The rows of the kept flags, if `most` are enough for them.
fn stacked(flags: &[Flag], kept: &[usize], most: usize) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = (0..kept.len()).collect();
    order.sort_by(|a, b| flags[kept[*b]].x.total_cmp(&flags[kept[*a]].x).then(b.cmp(a)));
    let mut rows = vec![0; kept.len()];
    for (done, &this) in order.iter().enumerate() {
        let meets = |other: &&usize| {
            let (a, b) = (flags[kept[this]], flags[kept[**other]]);
            a.from < b.to && b.from < a.to
        };
        rows[this] = order[..done]
            .iter()
            .filter(meets)
            .map(|other| rows[*other] + 1)
            .max()
            .unwrap_or(0);
        if rows[this] >= most {
            return None;
        }
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_distance_and_their_order() {
        assert_eq!(spread(&[50.0, 52.0, 10.0], 12.0, 0.0, 100.0), [50.0, 62.0, 10.0]);
        assert_eq!(spread(&[98.0, 99.0], 12.0, 0.0, 100.0), [88.0, 100.0]);
    }

    #[test]
    fn the_earlier_flag_flies_above() {
        let flag = |x: f64| Flag {
            x,
            from: x,
            to: x + 30.0,
        };
        assert_eq!(
            rows(&[flag(0.0), flag(20.0), flag(60.0)], 3),
            [Some(1), Some(0), Some(0)]
        );
    }

    #[test]
    fn where_room_is_short_the_first_given_are_served() {
        let flag = |x: f64| Flag {
            x,
            from: x,
            to: x + 30.0,
        };
        assert_eq!(rows(&[flag(10.0), flag(5.0), flag(12.0)], 1), [Some(0), None, None]);
    }
}
