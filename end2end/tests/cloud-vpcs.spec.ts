// A VPC in a cloud from its row in the list: made, explained while it waits, drawn on the map, deleted. Checklist rows 1 to
// 3, 20, 22, 23, 33, 42, 43, 46.

import { choose, eventually, pictures } from "../hands.ts";
import { axe, expect, hydrated, isHydrated, rowOf, signIn, test as base, visit, type Console, type Page } from "../fixtures.ts";

const PROJECT = "/projects/default";
const SUPPORT = "https://support.example.com/new?product=causeway";

/** Signed in on a console of its own whose clouds take their time, so that what is under way can be seen. */
const test = base.extend<{ own: Console }>({
    own: async ({ fresh }, use) => {
        const env = {
            CAUSEWAY_LOOKALIKE: "true",
            CAUSEWAY_LOOKALIKE_DELAY_MS: "700-1200",
            CAUSEWAY_RECONCILE_INTERVAL_MS: "300",
            CAUSEWAY_SUPPORT: SUPPORT,
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

test.describe.configure({ timeout: 90_000 });

async function create(page: Page, cloud: string, region: string, name: string, range: string): Promise<void> {
    await visit(page, `${PROJECT}/vpcs/new`);
    await page.getByLabel("Name", { exact: true }).fill(name);
    if (isHydrated()) await page.getByText(cloud, { exact: true }).first().click();
    await page.locator('[name="cloud"]').selectOption(region);
    await page.locator('[name="cidr"]').fill(range);
    await page.getByRole("button", { name: "Create VPC" }).click();
    await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
    await hydrated(page);
}

/** A connection that waits for a peer which never comes. */
async function ask(page: Page): Promise<void> {
    await page.getByRole("link", { name: "Add peering connection" }).first().click();
    await hydrated(page);
    await page.locator('[name="form[peer_cloud_account]"]').fill("tidewater-prod");
    await page.locator('[name="form[peer_vpc]"]').fill("harbor");
    await page.getByRole("button", { name: "Add peering connection" }).click();
    await expect(page).toHaveURL(/\/connections\/[0-9a-f-]{36}$/);
    await hydrated(page);
    await eventually(page, patience => expect(page.locator("main .badge", { hasText: /^Pending peer$/ }).first()).toBeVisible(patience));
}

test("rows 1, 2, 3, 23, 33 and 43: a cloud VPC is approved, becomes active and goes, and its row says so without a reload", async ({ page }) => {
    const list = await page.context().newPage();
    await visit(list, PROJECT);
    await list.getByRole("navigation", { name: "Project" }).getByRole("link", { name: /^VPCs/ }).click();
    await expect(list.getByRole("heading", { name: "Virtual private clouds" })).toBeVisible();
    await hydrated(list);
    const row = rowOf(list.getByRole("table", { name: "VPCs" }), "orders");
    const state = (word: string) => eventually(list, patience => expect(row.locator(".badge", { hasText: new RegExp(`^${word}$`) })).toBeVisible(patience));

    await create(page, "AWS", "aws-eu-west-1", "orders", "10.20.0.0/22");
    await state("Approved");
    await state("Active");
    await expect(row).toContainText("AWS eu-west-1");
    await expect(row).toContainText("10.20.0.0/22");

    await eventually(page, patience => expect(page.locator("main .badge", { hasText: /^Active$/ }).first()).toBeVisible(patience));
    await expect(page.getByText("No peering connection yet: nothing can reach services in this VPC.")).toBeVisible();
    const head = page.locator("section > header", { has: page.getByRole("heading", { name: "VPC peering connections" }) });
    await expect(head.getByRole("button", { name: "Refresh VPC connections" })).toBeVisible();
    await expect(head).toContainText("may take up to 24 hours to be picked up automatically");

    await choose(list, "Actions for orders", "Delete");
    const dialog = list.getByRole("dialog", { name: "Confirmation" });
    await expect(dialog).toContainText("The network 10.20.0.0/22 is deleted in AWS.");
    await dialog.getByRole("button", { name: "Delete VPC" }).click();
    await expect(list).toHaveURL(/\/vpcs$/);
    await hydrated(list);
    await state("Deleting");
    await eventually(list, patience => expect(row).toHaveCount(0, patience));
});

test("rows 20, 22 and 42: what waits explains itself by pointer, keyboard and touch, stands on the map, and is read again by a button", async ({ page }) => {
    await create(page, "Google Cloud", "google-europe-west1", "orders", "10.20.0.0/22");
    await ask(page);
    await expect(page.getByText("Next look")).toBeVisible();
    await pictures(page, "connection-waits");
    await page.getByRole("link", { name: "orders" }).first().click();
    await hydrated(page);

    const table = page.getByRole("table", { name: "VPC peering connections" });
    const badge = table.locator("summary", { hasText: "Pending peer" });
    const details = table.getByText("VPC network name", { exact: true });
    await expect(details).toBeHidden();
    await badge.hover();
    await expect(details).toBeVisible();
    await page.mouse.move(0, 0);
    await expect(details).toBeHidden();
    await badge.press("Enter");
    await expect(details).toBeVisible();
    await badge.press("Enter");
    await page.getByRole("heading", { level: 1 }).click();
    await expect(details).toBeHidden();
    await badge.click();
    await expect(details).toBeVisible();

    await page.getByRole("button", { name: "Refresh VPC connections" }).click();
    await eventually(page, patience => expect(page.getByRole("button", { name: "Refresh VPC connections" })).toBeEnabled(patience));
    await visit(page, `${PROJECT}/changes`);
    await expect(page.getByText("Refresh of VPC connections asked").and(page.locator(":not(option)")).first()).toBeVisible();

    await visit(page, `${PROJECT}/map`);
    await expect(page.getByRole("link", { name: "harbor Pending peer tidewater-prod" })).toBeVisible();
    await expect(page.getByRole("row", { name: /^orders harbor/ })).toContainText("Google VPC peering");
    await axe(page);
    await pictures(page, "map-of-clouds");
});

test("row 46: whoever is stuck finds the operator's support in the menu and under Troubleshoot", async ({ page }) => {
    await create(page, "Google Cloud", "google-europe-west1", "orders", "10.20.0.0/22");
    await ask(page);
    const region = page.getByRole("region", { name: "Troubleshoot" });
    await expect(region.getByRole("link", { name: "Contact support" })).toHaveAttribute("href", SUPPORT);
    await expect(page.getByRole("navigation", { name: "You" }).getByRole("link", { name: "Support" })).toHaveAttribute("href", SUPPORT);
    await page.route(`${SUPPORT}*`, route => route.fulfill({ body: "We are here." }));
    await region.getByRole("link", { name: "Contact support" }).click();
    await expect(page.getByText("We are here.")).toBeVisible();
});

base("row 46: where no support is named, nothing points at any", async ({ page }) => {
    await visit(page, PROJECT);
    await expect(page.getByRole("navigation", { name: "You" })).toBeVisible();
    await expect(page.getByRole("link", { name: /support/i })).toHaveCount(0);
});
