// What only a page that is alive tells of VPCs. Checklist rows 2, 5.

import { expect, rowOf, test, visit } from "../fixtures.ts";

const PROJECT = "/projects/default";

test("row 5: a range inside another VPC is refused before submitting", async ({ page }) => {
    await visit(page, `${PROJECT}/vpcs/new`);
    await page.getByLabel("Name").fill("outer");
    await page.getByLabel("IP range").fill("10.120.0.0/16");
    await page.getByRole("button", { name: "Create VPC" }).click();
    await expect(page.getByRole("heading", { name: "outer", level: 1 })).toBeVisible();

    await visit(page, `${PROJECT}/vpcs/new`);
    await page.getByLabel("IP range").fill("10.120.9.0/24");
    await expect(page.getByText("10.120.9.0/24 overlaps with VPC outer (10.120.0.0/16) in the same region.").first()).toBeVisible();
    await page.getByLabel("IP range").fill("10.121.9.7/24");
    await expect(page.getByText("10.121.9.7/24 has host bits set. Use 10.121.9.0/24 instead.")).toBeVisible();
    await page.getByLabel("IP range").fill("191.161.0.0/24");
    await expect(page.getByText("191.161.0.0/24 is not a private range.", { exact: false }).first()).toBeVisible();
});

test("a VPC that a colleague makes appears without a reload", async ({ page, context }) => {
    await visit(page, `${PROJECT}/vpcs`);
    const other = await context.newPage();
    await visit(other, `${PROJECT}/vpcs/new`);
    await other.getByLabel("Name").fill("appears");
    await other.getByLabel("IP range").fill("10.122.0.0/20");
    await other.getByRole("button", { name: "Create VPC" }).click();
    await expect(rowOf(page.getByRole("table", { name: "VPCs" }), "appears")).toBeVisible();
});

test("the page of a VPC that a colleague deletes says so, and the browser has nothing to complain about", async ({ page, context }) => {
    await visit(page, `${PROJECT}/vpcs/new`);
    await page.getByLabel("Name").fill("vanishes");
    await page.getByLabel("IP range").fill("10.123.0.0/20");
    await page.getByRole("button", { name: "Create VPC" }).click();
    await expect(page.getByRole("heading", { name: "vanishes", level: 1 })).toBeVisible();

    const other = await context.newPage();
    await visit(other, new URL(page.url()).pathname);
    await other.getByRole("link", { name: "Delete VPC" }).click();
    await other.getByRole("button", { name: "Delete VPC" }).click();
    await expect(other).toHaveURL(/\/vpcs$/);
    await expect(page.getByRole("heading", { name: "There is nothing here" })).toBeVisible();
    await expect(page.getByText("It may have been deleted.").first()).toBeVisible();
});
