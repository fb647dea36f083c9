// What is measured and issued for services, as a person sees it: whom nodes refused, what passed their firewalls, and the
// certificates of the project's CA. Checklist rows 48, 49 and 64. A host of the test's own tells what a real one would.

import { execFileSync } from "node:child_process";
import { request } from "node:http";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { axe, expect, expectRowVisible, hydrated, isHydrated, rowOf, signIn, test, visit, type Console, type Page } from "../fixtures.ts";
import { download, eventually, pictures } from "../hands.ts";
import { key, Made, PROJECT, type Service } from "../made.ts";

test.describe.configure({ timeout: 90_000 });

const refused = (page: Page) => page.getByRole("table", { name: "Refused attempts" });
const traffic = (page: Page) => page.getByRole("table", { name: "Traffic" });
const certificates = (page: Page) => page.getByRole("table", { name: "Certificates" });
/** Names and ranges of this worker's and project's own: the stories of a worker share its console. */
const own = (name: string): string => `figures-${name}-${isHydrated() ? "h" : "n"}${test.info().parallelIndex}`;
const range = (second: number): string => `10.${second + (isHydrated() ? 0 : 1) + 2 * test.info().parallelIndex}.0.0/20`;
const inside = (cidr: string, last: number): string => cidr.replace(/0\/20$/, String(last));

/** The host of a node, as far as the console knows: it takes every document and tells what it is told to tell. */
class Host {
    private constructor(
        private readonly console: Console,
        private readonly credential: string,
    ) {}

    static async enrol(console: Console, token: string, addresses: string[]): Promise<Host> {
        const interfaces = addresses.map((address, at) => ({ name: `eth${at}`, addresses: [address] }));
        const facts = { agent_version: "0.1.0", host_name: "db1", wireguard: "recording", interfaces, wan: "eth0" };
        const body = { token, public_key: key(), facts };
        const { credential } = await call<{ credential: string }>(console, "POST", "enrol", body);
        return new Host(console, credential);
    }

    /** Waits until the console lets a rule count on it. */
    async knows(rule: string): Promise<void> {
        await expect
            .poll(async () => JSON.stringify(await call(this.console, "GET", "document?wait=0", undefined, this.credential)), { timeout: 15_000 })
            .toContain(`"${rule}"`);
    }

    /** Reports as a host that has applied what it was given. */
    async tell(counters: [rule: string, packets: number, bytes: number][], attempts: [from: string, port: number, packets: number][]): Promise<void> {
        const { full } = await call<{ full: { version: object } }>(this.console, "GET", "document?wait=0", undefined, this.credential);
        const { version } = full;
        const node = {
            counters: counters.map(([rule, packets, bytes]) => ({ rule, packets, bytes })),
            refused: attempts.map(([from, port, packets]) => ({ from, port, packets })),
        };
        const report = { applied: version, verified: version, error: null, drift: [], peers: [], node, facts: null, cleaned: false };
        await call(this.console, "POST", "report", report, this.credential);
    }
}

/** Speaks to the agents' socket. */
async function call<T>(console: Console, method: string, path: string, body?: object, credential?: string): Promise<T> {
    const headers = { "content-type": "application/json", ...(credential ? { authorization: `Bearer ${credential}` } : {}) };
    const socketPath = join(console.data, "agent.sock");
    return new Promise((done, fail) => {
        const sent = request({ socketPath, path: `/agent/v1/${path}`, method, headers }, answer => {
            let text = "";
            answer.on("data", chunk => (text += chunk));
            answer.on("end", () => {
                const good = (answer.statusCode ?? 500) < 300;
                if (good) done(JSON.parse(text) as T);
                else fail(new Error(`${method} ${path} was answered with ${answer.statusCode}: ${text}`));
            });
        });
        sent.on("error", fail);
        sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

async function host(console: Console, made: Made, service: Service, addresses: string[]): Promise<Host> {
    const { token } = await made.send<{ token: string }>("services/nodes/enrolment", { id: service.id, node: service.nodes[0]!.id });
    return Host.enrol(console, token, addresses);
}

test("row 64: whom a node refused is told by name with the reason, the latest first", async ({ page, made, console }) => {
    const [cidr, other] = [range(204), range(214)];
    const [vpc] = [await made.vpc(own("pier"), cidr), await made.vpc(own("mole"), other)];
    const service = await made.service(own("tally"), { place: Made.in(vpc!) });
    await visit(page, service.path);
    await expect(page.getByText("No agent guards a node yet, so nobody is refused and nobody counts.")).toBeVisible();
    await visit(page, service.nodes[0]!.path);
    await expect(page.getByText("No agent guards a node yet, so nobody is refused and nobody counts.")).toBeVisible();

    const one = await host(console, made, service, ["198.51.100.20", inside(cidr, 4)]);
    await one.tell([["dropped", 3, 180]], [["198.51.100.7", 5432, 3]]);
    await visit(page, service.path);
    await eventually(page, async patience => {
        await expect(rowOf(refused(page), "198.51.100.7")).toHaveCount(1, patience);
    });
    await one.tell([["dropped", 5, 300]], [["198.51.100.7", 5432, 3], [inside(other, 9), 5432, 2]]);
    await eventually(page, async patience => {
        await expect(refused(page).getByRole("row").nth(1)).toContainText(inside(other, 9), patience);
    });
    await expectRowVisible(refused(page), {
        From: new RegExp(`^${inside(other, 9)}`), Whose: `VPC ${own("mole")}`, Port: "5432 pg", Node: `${service.name}-1`,
        Why: "Default deny: no rule lets it in", Packets: "2",
    });
    await expectRowVisible(refused(page), { From: /^198\.51\.100\.7/, Whose: "the internet", Packets: "3" });
    await axe(page);
    await pictures(page, "service-refused");

    await page.getByRole("link", { name: "All that are kept" }).click();
    await hydrated(page);
    const filter = page.getByLabel("Filter refused attempts");
    await filter.fill(other);
    if (!isHydrated()) await filter.press("Enter");
    await expect(rowOf(refused(page), "198.51.100.7")).toHaveCount(0);
    await expect(rowOf(refused(page), inside(other, 9))).toHaveCount(1);
    await page.getByLabel("Filter refused attempts").fill("nobody");
    if (!isHydrated()) await page.getByLabel("Filter refused attempts").press("Enter");
    await expect(page.getByText("No refused attempt is about “nobody”.")).toBeVisible();

    await visit(page, service.nodes[0]!.path);
    await expectRowVisible(refused(page), { From: /^198\.51\.100\.7/, Whose: "the internet" });
    await axe(page);
    await pictures(page, "node-refused");
});

test("row 64: what passed is drawn per rule, and does not double when a host counts anew", async ({ page, made, console }) => {
    const cidr = range(224);
    const vpc = await made.vpc(own("lock"), cidr);
    const service = await made.service(own("gauge"), { place: Made.in(vpc) });
    const one = await host(console, made, service, ["198.51.100.21", inside(cidr, 4)]);
    await one.tell([["dropped", 0, 0]], []);
    // Its own address is in the rule once the console knows it.
    await one.knows("members");
    await one.tell([["members", 1200, 64_000], ["dropped", 40, 2400]], []);
    await one.tell([["members", 34, 1000], ["dropped", 2, 120]], []);
    await visit(page, `${service.path}/firewall`);
    await eventually(page, async patience => {
        await expect(rowOf(traffic(page), "Default deny")).toContainText("42", patience);
    });
    await expectRowVisible(traffic(page), { Rule: "1", Reason: "Other nodes of this service", Packets: "1,234", Amount: "65 kB", Most: "1,234 in 15 min" });
    await expectRowVisible(traffic(page), { Reason: "Default deny", Packets: "42" });
    await expect(page.getByRole("img", { name: "Other nodes of this service, 1,234 packets in 24 hours" })).toBeVisible();
    await axe(page);
    await pictures(page, "service-traffic");
    await page.getByRole("link", { name: "30 days" }).click();
    await hydrated(page);
    await expect(page.getByRole("img", { name: "Other nodes of this service, 1,234 packets in 30 days" })).toBeVisible();
    await expectRowVisible(traffic(page), { Reason: "Default deny", Most: "42 in 6 h" });
    await visit(page, service.path);
    await expect(page.getByRole("table", { name: "Nodes" }).locator(".spark path")).toHaveCount(2);
});

test("rows 48 and 49: a certificate is issued for the service's names, kept, downloaded, and chains to the project's CA", async ({ page, made, problems }) => {
    problems.allow(/status of 4\d\d/);
    const service = await made.service(own("seal"));
    const folder = mkdtempSync(join(tmpdir(), "causeway-request-"));
    const openssl = (...args: string[]): string => execFileSync("openssl", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    await visit(page, service.path);
    await expect(page.getByText("No public CA validates certificates signed by it", { exact: false })).toBeVisible();
    await page.getByRole("link", { name: "Issue certificate" }).click();
    await hydrated(page);
    const dialog = page.getByRole("dialog");
    const commands = (await dialog.getByRole("group", { name: "the commands" }).textContent()) ?? "";
    const host = `${service.name}-default.causeway.internal`;
    for (const name of [host, `private-${host}`, `public-${host}`]) expect(commands).toContain(`DNS:${name}`);
    await axe(page);
    await pictures(page, "certificate-new");

    // What the page says is what is run.
    const request = execFileSync("sh", ["-c", commands], { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    openssl("req", "-new", "-key", `${service.name}.key`, "-subj", "/", "-addext", "subjectAltName=DNS:bank.example.com", "-out", "foreign.csr");
    const paste = async (text: string): Promise<void> => {
        await dialog.getByLabel("Signing request").fill(text);
        await dialog.getByRole("button", { name: "Issue certificate" }).click();
    };
    await paste("hello");
    await expect(dialog.getByText("Paste one certificate signing request in PEM.", { exact: false })).toBeVisible();
    await hydrated(page);
    await paste(readFileSync(join(folder, "foreign.csr"), "utf8"));
    await expect(dialog.getByText(`bank.example.com is not a host name of ${service.name}.`, { exact: false })).toBeVisible();
    await pictures(page, "certificate-refused");
    await hydrated(page);
    await paste(request);
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await hydrated(page);
    await expectRowVisible(certificates(page), { Names: new RegExp(host), State: "Valid", "Valid until": /UTC$/ });
    await axe(page);
    await pictures(page, "service-certificates");

    const saved = await download(page, certificates(page).getByRole("link", { name: /^Download certificate/ }));
    expect(saved.name).toBe(`${service.name}.pem`);
    const authority = await download(page, page.getByRole("link", { name: "CA certificate" }));
    writeFileSync(join(folder, "chain.pem"), saved.text);
    writeFileSync(join(folder, "ca.pem"), authority.text);
    expect(openssl("verify", "-CAfile", "ca.pem", "-verify_hostname", `public-${host}`, "chain.pem")).toContain("chain.pem: OK");
    rmSync(folder, { recursive: true, force: true });

    await visit(page, `${PROJECT}/changes`);
    await expect(rowOf(page.getByRole("table", { name: "Changes" }), service.name).first()).toBeVisible();
});

test("services are counted, need somebody, and are found", async ({ browser, fresh, problems }) => {
    const console = await fresh();
    const context = await browser.newContext({ baseURL: console.url, javaScriptEnabled: isHydrated() });
    problems.watch(context, console.url);
    const page = await context.newPage();
    await signIn(page);
    const made = new Made(console, context.request);
    const vpc = await made.vpc("alpha", "10.20.0.0/20");
    const orders = await made.service("orders", { place: Made.in(vpc), plan: "business" });
    await made.listed(orders, 0, { private_address: "10.20.0.4", public_address: "203.0.113.4" });
    await visit(page, PROJECT);
    const needs = page.getByRole("region", { name: "Needs you" });
    await expect(needs.getByText("orders is not enforced on 1 node.")).toBeVisible();
    await expect(needs.getByText("orders-2 waits for its host.")).toBeVisible();
    await expect(page.getByRole("navigation", { name: "Project" }).getByRole("link", { name: /^Services/ })).toContainText("1");
    await axe(page);
    await pictures(page, "overview-services");
    await visit(page, `${PROJECT}/find?q=10.20.0.4`);
    await expect(page.getByRole("link", { name: "orders-1" })).toHaveAttribute("href", orders.nodes[0]!.path);
    await visit(page, `${PROJECT}/find?q=orders`);
    await expect(page.getByRole("link", { name: "orders", exact: true })).toHaveAttribute("href", orders.path);
    await pictures(page, "find-services");
    await context.close();
});
