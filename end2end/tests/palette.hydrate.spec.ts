import { axe, expect, shot, test, visit, type Page } from "../fixtures.ts";

const PROJECT = "/projects/default";
const second = (): number => 170 + test.info().parallelIndex;
const own = (name: string): string => `${name}-p${test.info().parallelIndex}`;

const palette = (page: Page) => page.getByRole("dialog", { name: "Find" });
const box = (page: Page) => page.getByRole("combobox", { name: "Find a name, address or key" });
const chosen = (page: Page) => palette(page).getByRole("option", { selected: true });

async function createVpc(page: Page, name: string, cidr: string): Promise<void> {
    await visit(page, `${PROJECT}/vpcs/new`);
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("IP range").fill(cidr);
    await page.getByRole("button", { name: "Create VPC" }).click();
    await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
}

test("an address finds its VPC with its place in it, and Enter goes there", async ({ page }) => {
    const name = own("harbor");
    await createVpc(page, name, `10.${second()}.0.0/20`);
    await visit(page, `${PROJECT}/changes`);
    await page.keyboard.press("Control+k");
    await expect(box(page)).toBeFocused();
    await box(page).pressSequentially(`10.${second()}.4.7`);
    const hit = palette(page).getByRole("option", { name });
    await expect(hit.getByText(`10.${second()}.0.0/20`)).toBeVisible();
    await expect(hit.getByRole("img", { name: `10.${second()}.0.0/20 in 10.${second()}.0.0/16` })).toBeVisible();
    await expect(chosen(page)).toContainText(name);
    await axe(page);
    await shot(page, "palette", { fullPage: false });
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
    await expect(palette(page)).toHaveCount(0);
});

test("arrows choose, the box says which, and Escape gives the focus back", async ({ page }) => {
    await visit(page, `${PROJECT}/vpcs`);
    const jump = page.getByRole("link", { name: "Find a name, address or key" });
    await jump.click();
    await box(page).fill("c");
    // The answer, not what stood there before anything was typed.
    await expect(palette(page).getByRole("option", { name: "Overview" })).toHaveCount(0);
    await expect(palette(page).getByRole("option", { name: "Create VPN gateway" })).toBeVisible();
    const first = await chosen(page).getAttribute("id");
    await expect(box(page)).toHaveAttribute("aria-activedescendant", first ?? "none");
    await page.keyboard.press("ArrowDown");
    await expect(chosen(page)).not.toHaveAttribute("id", first ?? "none");
    await expect(box(page)).toHaveAttribute("aria-activedescendant", (await chosen(page).getAttribute("id")) ?? "none");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    await expect(palette(page).getByRole("option").last()).toHaveAttribute("aria-selected", "true");
    await page.keyboard.press("Escape");
    await expect(palette(page)).toHaveCount(0);
    await expect(jump).toBeFocused();
});

test("Enter waits for the answer to what was typed", async ({ page }) => {
    await visit(page, `${PROJECT}/vpcs`);
    await page.keyboard.press("Control+k");
    await expect(palette(page).getByRole("option").first()).toBeVisible();
    // Faster than any answer: what was listed before must not be followed.
    await page.keyboard.insertText("reconcilers");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/reconcilers$/);
});

test("a range that nobody holds offers to become a VPC", async ({ page }) => {
    await visit(page, PROJECT);
    await page.keyboard.press("Control+k");
    await box(page).fill("10.199.0.7/20");
    await expect(palette(page).getByText("10.199.0.0/20 is free: nothing in this project overlaps it.")).toBeVisible();
    await palette(page).getByRole("option", { name: "Create VPC with 10.199.0.0/20" }).click();
    await expect(page.getByLabel("IP range")).toHaveValue("10.199.0.0/20");
});

test("what nobody is called is said, and a press outside closes", async ({ page }) => {
    await visit(page, `${PROJECT}/vpcs`);
    await page.keyboard.press("Control+k");
    await box(page).fill("zzz-nobody");
    await expect(palette(page).getByText("Nothing here is called zzz-nobody.")).toBeVisible();
    await expect(palette(page).getByRole("option")).toHaveCount(0);
    await page.mouse.click(10, 700);
    await expect(palette(page)).toHaveCount(0);
    await page.keyboard.press("Control+k");
    await expect(box(page)).toHaveValue("");
    await page.keyboard.press("Control+k");
    await expect(palette(page)).toHaveCount(0);
});

test("the palette fits a telephone", async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await visit(page, `${PROJECT}/vpcs`);
    await page.getByRole("link", { name: "Find a name, address or key" }).click();
    await box(page).fill("create");
    await expect(palette(page).getByRole("option", { name: "Create VPC", exact: true })).toBeVisible();
    const edges = await palette(page).boundingBox();
    expect(edges && edges.x >= 0 && edges.x + edges.width <= 390, "the box is inside the screen").toBe(true);
    await shot(page, "palette-390", { fullPage: false });
});

test("the planner's answers follow the typing", async ({ page }) => {
    await visit(page, `${PROJECT}/planner`);
    await page.getByLabel("Size").fill("2000");
    await expect(page.getByText("/21, 2,048 addresses.")).toBeVisible();
    await page.getByLabel("Within").fill("172.16.9.1/12");
    await expect(page.getByText("172.16.9.1/12 was read as 172.16.0.0/12.")).toBeVisible();
    await expect(page.getByRole("table", { name: "Free ranges" }).getByText("172.16.0.0/21")).toBeVisible();

    const add = page.getByRole("region", { name: "Add a network you own or plan" });
    await add.getByLabel("IP range").fill("11.1.1.0/8");
    await expect(add.getByText("11.1.1.0/8 was read as 11.0.0.0/8.")).toBeVisible();
});
