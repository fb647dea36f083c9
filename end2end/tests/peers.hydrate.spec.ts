// What only a browser with a script can do: make a key pair that nobody else has.

import { writeFileSync } from "node:fs";
import { axe, expect, expectRowVisible, hydrated, test, visit } from "../fixtures.ts";
import { download } from "../hands.ts";

const PRIVATE = /^PrivateKey = ([A-Za-z0-9+/]{43}=)$/m;

test("a key pair is made in the browser, its private half leaves in the file only, and an old file is renewed", async ({ page, made }, testInfo) => {
    const gateway = await made.enrol(await made.gateway("narvik", { cidr: "10.71.0.0/20" }, "10.203.71.0/24"), "203.0.113.71", "10.71.0.4");
    const remote = await made.enrol(await made.gateway("kiruna", { cidr: "10.72.0.0/20" }, "10.203.72.0/24"), "203.0.113.72", "10.72.0.4");
    const sent: string[] = [];
    page.on("request", request => sent.push(`${request.url()} ${request.postData() ?? ""}`));

    await visit(page, `${gateway.path}/peers/new`);
    await page.getByLabel("Name").fill("laptop-mira");
    await page.getByRole("button", { name: "Add peer" }).click();
    const panel = page.getByRole("dialog");
    await expect(panel.getByText("laptop-mira may connect. Its tunnel address is 10.203.71.2.")).toBeVisible();
    await expect(panel.getByRole("img", { name: "The configuration of laptop-mira as a QR code" })).toBeVisible();
    await expect(panel.getByText("Shown once")).toBeVisible();
    await axe(page);
    const first = await download(page, panel.getByRole("button", { name: "Download gw-n-laptop-mir.conf" }));
    expect(first.name).toBe("gw-n-laptop-mir.conf");
    const secret = first.text.match(PRIVATE)?.[1] ?? "";
    expect(secret).not.toBe("");
    expect(first.text).toContain("AllowedIPs = 10.71.0.0/20, 10.203.71.0/24");
    await panel.getByRole("link", { name: "Open the peer" }).click();
    await expect(page.getByRole("heading", { name: "laptop-mira", level: 1 })).toBeVisible();

    // The network that it reaches becomes another: the old file is renewed around its private key.
    await made.peering(gateway, remote);
    await expect(page.getByText("Download the configuration again to reach kiruna")).toBeVisible();
    const old = testInfo.outputPath("old.conf");
    writeFileSync(old, "[Interface]\nAddress = 10.203.71.2/32\n");
    await page.getByLabel("Renew an old file").setInputFiles(old);
    await expect(page.getByText("This file holds no private key. Choose the one that the device uses.")).toBeVisible();
    writeFileSync(old, first.text.replace(secret, Buffer.alloc(32, 9).toString("base64")));
    await page.getByLabel("Renew an old file").setInputFiles(old);
    await expect(page.getByText("The private key in this file is not that of laptop-mira. Choose this device's own file.")).toBeVisible();
    writeFileSync(old, first.text);
    await page.getByLabel("Renew an old file").setInputFiles(old);
    const second = await download(page, page.getByRole("button", { name: "Download gw-n-laptop-mir.conf" }));
    expect(second.text.match(PRIVATE)?.[1]).toBe(secret);
    expect(second.text).toContain("AllowedIPs = 10.71.0.0/20, 10.72.0.0/20, 10.203.71.0/24");

    const told = sent.filter(request => request.includes(secret) || request.includes(encodeURIComponent(secret)));
    expect(told, "requests with the private key").toEqual([]);
});

test("a name or key that is taken is told while it is typed", async ({ page, made }) => {
    const gateway = await made.enrol(await made.gateway("molde", { cidr: "10.79.0.0/20" }, "10.203.79.0/24"), "203.0.113.79", "10.79.0.4");
    await made.roadWarrior(gateway, "phone-noor");
    await visit(page, `${gateway.path}/peers/new`);
    await hydrated(page);
    const taken = page.getByText("A peer named phone-noor already exists on gateway gw-molde.", { exact: true });
    await page.getByLabel("Name").fill("phone-noor");
    await expect(taken).toBeVisible();
    await page.getByLabel("Name").fill("phone-nora");
    await expect(taken).toBeHidden();
});

test("closing the panel before the file is saved asks first", async ({ page, made }) => {
    const gateway = await made.enrol(await made.gateway("bodo", { cidr: "10.73.0.0/20" }, "10.203.73.0/24"), "203.0.113.73", "10.73.0.4");
    await visit(page, `${gateway.path}/peers/new`);
    await page.getByLabel("Name").fill("phone-noor");
    await page.getByRole("button", { name: "Add peer" }).click();
    await expect(page.getByRole("dialog").getByText("phone-noor may connect.", { exact: false })).toBeVisible();
    const asked: string[] = [];
    page.once("dialog", dialog => {
        asked.push(dialog.message());
        void dialog.dismiss();
    });
    await page.keyboard.press("Escape");
    await expect.poll(() => asked).toEqual(["The file was not saved, and its private key is nowhere else. Close anyway?"]);
    await expect(page.getByRole("dialog")).toBeVisible();
    page.once("dialog", dialog => void dialog.accept());
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await hydrated(page);
    await expectRowVisible(page.getByRole("table", { name: "Peers" }), { Name: "phone-noor", "Tunnel IP": /^10\.203\.73\.2/ });
});

test("without a host there is no key for a file, and the form says so before it is sent", async ({ page, made }) => {
    const gateway = await made.gateway("alta", { cidr: "10.74.0.0/20" }, "10.203.74.0/24");
    await visit(page, `${gateway.path}/peers/new`);
    await page.getByLabel("Name").fill("laptop-ada");
    const add = page.getByRole("button", { name: "Add peer" });
    await expect(add).toHaveAttribute("aria-disabled", "true");
    await expect(add).toHaveAttribute("title", "gw-alta has no host yet, so there is no key for the file. Enrol one first.");
});
