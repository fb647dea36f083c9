//! The parts of which every page is made. They know the domain's types, the browser and
//! nothing else: no router, no server call, no permission.
//!
//! Each works three times: as HTML from the server without a script, through hydration
//! without a mismatch, and alive. What needs a script is not offered before it is there.
//! Looks live in `style/components/`, chosen by `data-*` attributes; a `style=` attribute
//! would be refused by the content security policy, so drawings carry their data as SVG.
//!
//! Optional props are left out where not needed; `ours=`, `badge=` and `aside=` take a
//! closure that returns a view. `Signal` props take plain values too.
//!
//! ## States
//! - [`Tone`]: `Bad` `Wait` `Move` `Good` `Off`, sorted worst first
//! - [`Mark`]: `<Mark tone=Tone::Bad label="failed"/>`
//! - [`Badge`]: `<Badge tone=Tone::Wait word="Pending peer" title="since 03:04"/>`
//! - [`Pips`]: `<Pips tones=vec![Tone::Bad, Tone::Good]/>`
//! - [`Annunciator`]: `<Annunciator failed=3 waiting=1 moving=0 good=41 href=routes::overview(project)/>`
//! - [`Notice`]: `<Notice tone=Tone::Bad title="No report" text="Since 03:04."><Button>"Retry"</Button></Notice>`
//! - [`Drift`]: `<Drift tone=Tone::Wait title="The host differs in 1 field" text="…" rows=vec![DriftRow { .. }]>buttons</Drift>`
//! - [`Toasts`], [`Toaster`]: `<Toasts/>` once in the shell; `expect_context::<Toaster>().say(Tone::Good, "…")`
//!
//! ## Facts
//! - [`Copy`]: `<Copy value="10.16.0.0/20"/>`, `<Copy value=key shown=shortened(&key)/>`
//! - [`Command`]: `<Command text=enrolment label="the enrolment command"/>`
//! - [`Bytes`]: `<Bytes count=1_400_000_000/>`; as text [`bytes`], [`rate`], [`grouped`]
//! - [`Time`]: `<Time at=vpc.created/>` ("3 min ago" once alive), `short=true` in a column
//! - [`Prose`]: `<Prose text=refusal.sentence/>`: a sentence whose addresses are set in mono
//! - [`Facts`], [`Fact`]: `<Facts row=true><Fact label="MTU">…</Fact></Facts>`
//! - [`QrCode`]: `<QrCode side modules label="laptop-mira's configuration"/>`
//!
//! ## Drawings
//! - [`RangeBar`]: `<RangeBar own=vpc.cidr others=known moving=creating at=address width=200.0/>`
//! - [`Space`]: `<Space held=vec![Held::new(cidr, "alpha", Holding::Vpc)]/>`
//! - [`Lens`]: `<Lens own=typed known=known free=suggestions/>` under a range's input
//! - [`Occupancy`]: `<Occupancy block=used.block parts=vec![(cidr, in_use)]/>`
//! - [`Age`]: `<Age seconds=Some(34)/>`, `idle=true` where silence is no failure
//! - [`Spark`]: `<Spark samples scale=spark_scale(rows.iter().map(|row| &row.samples[..]))/>`
//! - [`Bars`], [`BarsAxis`]: `<Bars bars label="IP filter, 412 packets" tone=Some(Tone::Bad)/> <BarsAxis words=span.axis()/>`
//! - [`Tape`]: `<Tape wanted=214 applied=Some(213) verified=Some(213)/>`
//! - [`Topology`]: `<Topology map=Map::of(&snapshot) link=move |target| path_of(&project, target)/>`, with `map.rows` as a table
//! - [`Way`]: `<Way access=Access::PrivateLink/>`
//! - [`Icon`], [`Logo`]: `<Icon glyph=Glyph::Plus/>`
//!
//! ## Pages
//! - [`PageHead`]: `<PageHead title="VPCs" crumbs lead="12 networks" badge=|| view! { … }>actions</PageHead>`
//! - [`Block`]: `<Block id="h-peers" title="Peers" lead="5 of 7 connected" aside=|| view! { … }>…</Block>`
//! - [`Tabs`], [`Tab`]: `<Tabs label="alpha"><Tab href label="Services" current=true count=7u64/></Tabs>`
//! - [`Table`], [`Column`]: `<Table label="VPCs" columns=vec![Column::text("Name"), Column::actions()] stack=true>rows</Table>`
//! - [`each`]: `{each(move || ids.get(), |id| id.key(), row)}`: rows that stay while others come and go
//! - [`Segments`], [`Filter`]: `<Filter label="Filter VPCs" placeholder="Name or range" value=query/>`
//! - [`Empty`]: `<Empty what="No VPC yet." why="…"><ButtonLink href>"New VPC"</ButtonLink></Empty>`
//! - [`Stepper`], [`Step`]: `<Stepper><Step number=1 progress=Progress::Here title="…" ours=|| …>…</Step></Stepper>`
//! - [`Clock`]: `provide_clock()` once in the shell; [`Time`] and [`Age`] tick by it
//!
//! ## Forms
//! - [`Field`]: `<Field name="cidr" label="IP range" value error hint="…" fact=true autofocus=true/>`
//! - [`TextArea`], [`Check`]: the same for lines and for a yes
//! - [`Choices`]: `<Choices name="remote" legend="Remote Gateway" options=vec![Choice::new(id, name).refused(why)] value/>`
//! - [`SegmentField`], [`Select`]: the same for few short and for many options
//! - [`Refusal`]: a refusal that belongs to no single input
//!
//! ## Actions
//! - [`Button`]: `<Button kind=Kind::Primary icon=Glyph::Plus reason=why_not busy=action.pending()>"Create VPC"</Button>`
//! - [`ButtonLink`], [`IconButton`]: the same as a link; only an icon
//! - [`Menu`]: `<Menu label="Actions for alpha"><MenuLink href icon label="Open"/><MenuRule/><MenuLink … reason/></Menu>`
//! - [`Popover`]: `<Popover tone=Tone::Wait word="Pending peer" title="Accept in AWS">…</Popover>`
//! - [`Panel`]: `<Panel title close><ActionForm …><PanelBody>…</PanelBody><PanelFoot error>buttons</PanelFoot></ActionForm></Panel>`
//! - [`Dialog`]: `<Dialog title close><ActionForm …><PanelBody><Consequences lines/></PanelBody><PanelFoot>…</PanelFoot></ActionForm></Dialog>`
//! - [`Palette`]: `<Show when=open><Palette query groups note busy close/></Show>`

mod age;
mod annunciator;
mod badge;
mod bars;
mod button;
mod bytes;
mod choices;
mod clock;
mod copy;
mod dom;
mod drawing;
mod each;
mod empty;
mod facts;
mod field;
mod head;
mod icon;
mod legend;
mod lens;
mod mark;
mod menu;
mod notice;
mod occupancy;
mod palette;
mod panel;
mod prose;
mod qr;
mod range;
mod scale;
mod segments;
mod space;
mod spark;
mod stepper;
mod table;
mod tabs;
mod tape;
mod time;
mod toast;
mod tone;
mod topology;
mod way;

pub use age::{Age, REFUSE_SECONDS, REKEY_SECONDS, duration};
pub use annunciator::Annunciator;
pub use badge::Badge;
pub use bars::{Bars, BarsAxis};
pub use button::{Button, ButtonLink, IconButton, Kind};
pub use bytes::{Bytes, bytes, grouped, rate};
pub use choices::{Choice, Choices, SegmentField, Select};
pub use clock::{Clock, once_past, provide_clock};
pub use copy::{Command, Copy, shortened};
pub use each::each;
pub use empty::Empty;
pub use facts::{Fact, Facts};
pub use field::{Check, Field, Refusal, TextArea};
pub use head::{Block, PageHead};
pub use icon::{Glyph, Icon, Logo};
pub use lens::Lens;
pub use mark::{Mark, Pips};
pub use menu::{Menu, MenuButton, MenuLink, MenuRule, Popover};
pub use notice::{Drift, DriftRow, Notice};
pub use occupancy::Occupancy;
pub use palette::{Aside, Found, FoundGroup, Palette};
pub use panel::{Consequences, Dialog, Panel, PanelBody, PanelFoot};
pub use prose::Prose;
pub use qr::QrCode;
pub use range::{RangeAxis, RangeBar};
pub use segments::{Filter, Segment, Segments};
pub use space::{Held, Holding, Space, SpaceLegend};
pub use spark::{Spark, spark_scale};
pub use stepper::{Progress, Step, Stepper};
pub use table::{Column, Table};
pub use tabs::{Tab, Tabs};
pub use tape::Tape;
pub use time::{Due, Time, exact};
pub use toast::{Toaster, Toasts, provide_toaster};
pub use tone::Tone;
pub use topology::{Topology, TopologyLegend};
pub use way::Way;

/// What a view is on the server, for tests: without the empty comments by which hydration finds its places.
#[cfg(all(test, feature = "ssr"))]
fn html<V: leptos::prelude::IntoView>(view: impl FnOnce() -> V) -> String {
    use leptos::prelude::{Owner, RenderHtml};
    Owner::new().with(|| view().into_view().to_html().replace("<!>", ""))
}
