//! The bundled fonts, embedded in the page: pictures measure their text with them, and in another font labels would
//! overlap.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::report::chart::{REGULAR, SEMIBOLD};

/// Both weights as CSS rules.
pub fn rules() -> String {
    let rule = |(weight, bytes): (u16, &[u8])| {
        let bytes = BASE64_STANDARD.encode(bytes);
        format!("@font-face {{ font-family: Inter; font-weight: {weight}; src: url(data:font/otf;base64,{bytes}); }}\n")
    };
    [(400, REGULAR), (600, SEMIBOLD)].map(rule).concat()
}
