//! What the project's CA has issued for a service, and until when it is good.

use leptos::prelude::*;

use crate::{
    api::services::ServiceReading,
    components::{Badge, Block, ButtonLink, Column, Copy, Glyph, Icon, Table, Tone, exact, shortened},
    domain::{
        ProjectName, ServiceId, ServiceName, Timestamp,
        certificate_authority::{NOT_PUBLIC, ServiceCertificate},
        permission::Permission,
    },
    pages::here::{project_for_links, use_project},
    routes,
};

#[component]
pub fn Certificates(read: Signal<ServiceReading>) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    // Ages are told by the moment of the reading; a certificate lasts a year, so an hour is soon enough.
    let shown = Memo::new(move |_| {
        read.with(|read| {
            let hour = Timestamp::from_seconds(read.now.seconds() / 3600 * 3600);
            (read.service.id, read.service.name.clone(), read.certificates.clone(), hour.max(Timestamp(0)))
        })
    });
    let reason = Memo::new(move |_| {
        read.with(|read| read.service.going().or_else(|| read.missing(Permission::ServiceConfigurationWrite)))
    });
    let new = read.with_untracked(|read| routes::service_certificate_new(&project, read.service.id));
    let ca = routes::ca_pem(&project);
    let file = format!("{project}-ca.pem");
    let aside = move || {
        view! {
            <a class="button" data-size="small" rel="external" download=file href=ca><Icon glyph=Glyph::Download/>"CA certificate"</a>
            <ButtonLink small=true href=new icon=Glyph::Plus reason=reason>"Issue certificate"</ButtonLink>
        }
    };
    view! {
        <Block id="h-certificates" title="Certificates" lead="Issued by the project's CA for the service's host names." aside>
            {move || shown.with(|(id, name, all, now)| match all.len() {
                0 => view! {
                    <p class="muted said">"None was issued yet. A service in a VPC has names that no public CA knows: with a certificate of the project's CA, clients can tell it from an impostor."</p>
                }
                .into_any(),
                _ => table(&project, (*id, name), all, *now).into_any(),
            })}
            <p class="muted said">{NOT_PUBLIC}</p>
        </Block>
    }
}

fn table(
    project: &ProjectName,
    (service, called): (ServiceId, &ServiceName),
    all: &[ServiceCertificate],
    now: Timestamp,
) -> impl IntoView + use<> {
    let row = |one: &ServiceCertificate| {
        let names = one.names.iter().map(|name| view! { <li><Copy value=name.to_string()/></li> }).collect_view();
        let (tone, word) = (Tone::from(one.standing(all, now)), one.word(all, now));
        let until = exact(one.not_after);
        let (href, file) = (routes::service_certificate(project, service, &one.serial), format!("{called}.pem"));
        let label = format!("Download certificate {}", shortened(&one.serial));
        view! {
            <tr>
                <th scope="row" data-at="c"><ul class="sources">{names}</ul></th>
                <td class="nowrap" data-at="a2"><Badge tone word title=format!("Until {until}")/></td>
                <td class="nowrap" data-at="a1"><time datetime=one.not_after.to_string()>{until.clone()}</time></td>
                <td class="nowrap" data-at="b1"><Copy value=one.serial.clone() shown=shortened(&one.serial)/></td>
                <td class="act">
                    <a class="icon-button" rel="external" download=file href=href aria-label=label.clone() title=label>
                        <Icon glyph=Glyph::Download/>
                    </a>
                </td>
            </tr>
        }
    };
    let rows = all.iter().map(row).collect_view();
    view! {
        <Table
            label="Certificates"
            columns=vec![
                Column::text("Names"), Column::text("State"), Column::text("Valid until"),
                Column::text("Serial number"), Column::actions(),
            ]
            stack=true
        >
            {rows}
        </Table>
    }
}
