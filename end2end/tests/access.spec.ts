import { axe, expect, expectRowVisible, hydrated, isHydrated, test, visit, type Page } from "../fixtures.ts";

const PROJECT = "/projects/default";
const OVERVIEW = `${PROJECT}/networking`;

const calculator = (page: Page) => page.getByRole("region", { name: "How many static IPs?" });

test("row 47: the networking overview compares the four access types, and what joins networks", async ({ page }) => {
    await visit(page, PROJECT);
    await page.getByRole("link", { name: "Networking overview" }).click();
    await expect(page).toHaveURL(/\/networking$/);
    await expect(page.getByRole("heading", { name: "Networking overview", level: 1 })).toBeVisible();
    const table = page.getByRole("table", { name: "Access types" });
    const wires = { "Public access": "the internet", "VPC peering": "the cloud's own", PrivateLink: "the cloud's own", "Static IPs": "the internet" };
    for (const [type, way] of Object.entries(wires)) await expectRowVisible(table, { "Access type": type, "Packets travel on": way });
    await expectRowVisible(table, { "Access type": "PrivateLink", "Their ranges": "may overlap", Where: "AWS, Google Cloud, Azure" });
    await expectRowVisible(table, { "Access type": "Transit Gateway", Where: "AWS" });
    for (const type of [...Object.keys(wires), "Transit Gateway", "VPN gateways"]) {
        const card = page.getByRole("region", { name: type, exact: true });
        await expect(card.getByRole("img")).toBeVisible();
        await expect(card.getByText("Take it when")).toBeVisible();
    }
    await page.getByRole("region", { name: "VPN gateways", exact: true }).getByRole("link", { name: "Open VPN Gateways" }).click();
    await expect(page).toHaveURL(/\/gateways$/);
});

test("the questions lead to one access type, by links that can be sent to a colleague", async ({ page }) => {
    await visit(page, OVERVIEW);
    const choose = page.getByRole("region", { name: "Which one do I need?" });
    await choose.getByRole("link", { name: "In a network of mine, in the VPC's cloud" }).click();
    await expect(page).toHaveURL(/\?for=cloud#h-choose$/);
    await choose.getByRole("link", { name: "No: ranges overlap, or only one service shall be reached" }).click();
    await expect(page).toHaveURL(/\?for=cloud\.apart#h-choose$/);
    await expect(choose.getByRole("link", { name: "Read about PrivateLink" })).toHaveAttribute("href", /#privatelink$/);
    // Another answer: the ones after it are asked again.
    await choose.getByRole("link", { name: "On the internet" }).click();
    await expect(choose.getByText("Do their firewalls list the addresses that they may connect to?")).toBeVisible();
    await expect(choose.getByRole("link", { name: "Read about PrivateLink" })).toHaveCount(0);
    await choose.getByRole("link", { name: "Yes", exact: true }).click();
    await expect(choose.getByRole("link", { name: "Read about Static IPs" })).toBeVisible();

    await visit(page, `${OVERVIEW}?for=cloud.clear.hub`);
    await expect(choose.getByRole("link", { name: "Read about Transit Gateway" })).toBeVisible();
    await visit(page, `${OVERVIEW}?for=nonsense`);
    await expect(choose.getByText("Where are the clients?")).toBeVisible();
});

test("the questions are answered by the keyboard, which keeps its place", async ({ page }) => {
    await visit(page, OVERVIEW);
    const answer = page.getByRole("link", { name: "In offices, on laptops, in other clouds" });
    await answer.focus();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("link", { name: "Read about VPN gateways" })).toBeVisible();
    await expect(answer).toHaveAttribute("aria-current", "true");
    if (isHydrated()) await expect(answer).toBeFocused();
});

test("row 55: the calculator says how many static IPs a service needs: 3 and 6, 6 and 12, 9 and 15", async ({ page }) => {
    await visit(page, OVERVIEW);
    for (const [nodes, needed] of [[3, 6], [6, 12], [9, 15]]) {
        await calculator(page).getByLabel("Nodes of the service").fill(String(nodes));
        await calculator(page).getByRole("button", { name: "Calculate" }).click();
        await expect(page).toHaveURL(new RegExp(`\\?nodes=${nodes}#h-calculator$`));
        await hydrated(page);
        await expect(calculator(page).getByText(`${nodes} nodes need ${needed} static IP addresses`)).toBeVisible();
    }
    await visit(page, `${OVERVIEW}?nodes=0`);
    await expect(calculator(page).getByText("Enter a number of nodes between 1 and 1000.")).toBeVisible();
    await expect(calculator(page).getByLabel("Nodes of the service")).toHaveAttribute("aria-invalid", "true");
});

test("row 61: what each cloud does against floods is named", async ({ page }) => {
    await visit(page, OVERVIEW);
    const table = page.getByRole("table", { name: "DDoS protection" });
    await expectRowVisible(table, { Provider: "AWS", Product: "AWS Shield" });
    await expectRowVisible(table, { Provider: "Google Cloud", Product: "Cloud Armor" });
    await expectRowVisible(table, { Provider: "Azure", Product: "Azure DDoS Protection" });
    await expectRowVisible(table, { Provider: "UpCloud", Product: "none that we know of" });
});

test("row 62: what encrypts each way is told, with its versions and ciphers", async ({ page }) => {
    await visit(page, OVERVIEW);
    const table = page.getByRole("table", { name: "Encryption" });
    const console = { "On the way": "This console: people and agents", "Encrypted by": "TLS 1.3 or TLS 1.2, with AES-256-GCM or ChaCha20-Poly1305" };
    await expectRowVisible(table, { ...console, "If a key is stolen later": /Perfect forward secrecy/ });
    await expectRowVisible(table, { "On the way": "Tunnels of VPN gateways", "Encrypted by": /^WireGuard: ChaCha20-Poly1305/ });
});

test("row 63: best practices begin with the plan, which flags an overlap before anything is built", async ({ page }) => {
    const name = `later-${isHydrated() ? "h" : "n"}${test.info().parallelIndex}`;
    const range = `10.${(isHydrated() ? 220 : 230) + test.info().parallelIndex}.0.0/20`;
    for (const each of [`${name}-a`, `${name}-b`]) {
        await visit(page, `${PROJECT}/planner`);
        const form = page.getByRole("region", { name: "Add a network you own or plan" });
        await form.getByLabel("Name").fill(each);
        await form.getByLabel("IP range").fill(range);
        await form.getByRole("button", { name: "Add network" }).click();
        await expect(page).toHaveURL(/#h-ranges$/);
    }
    await visit(page, OVERVIEW);
    const practices = page.getByRole("region", { name: "Best practices" });
    await expect(practices.getByText(/(One pair overlaps|pairs overlap)/)).toBeVisible();
    await practices.getByRole("link", { name: "Open the CIDR planner" }).click();
    const ranges = page.getByRole("table", { name: "Ranges", exact: true });
    await expectRowVisible(ranges, { Name: `${name}-a`, Overlap: new RegExp(`${name}-b`) });
});

test("row 48: the project's CA is downloaded from the settings as PEM", async ({ page }) => {
    await visit(page, `${PROJECT}/settings`);
    const authority = page.getByRole("region", { name: "Project CA" });
    await expect(authority.getByText("No public CA validates certificates signed by it", { exact: false })).toBeVisible();
    await expect(authority.getByText(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)).toBeVisible();
    const [download] = await Promise.all([
        page.waitForEvent("download"),
        authority.getByRole("link", { name: "Download CA certificate" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("default-ca.pem");
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
});

test("the networking overview is accessible with every question answered", async ({ page }) => {
    for (const query of ["?for=cloud.clear.few&nodes=9", "?nodes=none"]) {
        await visit(page, `${OVERVIEW}${query}`);
        await axe(page);
    }
});
