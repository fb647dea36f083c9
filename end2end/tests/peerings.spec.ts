// VPC peerings as a person meets them. Checklist rows 70, 74, 76, 81, 82, 85, 86, 88, 89.

import { axe, expect, expectRowVisible, isHydrated, rowOf, signIn, test, visit, type Page } from "../fixtures.ts";
import { eventually } from "../hands.ts";
import { PROJECT } from "../made.ts";
import { test as inTown } from "../town.ts";

const list = (page: Page) => page.getByRole("table", { name: "VPC peerings" });
const peers = (page: Page) => page.getByRole("table", { name: "Peers" });
const remote = (page: Page) => page.getByRole("group", { name: "Remote Gateway" });
/** The row of a gateway that may be chosen, or says why not. */
const offer = (page: Page, gateway: string) => remote(page).locator("label").filter({ hasText: gateway });

test("a project without peerings says where one begins", async ({ browser, fresh }) => {
    const console = await fresh();
    const context = await browser.newContext({ baseURL: console.url, javaScriptEnabled: isHydrated() });
    const page = await context.newPage();
    await signIn(page);
    await visit(page, `${PROJECT}/peerings`);
    await expect(page.getByText("No VPC peering yet.")).toBeVisible();
    await axe(page);
    await page.getByRole("link", { name: "Open VPN Gateways" }).click();
    await expect(page).toHaveURL(/\/gateways$/);
    await context.close();
});

test("a pair is made on both gateways at once, and goes from both by one deletion", async ({ page, made }) => {
    const north = await made.enrol(await made.gateway("north", { cidr: "10.51.0.0/20" }, "10.202.1.0/24"), "203.0.113.51", "10.51.0.4");
    const south = await made.enrol(await made.gateway("south", { cidr: "10.52.0.0/20" }, "10.202.2.0/24"), "203.0.113.52", "10.52.0.4");
    await visit(page, north.path);
    await page.getByRole("main").getByRole("link", { name: "Create VPC Peering" }).first().click();
    await offer(page, "gw-south").getByRole("radio").check();
    if (isHydrated()) {
        const plan = page.getByRole("region", { name: "What will be made" });
        await expectRowVisible(plan.getByRole("table"), { "On gw-north": "vpc-peering-gw-south", "On gw-south": "vpc-peering-gw-north" });
        await expectRowVisible(plan.getByRole("table"), { "On gw-north": "10.52.0.0/20 10.202.2.0/24", "On gw-south": "10.51.0.0/20 10.202.1.0/24" });
    }
    await page.getByRole("button", { name: "Create Peering" }).click();
    await expect(page).toHaveURL(new RegExp(`${north.path}$`));
    await eventually(page, patience => expect(rowOf(peers(page), "vpc-peering-gw-south")).toContainText("Recorded, no packets", patience));
    await expectRowVisible(peers(page), { Kind: "VPC peering", "Tunnel IP": /^10\.202\.1\.2/, Endpoint: "203.0.113.52:51820" });

    await visit(page, `${PROJECT}/peerings`);
    await expectRowVisible(list(page), { VPCs: "north – south", Gateway: "gw-north", "Remote gateway": "gw-south", State: "Recorded, no packets" });

    // From the other side.
    await visit(page, south.path);
    await expectRowVisible(peers(page), { Kind: "VPC peering", "Tunnel IP": /^10\.202\.2\.2/, Endpoint: "203.0.113.51:51820" });
    await page.getByRole("link", { name: "vpc-peering-gw-north" }).click();
    await expectRowVisible(page.getByRole("table", { name: "Both sides" }), { Gateway: "gw-north", "Network CIDR": /^10\.51\.0\.0\/20/ });
    await page.getByRole("link", { name: "Delete VPC peering" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByText("Delete the VPC peering of gw-south and gw-north?")).toBeVisible();
    await expect(dialog.getByText("This removes the peering on both gateways. Traffic between north and south stops.")).toBeVisible();
    await dialog.getByRole("button", { name: "Delete VPC peering" }).click();
    await expect(page).toHaveURL(new RegExp(`${south.path}$`));
    await expect(page.getByText("No peer yet.")).toBeVisible();
    await visit(page, north.path);
    await expect(page.getByText("No peer yet.")).toBeVisible();
});

inTown("what cannot be chosen is shown disabled, with the reason in its row", async ({ page, town }) => {
    await visit(page, `${town.oslo.path}/peerings/new`);
    for (const [gateway, reason] of [
        ["gw-hamburg", "A peering already exists between these gateways"],
        ["gw-mirror", "The VPC CIDRs of the two gateways overlap"],
        ["gw-depot", "Both gateways must be active. gw-depot has no host yet. Enrol one first."],
    ] as const) {
        await expect(offer(page, gateway).getByText(reason, { exact: true })).toBeVisible();
        await expect(offer(page, gateway).getByRole("radio")).toBeDisabled();
    }
    await expect(offer(page, "gw-oslo"), "the gateway itself").toHaveCount(0);
    await expect(page.getByText("No gateway can be chosen now; each says why in its row.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Create Peering" })).toBeDisabled();

    await visit(page, `${town.hamburg.path}/peerings/new`);
    for (const [gateway, reason] of [
        ["gw-stores", "A tunnel subnet overlaps with the remote VPC CIDR"],
        ["gw-mirror", "10.20.64.0/20 is already routed by peer vpc-peering-gw-oslo on gateway gw-hamburg."],
    ] as const) {
        await expect(offer(page, gateway).getByText(reason, { exact: true })).toBeVisible();
        await expect(offer(page, gateway).getByRole("radio")).toBeDisabled();
    }
});

test("a gateway that is being deleted is still listed, and says so", async ({ page, made }) => {
    const here = await made.enrol(await made.gateway("aarhus", { cidr: "10.55.0.0/20" }, "10.202.5.0/24"), "203.0.113.55", "10.55.0.4");
    const going = await made.enrol(await made.gateway("odense", { cidr: "10.56.0.0/20" }, "10.202.6.0/24"), "203.0.113.56", "10.56.0.4");
    await made.send("gateways/delete", { id: going.id });
    await visit(page, `${here.path}/peerings/new`);
    await expect(offer(page, going.name).getByText("Gateway gw-odense is being deleted.", { exact: true })).toBeVisible();
    await expect(offer(page, going.name).getByRole("radio")).toBeDisabled();
});

inTown("who asks around the form is refused in the same words", async ({ page, town, problems }) => {
    problems.allow(/status of (400|409)/);
    const ask = async (other: string): Promise<void> => {
        const form = { project: "default", gateway: town.oslo.id, remote: other };
        const headers = { Accept: "text/html", Origin: town.console.url, Referer: `${town.console.url}${town.oslo.path}/peerings/new` };
        const answer = await page.request.post("/api/peerings/create", { form, headers });
        await visit(page, answer.url());
    };
    for (const [other, sentence] of [
        [town.oslo.id, "Cannot peer gateways in the same VPC"],
        [town.hamburg.id, "A peering already exists between these gateways"],
        [town.mirror.id, "The VPC CIDRs of the two gateways overlap"],
        ["", "Choose a remote gateway."],
    ] as const) {
        await ask(other);
        await expect(remote(page).getByRole("alert").getByText(sentence, { exact: true })).toBeVisible();
    }
});
