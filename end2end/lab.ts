// The lab of namespaces, driven as a person at a shell would: through the binary's own `lab` commands.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Console } from "./console.ts";

export class Lab {
    private constructor(
        private readonly console: Console,
        private readonly dir: string,
    ) {}

    /** Makes the hosts. Why this machine can't is the error's text. */
    static async up(console: Console): Promise<Lab> {
        const lab = new Lab(console, join(console.data, "lab"));
        await lab.run("up");
        return lab;
    }

    async down(): Promise<void> {
        await this.run("down");
    }

    /** Starts the agent of a gateway's host; enrols it if there is a token. */
    async agent(host: string, token = ""): Promise<void> {
        await this.console.run(["lab", "--dir", this.dir, "agent", host, "--console", `unix:${join(this.console.data, "agent.sock")}`], token);
    }

    /** Runs a program in a host and gives its output; the error holds what it said. */
    async on(host: string, ...program: string[]): Promise<string> {
        return this.console.run(["lab", "--dir", this.dir, "exec", host, "--", ...program]);
    }

    /** Feeds a program in a host. */
    async feed(host: string, input: string, ...program: string[]): Promise<string> {
        return this.console.run(["lab", "--dir", this.dir, "exec", host, "--", ...program], input);
    }

    /** Starts a program that goes on, under a name. */
    async start(name: string, host: string, ...program: string[]): Promise<void> {
        await this.console.run(["lab", "--dir", this.dir, "start", name, host, "--", ...program]);
    }

    /** Whether one ping is answered. */
    async pings(host: string, address: string): Promise<boolean> {
        return this.on(host, "ping", "-c1", "-W1", address).then(
            () => true,
            () => false,
        );
    }

    /** The packets that a counter has seen; counters are told apart by their comment. */
    async count(host: string, comment: string): Promise<number> {
        const rules = await this.on(host, "nft", "list", "ruleset");
        const line = rules.split("\n").find(line => line.includes(`comment "${comment}"`));
        const packets = line?.match(/packets (\d+)/)?.[1];
        if (packets === undefined) throw new Error(`${host} has no counter "${comment}":\n${rules}`);
        return Number(packets);
    }

    private async run(...command: string[]): Promise<string> {
        return this.console.run(["lab", "--dir", this.dir, ...command]);
    }
}

/** Why no lab can be made here; nothing where one can. In CI that is a failure. */
export function whyNoLab(): string | undefined {
    const script = "[ -w /dev/net/tun ] && command -v wireguard-go wg nft ip >/dev/null && unshare -nm true";
    if (spawnSync("sh", ["-c", script]).status === 0) return undefined;
    const why = "needs root, /dev/net/tun, wireguard-go, wireguard-tools, nftables and iproute2";
    if (process.env.CI === "true") throw new Error(`the lab ${why}`);
    return why;
}
