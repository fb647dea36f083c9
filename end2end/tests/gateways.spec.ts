// VPN gateways as a person meets them: asked for, enrolled, changed, revoked, deleted. Checklist rows 68, 69, 83, 87, 88.

import { axe, expect, expectRowVisible, hydrated, isHydrated, rowOf, signIn, test, visit, type Page } from "../fixtures.ts";
import { choose, eventually } from "../hands.ts";
import { PROJECT } from "../made.ts";

const list = (page: Page) => page.getByRole("table", { name: "VPN gateways" });
const peers = (page: Page) => page.getByRole("table", { name: "Peers" });
const create = (page: Page) => page.getByRole("button", { name: "Create VPN gateway" });

test("a project without gateways says what one is, and the form says what must be there first", async ({ browser, fresh }) => {
    const console = await fresh();
    const context = await browser.newContext({ baseURL: console.url, javaScriptEnabled: isHydrated() });
    const page = await context.newPage();
    await signIn(page);
    await visit(page, `${PROJECT}/gateways`);
    await expect(page.getByText("No VPN gateway yet.")).toBeVisible();
    await expect(page.getByText("A gateway is a Linux host of yours in a VPC.", { exact: false })).toBeVisible();
    await axe(page);
    await page.getByRole("main").getByRole("link", { name: "Create VPN gateway" }).last().click();
    await expect(page.getByText("No VPC to join yet.")).toBeVisible();
    await expect(page.getByRole("link", { name: "Create VPC" })).toHaveAttribute("href", `${PROJECT}/vpcs/new`);
    await context.close();
});

test("a gateway that is asked for waits for its host, and its VPC can have no second one", async ({ page, made }) => {
    await made.vpc("wharf", "10.41.0.0/20");
    await visit(page, `${PROJECT}/gateways/new`);
    await page.getByLabel("Name").fill("gw-wharf");
    await page.getByRole("radio", { name: "wharf" }).check();
    await page.getByLabel("Tunnel subnet").fill("10.201.1.0/24");
    await page.getByLabel("Public address").fill("203.0.113.41");
    await create(page).click();
    await expect(page.getByRole("heading", { name: "Enrol a host for gw-wharf", level: 1 })).toBeVisible();

    await visit(page, `${PROJECT}/gateways`);
    const row = { VPC: "wharf", "Public IP": /^203\.0\.113\.41/, "Tunnel subnet": /^10\.201\.1\.0\/24/, Status: "Provisioning", Peers: "0/0" };
    await expectRowVisible(list(page), { "Name ↑": "gw-wharf", ...row });

    await visit(page, `${PROJECT}/gateways/new`);
    await expect(page.getByRole("radio", { name: "wharf" })).toBeDisabled();
    await expect(page.getByRole("group", { name: "VPC" }).getByText("This VPC already has a VPN gateway.").first()).toBeVisible();
});

test("what is refused is said at its field, and nothing that was typed is lost", async ({ page, made, problems }) => {
    problems.allow(/status of (400|409)/);
    await made.gateway("quay", { cidr: "10.42.0.0/20" }, "10.201.2.0/24");
    await made.vpc("pier", "10.43.0.0/20");
    const refused = async (typed: Record<string, string>, sentences: string[]): Promise<void> => {
        await visit(page, `${PROJECT}/gateways/new`);
        await page.getByRole("radio", { name: "pier" }).check();
        for (const [label, text] of Object.entries(typed)) await page.getByLabel(label).fill(text);
        await create(page).click();
        for (const sentence of sentences) await expect(page.getByText(sentence, { exact: true }).first()).toBeVisible();
        for (const [label, text] of Object.entries(typed)) await expect(page.getByLabel(label)).toHaveValue(text);
        await expect(page.getByRole("radio", { name: "pier" })).toBeChecked();
    };
    await refused({ Name: "GW", "Tunnel subnet": "10.201.3.0/30", "Public address": "127.0.0.1" }, [
        "Use lower-case letters, digits and dashes; start with a letter and end with a letter or digit.",
        "The prefix length must be between /16 and /29.",
        "127.0.0.1 cannot be reached from another host. Enter the address that peers connect to.",
    ]);
    await refused({ Name: "gw-pier", "Tunnel subnet": "10.201.3.7/24" }, ["10.201.3.7/24 has host bits set. Use 10.201.3.0/24 instead."]);
    await refused({ Name: "gw-pier", "Tunnel subnet": "10.43.8.0/24" }, ["The tunnel subnet overlaps with the CIDR of the VPC."]);
    await refused({ Name: "gw-quay", "Tunnel subnet": "10.201.2.128/25" }, [
        "A gateway named gw-quay already exists.",
        "Tunnel subnet 10.201.2.0/24 is already used by gateway gw-quay.",
    ]);
});

test("the enrolment command is shown once, and the host that runs it is seen", async ({ page, console, made }) => {
    const gateway = await made.gateway("dock", { cidr: "10.44.0.0/20" }, "10.201.4.0/24");
    await visit(page, gateway.path);
    await page.getByRole("link", { name: "Enrol host" }).click();
    await hydrated(page);
    await page.getByRole("button", { name: "Issue enrolment token" }).click();
    const commands = page.getByRole("group", { name: "the commands for systemd" });
    await expect(commands).toContainText("causeway agent");
    const token = (await commands.innerText()).match(/<<'TOKEN'\n(\S+)\nTOKEN/)?.[1] ?? "";
    expect(token).not.toBe("");
    await axe(page);

    await page.reload();
    await hydrated(page);
    await expect(page.getByText("The commands stand here once a token is issued. They are shown once.")).toBeVisible();
    expect(await page.content()).not.toContain(token);

    await console.agent(gateway.name, token, ["203.0.113.44", "10.44.0.4"]);
    await eventually(page, patience => expect(page.getByText("Recorded, no packets: this host writes down", { exact: false })).toBeVisible(patience));
    await page.getByRole("link", { name: "Open the gateway" }).click();
    await expect(page.getByText("10.44.0.4 on eth1")).toBeVisible();
});

test("settings are changed, bad ones are refused, and the generation goes up", async ({ page, made, problems }) => {
    problems.allow(/status of 400/);
    const gateway = await made.gateway("lock", { cidr: "10.45.0.0/20" }, "10.201.5.0/24");
    await visit(page, gateway.path);
    await choose(page, "More actions for gw-lock", "Settings");
    await page.getByLabel("MTU").fill("100");
    await page.getByLabel("Listen port").fill("70000");
    await page.getByLabel("DNS servers").fill("10.45.0.53, resolver");
    await page.getByRole("button", { name: "Save settings" }).click();
    for (const sentence of ["Enter an MTU from 1280 to 9000.", "Enter a port from 1 to 65535.", "resolver is not an IPv4 address."]) {
        await expect(page.getByText(sentence)).toBeVisible();
    }
    await expect(page.getByLabel("DNS servers")).toHaveValue("10.45.0.53, resolver");

    await visit(page, `${gateway.path}/settings`);
    await page.getByLabel("Public address").fill("203.0.113.45");
    await page.getByLabel("Listen port").fill("51999");
    await page.getByLabel("MTU").fill("1380");
    // The radio itself is drawn by its label.
    await page.getByText("Ask first", { exact: true }).click();
    await page.getByRole("button", { name: "Save settings" }).click();
    await expect(page).toHaveURL(new RegExp(`${gateway.path}$`));
    await expect(page.getByText("203.0.113.45:51999").first()).toBeVisible();
    await expect(page.getByText("shown, applied by a person")).toBeVisible();
    await eventually(page, patience => expect(page.getByRole("img", { name: "Wanted generation 2" })).toBeVisible(patience));
});

test("deleting a gateway names everything that goes with it, and takes it from the other side too", async ({ page, made }) => {
    const slip = await made.enrol(await made.gateway("slip", { cidr: "10.46.0.0/20" }, "10.201.6.0/24"), "203.0.113.46", "10.46.0.4");
    const jetty = await made.enrol(await made.gateway("jetty", { cidr: "10.47.0.0/20" }, "10.201.7.0/24"), "203.0.113.47", "10.47.0.4");
    await made.peering(slip, jetty);
    await made.roadWarrior(slip, "laptop-ada");
    await made.site(slip, "site-ostra", "192.168.47.0/24");

    await visit(page, `${PROJECT}/gateways`);
    await choose(page, "Actions for gw-slip", "Delete");
    for (const consequence of [
        "The VPC peering with gw-jetty goes on both gateways. Traffic between slip and jetty stops.",
        "1 site loses its way in: site-ostra.",
        "1 road warrior loses its way in: laptop-ada.",
        "Tunnel subnet 10.201.6.0/24 becomes free, and slip may have another gateway.",
    ]) {
        await expect(page.getByRole("dialog").getByText(consequence)).toBeVisible();
    }
    await page.getByRole("link", { name: "Cancel" }).click();
    await visit(page, jetty.path);
    await expect(rowOf(peers(page), "vpc-peering-gw-slip")).toBeVisible();

    await visit(page, `${slip.path}/delete`);
    await page.getByRole("button", { name: "Delete VPN gateway" }).click();
    await expect(page).toHaveURL(/\/gateways$/);
    // Its host answers, cleans up, and is gone.
    await eventually(page, patience => expect(rowOf(list(page), "gw-slip")).toHaveCount(0, patience));
    await visit(page, jetty.path);
    await expect(page.getByText("No peer yet.")).toBeVisible();
});

test("revoking the credential says what it means, and the log says who did it", async ({ page, made }) => {
    const gateway = await made.enrol(await made.gateway("weir", { cidr: "10.48.0.0/20" }, "10.201.8.0/24"), "203.0.113.48", "10.48.0.4");
    await visit(page, gateway.path);
    await choose(page, "More actions for gw-weir", "Revoke credential");
    await expect(page.getByText("Revoke the agent's credential of gw-weir?")).toBeVisible();
    await expect(page.getByText("the gateway turns to Error until a host is enrolled again.", { exact: false })).toBeVisible();
    await page.getByRole("button", { name: "Revoke credential" }).click();
    await expect(page).toHaveURL(new RegExp(`${gateway.path}$`));
    await visit(page, `${PROJECT}/changes`);
    await expectRowVisible(page.getByRole("table", { name: "Changes" }), { What: "Agent credential revoked", Object: "gw-weir" });
});
