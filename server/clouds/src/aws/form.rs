//! The body of a Query request: an action and its parameters, lists numbered from one.

use url::form_urlencoded::Serializer;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub fn ec2(action: &str) -> Self {
        Self(vec![("Action".into(), action.into()), ("Version".into(), "2016-11-15".into())])
    }

    pub fn sts(action: &str) -> Self {
        Self(vec![("Action".into(), action.into()), ("Version".into(), "2011-06-15".into())])
    }

    pub fn elb(action: &str) -> Self {
        Self(vec![("Action".into(), action.into()), ("Version".into(), "2015-12-01".into())])
    }

    pub fn with(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.0.push((name.into(), value.to_string()));
        self
    }

    pub fn list<T: ToString>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        for (index, value) in (1..).zip(values) {
            self = self.with(format!("{name}.{index}"), value);
        }
        self
    }

    /// One filter per call: no `Describe...` of the driver needs two. Any of the values will do.
    pub fn filter<T: ToString>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        self.with("Filter.1.Name", name).list("Filter.1.Value", values)
    }

    /// Tags that are there from the beginning, so that a lost answer leaves nothing that cannot be found.
    pub fn tagged(self, kind: &str, tags: &[(&str, String)]) -> Self {
        self.tagged_as("TagSpecification", kind, tags)
    }

    /// The same for one of the few actions that call the parameter otherwise.
    pub fn tagged_as(mut self, name: &str, kind: &str, tags: &[(&str, String)]) -> Self {
        self = self.with(format!("{name}.1.ResourceType"), kind);
        for (index, (key, value)) in (1..).zip(tags) {
            self =
                self.with(format!("{name}.1.Tag.{index}.Key"), key).with(format!("{name}.1.Tag.{index}.Value"), value);
        }
        self
    }

    /// Tags as load balancers have them.
    pub fn members_tagged(mut self, tags: &[(&str, String)]) -> Self {
        for (index, (key, value)) in (1..).zip(tags) {
            let tag = format!("Tags.member.{index}");
            self = self.with(format!("{tag}.Key"), key).with(format!("{tag}.Value"), value);
        }
        self
    }

    pub fn action(&self) -> &str {
        &self.0[0].1
    }

    pub fn encoded(&self) -> String {
        Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_name_their_tags_in_the_plural_as_ec2_does() {
        let tags = [("Name", "alpha".into())];
        let form = Form::ec2("CreateTransitGatewayVpcAttachment");
        let form = form.tagged_as("TagSpecifications", "transit-gateway-attachment", &tags);
        assert!(form.encoded().ends_with("&TagSpecifications.1.Tag.1.Key=Name&TagSpecifications.1.Tag.1.Value=alpha"));
    }

    #[test]
    fn lists_and_tags_are_numbered_from_one() {
        let form = Form::ec2("CreateVpc").list("VpcId", ["a", "b"]).tagged("vpc", &[("Name", "alpha & beta".into())]);
        assert_eq!(
            form.encoded(),
            "Action=CreateVpc&Version=2016-11-15&VpcId.1=a&VpcId.2=b&TagSpecification.1.ResourceType=vpc\
             &TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=alpha+%26+beta"
        );
    }
}
