// A service moves, as a person meets it: where it may go, what that means, each step of the way, and the way back. Checklist
// rows 31 and 32.

import { aria } from "../aria.ts";
import { axe, expect, expectRowVisible, hydrated, isHydrated, signIn, test, visit, type Page } from "../fixtures.ts";
import { eventually, pictures } from "../hands.ts";
import { Made, PROJECT, type Service } from "../made.ts";

test.describe.configure({ timeout: 90_000 });

const hosts = (page: Page) => page.getByRole("table", { name: "Hosts" });
const names = (page: Page) => page.getByRole("table", { name: "Names" });
/** Names and ranges of this worker's and project's own: the stories of a worker share its console. */
const own = (name: string): string => `moves-${name}-${isHydrated() ? "h" : "n"}${test.info().parallelIndex}`;
const range = (second: number): string => `10.${second + (isHydrated() ? 0 : 1) + 2 * test.info().parallelIndex}.0.0/20`;
const inside = (cidr: string, last: number): string => cidr.replace(/0\/20$/, String(last));

interface Read {
    service: { nodes: { id: string; replaces: string | null }[] };
}

/** Lists the replacement host without an agent. */
async function replaced(made: Made, service: Service, addresses: Record<string, string>): Promise<void> {
    const { service: shown } = await made.ask<Read>("services/read", { id: service.id });
    const node = shown.nodes.find(one => one.replaces !== null)!;
    const form = Object.fromEntries(Object.entries(addresses).map(([field, value]) => [`form[${field}]`, value]));
    await made.send("services/nodes/update", { id: service.id, node: node.id, ...form });
}

test("rows 31 and 32: a service moves from public to a VPC, step by step, and its names lead to another address", async ({ page, made }) => {
    const cidr = range(184);
    const vpc = await made.vpc(own("haven"), cidr);
    const service = await made.service(own("freight"));
    await made.listed(service, 0, { public_address: "203.0.113.4" });
    const host = `${service.name}-default.causeway.internal`;

    await visit(page, `${service.path}/settings`);
    await page.getByLabel("Actions", { exact: true }).click();
    await page.getByRole("link", { name: /^Change cloud or region\s*Migrate the service/ }).click();
    await hydrated(page);
    const window = page.getByRole("dialog");
    await expect(window.getByRole("heading", { name: "Migrate service to another cloud" })).toBeVisible();
    await expect(window.getByRole("button", { name: "VPCs", exact: true })).toHaveAttribute("aria-pressed", "true");
    await window.getByRole("radio", { name: new RegExp(own("haven")) }).check();
    if (isHydrated()) {
        await expect(window.getByText("Only peered networks reach it there: no component has public access.")).toBeVisible();
        await expect(window.getByText("Its host names stay the same. From the switch on they lead to private addresses there.")).toBeVisible();
    }
    await axe(page);
    await pictures(page, "service-migrate");
    await window.getByRole("button", { name: "Migrate", exact: true }).last().click();

    await expect(page.getByRole("heading", { name: `Migration of ${service.name}`, level: 1 })).toBeVisible();
    await hydrated(page);
    await expect(page.getByText("0 of 1 replacement hosts are ready. Enrol each in the target", { exact: false })).toBeVisible();
    await expect(page.getByText("Switch names", { exact: true })).toHaveAttribute("title", "0 of 1 replacement hosts are ready. Enrol the others first.");
    await expectRowVisible(hosts(page), { Name: `${service.name}-2`, Part: `Takes over from ${service.name}-1`, State: "Setting up" });
    await expectRowVisible(names(page), { "Host name": host, "Leads to": "203.0.113.4", "After the switch": "nowhere yet" });
    await pictures(page, "service-migration");

    const address = inside(cidr, 40);
    await replaced(made, service, { private_address: address });
    await eventually(page, patience => expect(page.getByText("Every replacement host is ready. Switch the names once the data has arrived.")).toBeVisible(patience));
    await expectRowVisible(names(page), { "Host name": host, "Leads to": "203.0.113.4", "After the switch": address });
    await axe(page);
    await pictures(page, "service-migration-ready");
    await page.getByRole("link", { name: "Switch names" }).click();
    await hydrated(page);
    await expect(page.getByRole("dialog").getByText("There is no way back but to migrate again.")).toBeVisible();
    await axe(page);
    await pictures(page, "service-switch");
    await page.getByRole("dialog").getByRole("button", { name: "Switch names" }).click();

    await expect(page.getByText("Names lead to the new hosts. The old ones go on serving for a while", { exact: false })).toBeVisible();
    await hydrated(page);
    await expectRowVisible(hosts(page), { Name: `${service.name}-1`, Part: "Old host", State: "Leaving" });
    await pictures(page, "service-migration-draining");
    await page.getByRole("link", { name: "Open the service" }).click();
    await hydrated(page);
    await expect(page.locator("h1").getByText("Project VPC")).toBeVisible();
    await expect(page.getByRole("group", { name: "the DNS records" })).toContainText(`${host}. 60 IN A ${address}`);
    await pictures(page, "service-moving");
    await page.getByRole("link", { name: "Open the migration" }).click();
    await hydrated(page);
    await page.getByRole("link", { name: "Let them go now" }).click();
    await hydrated(page);
    await pictures(page, "service-finish");
    await page.getByRole("button", { name: "Let them go" }).click();
    await eventually(page, patience => expect(page.getByText("No migration is under way. The service is in", { exact: false })).toBeVisible(patience));
    await hydrated(page);
    await pictures(page, "service-migration-none");

    await visit(page, `${PROJECT}/changes?object=${service.id}`);
    await expect(page.getByRole("table", { name: "Changes" }).getByText("Service migration").first()).toBeVisible();
    await visit(page, service.path);
    await eventually(page, patience => expect(page.locator("h1").getByText("Running")).toBeVisible(patience));
    expect(vpc).not.toBe("");
});

test("a move to public with an open filter is confirmed, and it can be called off before the switch", async ({ page, made, problems }) => {
    problems.allow(/status of 409/);
    const vpc = await made.vpc(own("cove"), range(188));
    const service = await made.service(own("cargo"), { place: Made.in(vpc) });
    await visit(page, `${service.path}/settings/migrate`);
    const window = page.getByRole("dialog");
    await window.getByLabel("Region", { exact: true }).selectOption("local-default");
    await window.getByRole("button", { name: "Migrate", exact: true }).last().click();
    await expect(window.getByText("In public the IP filter would let everybody in. Tick the box to confirm that you mean it.")).toBeVisible();
    await hydrated(page);
    await axe(page);
    await pictures(page, "service-migrate-open");
    await window.getByLabel("Everybody may get in").check();
    await window.getByRole("button", { name: "Migrate", exact: true }).last().click();
    await expect(page.getByRole("heading", { name: `Migration of ${service.name}`, level: 1 })).toBeVisible();
    await hydrated(page);

    // The hosts there are asked what the list says, so it can be narrowed at once.
    await visit(page, `${service.path}/settings`);
    await expect(page.getByRole("main").getByRole("link", { name: "Set public IP filters" }).last()).toBeVisible();
    await expect(page.getByText("Public IP filters are restricted via VPC")).toHaveCount(0);
    await page.getByRole("main").getByRole("link", { name: "Open the migration" }).last().click();
    await hydrated(page);
    await page.getByRole("link", { name: "Call it off" }).click();
    await hydrated(page);
    await expect(page.getByRole("dialog").getByText("Its replacement hosts are removed", { exact: false })).toBeVisible();
    await pictures(page, "service-return");
    await page.getByRole("button", { name: "Call it off" }).click();
    await expect(page.getByRole("heading", { name: `Settings of ${service.name}`, level: 1 })).toBeVisible();
    await hydrated(page);
    await expect(page.getByText("Public IP filters are restricted via VPC").last()).toBeVisible();
});

test("a place where a service cannot go says why in the list", async ({ page, made }) => {
    const [here, there] = [own("pier"), own("berth")];
    const vpc = await made.vpc(here, range(192));
    await made.vpc(there, range(196));
    const service = await made.service(own("parcel"), { place: Made.in(vpc) });
    await visit(page, `${service.path}/settings/migrate?tab=vpc`);
    const window = page.getByRole("dialog");
    await expect(window.getByRole("radio", { name: new RegExp(here) })).toBeDisabled();
    await expect(window.getByText("The service is there already.")).toBeVisible();
    await expect(window.getByRole("radio", { name: new RegExp(there) })).toBeEnabled();
    await pictures(page, "service-migrate-vpcs");
});

test("the pages of a migration are read out in order", async ({ browser, fresh, problems }) => {
    const console = await fresh();
    const context = await browser.newContext({ baseURL: console.url, javaScriptEnabled: isHydrated() });
    problems.watch(context, console.url);
    const page = await context.newPage();
    await signIn(page);
    const made = new Made(console, context.request);
    const vpc = await made.vpc("alpha", "10.20.0.0/20");
    const orders = await made.service("orders");
    await made.listed(orders, 0, { public_address: "203.0.113.4" });
    const [main, dialog] = [page.getByRole("main"), page.getByRole("dialog")];
    const look = async (name: string, path: string, part: typeof main): Promise<void> => {
        await visit(page, `${orders.path}${path}`);
        // Alive, whatever can be copied has a button beside it.
        if (!isHydrated()) await aria(part, name);
        await axe(page);
    };
    await look("service-migrate", "/settings/migrate", dialog);
    await look("service-migration-none", "/migration", main);
    await made.send("services/migrate", { id: orders.id, "form[place]": Made.in(vpc) });
    await replaced(made, orders, { private_address: "10.20.0.40" });
    await look("service-migration", "/migration", main);
    await look("service-switch", "/migration/switch", dialog);
    await look("service-return", "/migration/return", dialog);
    await made.send("services/migrate/switch", { id: orders.id });
    await look("service-finish", "/migration/finish", dialog);
    await context.close();
});
