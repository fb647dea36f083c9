// VPCs as a person meets them: asked for, refused, listed, deleted. Checklist rows 1, 2, 5, 33.

import { axe, expect, expectRowVisible, hydrated, isHydrated, rowOf, test, visit } from "../fixtures.ts";

const PROJECT = "/projects/default";
/** A range of this worker's and project's own, so that tests of one console do not meet. */
const third = (): number => (isHydrated() ? 10 : 20) + test.info().parallelIndex;
const own = (name: string): string => `${name}-${isHydrated() ? "h" : "n"}${test.info().parallelIndex}`;

test("a VPC that is asked for stands in the list with its range and its place", async ({ page }) => {
    const [name, range] = [own("harbor"), `10.${third()}.0.0/20`];
    await visit(page, `${PROJECT}/vpcs/new`);
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("IP range").fill(range);
    await page.getByRole("button", { name: "Create VPC" }).click();
    await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
    await expect(page.getByText("Declared; no gateway yet.")).toBeVisible();

    await visit(page, `${PROJECT}/vpcs`);
    await expectRowVisible(page.getByRole("table", { name: "VPCs" }), { Name: name, "IP range ↑": new RegExp(`^${range}`), Addresses: "4,096", State: "Active" });
});

test("row 5: a suggested range is taken with one press, with its addresses counted", async ({ page }) => {
    await visit(page, `${PROJECT}/vpcs/new`);
    const offers = page.getByRole("heading", { name: "Free ranges" }).locator("..").getByRole("listitem");
    const first = offers.first();
    const range = await first.getByRole("link").innerText();
    await expect(first).toContainText(/\d addresses$/);
    await first.getByRole("link").click();
    await hydrated(page);
    await expect(page.getByLabel("IP range")).toHaveValue(range);
    await expect(page.getByText(new RegExp(`^${range.replaceAll(".", "\\.")} has [\\d,]+ addresses`))).toBeVisible();
});

test("a refused range comes back with its sentence, and nothing that was typed is lost", async ({ page, problems }) => {
    // The refusal itself.
    problems.allow(/status of 409/);
    const [name, range] = [own("quay"), `10.${third()}.16.0/20`];
    await visit(page, `${PROJECT}/vpcs/new`);
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("IP range").fill(range);
    await page.getByRole("button", { name: "Create VPC" }).click();
    await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();

    await visit(page, `${PROJECT}/vpcs/new`);
    await page.getByLabel("Name").fill(own("pier"));
    await page.getByLabel("IP range").fill(`10.${third()}.17.0/24`);
    await page.getByRole("button", { name: "Create VPC" }).click();
    await expect(page.getByText(`10.${third()}.17.0/24 overlaps with VPC ${name} (${range}) in the same region.`).first()).toBeVisible();
    await expect(page.getByLabel("Name")).toHaveValue(own("pier"));
    await expect(page.getByLabel("IP range")).toHaveValue(`10.${third()}.17.0/24`);
});

test("a VPC is deleted only after a confirmation that names what goes", async ({ page }) => {
    const name = own("jetty");
    await visit(page, `${PROJECT}/vpcs/new`);
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("IP range").fill(`10.${third()}.32.0/24`);
    await page.getByRole("button", { name: "Create VPC" }).click();
    await page.getByRole("link", { name: "Delete VPC" }).click();
    await expect(page.getByText(`${name} (10.${third()}.32.0/24) is removed from this project.`)).toBeVisible();
    await page.getByRole("button", { name: "Delete VPC" }).click();
    await expect(page).toHaveURL(/\/vpcs$/);
    await hydrated(page);
    await expect(rowOf(page.getByRole("table", { name: "VPCs" }), name)).toHaveCount(0);
});

test("the pages of VPCs are accessible in light and dark", async ({ page }) => {
    for (const path of ["vpcs", "vpcs/new"]) {
        await visit(page, `${PROJECT}/${path}`);
        await axe(page);
    }
});
