//! The bundled fonts as part of a page: pictures measure their words with them, and in another font words would meet.

use crate::report::chart::{REGULAR, SEMIBOLD};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Both weights as rules of a style sheet.
pub fn rules() -> String {
    let rule = |(weight, bytes): (u16, &[u8])| {
        let bytes = base64(bytes);
        format!("@font-face {{ font-family: Inter; font-weight: {weight}; src: url(data:font/otf;base64,{bytes}); }}\n")
    };
    [(400, REGULAR), (600, SEMIBOLD)].map(rule).concat()
}

/// As RFC 4648 has it.
fn base64(bytes: &[u8]) -> String {
    let four = |three: &[u8]| {
        let bits = (0..3).fold(0, |bits, i| bits << 8 | usize::from(three.get(i).copied().unwrap_or(0)));
        [18, 12, 6, 0]
            .into_iter()
            .enumerate()
            .map(move |(i, shift)| match i <= three.len() {
                true => char::from(DIGITS[bits >> shift & 63]),
                false => '=',
            })
            .collect::<String>()
    };
    bytes.chunks(3).map(four).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_the_rfc_shows() {
        let shown = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (n, shown) in shown.into_iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..n]), shown);
        }
    }
}
