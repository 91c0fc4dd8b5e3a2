//! Lists of names in words.

/// `a`, `a and b`, `a, b and c`.
pub fn listed<S: AsRef<str>>(names: &[S]) -> String {
    few(names, names.len(), "and")
}

/// `a, b and c`, or with another word before the last; of a long list the first few and the number of others.
pub fn few<S: AsRef<str>>(names: &[S], most: usize, joined: &str) -> String {
    let mut told: Vec<String> = names.iter().take(most).map(|name| name.as_ref().to_owned()).collect();
    if names.len() > most {
        told.push(format!("{} more", names.len() - most));
    }
    match told.as_slice() {
        [before @ .., last] if !before.is_empty() => format!("{} {joined} {last}", before.join(", ")),
        told => told.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_as_they_are_said() {
        assert_eq!(
            [&["a"][..], &["a", "b"], &["a", "b", "c"]].map(listed),
            ["a", "a and b", "a, b and c"]
        );
        assert_eq!(listed::<&str>(&[]), "");
    }
}
