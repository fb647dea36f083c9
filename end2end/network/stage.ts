// The lab's two sites on a console: VPCs, gateways whose hosts run the real agent, and a peering. For stories that begin
// where these stand; how a person makes them is told by `story.hydrate.spec.ts`.

import { test } from "../fixtures.ts";
import { whyNoLab, type Lab } from "../lab.ts";
import { Made, type Gateway } from "../made.ts";

export const ALPHA = { vpc: "alpha", cidr: "172.16.0.0/16", gateway: "gw-alpha", tunnel: "10.200.1.0/24", address: "203.0.113.10", vm: "172.16.0.100" };
export const BETA = { vpc: "beta", cidr: "10.0.0.0/16", gateway: "gw-beta", tunnel: "10.200.2.0/24", address: "203.0.113.20", vm: "10.0.0.100" };
export type Site = typeof ALPHA;

/** The stories of a file need the lab, and time. In CI a machine without one is a failure, elsewhere it is said why. */
export function onTheLab(seconds: number): void {
    const why = whyNoLab();
    test.skip(why !== undefined, `the lab ${why}`);
    test.setTimeout(seconds * 1000);
}

/** A site's VPC and its gateway, at work on the lab's host of its name. */
export async function site(made: Made, lab: Lab, { vpc, cidr, tunnel, address, gateway: host }: Site, egress = false): Promise<Gateway> {
    const settings = { public_address: address, ...(egress ? { internet_egress: "true" } : {}) };
    const gateway = await made.gateway(vpc, { cidr }, tunnel, settings);
    const { token } = await made.send<{ token: string }>("gateways/enrolment", { id: gateway.id });
    await lab.agent(host, token);
    await until(`${host} is active`, async () => (await made.send<{ status: string }>("gateways/get", { id: gateway.id })).status === "active");
    return gateway;
}

/** Waits for what the network does in its own time. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + 30_000;
    while (!(await holds())) {
        if (Date.now() > end) throw new Error(`not within 30 s: ${what}`);
        await new Promise(done => setTimeout(done, 100));
    }
}
