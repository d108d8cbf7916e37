//! QR codes as pictures that stand in a page or on paper.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// An SVG element of the code; empty where the text is too long for one.
pub fn svg(text: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else {
        return String::new();
    };
    let picture = code.render::<svg::Color>().quiet_zone(true).build();
    // Without the XML declaration, which has no place inside a page.
    picture.find("<svg").map_or(String::new(), |at| picture[at..].to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_code_is_an_element() {
        let svg = super::svg("20261123-00042");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{svg}");
        assert!(!svg.contains("style="));
    }
}
