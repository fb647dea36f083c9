// The main job of the product, in a browser, against the release binary, with real packets: checklist rows 68, 70, 73 to
// 80, 84 to 86, 88 and 89.

import { readFileSync } from "node:fs";
import { expect, hydrated, rowOf, shot, signIn, test, visit, type Page } from "../fixtures.ts";
import { Lab } from "../lab.ts";
import { ALPHA, BETA, onTheLab, type Site } from "./stage.ts";

onTheLab(180);

test("two VPCs are joined from the browser, packets keep their addresses, and deleting one side closes both", async ({ browser, fresh, problems }) => {
    const console = await fresh();
    const lab = await Lab.up(console);
    const context = await browser.newContext({ baseURL: console.url });
    problems.watch(context, console.url);
    try {
        const page = await context.newPage();
        await signIn(page);
        await page.waitForURL(/\/projects\//);
        const project = new URL(page.url()).pathname.split("/").slice(0, 3).join("/");
        await watchers(lab);

        for (const site of [ALPHA, BETA]) {
            await createVpc(page, project, site);
            await enrol(page, project, site, lab);
        }

        // A second tab looks on and is never reloaded.
        const onlooker = await context.newPage();
        await visit(onlooker, `${project}/gateways`);
        await onlooker.getByRole("link", { name: BETA.gateway }).click();
        await expect(onlooker.getByRole("heading", { name: BETA.gateway })).toBeVisible();

        await visit(page, `${project}/gateways`);
        await page.getByRole("link", { name: ALPHA.gateway }).click();
        await page.getByRole("link", { name: "Create VPC Peering" }).first().click();
        await expect(page.getByRole("group", { name: "Remote Gateway" })).toBeVisible();
        await page.getByRole("radio", { name: BETA.gateway }).check();
        await expect(page.getByText(`vpc-peering-${BETA.gateway}`)).toBeVisible();
        await shot(page, "create-vpc-peering", { fullPage: false });
        await page.getByRole("button", { name: "Create Peering" }).click();

        const peers = page.getByRole("table", { name: "Peers" });
        await expect(rowOf(peers, `vpc-peering-${BETA.gateway}`)).toContainText("Established", { timeout: 20_000 });
        await expect(rowOf(onlooker.getByRole("table", { name: "Peers" }), `vpc-peering-${ALPHA.gateway}`)).toContainText("Established", { timeout: 20_000 });

        await expect.poll(() => lab.pings("vm-alpha", BETA.vm), { timeout: 20_000 }).toBe(true);
        expect(await lab.pings("vm-beta", ALPHA.vm), "and back").toBe(true);
        expect(await lab.count("vm-beta", "from alpha"), "beta saw alpha's own address").toBeGreaterThan(0);
        expect(await lab.count("vm-beta", "from elsewhere"), "beta saw no other address").toBe(0);

        // A road warrior whose key was made in the browser.
        await visit(page, page.url());
        await page.getByRole("link", { name: "Add peer" }).first().click();
        await page.getByLabel("Name").fill("laptop-mira");
        await page.getByRole("button", { name: "Add peer" }).click();
        const saving = page.waitForEvent("download");
        await page.getByRole("button", { name: /^Download / }).click();
        const file = readFileSync(await (await saving).path(), "utf8");
        expect(file).toMatch(/^PrivateKey = [A-Za-z0-9+/]{43}=$/m);
        expect(file).toContain("AllowedIPs = 10.0.0.0/16, 10.200.1.0/24, 172.16.0.0/16");
        await page.getByRole("link", { name: "Done" }).click();
        await connect(lab, file);
        await expect.poll(() => lab.pings("laptop", ALPHA.vm), { timeout: 20_000 }).toBe(true);
        expect(await lab.pings("laptop", BETA.vm), "the road warrior reaches the peered VPC").toBe(true);
        expect(await lab.count("vm-beta", "from laptop"), "by its tunnel address").toBeGreaterThan(0);
        await expect(rowOf(peers, "laptop-mira")).toContainText("Connected", { timeout: 20_000 });
        await shot(page, "gateway-with-peers");
        await visit(onlooker, `${project}`);
        await shot(onlooker, "overview-with-packets");
        await visit(onlooker, `${project}/map`);
        await shot(onlooker, "map-with-packets");

        // Deleting on beta's side removes both, and a live flow ends.
        await lab.start("live", "vm-alpha", "ping", "-i", "0.1", "-W", "1", BETA.vm);
        await visit(onlooker, `${project}/gateways`);
        await onlooker.getByRole("link", { name: BETA.gateway }).click();
        await onlooker.getByRole("link", { name: `vpc-peering-${ALPHA.gateway}` }).click();
        await onlooker.getByRole("link", { name: "Delete" }).first().click();
        await expect(onlooker.getByText(`Traffic between ${ALPHA.vpc} and ${BETA.vpc} stops.`)).toBeVisible();
        await shot(onlooker, "delete-peering", { fullPage: false });
        await onlooker.getByRole("button", { name: "Delete VPC peering" }).click();
        await expect(rowOf(peers, `vpc-peering-${BETA.gateway}`)).toHaveCount(0, { timeout: 20_000 });

        await expect.poll(() => lab.pings("vm-alpha", BETA.vm), { timeout: 15_000 }).toBe(false);
        expect(await lab.pings("vm-beta", ALPHA.vm), "nor back").toBe(false);
        expect(await lab.pings("laptop", BETA.vm), "nor from the road warrior").toBe(false);
        expect(await lab.pings("laptop", ALPHA.vm), "who still reaches its own VPC").toBe(true);
        expect(await lab.count("inet", "private destination"), "nothing for a private address left for the internet").toBe(0);
        expect(await lab.count("inet", "private source"), "nor from one").toBe(0);
    } finally {
        await context.close();
        await lab.down();
    }
});

async function createVpc(page: Page, project: string, site: Site): Promise<void> {
    await visit(page, `${project}/vpcs/new`);
    await page.getByLabel("Name").fill(site.vpc);
    await page.getByLabel("IP range").fill(site.cidr);
    await page.getByRole("button", { name: "Create VPC" }).click();
    await expect(page.getByRole("heading", { name: site.vpc, level: 1 })).toBeVisible();
}

async function enrol(page: Page, project: string, site: Site, lab: Lab): Promise<void> {
    await visit(page, `${project}/gateways/new`);
    await page.getByLabel("Name").fill(site.gateway);
    await page.getByRole("radio", { name: site.vpc }).check();
    await page.getByLabel("Tunnel subnet").fill(site.tunnel);
    await page.getByLabel("Public address").fill(site.address);
    await page.getByRole("button", { name: "Create VPN gateway" }).click();
    await expect(page).toHaveURL(/\/enrol$/);
    await hydrated(page);
    await page.getByRole("button", { name: "Issue enrolment token" }).click();
    const commands = page.getByRole("group", { name: "the commands for systemd" });
    await expect(commands).toBeVisible();
    const token = (await commands.innerText()).match(/<<'TOKEN'\n(\S+)\nTOKEN/)?.[1];
    expect(token, "the enrolment text carries a token").toBeTruthy();
    await lab.agent(site.gateway, token);
    // The page changes by itself.
    await expect(page.getByText("The gateway can be peered.")).toBeVisible({ timeout: 30_000 });
}

/** Counters on vm-beta, told apart by who sent an echo request. */
async function watchers(lab: Lab): Promise<void> {
    const rules = `table inet watch {
    chain in {
        type filter hook input priority 0;
        ip saddr 172.16.0.100 icmp type echo-request counter comment "from alpha"
        ip saddr 10.200.1.0/24 icmp type echo-request counter comment "from laptop"
        ip saddr != { 172.16.0.100, 10.200.1.0/24 } icmp type echo-request counter comment "from elsewhere"
    }
}
`;
    await lab.feed("vm-beta", rules, "nft", "-f", "-");
}

/** Loads a downloaded file on the laptop, as wg-quick would. */
async function connect(lab: Lab, file: string): Promise<void> {
    const address = file.match(/^Address = (\S+)$/m)?.[1];
    const ranges = file.match(/^AllowedIPs = (.+)$/m)?.[1]?.split(", ") ?? [];
    const bare = file.split("\n").filter(line => !/^(Address|DNS|MTU) =/.test(line)).join("\n");
    await lab.start("tunnel-laptop", "laptop", "wireguard-go", "-f", "wg0");
    await lab.on("laptop", "sh", "-c", "until [ -S /run/wireguard/wg0.sock ]; do sleep 0.05; done");
    // Through a pipe: what Node gives as standard input is a socket, which cannot be opened by name.
    await lab.feed("laptop", bare, "sh", "-c", "cat | wg setconf wg0 /dev/stdin");
    await lab.on("laptop", "sh", "-c", [`ip addr add ${address} dev wg0`, "ip link set dev wg0 mtu 1420 up", ...ranges.map(range => `ip route add ${range} dev wg0`)].join(" && "));
}
