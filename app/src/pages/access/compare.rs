use leptos::prelude::*;

use crate::{
    components::{Block, Column, Table},
    domain::{Provider, access::Access},
};

/// All ways, line by line.
pub fn compare() -> impl IntoView {
    let row = |access: Access| {
        let facts = access.comparison();
        view! {
            <tr>
                <th scope="row" class="nowrap"><a href=format!("#{}", access.slug())>{access.label()}</a></th>
                <td>{facts.clients}</td>
                <td>{facts.address}</td>
                <td>{facts.wires}</td>
                <td>{facts.ranges}</td>
                <td>{where_there_is(facts.providers)}</td>
            </tr>
        }
    };
    let columns = ["Access type", "Who gets in", "Address", "Packets travel on", "Their ranges", "Where"];
    view! {
        <Block id="h-compare" title="Access types compared" lead="The last two join whole networks, as VPC peering does.">
            <div class="compare">
                <Table label="Access types" columns=columns.map(Column::text).to_vec()>
                    {Access::ALL.into_iter().map(row).collect_view()}
                </Table>
            </div>
        </Block>
    }
}

fn where_there_is(providers: &[Provider]) -> String {
    if providers == Provider::ALL {
        "everywhere".to_owned()
    } else if providers == Provider::CLOUDS {
        "every cloud".to_owned()
    } else {
        providers.iter().map(|provider| provider.label()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clouds_are_named_where_not_all_have_it() {
        let told = Access::ALL.map(|access| where_there_is(access.comparison().providers));
        let linked = "AWS, Google Cloud, Azure";
        assert_eq!(told, ["everywhere", "every cloud", linked, "every cloud", "AWS", "everywhere"]);
    }
}
