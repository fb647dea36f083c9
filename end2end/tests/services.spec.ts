// Services as a person meets them: placed, named, enrolled, opened, filtered, guarded, deleted. Checklist rows 25 to 29, 36
// to 41 and 60, as far as they are seen without packets.

import { aria } from "../aria.ts";
import { axe, expect, expectRowVisible, hydrated, isHydrated, rowOf, signIn, test, visit, type Page } from "../fixtures.ts";
import { choose, download, eventually, pictures } from "../hands.ts";
import { Made, PROJECT } from "../made.ts";

test.describe.configure({ timeout: 90_000 });

const list = (page: Page) => page.getByRole("table", { name: "Services" });
const nodes = (page: Page) => page.getByRole("table", { name: "Nodes" });
const connection = (page: Page) => page.getByRole("table", { name: "Connection information" });
const rules = (page: Page) => page.getByRole("table", { name: "Rules" });
/** Names and ranges of this worker's and project's own. */
const own = (name: string): string => `${name}-${isHydrated() ? "h" : "n"}${test.info().parallelIndex}`;
const range = (second: number): string => `10.${second + (isHydrated() ? 0 : 1) + 2 * test.info().parallelIndex}.0.0/20`;
const inside = (cidr: string, last: number): string => cidr.replace(/0\/20$/, String(last));

/** Chooses a type; without a script the page is asked for again with all that was typed. */
async function type(page: Page, kind: string): Promise<void> {
    await page.getByLabel("Service type").selectOption(kind);
    if (!isHydrated()) await page.getByRole("button", { name: "Show its components" }).click();
}

test("a project without services says what one is", async ({ browser, fresh }) => {
    const console = await fresh();
    const context = await browser.newContext({ baseURL: console.url, javaScriptEnabled: isHydrated() });
    const page = await context.newPage();
    await signIn(page);
    await visit(page, `${PROJECT}/services`);
    await expect(page.getByText("No service yet.")).toBeVisible();
    await axe(page);
    await pictures(page, "services-empty");
    await context.close();
});

test("rows 25, 27 and 28: one service in public and one in a VPC, each from the list of its tab", async ({ page, made }) => {
    const [harbor, cidr] = [own("harbor"), range(160)];
    await made.vpc(harbor, cidr);
    const [open, closed] = [own("open"), own("closed")];

    await visit(page, `${PROJECT}/services/new`);
    await page.getByLabel("Name", { exact: true }).fill(open);
    await page.getByRole("button", { name: "Create service" }).last().click();
    await expect(page.getByRole("heading", { name: open, level: 1 })).toBeVisible();
    await expect(page.locator("h1").getByText("Public Internet")).toBeVisible();

    await visit(page, `${PROJECT}/services/new`);
    await page.getByLabel("Name", { exact: true }).fill(closed);
    // The region stands there twice: in public, and with its VPC.
    const options = await page.getByLabel("Region", { exact: true }).locator("option").allInnerTexts();
    expect(options.some(text => text.includes(`Project VPC (${harbor}, ${cidr})`))).toBe(true);
    await page.getByRole("button", { name: "VPC", exact: true }).click();
    await expect(page.getByLabel("Name", { exact: true })).toHaveValue(closed);
    await hydrated(page);
    await page.getByRole("radio", { name: new RegExp(harbor) }).check();
    if (isHydrated()) await expect(page.getByText(`${closed}-default.causeway.internal`, { exact: true }).first()).toBeVisible();
    await axe(page);
    await pictures(page, "service-new-vpc");
    await page.getByRole("button", { name: "Create service" }).last().click();
    await expect(page.getByRole("heading", { name: closed, level: 1 })).toBeVisible();
    await expect(page.locator("h1").getByText("Project VPC")).toBeVisible();

    await visit(page, `${PROJECT}/services`);
    const both = { Type: "PostgreSQL", Nodes: "0/1", State: "Rebuilding" };
    await expectRowVisible(list(page), { "Name ↑": open, Placement: "Public Internet", Access: "Open to every address", ...both });
    await expectRowVisible(list(page), { "Name ↑": closed, Placement: "Project VPC", Place: new RegExp(`^${harbor} ${cidr}`), Access: "Peered networks", ...both });
    await axe(page);
    await pictures(page, "services");
});

test("row 26: a VPC that is being made is shown and cannot be chosen yet", async ({ browser, fresh, problems }) => {
    const console = await fresh({ env: { CAUSEWAY_LOOKALIKE: "true", CAUSEWAY_LOOKALIKE_DELAY_MS: "20000-20000" } });
    const context = await browser.newContext({ baseURL: console.url, javaScriptEnabled: isHydrated() });
    problems.watch(context, console.url);
    const page = await context.newPage();
    await signIn(page);
    const made = new Made(console, context.request);
    await made.vpc("slow", "10.70.0.0/24", "aws-eu-west-1");
    await visit(page, `${PROJECT}/services/new?tab=vpc`);
    await expect(page.getByRole("radio", { name: /slow/ })).toBeDisabled();
    await expect(page.getByText("Creating… It can take a few minutes until a new VPC can be chosen.")).toBeVisible();
    await pictures(page, "service-new-creating");
    await context.close();
});

test("row 29: a VPC that is not the project's is refused, whoever asks", async ({ made }) => {
    const stranger = "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10";
    const refusal = made.service(own("stray"), { place: Made.in(stranger) });
    await expect(refusal).rejects.toThrow(/A service can only use VPCs of its own project\./);
});

test("another type brings its own components and ports, and nothing that was typed is lost", async ({ page, problems }) => {
    problems.allow(/status of 400/);
    const name = own("stream");
    await visit(page, `${PROJECT}/services/new`);
    await page.getByLabel("Name", { exact: true }).fill(name);
    await type(page, "kafka");
    await expect(page.getByLabel("Name", { exact: true })).toHaveValue(name);
    await expect(page.getByLabel("schema_registry")).toHaveValue("8081");
    await page.getByLabel("schema_registry").fill("none");
    await page.getByLabel("kafka_rest").fill("");
    await page.getByRole("button", { name: "Create service" }).last().click();
    await expect(page.getByText("schema_registry: enter a port from 1 to 65535.").first()).toBeVisible();
    await expect(page.getByLabel("Name", { exact: true })).toHaveValue(name);
    await expect(page.getByLabel("schema_registry")).toHaveValue("none");
    await pictures(page, "service-new-refused");
    await page.getByLabel("schema_registry").fill("18081");
    await page.getByRole("button", { name: "Create service" }).last().click();
    await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
    await hydrated(page);
    await expectRowVisible(connection(page), { Component: "schema_registry", Port: /^18081/ });
    await expect(rowOf(connection(page), "kafka_rest")).toHaveCount(0);
});

test("a host is enrolled by a token that is shown once, and names lead to it", async ({ page, made, console }) => {
    const cidr = range(164);
    const vpc = await made.vpc(own("quay"), cidr);
    const service = await made.service(own("ledger"), { place: Made.in(vpc) });
    const address = inside(cidr, 4);
    await visit(page, service.path);
    await expect(page.getByText("No node serves yet, so no name leads anywhere.")).toBeVisible();
    await choose(page, `Actions for ${service.name}-1`, "Enrol host");
    await page.getByRole("button", { name: "Issue enrolment token" }).click();
    const command = page.getByRole("group", { name: "the commands for systemd" });
    await expect(command).toContainText("causeway agent");
    const token = (await command.innerText()).match(/<<'TOKEN'\n(\S+)\nTOKEN/)?.[1] ?? "";
    expect(token).not.toBe("");
    await pictures(page, "node-enrol");
    await visit(page, service.nodes[0]!.path);
    await expect(page.getByText("The commands stand here once a token is issued. They are shown once.")).toBeVisible();
    expect(await page.content()).not.toContain(token);

    await console.agent(service.name, token, [inside("198.51.100.0/20", 4), address]);
    await eventually(page, patience => expect(page.getByText("Its firewall is on the host, and names lead to it.")).toBeVisible(patience));
    await axe(page);
    await pictures(page, "node");
    await page.getByRole("link", { name: "Open the service" }).click();
    await hydrated(page);
    await expectRowVisible(nodes(page), { Name: `${service.name}-1`, State: "Running", Firewall: "In sync", "Private address": new RegExp(`^${address.replaceAll(".", "\\.")}`) });
    await expect(page.getByRole("group", { name: "the DNS records" })).toContainText(`${service.name}-default.causeway.internal. 60 IN A ${address}`);
    const file = await download(page, page.getByRole("link", { name: "Zone file" }));
    expect(file.name).toBe(`${service.name}.zone`);
    expect(file.text).toContain(`$ORIGIN causeway.internal.\n$TTL 60\n${service.name}-default.causeway.internal. 60 IN A ${address}\n`);
});

test("a node is listed without an agent with addresses of its place, and is shown as not enforced", async ({ page, made, problems }) => {
    problems.allow(/status of 400/);
    const cidr = range(168);
    const service = await made.service(own("archive"), { place: Made.in(await made.vpc(own("slip"), cidr)) });
    await visit(page, service.nodes[0]!.path);
    await page.getByLabel("An agent keeps its firewall").uncheck();
    await page.getByLabel("Private address").fill("192.168.1.4");
    await page.getByRole("button", { name: "Save node" }).click();
    await expect(page.getByText(`192.168.1.4 is not in ${cidr}, the range of the VPC.`).first()).toBeVisible();
    await expect(page.getByLabel("Private address")).toHaveValue("192.168.1.4");
    await expect(page.getByLabel("An agent keeps its firewall")).not.toBeChecked();
    await page.getByLabel("Private address").fill(inside(cidr, 9));
    await page.getByRole("button", { name: "Save node" }).click();
    await eventually(page, patience => expect(page.locator("h1").getByText("Not enforced")).toBeVisible(patience));
    await visit(page, service.path);
    await expect(page.getByText("1 node is not enforced")).toBeVisible();
    await expectRowVisible(nodes(page), { Name: `${service.name}-1`, Firewall: "not enforced" });
});

test("rows 36, 37, 39 and 41: in a VPC only private addresses until a component has public access; then the filter counts", async ({ page, made }) => {
    const cidr = range(172);
    const service = await made.service(own("orders"), { place: Made.in(await made.vpc(own("pier"), cidr)) });
    await made.listed(service, 0, { private_address: inside(cidr, 5), public_address: "203.0.113.5" });
    const [dynamic, name] = [`${service.name}-default.causeway.internal`, `public-${service.name}-default.causeway.internal`];

    await visit(page, service.path);
    await expectRowVisible(connection(page), { Component: "pg", Host: new RegExp(`^${dynamic}`), Port: /^5432/, "Try it": new RegExp(`^nc -zv ${dynamic} 5432`), "Leads to": new RegExp(`^${inside(cidr, 5).replaceAll(".", "\\.")}`) });
    await page.getByRole("group", { name: "Access Route" }).getByRole("link", { name: "Public" }).click();
    await expect(page.getByText("No component has public access: only private addresses lead to the service.")).toBeVisible();

    // Row 39: a pure VPC service has no use for the list.
    await visit(page, `${service.path}/settings`);
    await expect(page.getByRole("main").getByRole("definition").getByText("Public IP filters are restricted via VPC")).toBeVisible();
    const filters = page.getByRole("main").getByText("Set public IP filters").last();
    await expect(filters).toHaveAttribute("aria-disabled", "true");
    await expect(filters).toHaveAttribute("title", "Public IP filters are restricted via VPC");
    await axe(page);
    await pictures(page, "service-settings");

    await page.getByRole("main").getByRole("link", { name: "Public and private access" }).last().click();
    await hydrated(page);
    await page.getByLabel("Public access to pg", { exact: true }).check();
    await pictures(page, "service-access");
    await page.getByRole("button", { name: "Save access" }).click();
    await expect(page).toHaveURL(new RegExp(`${service.path}$`));
    await hydrated(page);
    await expect(page.getByRole("heading", { name: "Open to every address." })).toBeVisible();
    await page.getByRole("group", { name: "Access Route" }).getByRole("link", { name: "Public" }).click();
    await expectRowVisible(connection(page), { Component: "pg", Host: new RegExp(`^${name}`), "Leads to": /^203\.0\.113\.5/ });
    await expect(rowOf(connection(page), "pgbouncer")).toHaveCount(0);
    await axe(page);
    await pictures(page, "service");
    await visit(page, `${service.path}/settings`);
    await expect(page.getByRole("main").getByRole("link", { name: "Set public IP filters" }).first()).toBeVisible();
});

test("row 38: a list is pasted, corrected, saved with its descriptions, and never by two people at once", async ({ page, made, problems }) => {
    problems.allow(/status of (400|409)/);
    const service = await made.service(own("stock"));
    await visit(page, `${service.path}/settings/ip-filter`);
    const typed = page.getByLabel("Allowed addresses");
    await expect(typed).toHaveValue("0.0.0.0/0\n::/0");
    await typed.fill("203.0.113.9/24 office, second floor\n198.51.100.7, 2001:db8::/32");
    await page.getByRole("button", { name: "Save filters" }).click();
    await expect(page.getByText("203.0.113.9/24 has host bits set. Use 203.0.113.0/24?").first()).toBeVisible();
    await expect(typed).toHaveValue("203.0.113.9/24 office, second floor\n198.51.100.7, 2001:db8::/32");
    await pictures(page, "service-ip-filter-refused");
    await typed.fill("203.0.113.0/24 office, second floor\n198.51.100.7, 2001:db8::/32");

    // Meanwhile somebody else saves.
    await made.filter(service, "192.0.2.0/24 partner");
    if (isHydrated()) await expect(page.getByText("Somebody saved this list since you opened it", { exact: true })).toBeVisible();
    await page.getByRole("button", { name: "Save filters" }).click();
    await expect(page.getByText("Somebody saved this list since you opened it. Look at it again, then save yours.").first()).toBeVisible();
    await expect(page.getByText("Only the saved list has 192.0.2.0/24.", { exact: false })).toBeVisible();
    await expect(typed).toHaveValue("203.0.113.0/24 office, second floor\n198.51.100.7, 2001:db8::/32");
    await pictures(page, "service-ip-filter-conflict");
    if (isHydrated()) await page.getByRole("button", { name: "Keep mine" }).click();
    await page.getByRole("button", { name: "Save filters" }).click();
    await expect(page).toHaveURL(new RegExp(`${service.path}$`));
    await visit(page, `${service.path}/settings/ip-filter`);
    await expect(typed).toHaveValue("203.0.113.0/24 office, second floor\n198.51.100.7/32\n2001:db8::/32");
    await expect(page.getByText("3 entries of at most 8,000.")).toBeVisible();

    // Nobody is locked out by accident.
    await typed.fill("");
    await page.getByRole("button", { name: "Save filters" }).click();
    await expect(page.getByText("No client will be able to connect.").first()).toBeVisible();
    await page.getByLabel("Save an empty list").check();
    await page.getByRole("button", { name: "Save filters" }).click();
    await expect(page).toHaveURL(new RegExp(`${service.path}$`));
    await expect(page.getByText("The IP filter is empty")).toBeVisible();
});

test("row 40: peered networks that the list leaves out are named and added with one press", async ({ page, made }) => {
    const cidr = range(176);
    const gateway = await made.gateway(own("mole"), { cidr }, `10.211.${isHydrated() ? 1 : 2}.0/24`);
    const vpc = gateway.vpcPath.split("/").at(-1)!;
    await made.site(gateway, own("site-kai"), "192.168.71.0/24");
    const service = await made.service(own("till"), { place: Made.in(vpc) });
    await made.send("services/access", { id: service.id, "form[public][0]": "pg" });
    await made.filter(service, "203.0.113.0/24 office");
    await visit(page, service.path);
    await expect(page.getByText("The allowlist does not include 192.168.71.0/24 of peering", { exact: false })).toBeVisible();
    await page.getByRole("main").getByRole("link", { name: "Add peered networks" }).click();
    await hydrated(page);
    const typed = page.getByLabel("Allowed addresses");
    await expect(typed).toHaveValue(new RegExp(`^203\\.0\\.113\\.0/24 office\n[^]*192\\.168\\.71\\.0/24 Peering ${own("site-kai")}`));
    await pictures(page, "service-ip-filter");
    await page.getByRole("button", { name: "Save filters" }).click();
    await expect(page).toHaveURL(new RegExp(`${service.path}$`));
    await expect(page.getByText("The allowlist does not include")).toHaveCount(0);
});

test("rows 30 and 60: the effective firewall says rule by rule who gets in, and answers for one packet", async ({ page, made }) => {
    const cidr = range(180);
    const gateway = await made.gateway(own("dock"), { cidr }, `10.212.${isHydrated() ? 1 : 2}.0/24`);
    await made.site(gateway, own("site-ost"), "192.168.72.0/24");
    const service = await made.service(own("audit"), { place: Made.in(gateway.vpcPath.split("/").at(-1)!), plan: "business" });
    await made.listed(service, 0, { private_address: inside(cidr, 5) });
    await visit(page, `${service.path}/firewall`);
    await expectRowVisible(rules(page), { Reason: "Other nodes of this service", To: "every address" });
    await expectRowVisible(rules(page), { Reason: "Sites of the VPN gateway", From: new RegExp("^192\\.168\\.72\\.0/24"), To: `private: ${cidr}` });
    await expectRowVisible(rules(page), { Reason: "Road warriors of the VPN gateway" });
    await expectRowVisible(rules(page), { Reason: "Default deny", From: "everywhere else" });
    await expect(rowOf(rules(page), "IP filter")).toHaveCount(0);
    const ask = async (from: string, route: string, said: RegExp): Promise<void> => {
        await page.getByLabel("From", { exact: true }).fill(from);
        await page.getByLabel("Route", { exact: true }).selectOption(route);
        if (!isHydrated()) await page.getByRole("button", { name: "Try it" }).click();
        await expect(page.getByText(said)).toBeVisible();
    };
    await ask("192.168.72.9", "dynamic", /^Let in: 192\.168\.72\.9 reaches port 5432 at a private address by rule \d, sites of the VPN gateway, site-ost-/);
    await axe(page);
    await pictures(page, "service-firewall");
    await ask("198.51.100.9", "dynamic", /^Refused: no rule lets 198\.51\.100\.9 in to port 5432/);
    await ask("198.51.100.9", "public", /^Refused: no component has public access/);
});

test("a long list of sources is paged, and each page has an address", async ({ page, made }) => {
    const service = await made.service(own("wide"));
    const many = Array.from({ length: 450 }, (_, at) => `203.${Math.floor(at / 200)}.${at % 200}.1`).join("\n");
    await made.filter(service, many);
    await visit(page, `${service.path}/firewall`);
    await page.getByRole("link", { name: "and 444 more" }).click();
    await expect(page.getByRole("heading", { name: "Sources of rule 1" })).toBeVisible();
    await expect(page.getByText("1 to 200 of 450")).toBeVisible();
    await page.getByRole("link", { name: "More sources" }).click();
    await expect(page.getByText("201 to 400 of 450")).toBeVisible();
});

test("termination protection stands before deletion, which says what goes", async ({ page, made }) => {
    const service = await made.service(own("vault"), { termination_protection: "true" });
    await visit(page, `${service.path}/settings`);
    await expect(page.getByText("On: the service cannot be deleted.")).toBeVisible();
    await expect(page.getByRole("main").getByText("Delete service").last()).toHaveAttribute("title", "Termination protection is on.");
    await page.getByRole("button", { name: "Switch off termination protection" }).click();
    await expect(page.getByText("Off: whoever may write services can delete it.")).toBeVisible();
    await hydrated(page);
    await page.getByRole("main").getByRole("link", { name: "Delete service" }).click();
    await expect(page.getByRole("dialog").getByText("The hosts and what runs on them are not touched.")).toBeVisible();
    await axe(page);
    await pictures(page, "service-delete");
    await page.getByRole("button", { name: "Delete service" }).click();
    await expect(page).toHaveURL(/\/services$/);
    await hydrated(page);
    await eventually(page, patience => expect(rowOf(list(page), service.name)).toHaveCount(0, patience));
});

test("a node is added and removed, and the page of one that is gone says so", async ({ page, made, problems }) => {
    problems.allow(/status of 404/);
    const service = await made.service(own("cache"), { kind: "valkey" });
    await visit(page, service.path);
    await page.getByRole("button", { name: "Add node" }).click();
    await expect(page.getByRole("heading", { name: `${service.name}-2`, level: 1 })).toBeVisible();
    await hydrated(page);
    const gone = new URL(page.url()).pathname;
    await choose(page, `More actions for ${service.name}-2`, "Remove node");
    await expect(page.getByRole("dialog").getByText("The other nodes no longer let it in.")).toBeVisible();
    await pictures(page, "node-remove");
    await page.getByRole("button", { name: "Remove node" }).click();
    await expect(page).toHaveURL(new RegExp(`${service.path}$`));
    await hydrated(page);
    await expect(rowOf(nodes(page), `${service.name}-2`)).toHaveCount(0);
    await page.goto(gone);
    await expect(page.getByText("There is nothing here by that name.", { exact: false })).toBeVisible();
});

test("what is done to a service stands in the log and leads back to it", async ({ page, made }) => {
    const service = await made.service(own("ferry"));
    await made.filter(service, "203.0.113.0/24");
    await visit(page, `${PROJECT}/changes`);
    const log = page.getByRole("table", { name: "Changes" });
    await expect(rowOf(log, service.name).first()).toBeVisible();
    await rowOf(log, service.name).first().getByRole("link", { name: service.name, exact: true }).click();
    await expect(page.getByRole("heading", { name: service.name, level: 1 })).toBeVisible();
});

test("the pages of services are read out in order", async ({ browser, fresh, problems }) => {
    const console = await fresh();
    const context = await browser.newContext({ baseURL: console.url, javaScriptEnabled: isHydrated() });
    problems.watch(context, console.url);
    const page = await context.newPage();
    await signIn(page);
    const made = new Made(console, context.request);
    const vpc = await made.vpc("alpha", "10.20.0.0/20");
    const orders = await made.service("orders", { place: Made.in(vpc), plan: "business" });
    await made.listed(orders, 0, { private_address: "10.20.0.4", public_address: "203.0.113.4" });
    await made.send("services/access", { id: orders.id, "form[public][0]": "pg" });
    const main = page.getByRole("main");
    const dialog = page.getByRole("dialog");
    for (const [name, path, part] of [
        ["services", `${PROJECT}/services`, main],
        ["service-new", `${PROJECT}/services/new?tab=vpc`, dialog],
        ["service", orders.path, main],
        ["service-firewall", `${orders.path}/firewall?from=203.0.113.9&route=public&port=5432`, main],
        ["service-settings", `${orders.path}/settings`, main],
        ["service-access", `${orders.path}/settings/access`, dialog],
        ["service-ip-filter", `${orders.path}/settings/ip-filter`, dialog],
        ["service-delete", `${orders.path}/delete`, dialog],
        ["node", orders.nodes[1]!.path, main],
        ["node-remove", `${orders.nodes[1]!.path}/remove`, dialog],
    ] as const) {
        await visit(page, path);
        // Alive, whatever can be copied has a button beside it.
        if (!isHydrated()) await aria(part, name);
        await axe(page);
    }
    await context.close();
});
