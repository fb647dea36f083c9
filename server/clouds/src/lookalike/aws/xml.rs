//! XML as EC2 and STS write it: elements in the vendor's order, lists as `<xSet><item>…</item></xSet>`.

use std::fmt::Display;

use quick_xml::escape::escape;

#[derive(Default)]
pub struct Xml(String);

impl Xml {
    /// A whole document.
    pub fn document(root: &str, namespace: &str, fill: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(r#"<?xml version="1.0" encoding="UTF-8"?>"#.to_owned() + "\n");
        let space = if namespace.is_empty() { String::new() } else { format!(" xmlns=\"{namespace}\"") };
        xml.0 += &format!("<{root}{space}>");
        fill(&mut xml);
        xml.0 += &format!("</{root}>");
        xml.0
    }

    pub fn append(&mut self, other: Self) {
        self.0 += &other.0;
    }

    pub fn text(&mut self, name: &str, value: impl Display) {
        let value = value.to_string();
        self.0 += &format!("<{name}>{}</{name}>", escape(&value));
    }

    /// Text without an element of its own.
    pub fn raw(&mut self, value: &str) {
        self.0 += &escape(value);
    }

    /// Leaves it out if there is nothing to say.
    pub fn maybe(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    pub fn within(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.0 += &format!("<{name}>");
        fill(self);
        self.0 += &format!("</{name}>");
    }

    pub fn set<T>(&mut self, name: &str, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Self, T)) {
        self.within(name, |xml| {
            for item in items {
                xml.within("item", |xml| write(xml, item));
            }
        });
    }
}
