// A peering connection in each cloud, from the request to active to deleted by its peer: our side on its pages, the other
// side on the page of the simulated cloud's second account, which acts by the vendor's own API. Checklist rows 2, 9 to 14,
// 20 to 22, 24, 35.

import { eventually } from "../hands.ts";
import { axe, expect, hydrated, isHydrated, shot, signIn, test as base, visit, type Console, type Page } from "../fixtures.ts";

const PROJECT = "/projects/default";

/** Signed in on a console of its own with quick simulated clouds. */
const test = base.extend<{ own: Console }>({
    own: async ({ fresh }, use) => {
        const env = {
            CAUSEWAY_LOOKALIKE: "true",
            CAUSEWAY_LOOKALIKE_DELAY_MS: "50-400",
            CAUSEWAY_RECONCILE_INTERVAL_MS: "300",
        };
        await use(await fresh({ env }));
    },
    baseURL: async ({ own }, use) => use(own.url),
    storageState: async ({}, use) => use(undefined),
    page: async ({ page, problems, context, own }, use) => {
        problems.watch(context, own.url);
        await signIn(page);
        await use(page);
    },
});

test.describe.configure({ timeout: 120_000 });

/** Where the other side is seen, beside our own page. */
async function otherSide(page: Page, cloud: string, region = ""): Promise<Page> {
    const other = await page.context().newPage();
    await visit(other, `${PROJECT}/other-side/${cloud}${region ? `?region=${region}` : ""}`);
    return other;
}

/** A value of the other side's account. */
const fact = (other: Page, name: string) =>
    other.locator("dl.facts > div", { has: other.locator("dt", { hasText: name }) }).first().locator("dd code, dd .copy, dd").first().innerText();

const thing = (other: Page, kind: string, text: string | RegExp) =>
    other.getByRole("article", { name: new RegExp(`^${kind} `) }).filter({ hasText: text });

async function deed(other: Page, card: ReturnType<typeof thing>, label: string, typed: Record<string, string> = {}): Promise<void> {
    await eventually(other, patience => expect(card.getByRole("button", { name: new RegExp(`^${label}`) })).toBeVisible(patience));
    const form = card.locator("form").filter({ has: other.getByRole("button", { name: new RegExp(`^${label}`) }) });
    for (const [name, text] of Object.entries(typed)) await form.locator(`[name="typed[${name}]"]`).fill(text);
    await form.getByRole("button").click();
    await hydrated(other);
}

/** Our VPC, and the form for its first connection. */
async function vpcWithConnection(page: Page, cloud: string, region: string): Promise<void> {
    await visit(page, `${PROJECT}/vpcs/new`);
    await page.getByLabel("Name", { exact: true }).fill("orders");
    if (isHydrated()) await page.getByText(cloud, { exact: true }).first().click();
    await page.locator('[name="cloud"]').selectOption(region);
    await page.locator('[name="cidr"]').fill("10.20.0.0/22");
    await page.getByLabel("Add peering connection now").check();
    await page.getByRole("button", { name: "Create VPC" }).click();
    await expect(page).toHaveURL(/\/connections\/new/);
    await hydrated(page);
}

async function ask(page: Page, fields: Record<string, string>): Promise<void> {
    for (const [name, text] of Object.entries(fields)) {
        const field = page.locator(`[name="form[${name}]"]`);
        if ((await field.evaluate(element => element.tagName)) === "SELECT") await field.selectOption(text);
        else await field.fill(text);
    }
    await page.getByRole("button", { name: "Add peering connection" }).click();
    await expect(page).toHaveURL(/\/connections\/[0-9a-f-]{36}$/);
    await hydrated(page);
}

/** A value that the guide shows, by its label. */
const shown = (page: Page, label: string) =>
    page.locator("main dl > div", { has: page.getByText(label, { exact: true }) }).last().locator("dd").innerText();

/** The badge beside the connection's name. */
const says = (page: Page, word: string) =>
    eventually(page, patience => expect(page.locator("main .badge", { hasText: new RegExp(`^${word}$`) }).first()).toBeVisible(patience));

async function remove(page: Page): Promise<void> {
    await page.getByRole("link", { name: "Delete", exact: true }).click();
    await hydrated(page);
    await page.getByRole("button", { name: "Delete VPC peering" }).click();
    await expect(page).toHaveURL(/\/vpcs\/[0-9a-f-]{36}$/);
    await hydrated(page);
}

test("rows 9, 21, 22, 24 and 35: an AWS peering across accounts and regions is accepted, is active, and is deleted by its peer", async ({ page }) => {
    const other = await otherSide(page, "aws", "us-east-1");
    const account = await fact(other, "Account ID");
    await other.locator('[name="typed[cidr]"]').first().fill("10.30.0.0/16");
    await other.getByRole("button", { name: "Create VPC" }).click();
    const theirs = thing(other, "VPC", "10.30.0.0/16");
    await eventually(other, patience => expect(theirs.getByText("available")).toBeVisible(patience));
    const vpc = ((await theirs.getAttribute("aria-label")) ?? "").replace("VPC ", "");

    // The first try of the request is refused, as by a busy cloud: the console tries again, and the page says what struck.
    await other.getByRole("button", { name: "Refuse the call" }).click();
    await eventually(other, patience => expect(thing(other, "Failure rule", "CreateVpcPeeringConnection")).toBeVisible(patience));

    await vpcWithConnection(page, "AWS", "aws-eu-west-1");
    await ask(page, { peer_cloud_account: account, peer_vpc: vpc, peer_region: "us-east-1" });
    await says(page, "Pending peer");
    await eventually(other, patience => expect(other.getByRole("heading", { name: "Struck lately" })).toBeVisible(patience));
    const request = thing(other, "VPC peering connection", "pending-acceptance");
    await shot(page, "connection-pending");
    await deed(other, request, "Accept request");
    await says(page, "Active");
    await axe(page);
    await axe(other);
    await shot(page, "connection-active");
    await shot(other, "other-side");
    await deed(other, thing(other, "VPC peering connection", "active"), "Delete");
    await says(page, "Deleted by peer");
    await remove(page);
    await eventually(page, patience => expect(page.getByText(vpc)).toHaveCount(0, patience));
});

test("rows 10, 22 and 35: a Google peering is pending until the other side has one too, and ends when it takes it away", async ({ page }) => {
    const other = await otherSide(page, "google");
    const project = await fact(other, "Project ID");
    await vpcWithConnection(page, "Google Cloud", "google-europe-west1");
    await ask(page, { peer_cloud_account: project, peer_vpc: "main" });
    await says(page, "Pending peer");
    const network = await shown(page, "VPC network name");
    await deed(other, thing(other, "VPC network", /Subnets/), "Add peering connection", { network });
    await says(page, "Active");
    await deed(other, thing(other, "VPC network peering", "ACTIVE"), "Delete");
    await says(page, "Deleted by peer");
    await remove(page);
});

test("rows 11, 22 and 35: an Azure peering across tenants waits for the grant, then for the peer", async ({ page }) => {
    const other = await otherSide(page, "azure");
    const facts = {
        peer_cloud_account: await fact(other, "Subscription ID"),
        peer_resource_group: await fact(other, "Resource group"),
        peer_azure_tenant_id: await fact(other, "Tenant ID"),
        peer_azure_app_id: await fact(other, "Application ID"),
    };
    const network = thing(other, "Virtual network", /Address space/).first();
    const name = ((await network.getAttribute("aria-label")) ?? "").replace("Virtual network ", "");
    await vpcWithConnection(page, "Azure", "azure-westeurope");
    await ask(page, { ...facts, peer_vpc: name });
    await eventually(page, patience => expect(page.getByText(/Check step 2/).first()).toBeVisible(patience));
    await deed(other, network, "Grant the right to peer");
    await says(page, "Pending peer");
    const remote = await page.getByText(/^\/subscriptions\/.*\/virtualNetworks\//).first().innerText();
    await deed(other, network, "Add peering", { network: remote });
    await says(page, "Active");
    await deed(other, thing(other, "Virtual network peering", "Connected"), "Delete");
    await says(page, "Deleted by peer");
    await remove(page);
});

test("rows 12, 13, 22 and 35: an UpCloud peering says that the other network lacks a router, and is active once it has one", async ({ page }) => {
    const other = await otherSide(page, "upcloud");
    const lacking = thing(other, "SDN network", "no router yet");
    const uuid = ((await lacking.getAttribute("aria-label")) ?? "").replace("SDN network ", "");
    await vpcWithConnection(page, "UpCloud", "upcloud-de-fra");
    await ask(page, { peer_vpc: uuid });
    await eventually(page, patience => expect(page.getByText("The UpCloud network has no router. Attach a router to it.").first()).toBeVisible(patience));
    const network = await shown(page, "Causeway network ID");
    await deed(other, lacking, "Attach router");
    await deed(other, lacking, "Create peering", { network });
    await says(page, "Active");
    await deed(other, thing(other, "Network peering", "active"), "Disable");
    await eventually(page, patience => expect(page.getByText("The peering is disabled in UpCloud.").first()).toBeVisible(patience));
    await deed(other, thing(other, "Network peering", "disabled"), "Delete");
    await says(page, "Deleted by peer");
    await remove(page);
});
