// A service's firewall in a browser, against the release binary, with real packets: in public, moved into a VPC, reached
// from a peered instance, refused from elsewhere, opened for one address and closed again. Checklist rows 30, 36 to 38 and 60.

import { expect, hydrated, rowOf, signIn, test, visit, type Page } from "../fixtures.ts";
import { choose } from "../hands.ts";
import { Lab } from "../lab.ts";
import { Made, PROJECT } from "../made.ts";
import { ALPHA, BETA, onTheLab, site, until } from "./stage.ts";

onTheLab(240);

/** The node's address on the internet, beside its own in the VPC. */
const PUBLIC = "203.0.113.77";
/** The internet's host has two addresses, so that a filter can tell them apart. */
const [OFFICE, STRANGER] = ["203.0.113.1", "198.51.100.1"];
const LAPTOP = "198.51.100.10";
const PORT = 5432;

const nodes = (page: Page) => page.getByRole("table", { name: "Nodes" });

test("a service moves from public into a VPC, and packets agree with its page at every step", async ({ browser, fresh, problems }) => {
    const console = await fresh();
    const lab = await Lab.up(console);
    const context = await browser.newContext({ baseURL: console.url });
    problems.watch(context, console.url);
    try {
        const page = await context.newPage();
        await signIn(page);
        const made = new Made(console, context.request);
        await routes(lab);
        await site(made, lab, ALPHA, true);
        const beta = await site(made, lab, BETA);
        await visit(page, `${PROJECT}/gateways`);
        const alpha = await page.getByRole("link", { name: ALPHA.gateway }).getAttribute("href");
        await made.send("peerings/create", { gateway: alpha!.split("/").at(-1)!, remote: beta.id });
        await until("the peering carries packets", () => lab.pings("vm-alpha", BETA.vm));

        // In public, on the laptop, which is a host of the internet: open to every address until a list says otherwise.
        await create(page, "orders", "local-default");
        await serve(lab, "laptop");
        await choose(page, "Actions for orders-1", "Enrol host");
        await enrol(page, lab, "laptop");
        expect(await reaches(lab, "inet", STRANGER, LAPTOP), "anybody reaches it in public").toBe(true);
        await page.getByRole("link", { name: "Open the service" }).click();
        await hydrated(page);
        const path = new URL(page.url()).pathname;
        await filter(page, path, `${OFFICE} office`);
        await said(page, path, OFFICE, "public", /^Let in: /);
        await eventually("the office reaches it", () => reaches(lab, "inet", OFFICE, LAPTOP), true);
        await said(page, path, STRANGER, "public", /^Refused: /);
        await eventually("a stranger is refused", () => reaches(lab, "inet", STRANGER, LAPTOP), false);

        // Into the VPC: a replacement host first, then the names, then the old host goes.
        await visit(page, `${path}/settings/migrate`);
        await page.getByRole("radio", { name: new RegExp(BETA.vpc) }).check();
        await page.getByRole("button", { name: "Migrate", exact: true }).last().click();
        await expect(page.getByRole("heading", { name: "Migration of orders", level: 1 })).toBeVisible();
        await hydrated(page);
        await expect(page.getByText("0 of 1 ready.")).toBeVisible();
        const hosts = page.getByRole("table", { name: "Hosts" });
        await serve(lab, "vm-beta");
        await rowOf(hosts, "Takes over from orders-1").getByRole("link").click();
        await hydrated(page);
        await enrol(page, lab, "vm-beta");
        await visit(page, `${path}/migration`);
        await expect(page.getByText("Every replacement host is ready.").first()).toBeVisible();
        await eventually("the old host still serves", () => reaches(lab, "inet", OFFICE, LAPTOP), true);
        await expect(rowOf(page.getByRole("table", { name: "Names" }), "orders-default")).toContainText(BETA.vm);
        await page.getByRole("link", { name: "Switch names" }).click();
        await hydrated(page);
        await page.getByRole("dialog").getByRole("button", { name: "Switch names" }).click();
        await expect(page.getByText("Names lead to the new hosts.", { exact: false }).first()).toBeVisible();
        await hydrated(page);
        await page.getByRole("link", { name: "Let them go now" }).click();
        await hydrated(page);
        await page.getByRole("dialog").getByRole("button", { name: "Let them go" }).click();
        await expect(page.getByText("No migration is under way.").first()).toBeVisible({ timeout: 30_000 });
        await visit(page, path);
        await expect(page.getByRole("heading", { level: 1 }).getByText("Project VPC")).toBeVisible();
        await expect(nodes(page).getByRole("row")).toHaveCount(2);

        // Peered instances reach it, whoever else has a way to it does not.
        await said(page, path, ALPHA.vm, "dynamic", /^Let in: /);
        await eventually("a peered instance reaches it", () => reaches(lab, "vm-alpha", ALPHA.vm, BETA.vm), true);
        await said(page, path, OFFICE, "dynamic", /^Refused: /);
        expect(await reaches(lab, "inet", OFFICE, BETA.vm), "not by its private address").toBe(false);
        expect(await reaches(lab, "inet", OFFICE, PUBLIC), "nor by its public one").toBe(false);

        // Public access, for the one address that the filter still has; then closed again.
        await access(page, path, true);
        await said(page, path, OFFICE, "public", /^Let in: /);
        await eventually("the office reaches it", () => reaches(lab, "inet", OFFICE, PUBLIC), true);
        await said(page, path, STRANGER, "public", /^Refused: /);
        expect(await reaches(lab, "inet", STRANGER, PUBLIC), "a stranger is refused").toBe(false);
        await access(page, path, false);
        await said(page, path, OFFICE, "public", /^Refused: /);
        await eventually("the office is refused", () => reaches(lab, "inet", OFFICE, PUBLIC), false);
        expect(await reaches(lab, "vm-alpha", ALPHA.vm, BETA.vm), "the peered instance never noticed").toBe(true);
    } finally {
        await context.close();
        await lab.down();
    }
});

/** The way to the node's public address, and to private ones for whoever tries: what refuses is the node, not a missing route. */
async function routes(lab: Lab): Promise<void> {
    await lab.on("vm-beta", "ip", "addr", "add", `${PUBLIC}/32`, "dev", "eth0");
    await lab.on("router-beta", "ip", "route", "add", `${PUBLIC}/32`, "via", BETA.vm);
    await lab.on("inet", "ip", "route", "add", `${PUBLIC}/32`, "via", BETA.address);
    await lab.on("inet", "ip", "route", "add", BETA.cidr, "via", BETA.address);
}

/** Makes a PostgreSQL service with one node in a place. */
async function create(page: Page, name: string, region: string): Promise<void> {
    await visit(page, `${PROJECT}/services/new`);
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Region", { exact: true }).selectOption({ value: region });
    await page.getByRole("button", { name: "Create service" }).last().click();
    await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
    await hydrated(page);
}

/** Saves who gets in, and sees the list on the node. */
async function filter(page: Page, path: string, list: string): Promise<void> {
    await visit(page, `${path}/settings/ip-filter`);
    await page.getByLabel("Allowed addresses").fill(list);
    await page.getByRole("button", { name: "Save filters" }).click();
    await expect(page).toHaveURL(new RegExp(`${path}$`));
    await expect(nodes(page)).toContainText("In sync");
}

/** Opens or closes the service to the public, and sees it on the node. */
async function access(page: Page, path: string, open: boolean): Promise<void> {
    await visit(page, `${path}/settings/access`);
    await page.getByLabel("Public access to pg", { exact: true }).setChecked(open);
    await page.getByRole("button", { name: "Save access" }).click();
    await expect(page).toHaveURL(new RegExp(`${path}$`));
    await expect(nodes(page)).toContainText("In sync");
}

/** What the page says of one connection. */
async function said(page: Page, path: string, from: string, route: string, verdict: RegExp): Promise<void> {
    await visit(page, `${path}/firewall`);
    await page.getByLabel("From", { exact: true }).fill(from);
    await page.getByLabel("Route", { exact: true }).selectOption(route);
    await expect(page.getByText(verdict)).toBeVisible();
}

/** What packets show once the host has what the page says. */
async function eventually(what: string, holds: () => Promise<boolean>, wanted: boolean): Promise<void> {
    await expect.poll(holds, { message: what, timeout: 10_000 }).toBe(wanted);
}

/** Something listens on every address of a host. */
async function serve(lab: Lab, host: string): Promise<void> {
    await lab.start(`server-${host}`, host, "python3", "-m", "http.server", String(PORT), "--bind", "0.0.0.0", "--directory", "/proc/self/fd");
}

/** Whether a connection from one of a host's addresses is accepted. */
async function reaches(lab: Lab, host: string, from: string, to: string): Promise<boolean> {
    const script = `import socket; socket.create_connection(("${to}", ${PORT}), timeout=1.5, source_address=("${from}", 0)).close()`;
    return lab.on(host, "python3", "-c", script).then(
        () => true,
        () => false,
    );
}

/** Issues a token on the node's page and starts its agent; the page changes by itself. */
async function enrol(page: Page, lab: Lab, host: string): Promise<void> {
    await hydrated(page);
    await page.getByRole("button", { name: "Issue enrolment token" }).click();
    const commands = page.getByRole("group", { name: "the commands for systemd" });
    await expect(commands).toBeVisible();
    const token = (await commands.innerText()).match(/<<'TOKEN'\n(\S+)\nTOKEN/)?.[1];
    expect(token, "the enrolment text carries a token").toBeTruthy();
    await lab.agent(host, token);
    await expect(page.getByText("Its firewall is on the host", { exact: false })).toBeVisible({ timeout: 30_000 });
}
