// What a test needs before it looks: objects made through the same server functions that the forms send to, without
// their pages. What is checked is always made, or seen, in the browser.

import type { APIRequestContext } from "@playwright/test";
import type { Console } from "./console.ts";

export const PROJECT = "/projects/default";

export interface Gateway {
    id: string;
    name: string;
    /** Its page. */
    path: string;
    /** The VPC that was made for it, and its page. */
    vpc: string;
    vpcPath: string;
}

export interface Peer {
    id: string;
    name: string;
    path: string;
}

export interface Service {
    id: string;
    name: string;
    path: string;
    nodes: { id: string; name: string; path: string }[];
}

export class Made {
    constructor(
        private readonly console: Console,
        /** With the cookies of who is signed in. */
        private readonly request: APIRequestContext,
    ) {}

    async vpc(name: string, cidr: string, cloud = "local-default"): Promise<string> {
        return this.send("vpcs/create", { name, cidr, cloud });
    }

    /** A gateway `gw-NAME` that waits for its host, in a VPC `NAME` of its own. */
    async gateway(name: string, vpc: { cidr: string; cloud?: string }, tunnel: string, settings: Record<string, string> = {}): Promise<Gateway> {
        const home = await this.vpc(name, vpc.cidr, vpc.cloud);
        const id = await this.send("gateways/create", form({ name: `gw-${name}`, vpc: home, tunnel, ...settings }));
        return { id, name: `gw-${name}`, path: `${PROJECT}/gateways/${id}`, vpc: name, vpcPath: `${PROJECT}/vpcs/${home}` };
    }

    /** A host that records what it is told joins the gateway: it can be peered, and no packet ever passes. */
    async enrol(gateway: Gateway, ...addresses: string[]): Promise<Gateway> {
        const { token } = await this.send<{ token: string }>("gateways/enrolment", { id: gateway.id });
        await this.console.agent(gateway.name, token, addresses);
        await this.settle(gateway);
        return gateway;
    }

    /** Waits until the gateway's host shows what was asked of it. */
    async settle(gateway: Gateway): Promise<void> {
        const end = Date.now() + 20_000;
        for (;;) {
            const { status, wanted, verified } = await this.send<Shown>("gateways/get", { id: gateway.id });
            if (status === "recorded" && verified >= wanted) return;
            if (Date.now() > end) throw new Error(`${gateway.name} did not apply generation ${wanted}:\n${this.console.log}`);
            await new Promise(done => setTimeout(done, 50));
        }
    }

    /** Joins two gateways; gives the peer on the first. */
    async peering(here: Gateway, remote: Gateway): Promise<Peer> {
        await this.send("peerings/create", { gateway: here.id, remote: remote.id });
        const peers = await this.send<{ id: string; name: string }[]>("peers/list", { gateway: here.id });
        const name = `vpc-peering-${remote.name}`;
        const row = peers.find(peer => peer.name === name);
        if (!row) throw new Error(`${here.name} has a peer ${name}`);
        return this.peer(here, name, row.id);
    }

    async roadWarrior(gateway: Gateway, name: string, publicKey = key()): Promise<Peer> {
        const values = { gateway: gateway.id, name, public_key: publicKey };
        return this.peer(gateway, name, await this.send("peers/create-road-warrior", values));
    }

    async site(gateway: Gateway, name: string, networks: string, settings: Record<string, string> = {}): Promise<Peer> {
        const values = form({ name, public_key: key(), networks, ...settings });
        return this.peer(gateway, name, await this.send("peers/create-site", { gateway: gateway.id, ...values }));
    }

    /** A service whose nodes wait for their hosts: PostgreSQL in public unless told otherwise. */
    async service(name: string, settings: Record<string, string> = {}): Promise<Service> {
        const usual = { name, kind: "pg", plan: "startup", place: "local-default" };
        const id = await this.send("services/create", form({ ...usual, ...settings }));
        const { service } = await this.ask<{ service: { nodes: { id: string; name: string }[] } }>("services/read", { id });
        const path = `${PROJECT}/services/${id}`;
        const nodes = service.nodes.map(node => ({ ...node, path: `${path}/nodes/${node.id}` }));
        return { id, name, path, nodes };
    }

    /** The place in a VPC, as the forms write it. */
    static in(vpc: string, cloud = "local-default"): string {
        return `${cloud}/${vpc}`;
    }

    /** Lists a node without an agent. */
    async listed(service: Service, node: number, addresses: Record<string, string>): Promise<void> {
        await this.send("services/nodes/update", { id: service.id, node: service.nodes[node]!.id, ...form(addresses) });
    }

    /** Saves the list of who gets in. */
    async filter(service: Service, list: string): Promise<void> {
        const { service: shown } = await this.ask<{ service: { filter: { version: number } } }>("services/read", { id: service.id });
        await this.send("services/ip-filter", { id: service.id, filter: list, version: String(shown.filter.version) });
    }

    async planned(name: string, cidr: string): Promise<void> {
        await this.send("planner/add", { name, cidr });
    }

    /** Calls a server function that writes, as its form does; gives its answer. */
    async send<T = string>(name: string, form: Record<string, string>): Promise<T> {
        return this.call(name, { form: { project: "default", ...form } });
    }

    /** Calls a server function that reads. */
    async ask<T>(name: string, input: Record<string, unknown>): Promise<T> {
        return this.call(name, { data: { project: "default", ...input } });
    }

    private async call<T>(name: string, body: { form?: Record<string, string>; data?: object }): Promise<T> {
        const headers = { Accept: "application/json", Origin: this.console.url };
        const answer = await this.request.post(`${this.console.url}/api/${name}`, { headers, ...body });
        if (!answer.ok()) throw new Error(`${name} was refused with ${answer.status()}: ${await answer.text()}`);
        return answer.json();
    }

    private peer(gateway: Gateway, name: string, id: string): Peer {
        return { id, name, path: `${gateway.path}/peers/${id}` };
    }
}

interface Shown {
    status: string;
    wanted: number;
    verified: number;
}

const form = (values: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([field, value]) => [`form[${field}]`, value]));

let made = 0;

/** A public key that nobody has the private half of, another one each time. */
export function key(): string {
    made += 1;
    const bytes = Buffer.alloc(32, 7);
    bytes.writeUInt32BE(made, 4);
    bytes.writeUInt32BE(process.pid, 8);
    return bytes.toString("base64");
}
