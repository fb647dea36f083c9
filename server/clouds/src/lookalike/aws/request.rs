//! A call of EC2's Query API: `Filter.1.Value.2=…` and its kin, read into lists, filters and pages.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{Answer, Aws, Refused, Thing};
use crate::lookalike::World;

pub type Tags = BTreeMap<String, String>;

/// Who asks for what, where.
pub struct Request {
    pub account: String,
    pub region: String,
    form: BTreeMap<String, String>,
}

/// What everything that belongs to somebody has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Owned {
    pub account: String,
    pub region: String,
    pub made_at: i64,
    pub tags: Tags,
}

/// One kind of thing, as descriptions list it.
pub trait Noun: Sized {
    /// How its ids begin.
    const PREFIX: &'static str;
    /// The code for one that is not there.
    const NOT_FOUND: &'static str;

    fn of(thing: &Thing) -> Option<&Self>;
    fn of_mut(thing: &mut Thing) -> Option<&mut Self>;
    fn wrap(self) -> Thing;
    fn owned(&self) -> &Owned;
    fn owned_mut(&mut self) -> &mut Owned;

    /// The values that a filter looks at; `None`: there is no such filter.
    fn field(&self, id: &str, name: &str) -> Option<Vec<String>>;

    /// The sentence for one that is not there.
    fn missing(id: &str) -> String;

    /// Who may know of it.
    fn seen_by(&self, request: &Request, _world: &World<Aws>) -> bool {
        self.owned().account == request.account && self.owned().region == request.region
    }

    /// Its tags, for whoever asks.
    fn tags<'a>(&'a self, _request: &Request) -> &'a Tags {
        &self.owned().tags
    }
}

/// Things with their ids, and the token of the next page.
pub type Listed<'a, N> = (Vec<(&'a str, &'a N)>, Option<String>);

struct Filter {
    name: String,
    values: Vec<String>,
}

impl Request {
    pub fn new(account: String, region: String, form: Vec<(String, String)>) -> Self {
        Self { account, region, form: form.into_iter().collect() }
    }

    pub fn action(&self) -> &str {
        self.maybe("Action").unwrap_or_default()
    }

    /// Absent and empty are the same.
    pub fn maybe(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub fn text(&self, name: &str) -> Answer<&str> {
        self.maybe(name).ok_or_else(|| {
            let mut letters = name.chars();
            let first = letters.next().map(|letter| letter.to_ascii_lowercase());
            let spoken: String = first.into_iter().chain(letters).collect();
            Refused::new("MissingParameter", format!("The request must contain the parameter {spoken}"))
        })
    }

    pub fn is(&self, name: &str) -> bool {
        self.maybe(name) == Some("true")
    }

    pub fn cidr(&self, name: &str) -> Answer<Ipv4Net> {
        parse_cidr(self.text(name)?)
    }

    /// `Name.1`, `Name.2`, … as far as they go.
    pub fn list(&self, name: &str) -> Vec<String> {
        (1..).map_while(|index| self.form.get(&format!("{name}.{index}")).cloned()).collect()
    }

    /// `Name.1.`, `Name.2.`, … for which there is anything.
    pub fn groups(&self, name: &str) -> Vec<String> {
        let begins = |prefix: &String| {
            self.form.range(prefix.clone()..).next().is_some_and(|(key, _)| key.starts_with(prefix.as_str()))
        };
        (1..).map(|index| format!("{name}.{index}.")).take_while(begins).collect()
    }

    /// The tags to be given at once to a new thing of this type.
    pub fn tags(&self, resource: &str) -> Tags {
        let specified = ["TagSpecification", "TagSpecifications"].into_iter().flat_map(|name| self.groups(name));
        let matching = specified.filter(|prefix| self.maybe(&format!("{prefix}ResourceType")) == Some(resource));
        matching.flat_map(|prefix| self.pairs(&format!("{prefix}Tag"))).collect()
    }

    /// `Tag.1.Key`, `Tag.1.Value`, …
    pub fn pairs(&self, name: &str) -> Vec<(String, String)> {
        let groups = self.groups(name).into_iter();
        let value = |prefix: &str, part: &str| self.form.get(&format!("{prefix}{part}")).cloned().unwrap_or_default();
        groups.map(|prefix| (value(&prefix, "Key"), value(&prefix, "Value"))).collect()
    }

    /// Its own from here on.
    pub fn owned(&self, world: &World<Aws>, resource: &str) -> Owned {
        Owned {
            account: self.account.clone(),
            region: self.region.clone(),
            made_at: world.now(),
            tags: self.tags(resource),
        }
    }

    fn filters(&self) -> Vec<Filter> {
        let read = |prefix: String| Filter {
            name: self.maybe(&format!("{prefix}Name")).unwrap_or_default().to_owned(),
            values: self.list(&format!("{prefix}Value")),
        };
        self.groups("Filter").into_iter().map(read).collect()
    }

    /// Names of filters and the values that they let pass.
    pub fn filter_values(&self) -> Vec<(String, Vec<String>)> {
        self.filters().into_iter().map(|filter| (filter.name, filter.values)).collect()
    }

    /// One thing by its id, if the caller may know of it by now.
    pub fn find<'a, N: Noun>(&self, world: &'a World<Aws>, id: &str) -> Answer<&'a N> {
        if !id.starts_with(N::PREFIX.trim_end_matches('0')) {
            let message = format!("Invalid id: \"{id}\" (expecting \"{}...\")", N::PREFIX.trim_end_matches('0'));
            return Err(Refused::new(&N::NOT_FOUND.replace("NotFound", "Malformed"), message));
        }
        let found = world.get(id).and_then(N::of).filter(|noun| self.knows(*noun, world));
        found.ok_or_else(|| Refused::new(N::NOT_FOUND, N::missing(id)))
    }

    fn knows<N: Noun>(&self, noun: &N, world: &World<Aws>) -> bool {
        noun.seen_by(self, world) && world.settled(noun.owned().made_at)
    }

    /// One page of the things that are asked for by id or filter, and the token of the next.
    pub fn describe<'a, N: Noun>(&self, world: &'a World<Aws>, ids: &str) -> Answer<Listed<'a, N>> {
        let ids = self.list(ids);
        let page = self.page(!ids.is_empty())?;
        let filters = self.filters();
        for id in &ids {
            self.find::<N>(world, id)?;
        }
        let all = world.under(N::PREFIX).filter_map(|(id, thing)| Some((id, N::of(thing)?)));
        let known = all
            .filter(|(id, noun)| self.knows(*noun, world) && (ids.is_empty() || ids.iter().any(|wanted| wanted == id)));
        let mut chosen = Vec::new();
        for (id, noun) in known {
            if passes(&filters, noun, id, self)? {
                chosen.push((id, noun));
            }
        }
        Ok(page.cut(chosen))
    }

    fn page(&self, by_id: bool) -> Answer<Page> {
        let most = self.maybe("MaxResults").map(|text| {
            let number = text.parse::<usize>().ok().filter(|number| (5..=1000).contains(number));
            number.ok_or_else(|| {
                let message = format!(
                    "Value ( {text} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000."
                );
                Refused::new("InvalidParameterValue", message)
            })
        });
        if by_id && most.is_some() {
            let message = "The parameter maxResults cannot be used with the parameter of ids.";
            return Err(Refused::new("InvalidParameterCombination", message));
        }
        let after = self.maybe("NextToken").map(|token| {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            bytes.ok_or_else(|| Refused::new("InvalidNextToken", "The token is not one of ours."))
        });
        Ok(Page { most: most.transpose()?, after: after.transpose()? })
    }
}

struct Page {
    most: Option<usize>,
    /// The last id of the page before.
    after: Option<String>,
}

impl Page {
    fn cut<'a, N>(&self, mut sorted: Vec<(&'a str, &'a N)>) -> Listed<'a, N> {
        if let Some(after) = &self.after {
            sorted.retain(|(id, _)| *id > after.as_str());
        }
        let Some(most) = self.most.filter(|most| *most < sorted.len()) else { return (sorted, None) };
        sorted.truncate(most);
        let next = sorted.last().map(|(id, _)| URL_SAFE_NO_PAD.encode(id));
        (sorted, next)
    }
}

/// Every filter has to pass, by any of its values.
fn passes<N: Noun>(filters: &[Filter], noun: &N, id: &str, request: &Request) -> Answer<bool> {
    let tags = noun.tags(request);
    for filter in filters {
        let values = match filter.name.as_str() {
            "owner-id" => Some(vec![noun.owned().account.clone()]),
            "tag-key" => Some(tags.keys().cloned().collect()),
            name => match name.strip_prefix("tag:") {
                Some(key) => Some(tags.get(key).cloned().into_iter().collect()),
                None => noun.field(id, name),
            },
        };
        let Some(values) = values else {
            let message = format!("The filter '{}' is invalid", filter.name);
            return Err(Refused::new("InvalidParameterValue", message));
        };
        if !values.iter().any(|value| filter.values.iter().any(|pattern| matches(pattern.as_bytes(), value.as_bytes())))
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `*` is anything, `?` is one character.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skipped| matches(rest, &text[skipped..])),
        Some((b'?', rest)) => !text.is_empty() && matches(rest, &text[1..]),
        Some((letter, rest)) => text.first() == Some(letter) && matches(rest, &text[1..]),
    }
}

/// Host bits are dropped, as EC2 does.
pub fn parse_cidr(text: &str) -> Answer<Ipv4Net> {
    let parsed = text.parse::<Ipv4Net>().map(|net| net.trunc());
    parsed.map_err(|_| {
        Refused::new(
            "InvalidParameterValue",
            format!("Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."),
        )
    })
}

pub fn overlap(one: &Ipv4Net, other: &Ipv4Net) -> bool {
    one.contains(other) || other.contains(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(form: &[(&str, &str)]) -> Request {
        let form = form.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Request::new("111111111111".into(), "eu-west-1".into(), form)
    }

    #[test]
    fn a_star_stands_for_anything_and_a_question_mark_for_one_letter() {
        assert!(matches(b"pending*", b"pending-acceptance"));
        assert!(matches(b"*", b""));
        assert!(matches(b"eu-west-?", b"eu-west-1"));
        assert!(!matches(b"eu-west-?", b"eu-west-"));
        assert!(!matches(b"active", b"activelike"));
    }

    #[test]
    fn tags_are_those_of_the_type_that_is_made() {
        let request = request(&[
            ("TagSpecification.1.ResourceType", "vpc"),
            ("TagSpecification.1.Tag.1.Key", "Name"),
            ("TagSpecification.1.Tag.1.Value", "alpha"),
            ("TagSpecification.2.ResourceType", "subnet"),
            ("TagSpecification.2.Tag.1.Key", "Name"),
            ("TagSpecification.2.Tag.1.Value", "beta"),
        ]);
        assert_eq!(request.tags("vpc"), Tags::from([("Name".into(), "alpha".into())]));
    }

    #[test]
    fn a_page_smaller_than_five_is_refused() {
        assert_eq!(
            request(&[("MaxResults", "3")]).page(false).err().map(|refused| refused.code),
            Some("InvalidParameterValue".into())
        );
        assert!(request(&[("MaxResults", "5")]).page(false).is_ok());
    }

    #[test]
    fn what_is_missing_is_named_as_the_vendor_spells_it() {
        let refused = request(&[]).text("VpcId").unwrap_err();
        assert_eq!(refused.message, "The request must contain the parameter vpcId");
    }
}
