import { aria } from "../aria.ts";
import { ADMINISTRATOR, axe, expect, isHydrated, shot, signIn, test, visit } from "../fixtures.ts";

test.describe("a stranger", () => {
    test.use({ signedIn: false });

    test("is asked to sign in and comes back to the page that was wanted", async ({ page }) => {
        await page.goto("/projects/default/vpcs");
        await expect(page).toHaveURL(/\/signin\?next=/);
        await page.getByLabel("E-mail").fill(ADMINISTRATOR.email);
        await page.getByLabel("Password").fill(ADMINISTRATOR.password);
        await page.getByRole("button", { name: "Sign in" }).click();
        await expect(page).toHaveURL(/\/projects\/default\/vpcs$/);
    });

    test("hears one sentence for a wrong address and a wrong password, and keeps the address typed", async ({ page, problems }) => {
        problems.allow(/status of 400/);
        problems.allow(/status of 429/);
        await visit(page, "/signin");
        await page.getByLabel("E-mail").fill(`nobody-${isHydrated()}@example.test`);
        await page.getByLabel("Password").fill("not the password");
        await page.getByRole("button", { name: "Sign in" }).click();
        await expect(page.getByText("The e-mail address or the password is not right.")).toBeVisible();
        await expect(page.getByLabel("E-mail")).toHaveValue(`nobody-${isHydrated()}@example.test`);
    });

    test("finds the sign-in page accessible", async ({ page }) => {
        await visit(page, "/signin");
        await aria(page.locator("body"), "sign-in");
        await axe(page);
        await shot(page, "sign-in");
    });
});

test("the set-up link makes the administrator once", async ({ browser, fresh }) => {
    const console = await fresh({ administrator: false });
    const context = await browser.newContext({ baseURL: console.url, javaScriptEnabled: isHydrated() });
    const page = await context.newPage();
    const link = console.setUpLink;
    await visit(page, link);
    await aria(page.locator("body"), "set-up");
    await axe(page);
    await shot(page, "set-up");
    await page.getByLabel("E-mail").fill("ingrid@tidewater.example");
    await page.getByLabel("Password").fill("a long enough password");
    await page.getByLabel("Organization").fill("Tidewater");
    await page.getByLabel("First project").fill("harbor-prod");
    await page.getByRole("button", { name: "Create administrator" }).click();
    await expect(page).toHaveURL(/\/projects\/harbor-prod$/);
    await page.goto(link);
    await expect(page.getByText("The link in your address bar is not good", { exact: false })).toBeVisible();
    await axe(page);
    await shot(page, "set-up-again");
    await context.close();
});

test("signing out everywhere ends the other browser's session too", async ({ browser, fresh }) => {
    const console = await fresh();
    const pages = [];
    for (let i = 0; i < 2; i += 1) {
        const context = await browser.newContext({ baseURL: console.url, javaScriptEnabled: isHydrated() });
        const page = await context.newPage();
        await signIn(page);
        pages.push(page);
    }
    const [here, there] = pages;
    if (!here || !there) throw new Error("two pages");
    await visit(here, "/projects/default/settings");
    await here.getByRole("button", { name: "Sign out everywhere" }).click();
    await expect(here).toHaveURL(/\/signin/);
    await there.goto("/projects/default/vpcs");
    await expect(there).toHaveURL(/\/signin/);
    for (const page of pages) await page.context().close();
});

test("an empty project says where to begin", async ({ browser, fresh }) => {
    const console = await fresh();
    const context = await browser.newContext({ baseURL: console.url, javaScriptEnabled: isHydrated() });
    const page = await context.newPage();
    await signIn(page);
    await visit(page, "/projects/default");
    // What the lab says differs from machine to machine.
    await aria(page.getByRole("main"), "first-run");
    await axe(page);
    await shot(page, "first-run");
    await visit(page, "/projects/default/vpcs");
    await aria(page.getByRole("main"), "vpcs-empty");
    await axe(page);
    await shot(page, "vpcs-empty");
    await visit(page, "/projects/default/map");
    await axe(page);
    await shot(page, "map-empty");
    await context.close();
});

test("a form that another site sends is refused with a page that says why", async ({ page, problems }) => {
    problems.allow(/status of 403/);
    await page.route("**/forged", async route => {
        const headers = { Accept: "text/html", Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site", "Content-Type": "application/x-www-form-urlencoded" };
        await route.fulfill({ response: await route.fetch({ url: route.request().url().replace("forged", "api/vpcs/create"), method: "POST", headers, postData: "name=a" }) });
    });
    const answer = await page.goto("/forged");
    expect(answer?.status()).toBe(403);
    await aria(page.locator("body"), "403");
    await axe(page);
    await shot(page, "403");
});
