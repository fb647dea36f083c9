// Cloud accounts: how the console signs in to each cloud. Each test has a console of its own, since there is one account
// per cloud.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { aria } from "../aria.ts";
import { Made } from "../made.ts";
import { axe, expect, expectRowVisible, hydrated, isHydrated, rowOf, signIn, test as base, visit, type Console, type Page } from "../fixtures.ts";
import { pictures } from "../hands.ts";

const PATH = "/projects/default/accounts";
const ID = "0af12345-0000-4000-8000-000000000001";
const SECRET = "wJalrXUtnFEMI-hunter2";

/** Clouds that nobody answers for, so that a check always ends alike. */
const NOBODY = Object.fromEntries(
    ["AWS_STS_ENDPOINT", "GCP_ENDPOINT", "AZURE_ENDPOINT", "AZURE_AUTHORITY", "UPCLOUD_ENDPOINT"].map(name => [`CAUSEWAY_${name}`, "http://127.0.0.1:9"]),
);
NOBODY.CAUSEWAY_HTTP_MAX_ATTEMPTS = "1";

/** Signed in on a console where no cloud is known yet. */
const test = base.extend<{ own: Console }>({
    own: async ({ fresh }, use) => use(await fresh({ env: NOBODY })),
    baseURL: async ({ own }, use) => use(own.url),
    storageState: async ({}, use) => use(undefined),
    page: async ({ page, problems, context, own }, use) => {
        problems.watch(context, own.url);
        await signIn(page);
        await use(page);
    },
});

/** By how its label begins: one that may stay empty says so behind. */
const field = (page: Page, label: string) => page.getByLabel(new RegExp(`^${label}`));
const table = (page: Page) => page.getByRole("table", { name: "Cloud accounts" });

async function begin(page: Page, cloud: string, name: string): Promise<void> {
    await visit(page, `${PATH}/new`);
    // The segment's input has no area of its own.
    await page.getByRole("group", { name: "Cloud" }).getByText(cloud, { exact: true }).click();
    await page.getByLabel("Name", { exact: true }).fill(name);
}

async function add(page: Page): Promise<void> {
    await page.getByRole("button", { name: "Add cloud account" }).click();
    await expect(page).toHaveURL(/\/accounts$/);
    await hydrated(page);
}

/** The row says so, at once or after a reload where nothing wakes the page. */
async function expectCredentials(page: Page, name: string, word: RegExp): Promise<void> {
    await expect(async () => {
        if (!isHydrated()) await page.reload();
        await expectRowVisible(table(page), { Name: name, Credentials: word });
    }).toPass({ timeout: 20_000 });
}

async function addAws(page: Page): Promise<void> {
    await begin(page, "AWS", "operations");
    await field(page, "AWS account ID").fill("111122223333");
    await field(page, "Access key ID").fill("AKIAIOSFODNN7EXAMPLE");
    await field(page, "Secret access key").fill(SECRET);
    await add(page);
}

const KEY = JSON.stringify({
    type: "service_account",
    project_id: "tidewater-prod",
    client_email: "causeway@tidewater-prod.iam.gserviceaccount.com",
    private_key_id: "0f1e2d",
    private_key: `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----\n`,
});

test("an account is added for each cloud, and no page shows a secret", async ({ page }) => {
    // Four forms in a row.
    test.slow();
    await visit(page, PATH);
    await expect(page.getByText("No cloud account yet.")).toBeVisible();
    await aria(page.getByRole("main"), "accounts-empty");

    await addAws(page);
    await expectRowVisible(table(page), { Name: "operations", "Signs in to": /^AWS/, VPCs: "0" });

    await begin(page, "Google Cloud", "google-main");
    await field(page, "Service account key").fill(KEY);
    await add(page);
    await expect(rowOf(table(page), "google-main").getByText("tidewater-prod")).toBeVisible();

    await begin(page, "Azure", "azure-main");
    await field(page, "Tenant ID").fill(ID);
    await field(page, "Application ID").fill(ID);
    await field(page, "Client secret").fill(SECRET);
    await field(page, "Subscription ID").fill(ID);
    await field(page, "Resource group").fill("causeway");
    await add(page);
    await expect(rowOf(table(page), "azure-main").getByText(ID)).toBeVisible();

    await begin(page, "UpCloud", "upcloud-main");
    await field(page, "API token").fill(SECRET);
    await add(page);
    await expectRowVisible(table(page), { Name: "upcloud-main", "Signs in to": /^UpCloud/ });

    expect(await page.content()).not.toContain("hunter2");
    await axe(page);
    await pictures(page, "accounts");
    await visit(page, `${PATH}/new`);
    await expect(page.getByRole("button", { name: "Add cloud account" })).toHaveAttribute("aria-disabled", "true");
});

test("what is wrong is said at its field, what was typed stays, and the secret is typed again", async ({ page, problems }) => {
    // The refusal itself.
    problems.allow(/status of 400/);
    await begin(page, "AWS", "operations");
    await field(page, "AWS account ID").fill("12");
    await field(page, "Access key ID").fill("AKIAIOSFODNN7EXAMPLE");
    await field(page, "Secret access key").fill(SECRET);
    await page.getByRole("button", { name: "Add cloud account" }).click();
    await expect(page.getByText("The AWS account ID has 12 digits.")).toBeVisible();
    await expect(field(page, "AWS account ID")).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByLabel("Name", { exact: true })).toHaveValue("operations");
    await expect(field(page, "Access key ID")).toHaveValue("AKIAIOSFODNN7EXAMPLE");
    await expect(field(page, "Secret access key")).toHaveValue("");
    expect(page.url()).not.toContain("hunter2");
    expect(await page.content()).not.toContain("hunter2");
    await axe(page);
    await pictures(page, "account-refused");
    await field(page, "AWS account ID").fill("111122223333");
    await field(page, "Secret access key").fill(SECRET);
    await add(page);
    await expectRowVisible(table(page), { Name: "operations" });
});

test("an account is changed without its secret, checked, and removed after a confirmation", async ({ page }) => {
    await addAws(page);
    await table(page).getByRole("link", { name: "operations" }).click();
    await hydrated(page);
    await expect(field(page, "Secret access key")).toHaveValue("");
    await expect(page.getByText("Kept unless you type another.")).toBeVisible();
    await page.getByLabel("Name", { exact: true }).fill("production");
    await page.getByRole("button", { name: "Save account" }).click();
    await expect(page).toHaveURL(/\/accounts$/);
    await hydrated(page);
    await expectRowVisible(table(page), { Name: "production" });

    await expectCredentials(page, "production", /^Not confirmed/);
    await page.getByRole("button", { name: "Check credentials of production" }).click();
    await expect(page).toHaveURL(/\/accounts$/);
    await expectCredentials(page, "production", /^Not confirmed/);
    await visit(page, "/projects/default/changes");
    await expect(page.getByText("Check of cloud account asked").and(page.locator(":not(option)")).first()).toBeVisible();

    await visit(page, PATH);
    await page.getByLabel("Actions for production").click();
    await page.getByRole("link", { name: "Remove" }).click();
    const dialog = page.getByRole("dialog", { name: "Confirmation" });
    await expect(dialog.getByText("Remove the cloud account production?")).toBeVisible();
    await hydrated(page);
    await aria(dialog, "account-delete");
    await axe(page);
    await pictures(page, "account-delete");
    await dialog.getByRole("button", { name: "Remove account" }).click();
    await expect(page).toHaveURL(/\/accounts$/);
    await expect(page.getByText("No cloud account yet.")).toBeVisible();
});

for (const [cloud, known] of [
    ["AWS", "AWS account ID"],
    ["Google Cloud", "Service account key"],
    ["Azure", "Tenant ID"],
    ["UpCloud", "API token"],
] as const) {
    // Nobody adds an account to the worker's console.
    base(`the form of ${cloud} says where its values are found`, async ({ page }) => {
        const name = `account-new-${cloud.replace(/ .*/, "").toLowerCase()}`;
        await begin(page, cloud, "operations");
        await expect(field(page, known)).toBeVisible();
        const dialog = page.getByRole("dialog");
        await aria(dialog, name);
        await dialog.getByText(`Where do I find this? ${known}`).click();
        await axe(page);
        await pictures(page, name);
    });
}

test("the page and the form of an account are read out in order, accessible, and fit a telephone", async ({ page }) => {
    await addAws(page);
    await expectCredentials(page, "operations", /^Not confirmed The credentials could not be confirmed: .*127\.0\.0\.1:9|could not be reached/);
    // What can be copied has a button for it where there is a script.
    await aria(page.getByRole("main"), isHydrated() ? "accounts-hydrated" : "accounts");
    await axe(page);
    await page.getByRole("link", { name: "operations" }).click();
    await hydrated(page);
    await expect(page.getByRole("dialog", { name: "Change cloud account" })).toBeVisible();
    await aria(page.getByRole("dialog"), "account-edit");
    await axe(page);
    await pictures(page, "account-edit");
});

const simulated = test.extend({
    own: async ({ fresh }, use) => use(await fresh({ env: { CAUSEWAY_LOOKALIKE: "true" } })),
});

simulated("an account of a simulated cloud says so, is checked, and has no form", async ({ page }) => {
    await visit(page, PATH);
    for (const cloud of ["AWS", "Google Cloud", "UpCloud"]) {
        const row = table(page).locator("tbody tr").filter({ hasText: new RegExp(`${cloud}.*Simulated`) });
        await expect(row).toHaveCount(1);
        const name = (await row.getByRole("rowheader").innerText()).trim();
        await expectCredentials(page, name, /^Good/);
        await expect(row.getByRole("link", { name })).toHaveCount(0);
    }
    const first = table(page).locator("tbody tr").filter({ hasText: "Simulated" }).first();
    await first.getByRole("button", { name: "Check credentials" }).click();
    await expectCredentials(page, (await first.getByRole("rowheader").innerText()).trim(), /^Good/);
    await axe(page);
    await pictures(page, "accounts-simulated");
});

/** Users of UpCloud by their tokens. Of whatever else it is asked, it has nothing. */
const USERS: Record<string, string> = { ucat_astrid: "astrid", ucat_bjorn: "bjorn" };

/** Signed in on a console whose UpCloud knows who its tokens belong to. */
const told = test.extend({
    own: async ({ fresh }, use) => {
        const upcloud = createServer((request, response) => {
            const username = USERS[(request.headers.authorization ?? "").replace("Bearer ", "")];
            const known = request.url === "/1.3/account" && username !== undefined;
            const answer = known ? { account: { username, credits: 9000 } } : { error: { error_code: "NOT_FOUND", error_message: "There is none." } };
            response.writeHead(known ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(answer));
        });
        await new Promise<void>(done => upcloud.listen(0, "127.0.0.1", done));
        const { port } = upcloud.address() as AddressInfo;
        await use(await fresh({ env: { ...NOBODY, CAUSEWAY_UPCLOUD_ENDPOINT: `http://127.0.0.1:${port}/1.3` } }));
        upcloud.closeAllConnections();
        upcloud.close();
    },
});

told("an account that becomes another user's is held until somebody says that both are of one account", async ({ page, own }) => {
    await begin(page, "UpCloud", "lab");
    await field(page, "API token").fill("ucat_astrid");
    await add(page);
    await expectCredentials(page, "lab", /^Good UpCloud knows the console as astrid\./);
    await new Made(own, page.request).vpc("orders", "10.20.0.0/22", "upcloud-de-fra1");

    await table(page).getByRole("link", { name: "lab" }).click();
    await hydrated(page);
    await field(page, "API token").fill("ucat_bjorn");
    await page.getByRole("button", { name: "Save account" }).click();
    await expect(page).toHaveURL(/\/accounts$/);
    await expectCredentials(page, "lab", /^Not confirmed The credentials belong to another UpCloud user, bjorn, and not to astrid\. VPCs in UpCloud stand still/);

    await table(page).getByRole("link", { name: "lab" }).click();
    await hydrated(page);
    const dialog = page.getByRole("dialog", { name: "Change cloud account" });
    await expect(dialog.getByText("Are bjorn and astrid users of one UpCloud account?")).toBeVisible();
    await aria(dialog, "account-confirm");
    await axe(page);
    await pictures(page, "account-confirm");
    await dialog.getByRole("button", { name: "These credentials are the same account's" }).click();
    await expect(page).toHaveURL(/\/accounts$/);
    await hydrated(page);
    await expectCredentials(page, "lab", /^Good UpCloud knows the console as bjorn\./);
    await table(page).getByRole("link", { name: "lab" }).click();
    await hydrated(page);
    await expect(dialog).toBeVisible();
    await expect(dialog.getByRole("button", { name: "These credentials are the same account's" })).toHaveCount(0);
});
