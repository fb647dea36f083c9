use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::{
        ApiError,
        accounts::{CheckAccount, list_accounts},
    },
    components::{
        Badge, Button, ButtonLink, Column, Copy, Empty, Glyph, Kind, Menu, MenuLink, MenuRule, PageHead, Prose,
        Refusal, Table, Time, Tone,
    },
    domain::{AccountId, ProjectName, account::CloudAccount, change::Topic},
    live::use_live,
    pages::{
        form::{Memory, beside},
        fresh::living,
        here::{project_for_links, use_project},
        vpcs::simulated,
    },
    routes,
};

pub type AccountResource = Resource<Result<Vec<CloudAccount>, ApiError>>;

/// Every account of the organization, read again when one changes or is checked.
pub fn accounts() -> AccountResource {
    let (live, project) = (use_live(), use_project());
    Resource::new(
        move || (project.get(), live.version(Topic::Accounts), live.version(Topic::Vpcs)),
        |(project, ..)| list_accounts(project),
    )
}

pub struct AccountList;

#[lazy_route]
impl LazyRoute for AccountList {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let accounts = accounts();
        view! {
            <Title text="Cloud accounts"/>
            <List accounts/>
        }
        .into_any()
    }
}

/// The page itself; also what lies behind every panel about an account.
#[component]
pub fn List(accounts: AccountResource) -> impl IntoView {
    living(accounts, |accounts| view! { <Shown accounts/> }.into_any())
}

#[component]
fn Shown(accounts: Signal<Vec<CloudAccount>>) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let check = ServerAction::<CheckAccount>::new();
    let error = beside(&[], Memory::default().error(check));
    let new = routes::account_new(&project);
    let (of_head, of_rows) = (new.clone(), project.clone());
    let empty = Memo::new(move |_| accounts.with(Vec::is_empty));
    let ids = Memo::new(move |_| accounts.with(|all| all.iter().map(|one| one.id).collect::<Vec<AccountId>>()));
    let row = move |id: AccountId| {
        let project = of_rows.clone();
        let one = Memo::new(move |_| accounts.with(|all| all.iter().find(|one| one.id == id).cloned()));
        move || one.try_get().flatten().map(|one| shown(&one, &project, check))
    };
    view! {
        <PageHead title="Cloud accounts" lead="How this console signs in to each cloud. VPCs there are made with them; without an account a cloud cannot be chosen.">
            <ButtonLink kind=Kind::Primary href=of_head icon=Glyph::Plus>"Add cloud account"</ButtonLink>
        </PageHead>
        <Refusal id="check-refusal" error/>
        {move || {
            let (href, row) = (new.clone(), row.clone());
            if empty.get() {
                view! {
                    <Empty
                        what="No cloud account yet."
                        why="With an account the console makes VPCs in that cloud and peers them with networks of yours. VPCs of your own need none."
                    >
                        <ButtonLink href icon=Glyph::Plus>"Add cloud account"</ButtonLink>
                    </Empty>
                }
                .into_any()
            } else {
                view! {
                    <section class="block" aria-label="Cloud accounts">
                        <Table
                            label="Cloud accounts"
                            columns=vec![
                                Column::text("Name"), Column::text("Signs in to"), Column::text("Credentials"),
                                Column::number("VPCs"), Column::text("Last check"), Column::actions(),
                            ]
                            stack=true
                        >
                            <For each=move || ids.get() key=|id| *id children=row/>
                        </Table>
                    </section>
                }
                .into_any()
            }
        }}
    }
}

fn shown(one: &CloudAccount, project: &ProjectName, check: ServerAction<CheckAccount>) -> impl IntoView + use<> {
    let (edit, delete) = (routes::account_edit(project, one.id), routes::account_delete(project, one.id));
    // The operator's configuration runs the look-alikes, and no form.
    let fixed = one.simulated.then(|| "A simulated cloud comes with this console.".to_owned());
    let refusal = fixed.clone().or_else(|| one.deletion_refusal().map(|refusal| refusal.sentence));
    let other = routes::other_side(project, one.provider());
    let (provider, fake, name) = (one.provider(), one.simulated, one.name.clone());
    let label = format!("Actions for {name}");
    let (project, id) = (project.to_string(), one.id.to_string());
    let identity = match one.config.identity() {
        Some(identity) => view! { <Copy value=identity.to_owned()/> }.into_any(),
        None => view! { <span class="quiet">"a token"</span> }.into_any(),
    };
    let checked = match &one.check {
        Some(check) => view! { <Time at=check.last_check_at/> }.into_any(),
        None => view! { <span class="quiet">"never"</span> }.into_any(),
    };
    let title = match &fixed {
        Some(_) => name.clone().into_any(),
        None => view! { <a href=edit.clone()>{name.clone()}</a> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row" data-at="a1">{title}</th>
            <td class="signs-in" data-at="b1">
                <span class="nowrap">{provider.label()} " " {fake.then(|| simulated(provider))}</span>
                <small>{identity}</small>
            </td>
            <td data-at="c" class="checked">
                <Badge tone=Tone::from(one.standing()) word=one.word()/>
                <small class="muted"><Prose text=one.sentence()/></small>
                <ActionForm action=check>
                    <input type="hidden" name="project" value=project/>
                    <input type="hidden" name="id" value=id/>
                    <Button small=true icon=Glyph::Refresh busy=check.pending()>
                        "Check credentials"
                        <span class="sr">{format!(" of {name}")}</span>
                    </Button>
                </ActionForm>
            </td>
            <td class="num fact">{one.vpcs}</td>
            <td class="nowrap quiet" data-at="b2">{checked}</td>
            <td class="act">
                <Menu label=label>
                    {fake.then(|| view! { <MenuLink href=other icon=Glyph::Users label="Act as the other side"/> })}
                    <MenuLink href=edit icon=Glyph::Pencil label="Change" reason=fixed/>
                    <MenuRule/>
                    <MenuLink href=delete icon=Glyph::Trash label="Remove" kind=Kind::Danger reason=refusal/>
                </Menu>
            </td>
        </tr>
    }
}
