use leptos::prelude::*;

use crate::{
    components::{Block, Column, Prose, Table},
    domain::access::protection::{SHIELDS, Secrecy, Shield, secrecy},
};

/// What each provider does against floods. Causeway switches none of it on, and says so.
pub fn shields() -> impl IntoView {
    let row = |shield: Shield| {
        view! {
            <tr>
                <th scope="row" class="nowrap">{shield.provider.label()}</th>
                <td class="nowrap">{shield.product}</td>
                <td>{shield.always}</td>
                <td>{shield.more}</td>
            </tr>
        }
    };
    let columns = ["Provider", "Product", "On by itself", "Yours to order"];
    view! {
        <Block
            id="h-shields"
            title="DDoS protection"
            lead="Your account in the cloud has it; Causeway orders none."
        >
            <div class="compare">
                <Table label="DDoS protection" columns=columns.map(Column::text).to_vec()>
                    {SHIELDS.into_iter().map(row).collect_view()}
                </Table>
            </div>
        </Block>
    }
}

/// What encrypts packets on each way.
pub fn encryption() -> impl IntoView {
    let row = |line: Secrecy| {
        view! {
            <tr>
                <th scope="row">{line.what}</th>
                <td><Prose text=line.how/></td>
                <td>{line.forward}</td>
            </tr>
        }
    };
    let columns = ["On the way", "Encrypted by", "If a key is stolen later"];
    view! {
        <Block id="h-encryption" title="Encryption">
            <div class="compare">
                <Table label="Encryption" columns=columns.map(Column::text).to_vec()>
                    {secrecy().into_iter().map(row).collect_view()}
                </Table>
            </div>
        </Block>
    }
}
