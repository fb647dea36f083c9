// Every page: accessible in light and dark, no wider than a telephone, and with a heading that says where one is.

import { axe, expect, isHydrated, shot, test, visit } from "../fixtures.ts";

const PAGES: [string, string][] = [
    ["", "overview"],
    ["/map", "map"],
    ["/vpcs", "vpcs"],
    ["/vpcs/new", "vpc-new"],
    ["/gateways", "gateways"],
    ["/gateways/new", "gateway-new"],
    ["/peerings", "peerings"],
    ["/planner", "planner"],
    ["/changes", "changes"],
    ["/reconcilers", "reconcilers"],
    ["/settings", "settings"],
];

for (const [path, name] of PAGES) {
    test(`the page ${name} is accessible and fits a telephone`, async ({ page }) => {
        await visit(page, `/projects/default${path}`);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await axe(page);
        await shot(page, name);
        await page.setViewportSize({ width: 390, height: 844 });
        // Measuring needs a script; the pages are the same.
        if (isHydrated()) {
            const overflow = await page.locator("html").evaluate(root => root.scrollWidth - root.clientWidth);
            expect(overflow, "pixels wider than the screen").toBeLessThanOrEqual(0);
        }
        await shot(page, `${name}-390`);
    });
}

test("a page that does not exist says so with status 404", async ({ page, problems }) => {
    problems.allow(/status of 404/);
    const answer = await page.goto("/projects/default/vpcs/0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10");
    expect(answer?.status()).toBe(404);
    await expect(page.getByText("There is nothing here by that name.")).toBeVisible();
    const nowhere = await page.goto("/nowhere");
    expect(nowhere?.status()).toBe(404);
});
