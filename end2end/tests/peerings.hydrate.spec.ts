import { expect, hydrated, test, visit } from "../fixtures.ts";
import { PROJECT } from "../made.ts";
import { test as inTown } from "../town.ts";

inTown("the browser knows every refusal itself, also of tunnel subnets that only older data can have in common", async ({ page, town }) => {
    // No form makes two gateways of one owner with one subnet: Mirror's is given Hamburg's on the way here.
    await page.route("**/api/gateways/read", async route => {
        const answer = await route.fetch();
        const text = (await answer.text()).replaceAll("10.200.3.0/24", "10.200.2.0/24");
        await route.fulfill({ response: answer, body: text });
    });
    await visit(page, `${PROJECT}/gateways`);
    await page.getByRole("link", { name: town.hamburg.name }).click();
    await hydrated(page);
    await page.getByRole("main").getByRole("link", { name: "Create VPC Peering" }).first().click();
    const mirror = page.getByRole("group", { name: "Remote Gateway" }).locator("label").filter({ hasText: "gw-mirror" });
    await expect(mirror.getByText("The tunnel subnets of the two gateways overlap", { exact: true })).toBeVisible();
    await expect(mirror.getByRole("radio")).toBeDisabled();
});

test("a gateway that gets its host meanwhile can be chosen without a reload", async ({ page, made }) => {
    const east = await made.enrol(await made.gateway("east", { cidr: "10.53.0.0/20" }, "10.202.3.0/24"), "203.0.113.53", "10.53.0.4");
    const west = await made.gateway("west", { cidr: "10.54.0.0/20" }, "10.202.4.0/24");
    await visit(page, `${east.path}/peerings/new`);
    const offer = page.getByRole("group", { name: "Remote Gateway" }).locator("label").filter({ hasText: west.name });
    await expect(offer.getByText("Both gateways must be active. gw-west has no host yet. Enrol one first.")).toBeVisible();
    await expect(offer.getByRole("radio")).toBeDisabled();
    await made.enrol(west, "203.0.113.54", "10.54.0.4");
    await expect(offer.getByRole("radio")).toBeEnabled({ timeout: 15_000 });
});
