// Peers that a person adds: devices and sites. Checklist rows 84, 85, 88.

import { axe, expect, expectRowVisible, hydrated, isHydrated, rowOf, test, visit, type Page } from "../fixtures.ts";
import { choose, download, eventually } from "../hands.ts";
import { key, type Gateway, type Made } from "../made.ts";

const peers = (page: Page) => page.getByRole("table", { name: "Peers" });

/** An enrolled gateway of this test's own, numbered so that ranges do not meet. */
const harbor = async (made: Made, name: string, number: number): Promise<Gateway> =>
    made.enrol(await made.gateway(name, { cidr: `10.${number}.0.0/20` }, `10.203.${number}.0/24`), `203.0.113.${number}`, `10.${number}.0.4`);

/** The form for a road warrior, with the field for a public key. */
async function openForm(page: Page, gateway: Gateway): Promise<void> {
    await visit(page, `${gateway.path}/peers/new`);
    // The radio itself is drawn by its label.
    if (isHydrated()) await page.getByText("Paste a public key", { exact: true }).click();
}

test("a road warrior is made by pasting a public key, and its file lacks only the private one", async ({ page, made }) => {
    const gateway = await harbor(made, "malmo", 61);
    const remote = await harbor(made, "lund", 62);
    await made.peering(gateway, remote);
    const pasted = key();
    await openForm(page, gateway);
    await page.getByLabel("Name").fill("laptop-mira");
    await page.getByLabel("Public key", { exact: true }).fill(pasted);
    await page.getByRole("button", { name: "Add peer" }).click();
    await expect(page.getByRole("heading", { name: "laptop-mira", level: 1 })).toBeVisible();
    await hydrated(page);
    await expect(page.getByText("malmo, lund, 10.203.61.0/24")).toBeVisible();
    await expect(page.getByText("not downloaded yet")).toBeVisible();

    const { name, text } = await download(page, page.getByRole("link", { name: "Download configuration" }));
    expect(name).toBe("gw-m-laptop-mir.conf");
    for (const line of [
        "# PrivateKey = the key that was made when this peer was added; Causeway never had it",
        "Address = 10.203.61.3/32",
        "MTU = 1420",
        "AllowedIPs = 10.61.0.0/20, 10.62.0.0/20, 10.203.61.0/24",
        "Endpoint = 203.0.113.61:51820",
    ]) {
        expect(text.split("\n")).toContain(line);
    }
    expect(text).not.toContain(pasted);
    await eventually(page, patience => expect(page.getByText("up to date")).toBeVisible(patience));
});

test("a bad name or key is refused at its field, and nothing that was typed is lost", async ({ page, made, problems }) => {
    problems.allow(/status of (400|409)/);
    const gateway = await harbor(made, "ystad", 63);
    const taken = key();
    await made.roadWarrior(gateway, "phone-noor", taken);
    const own = (await made.send<{ public_key: string }>("gateways/get", { id: gateway.id })).public_key;
    for (const [name, pasted, ...sentences] of [
        ["vpc-peering-lund", "abc", "Names that start with vpc-peering- are reserved.", "Enter a WireGuard public key."],
        ["phone-noor", taken, "A peer named phone-noor already exists on gateway gw-ystad.", "Another peer uses this key."],
        ["phone-ella", own, "This is the key of the gateway itself."],
    ] as const) {
        await openForm(page, gateway);
        await page.getByLabel("Name").fill(name);
        await page.getByLabel("Public key", { exact: true }).fill(pasted);
        await page.getByRole("button", { name: "Add peer" }).click();
        for (const sentence of sentences) await expect(page.getByText(sentence, { exact: true })).toBeVisible();
        await expect(page.getByLabel("Name")).toHaveValue(name);
        await expect(page.getByLabel("Public key", { exact: true })).toHaveValue(pasted);
    }
});

test("a site is added with what lies behind it, and its router's part is shown and downloaded", async ({ page, made, problems }) => {
    problems.allow(/status of (400|409)/);
    const gateway = await harbor(made, "visby", 64);
    await made.site(gateway, "site-ronne", "192.168.60.0/24");
    await visit(page, gateway.path);
    await choose(page, "More actions for gw-visby", "Add site");
    const pasted = key();
    const fill = async (networks: string): Promise<void> => {
        await page.getByLabel("Name").fill("site-altona");
        await page.getByLabel("Public key of the router").fill(pasted);
        await page.getByLabel("Networks behind the site").fill(networks);
        await page.getByLabel("Endpoint of the router").fill("198.51.100.7:51820");
        await page.getByRole("button", { name: "Add site" }).click();
    };
    for (const [networks, sentence] of [
        ["10.64.8.0/24", "10.64.8.0/24 overlaps with VPC visby (10.64.0.0/20)."],
        ["10.203.64.0/26", "10.203.64.0/26 overlaps with the tunnel subnet 10.203.64.0/24."],
        ["192.168.60.128/25", "192.168.60.128/25 overlaps with peer site-ronne (192.168.60.0/24)."],
    ] as const) {
        await fill(networks);
        await expect(page.getByText(sentence, { exact: true })).toBeVisible();
        await hydrated(page);
        await expect(page.getByLabel("Networks behind the site")).toHaveValue(networks);
        await expect(page.getByLabel("Endpoint of the router")).toHaveValue("198.51.100.7:51820");
    }
    await fill("192.168.88.0/24, 192.168.90.0/23");
    await expect(page.getByRole("heading", { name: "site-altona", level: 1 })).toBeVisible();
    await hydrated(page);
    const { name, text } = await download(page, page.getByRole("link", { name: "Download export" }));
    expect(name).toBe("gw-v-site-alton.conf");
    for (const line of ["AllowedIPs = 10.64.0.0/20, 10.203.64.0/24", "Endpoint = 203.0.113.64:51820", "ip route replace 10.64.0.0/20 dev wg0"]) {
        expect(text.split("\n")).toContain(line);
    }
    await page.getByRole("button", { name: "Show the configuration" }).click();
    await expect(page.getByRole("group", { name: "the configuration for the router" })).toContainText("PresharedKey = ");
    await axe(page);
});

test("more peers than a page has room for are looked through page by page, and found by a filter that has an address", async ({ page, made }) => {
    // A hundred rows are read out by axe, and made first.
    test.slow();
    const gateway = await harbor(made, "skagen", 69);
    for (let number = 1; number <= 103; number += 1) await made.roadWarrior(gateway, `laptop-${String(number).padStart(3, "0")}`);
    await visit(page, gateway.path);
    await expect(page.getByText("0 of 103 connected.", { exact: false })).toBeVisible();
    await expect(page.getByText("1 to 100 of 103")).toBeVisible();
    await expect(peers(page).locator("tbody tr")).toHaveCount(100);
    await page.getByRole("link", { name: "More peers" }).click();
    await expect(page.getByText("101 to 103 of 103")).toBeVisible();
    await expect(peers(page).locator("tbody tr")).toHaveCount(3);
    await expectRowVisible(peers(page), { Name: "laptop-103" });
    await hydrated(page);

    await page.getByLabel("Filter peers").fill("laptop-042");
    if (!isHydrated()) await page.getByRole("button", { name: "Filter" }).click();
    await expect(page).toHaveURL(new RegExp(`${gateway.path}\\?q=laptop-042$`));
    await expect(peers(page).locator("tbody tr")).toHaveCount(1);
    await expectRowVisible(peers(page), { Name: "laptop-042" });
    await visit(page, `${gateway.path}?q=nobody`);
    await expect(page.getByLabel("Filter peers")).toHaveValue("nobody");
    await expect(page.getByText("No peer has “nobody” in its name, key or addresses.")).toBeVisible();
    await axe(page);
});

test("a peer is switched off and on again", async ({ page, made }) => {
    const gateway = await harbor(made, "kalmar", 65);
    const peer = await made.roadWarrior(gateway, "laptop-kaya");
    await visit(page, peer.path);
    await page.getByRole("button", { name: "Disable" }).click();
    await expect(page).toHaveURL(new RegExp(`${gateway.path}$`));
    await expectRowVisible(peers(page), { Name: "laptop-kaya", State: "Disabled" });
    await hydrated(page);

    // And from the row.
    await page.getByLabel("Actions for laptop-kaya").click();
    await page.getByRole("button", { name: "Enable" }).click();
    await expectRowVisible(peers(page), { Name: "laptop-kaya", State: "Recorded, no packets" });
});

test("deleting a device or a site says what follows, and takes it from the list", async ({ page, made }) => {
    const gateway = await harbor(made, "gavle", 66);
    const device = await made.roadWarrior(gateway, "laptop-tobias");
    await made.site(gateway, "site-tynset", "192.168.66.0/24");
    await visit(page, device.path);
    await page.getByRole("link", { name: "Delete peer" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByText("Delete the peer laptop-tobias on gw-gavle?")).toBeVisible();
    await expect(dialog.getByText("laptop-tobias is cut off at once, also in the middle of a session.")).toBeVisible();
    await expect(dialog.getByText("Its address 10.203.66.2 becomes free.", { exact: false })).toBeVisible();
    await dialog.getByRole("button", { name: "Delete peer" }).click();
    await expect(page).toHaveURL(new RegExp(`${gateway.path}$`));
    await hydrated(page);
    await expect(rowOf(peers(page), "laptop-tobias")).toHaveCount(0);

    await choose(page, "Actions for site-tynset", "Delete");
    await expect(dialog.getByText("Delete the site site-tynset on gw-gavle?")).toBeVisible();
    await expect(dialog.getByText("Traffic to and from 192.168.66.0/24 stops, also that under way.")).toBeVisible();
    await dialog.getByRole("button", { name: "Delete peer" }).click();
    await expect(page.getByText("No peer yet.")).toBeVisible();
});

test("a file from before a peering says in the list what it lacks", async ({ page, made }) => {
    const [here, there] = [await harbor(made, "falun", 67), await harbor(made, "mora", 68)];
    const peer = await made.roadWarrior(here, "phone-ella");
    await visit(page, peer.path);
    await download(page, page.getByRole("link", { name: "Download configuration" }));
    await made.peering(here, there);
    await visit(page, here.path);
    await expect(rowOf(peers(page), "phone-ella")).toContainText("Download the configuration again to reach mora");
});
