// Every page with something on it: read out as its snapshot says, accessible in light and dark, no wider than a telephone.

import { aria } from "../aria.ts";
import { axe, expect, isHydrated, shot, visit, type Locator, type Page } from "../fixtures.ts";
import { PROJECT } from "../made.ts";
import { test, type Town } from "../town.ts";

const PAGES: [string, (town: Town) => string][] = [
    ["overview", () => PROJECT],
    ["map", () => `${PROJECT}/map`],
    ["networking", () => `${PROJECT}/networking?for=cloud.clear&nodes=9`],
    ["vpcs", () => `${PROJECT}/vpcs`],
    ["vpc-new", () => `${PROJECT}/vpcs/new`],
    ["vpc-detail", town => town.oslo.vpcPath],
    ["vpc-detail-without-gateways", town => town.bergen],
    ["vpc-delete", town => `${town.oslo.vpcPath}/delete`],
    ["gateways", () => `${PROJECT}/gateways`],
    ["gateway-new", () => `${PROJECT}/gateways/new`],
    ["gateway-detail", town => town.oslo.path],
    ["gateway-detail-without-host", town => town.depot.path],
    ["gateway-enrol", town => `${town.depot.path}/enrol`],
    ["gateway-enrolled", town => `${town.oslo.path}/enrol`],
    ["gateway-settings", town => `${town.oslo.path}/settings`],
    ["gateway-revoke", town => `${town.oslo.path}/revoke`],
    ["gateway-delete", town => `${town.oslo.path}/delete`],
    ["peering-new", town => `${town.oslo.path}/peerings/new`],
    ["peering-detail", town => town.peering.path],
    ["peering-delete", town => `${town.peering.path}/delete`],
    ["road-warrior-new", town => `${town.oslo.path}/peers/new`],
    ["road-warrior-detail", town => town.laptop.path],
    ["road-warrior-delete", town => `${town.laptop.path}/delete`],
    ["site-new", town => `${town.oslo.path}/peers/new-site`],
    ["site-detail", town => town.altona.path],
    ["site-delete", town => `${town.altona.path}/delete`],
    ["peerings", () => `${PROJECT}/peerings`],
    ["planner", () => `${PROJECT}/planner?size=500&address=10.20.3.4`],
    ["find", () => `${PROJECT}/find?q=10.20.3.4`],
    ["changes", () => `${PROJECT}/changes`],
    ["reconcilers", () => `${PROJECT}/reconcilers`],
    ["settings", () => `${PROJECT}/settings`],
];

for (const [name, path] of PAGES) {
    test(`the page ${name} is read out in order, accessible, and fits a telephone`, async ({ page, town }) => {
        await visit(page, path(town));
        await expect(page.getByRole("heading", { level: 1 }).first()).toBeVisible();
        await aria(what(page, name), alive(name));
        await axe(page);
        await pictures(page, name);
        await page.setViewportSize({ width: 390, height: 844 });
        // Measuring needs a script; the pages are the same.
        if (isHydrated()) {
            const overflow = await page.locator("html").evaluate(root => root.scrollWidth - root.clientWidth);
            expect(overflow, "pixels wider than the screen").toBeLessThanOrEqual(0);
        }
        await pictures(page, `${name}-390`);
    });
}

test("on a telephone the map begins with the gateways and their VPCs", async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await visit(page, `${PROJECT}/map`);
    for (const name of ["gw-oslo", "oslo 10.20.0.0/16"]) {
        const place = await page.getByRole("group", { name: "Topology, scrolls" }).getByRole("link", { name, exact: true }).boundingBox();
        expect(place?.x, name).toBeGreaterThanOrEqual(0);
        expect((place?.x ?? 0) + (place?.width ?? 0), name).toBeLessThanOrEqual(390);
    }
    await pictures(page, "map-begins-390");
});

test("a page that does not exist says so with status 404", async ({ page, problems }) => {
    problems.allow(/status of 404/);
    const answer = await page.goto(`${PROJECT}/vpcs/0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10`);
    expect(answer?.status()).toBe(404);
    await expect(page.getByText("There is nothing here by that name.")).toBeVisible();
    await aria(page.getByRole("main"), "vpc-404");
    await axe(page);
    await pictures(page, "vpc-404");
    const nowhere = await page.goto("/nowhere");
    expect(nowhere?.status()).toBe(404);
    await aria(page.locator("body"), "404");
    await axe(page);
    await pictures(page, "404");
});

const DIALOGS = /-(new|delete|revoke)$|^gateway-settings$/;

/** A panel or a confirmation lies over a page that has a snapshot of its own. */
function what(page: Page, name: string): Locator {
    if (name === "overview") return page.locator("body");
    return DIALOGS.test(name) ? page.getByRole("dialog") : page.getByRole("main");
}

/** A key pair can only be made where there is a script. */
const alive = (name: string): string => (name === "road-warrior-new" && isHydrated() ? `${name}-hydrated` : name);

/** Light, and with CAUSEWAY_SHOTS=dark in dark too. Without a script the pages look the same. */
async function pictures(page: Page, name: string): Promise<void> {
    if (!isHydrated()) return;
    await shot(page, name);
    if (process.env.CAUSEWAY_SHOTS !== "dark") return;
    await page.emulateMedia({ colorScheme: "dark" });
    await shot(page, `${name}-dark`);
    await page.emulateMedia({ colorScheme: null });
}
