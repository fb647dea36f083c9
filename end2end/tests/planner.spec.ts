import { axe, expect, expectNoRow, expectRowVisible, hydrated, isHydrated, rowOf, test, visit, type Page } from "../fixtures.ts";

const PROJECT = "/projects/default";
const PLANNER = `${PROJECT}/planner`;
/** A block of this worker's and project's own, so that tests of one console do not meet. */
const second = (): number => (isHydrated() ? 130 : 150) + test.info().parallelIndex;
const own = (name: string): string => `${name}-${isHydrated() ? "h" : "n"}${test.info().parallelIndex}`;

const ranges = (page: Page) => page.getByRole("table", { name: "Ranges", exact: true });

async function plan(page: Page, name: string, cidr: string): Promise<void> {
    const form = page.getByRole("region", { name: "Add a network you own or plan" });
    await form.getByLabel("Name").fill(name);
    await form.getByLabel("IP range").fill(cidr);
    await form.getByRole("button", { name: "Add network" }).click();
}

async function createVpc(page: Page, name: string, cidr: string): Promise<void> {
    await visit(page, `${PROJECT}/vpcs/new`);
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("IP range").fill(cidr);
    await page.getByRole("button", { name: "Create VPC" }).click();
    await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
}

test("a planned network is read leniently, stands among the ranges, and can be removed again", async ({ page }) => {
    const name = own("turku");
    await visit(page, PLANNER);
    await plan(page, name, `10.${second()}.7.9/20`);
    await expect(page).toHaveURL(/\/planner#h-ranges$/);
    await hydrated(page);
    const row = { Name: name, Use: "Planned", "IP range ↑": new RegExp(`^10\\.${second()}\\.0\\.0/20`), Addresses: "4,096", Where: "elsewhere" };
    await expectRowVisible(ranges(page), row);

    const menu = rowOf(ranges(page), name);
    await menu.getByLabel(`Actions for ${name}`).click();
    await menu.getByRole("button", { name: "Remove from the plan" }).click();
    await expectNoRow(ranges(page), { Name: name });
});

test("what is refused is said at its field, and nothing that was typed is lost", async ({ page, problems }) => {
    problems.allow(/status of (400|409)/);
    const name = own("tampere");
    await visit(page, PLANNER);
    await plan(page, name, `10.${second()}.32.0/20`);
    await expectRowVisible(ranges(page), { Name: name });

    await visit(page, PLANNER);
    await plan(page, name, `10.${second()}.32.0/20x`);
    await expect(page.getByText("Enter an IPv4 range in CIDR notation, for example 10.0.0.0/24.")).toBeVisible();
    await expect(page.locator("#cidr")).toHaveValue(`10.${second()}.32.0/20x`);
    await expect(page.locator("#cidr")).toHaveAttribute("aria-invalid", "true");

    await visit(page, PLANNER);
    await plan(page, name, `10.${second()}.48.0/20`);
    await expect(page.getByText(`A planned network named ${name} already exists.`)).toBeVisible();
    await expect(page.locator("#name")).toHaveValue(name);
});

test("a VPC inside a planned network is named in its row, in the matrix and in a sentence", async ({ page }) => {
    const [vpc, planned] = [own("espoo"), own("corp")];
    await createVpc(page, vpc, `10.${second()}.64.0/24`);
    await visit(page, PLANNER);
    await plan(page, planned, `10.${second()}.64.0/20`);

    await expectRowVisible(ranges(page), { Name: vpc, Use: "VPC", Overlap: `Overlap ${planned}` });
    const overlaps = page.getByRole("region", { name: "Overlap matrix" });
    const sentence = `${vpc} 10.${second()}.64.0/24 lies inside ${planned} 10.${second()}.64.0/20. No network can be peered with both.`;
    await expect(overlaps.getByRole("listitem").filter({ hasText: sentence })).toBeVisible();
    await expect(rowOf(overlaps.getByRole("table"), vpc).getByRole("img", { name: "Overlap" }).first()).toBeVisible();
});

test("free ranges are found around what is held, and become a VPC", async ({ page }) => {
    const name = own("vaasa");
    await createVpc(page, name, `10.${second()}.80.0/22`);
    // The address is what a colleague would be sent, and what the form makes without a script.
    await visit(page, `${PLANNER}?size=600&within=10.${second()}.80.0%2F20`);
    const free = page.getByRole("table", { name: "Free ranges" });
    await expect(page.getByText("/22, 1,024 addresses.")).toBeVisible();
    await expect(rowOf(free, `10.${second()}.84.0/22`)).toBeVisible();
    await expect(rowOf(free, `10.${second()}.80.0/22`)).toHaveCount(0);

    await rowOf(free, `10.${second()}.84.0/22`).getByRole("link", { name: "Use for a new VPC" }).click();
    await expect(page).toHaveURL(new RegExp(`/vpcs/new\\?cidr=10\\.${second()}\\.84\\.0/22$`));
    await expect(page.getByLabel("IP range")).toHaveValue(`10.${second()}.84.0/22`);
});

test("where nothing of a size is free, the widest that is left is named", async ({ page }) => {
    await createVpc(page, own("kotka"), `10.${second()}.96.0/24`);
    await visit(page, PLANNER);
    await page.getByLabel("Size").fill("/23");
    await page.getByLabel("Within").fill(`10.${second()}.96.0/23`);
    await page.getByRole("button", { name: "Find free ranges" }).click();
    await expect(page).toHaveURL(/\?size=/);
    await expect(page.getByText(`No /23 is free in 10.${second()}.96.0/23. The widest there: 10.${second()}.97.0/24.`)).toBeVisible();
    await hydrated(page);
    await page.getByLabel("Size").fill("/99");
    await page.getByRole("button", { name: "Find free ranges" }).click();
    await expect(page.getByText("Enter a prefix length such as /24, or how many addresses you need, such as 500.")).toBeVisible();
});

test("an address is looked up: who holds it, or how much room there is around it", async ({ page }) => {
    const name = own("oulu");
    await createVpc(page, name, `10.${second()}.112.0/20`);
    await visit(page, PLANNER);
    const lookup = page.getByRole("region", { name: "Where does an address live?" });
    await lookup.getByLabel("Address").fill(`10.${second()}.113.7`);
    await lookup.getByRole("button", { name: "Look up" }).click();
    await expect(page).toHaveURL(/\?address=/);
    await expect(lookup.getByRole("link", { name })).toBeVisible();
    await hydrated(page);
    await lookup.getByLabel("Address").fill("8.8.8.8");
    await lookup.getByRole("button", { name: "Look up" }).click();
    await expect(lookup.getByText("Nothing of this project holds 8.8.8.8, and it is not a private address.")).toBeVisible();
});

test("finding has a page: an address leads to its VPC", async ({ page }) => {
    const name = own("rauma");
    await createVpc(page, name, `10.${second()}.128.0/20`);
    await visit(page, `${PROJECT}/find`);
    await page.getByLabel("Name, address or key").fill(`10.${second()}.130.9:5432`);
    await page.getByRole("button", { name: "Find", exact: true }).click();
    await expect(page).toHaveURL(/\/find\?q=/);
    const lies = page.getByRole("region", { name: "An address. It lies in" });
    await expect(lies.getByRole("img", { name: `10.${second()}.128.0/20 in 10.${second()}.0.0/16` })).toBeVisible();
    await lies.getByRole("link", { name }).click();
    await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();

    await visit(page, `${PROJECT}/find?q=zzz-nobody`);
    await expect(page.getByText("Nothing here is called zzz-nobody.")).toBeVisible();
});

test("the planner and the page that finds are accessible in light and dark", async ({ page }) => {
    await visit(page, PLANNER);
    await plan(page, own("axe"), `10.${second()}.0.0/24`);
    for (const path of ["planner?address=10.1.2.3&size=/99", "planner", "find", `find?q=10.${second()}.0.1`, "find?q=vpc"]) {
        await visit(page, `${PROJECT}/${path}`);
        await axe(page);
    }
});
