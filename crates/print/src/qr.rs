//! QR codes as pictures that stand in a page or on paper.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// White around the code, in modules (ISO/IEC 18004, 6.3.8).
const QUIET: usize = 4;

/// An SVG element of the code; empty where the text is too long for one.
pub fn svg(text: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else {
        return String::new();
    };
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        for (x, length) in runs(row) {
            let (x, y) = (x + QUIET, y + QUIET);
            let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
        }
    }
    let side = width + 2 * QUIET;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\" aria-hidden=\"true\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    )
}

/// Where dark modules begin in a row, and how many stand side by side.
fn runs(row: &[Color]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (x, _) in row.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        match runs.last_mut() {
            Some((start, length)) if *start + *length == x => *length += 1,
            _ => runs.push((x, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_code_is_an_element() {
        let svg = super::svg("20261123-00042");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{svg}");
        assert!(!svg.contains("style=") && svg.len() < 4_000, "{}", svg.len());
        let rows = super::runs(&[qrcode::Color::Dark, qrcode::Color::Dark, qrcode::Color::Light]);
        assert_eq!(rows, [(0, 2)]);
    }
}
