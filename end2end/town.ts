// A console with something on every page: what is right, what waits and what cannot be. Names, ranges and order are
// always the same, so that its pages can be compared with snapshots. Tests look at it and change nothing.

import { request, type BrowserContext } from "@playwright/test";
import { ADMINISTRATOR, Console } from "./console.ts";
import { test as base } from "./fixtures.ts";
import { Made, PROJECT, type Gateway, type Peer } from "./made.ts";

export interface Town {
    console: Console;
    /** The administrator's. */
    session: Awaited<ReturnType<BrowserContext["storageState"]>>;
    oslo: Gateway;
    hamburg: Gateway;
    /** Its VPC overlaps with Oslo's. */
    mirror: Gateway;
    /** Its tunnel subnet overlaps with Hamburg's VPC, and no host has enrolled. */
    stores: Gateway;
    /** No host has enrolled. */
    depot: Gateway;
    /** Oslo's, with a file from before the peering. */
    laptop: Peer;
    altona: Peer;
    /** Oslo's side of the peering with Hamburg. */
    peering: Peer;
    /** The page of a VPC where gateways are not enabled. */
    bergen: string;
}

async function build(): Promise<Town> {
    const console = await Console.start({ env: { CAUSEWAY_LOCATIONS: "oslo=Oslo,hamburg=Hamburg,bergen=Bergen:no-gateway" } });
    const context = await request.newContext({ baseURL: console.url });
    try {
        const made = new Made(console, context);
        await made.send("session/sign-in", { ...ADMINISTRATOR, next: "" });
        const [here, there] = ["local-oslo", "local-hamburg"];
        const oslo = await made.gateway("oslo", { cidr: "10.20.0.0/16", cloud: here }, "10.200.1.0/24", { dns: "10.20.0.53" });
        const hamburg = await made.gateway("hamburg", { cidr: "10.32.0.0/20", cloud: there }, "10.200.2.0/24");
        const mirror = await made.gateway("mirror", { cidr: "10.20.64.0/20", cloud: there }, "10.200.3.0/24");
        const stores = await made.gateway("stores", { cidr: "10.60.0.0/20", cloud: here }, "10.32.8.0/24");
        const depot = await made.gateway("depot", { cidr: "172.20.0.0/22", cloud: here }, "10.200.5.0/24", { public_address: "203.0.113.50" });
        const bergen = await made.vpc("bergen", "192.168.40.0/22", "local-bergen");
        await made.planned("turku", "10.32.0.0/12");
        for (const [gateway, ...addresses] of [
            [oslo, "203.0.113.10", "10.20.0.4"],
            [hamburg, "203.0.113.20", "10.32.0.4"],
            [mirror, "203.0.113.30", "10.20.64.4"],
        ] as const) {
            await made.enrol(gateway, ...addresses);
            await noted(made, gateway);
        }
        const laptop = await made.roadWarrior(oslo, "laptop-mira");
        await context.get(`${laptop.path}/file`);
        const peering = await made.peering(oslo, hamburg);
        const router = { endpoint: "198.51.100.7:51820", preshared: "true" };
        const altona = await made.site(oslo, "site-altona", "192.168.88.0/24, 192.168.90.0/23", router);
        const phone = await made.roadWarrior(oslo, "phone-noor");
        await made.send("peers/enable", { gateway: oslo.id, id: phone.id, enabled: "false" });
        for (const gateway of [oslo, hamburg, mirror]) await made.settle(gateway);
        const session = await context.storageState();
        return { console, session, oslo, hamburg, mirror, stores, depot, laptop, altona, peering, bergen: `${PROJECT}/vpcs/${bergen}` };
    } catch (error) {
        await console.remove();
        throw error;
    } finally {
        await context.dispose();
    }
}

/** Waits until the log says that the gateway has come up, so that what is done next stands after it. */
async function noted(made: Made, gateway: Gateway): Promise<void> {
    const end = Date.now() + 20_000;
    for (;;) {
        const log = await made.ask<{ kind: string; object: string }[]>("changes/list", { filter: { limit: 20 } });
        if (log.some(change => change.kind === "vpn_gateway_state_change" && change.object === gateway.id)) return;
        if (Date.now() > end) throw new Error(`the log does not say that ${gateway.name} has come up`);
        await new Promise(done => setTimeout(done, 100));
    }
}

/** The fixtures' `test`, where the worker's console is a town. */
export const test = base.extend<object, { town: Town }>({
    town: [
        async ({}, use) => {
            const town = await build();
            await use(town);
            await town.console.remove();
        },
        { scope: "worker", timeout: 60_000 },
    ],
    console: [async ({ town }, use) => use(town.console), { scope: "worker" }],
    session: [async ({ town }, use) => use(town.session), { scope: "worker" }],
});
