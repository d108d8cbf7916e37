//! How a month grows with its households, as an SVG with both axes in powers of ten: what costs the
//! same for each household is a straight line, one decade up for one to the right.

use std::fmt::Write as _;

use super::Report;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 64.0;

/// One database's line: (households, seconds).
struct Line {
    database: String,
    points: Vec<(f64, f64)>,
}

/// None where no month was closed.
pub fn svg(report: &Report) -> Option<String> {
    let lines = lines(report);
    let all = || lines.iter().flat_map(|line| &line.points);
    let bounds = |of: fn(&(f64, f64)) -> f64| {
        let (least, most) = all().map(of).fold((f64::INFINITY, 0.0_f64), |(least, most), value| {
            (least.min(value), most.max(value))
        });
        (least.log10().floor(), most.log10().ceil())
    };
    all().next()?;
    let (across, up) = (bounds(|p| p.0), bounds(|p| p.1));
    let x = |n: f64| LEFT + (n.log10() - across.0) / span(across) * (WIDTH - LEFT - RIGHT);
    let y = |s: f64| HEIGHT - BOTTOM - (s.log10() - up.0) / span(up) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n\
         <title>Seconds to close a month, by households</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fffdf8\"/>\n"
    );
    for power in decades(across) {
        let at = x(10_f64.powi(power));
        rule(&mut svg, (at, TOP), (at, HEIGHT - BOTTOM));
        text(&mut svg, (at, HEIGHT - BOTTOM + 20.0), "middle", &grouped(10_f64.powi(power)));
    }
    for power in decades(up) {
        let at = y(10_f64.powi(power));
        rule(&mut svg, (LEFT, at), (WIDTH - RIGHT, at));
        text(&mut svg, (LEFT - 8.0, at + 4.0), "end", &grouped(10_f64.powi(power)));
    }
    text(&mut svg, ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 16.0), "middle", "households");
    text(&mut svg, (LEFT, TOP - 14.0), "middle", "seconds");
    let end = |line: &Line| line.points.last().map_or(0.0, |point| point.1);
    let lowest = lines.iter().map(end).fold(f64::INFINITY, f64::min);
    for (n, line) in lines.iter().enumerate() {
        draw(&mut svg, line, (x, y), n, end(line) <= lowest);
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

fn lines(report: &Report) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for row in report.rows.iter().filter(|row| row.unit == "s") {
        let name = row.name.strip_prefix("close ").and_then(|n| n.strip_suffix(" households"));
        let Some(households) = name.and_then(|n| n.parse().ok()) else { continue };
        let point = (households, row.median);
        match lines.iter_mut().find(|line| line.database == row.database) {
            Some(line) => line.points.push(point),
            None => lines.push(Line { database: row.database.clone(), points: vec![point] }),
        }
    }
    lines
}

/// One database is a whole line with discs, the next a broken one with squares: never colour alone.
fn draw(
    svg: &mut String,
    line: &Line,
    (x, y): (impl Fn(f64) -> f64, impl Fn(f64) -> f64),
    n: usize,
    is_lowest: bool,
) {
    let colour = if n == 0 { "#1f6f8b" } else { "#b4552d" };
    let broken = if n == 0 { "" } else { " stroke-dasharray=\"7 4\"" };
    let places: Vec<_> = line.points.iter().map(|p| (x(p.0), y(p.1))).collect();
    let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{broken}/>",
        path.join(" ")
    );
    for (x, y) in &places {
        let _ = match n {
            0 => writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"),
            _ => writeln!(
                svg,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\" fill=\"{colour}\"/>",
                x - 4.0,
                y - 4.0
            ),
        };
    }
    if let Some((x, y)) = places.last() {
        // Two lines that end together are still read apart.
        let below = if is_lowest { 16.0 } else { -8.0 };
        text(svg, (x + 10.0, y + below), "start", &line.database);
    }
}

/// A single decade is a picture too.
fn span((from, to): (f64, f64)) -> f64 {
    (to - from).max(1.0)
}

fn decades((from, to): (f64, f64)) -> impl Iterator<Item = i32> {
    from as i32..=(to.max(from + 1.0)) as i32
}

fn rule(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd6c8\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    let _ =
        writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>");
}

/// 1,000,000 and 0.01.
fn grouped(value: f64) -> String {
    if value < 1.0 {
        return format!("{value}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
