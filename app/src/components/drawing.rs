//! A drawing as text: the inside of one `<svg>`.
//!
//! A table of five hundred ranges holds ten thousand rectangles. As views each of them
//! would be a node to hydrate; as one string they cost the browser nothing but parsing.
//! Only numbers and escaped text go in, so nothing typed by a person can become markup.

use std::fmt::Write;

#[derive(Default)]
pub(super) struct Drawing(String);

impl Drawing {
    pub fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let (x, y, width, height) = (short(x), short(y), short(width), short(height));
        self.add(format_args!(r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#));
    }

    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (x1, y1, x2, y2) = (short(from.0), short(from.1), short(to.0), short(to.1));
        self.add(format_args!(r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#));
    }

    pub fn path(&mut self, class: &str, d: &str) {
        self.add(format_args!(r#"<path class="{class}" d="{d}"/>"#));
    }

    /// A line of a width of its own.
    pub fn stroke(&mut self, class: &str, d: &str, width: f64) {
        let width = short(width);
        self.add(format_args!(r#"<path class="{class}" d="{d}" stroke-width="{width}"/>"#));
    }

    pub fn circle(&mut self, class: &str, x: f64, y: f64, radius: f64) {
        let (x, y) = (short(x), short(y));
        self.add(format_args!(r#"<circle class="{class}" cx="{x}" cy="{y}" r="{radius}"/>"#));
    }

    /// A rectangle with round corners.
    pub fn rounded(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), radius: f64) {
        let (x, y, width, height) = (short(x), short(y), short(width), short(height));
        self.add(format_args!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>"#
        ));
    }

    /// What a pointer that rests on the group is told.
    pub fn title(&mut self, text: &str) {
        self.0.push_str("<title>");
        self.escaped(text);
        self.0.push_str("</title>");
    }

    /// What `inside` draws leads to `href`.
    pub fn link(&mut self, href: &str, inside: impl FnOnce(&mut Self)) {
        self.0.push_str("<a href=\"");
        self.escaped(href);
        self.0.push_str("\">");
        inside(self);
        self.0.push_str("</a>");
    }

    pub fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let (x, y) = (short(x), short(y));
        self.add(format_args!(r#"<text class="{class}" x="{x}" y="{y}">"#));
        self.escaped(text);
        self.0.push_str("</text>");
    }

    pub fn done(self) -> String {
        self.0
    }

    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '"' => self.0.push_str("&quot;"),
                c => self.0.push(c),
            }
        }
    }

    fn add(&mut self, part: std::fmt::Arguments<'_>) {
        self.0.write_fmt(part).expect("writing to a string does not fail");
    }
}

/// One decimal at most: a tenth of a pixel is less than anybody sees.
pub(super) fn short(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
