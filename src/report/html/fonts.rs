//! The bundled fonts as part of a page: pictures measure their words with them, and in another font words would meet.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::report::chart::{REGULAR, SEMIBOLD};

/// Both weights as rules of a style sheet.
pub fn rules() -> String {
    let rule = |(weight, bytes): (u16, &[u8])| {
        let bytes = BASE64_STANDARD.encode(bytes);
        format!("@font-face {{ font-family: Inter; font-weight: {weight}; src: url(data:font/otf;base64,{bytes}); }}\n")
    };
    [(400, REGULAR), (600, SEMIBOLD)].map(rule).concat()
}
