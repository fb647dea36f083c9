// One real console: the release binary with a data folder of its own, on a free port of the loopback.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const ADMINISTRATOR = { email: "admin@example.test", password: "correct horse battery staple" };

const BINARY = process.env.CAUSEWAY_BINARY ?? resolve(import.meta.dirname, "../target/release/causeway");

export interface Start {
    /** Make the administrator before the first start (else the set-up link is waiting). */
    administrator?: boolean;
    /** Further options of `causeway serve`. */
    options?: string[];
    env?: Record<string, string>;
}

export class Console {
    private server?: ChildProcess;
    private readonly agents: ChildProcess[] = [];

    private constructor(
        /** The data folder. */
        readonly data: string,
        readonly port: number,
        private readonly how: Start,
    ) {}

    static async start(how: Start = {}): Promise<Console> {
        const data = mkdtempSync(join(tmpdir(), "causeway-"));
        const console = new Console(data, await freePort(), how);
        try {
            if (how.administrator ?? true) await console.createAdministrator();
            await console.serve();
        } catch (error) {
            await console.remove();
            throw error;
        }
        return console;
    }

    get url(): string {
        return `http://127.0.0.1:${this.port}`;
    }

    /** What the server has logged since the first start. */
    get log(): string {
        const file = join(this.data, "console.log");
        return existsSync(file) ? readFileSync(file, "utf8") : "";
    }

    /** The one-time link by which the first administrator is made. */
    get setUpLink(): string {
        return readFileSync(join(this.data, "setup-link"), "utf8").trim();
    }

    /** Starts the server, again after `stop`, with the same data on the same port. */
    async serve(): Promise<void> {
        const { options = [], env } = this.how;
        const listen = ["--listen", `127.0.0.1:${this.port}`];
        const server = spawn(BINARY, ["serve", ...listen, "--data", this.data, ...options], {
            // The specs of clouds ask for the simulated ones.
            env: environment({ CAUSEWAY_LOOKALIKE: "false", ...env }),
            stdio: ["ignore", "pipe", "pipe"],
        });
        this.server = server;
        const log = createWriteStream(join(this.data, "console.log"), { flags: "a" });
        server.stdout.pipe(log, { end: false });
        server.stderr.pipe(log, { end: false });
        // A program that cannot be started has no exit code; the wait below reports it.
        let failure: Error | undefined;
        server.on("error", error => (failure = error));

        const end = Date.now() + 20_000;
        while (Date.now() < end) {
            if (failure) throw new Error(`${BINARY} cannot be started: ${failure.message}`);
            if (server.exitCode !== null) throw new Error(`the console ended at once:\n${this.log}`);
            const healthy = await fetch(`${this.url}/healthz`).then(
                answer => answer.ok,
                () => false,
            );
            if (healthy) return;
            await new Promise(done => setTimeout(done, 50));
        }
        throw new Error(`the console was not healthy within 20 s:\n${this.log}`);
    }

    /** Ends the server; the data stays. */
    async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
        const server = this.server;
        this.server = undefined;
        if (!server?.pid || server.exitCode !== null || server.signalCode !== null) return;
        const gone = once(server, "exit");
        server.kill(signal);
        const late = setTimeout(() => server.kill("SIGKILL"), 10_000);
        await gone;
        clearTimeout(late);
    }

    /** Enrols a host that records what it is told, with these addresses, the first of them its way out. It ends with the data. */
    async agent(name: string, token: string, addresses: string[]): Promise<void> {
        const host = ["--host", `recording:${addresses.join(",")}`, "--state", join(this.data, "agents", name)];
        const reach = ["--console", `unix:${join(this.data, "agent.sock")}`, "--token-file", "-"];
        const agent = spawn(BINARY, ["agent", ...reach, ...host], { env: environment(), stdio: ["pipe", "pipe", "pipe"] });
        this.agents.push(agent);
        const log = createWriteStream(join(this.data, "console.log"), { flags: "a" });
        agent.stdout.pipe(log, { end: false });
        agent.stderr.pipe(log, { end: false });
        agent.stdin.end(token);
    }

    /** Ends the server and the agents, and removes the data. */
    async remove(): Promise<void> {
        for (const agent of this.agents) agent.kill("SIGKILL");
        await this.stop();
        rmSync(this.data, { recursive: true, force: true });
    }

    /** Runs another subcommand of the binary and gives its standard output. */
    async run(args: string[], input = ""): Promise<string> {
        const child = spawn(BINARY, args, { env: environment(this.how.env), stdio: "pipe" });
        let output = "";
        let errors = "";
        child.stdout.on("data", chunk => (output += chunk));
        child.stderr.on("data", chunk => (errors += chunk));
        child.stdin.end(input);
        const [code] = await once(child, "close");
        if (code !== 0) throw new Error(`causeway ${args.join(" ")} ended with ${code}:\n${output}${errors}`);
        return output;
    }

    private async createAdministrator(): Promise<void> {
        const who = ["--email", ADMINISTRATOR.email, "--super-admin", "--password-stdin"];
        await this.run(["user", "create", ...who, "--data", this.data], ADMINISTRATOR.password);
    }
}

/** The tests' own environment without the settings of somebody's console. */
function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("CAUSEWAY_"));
    return { ...Object.fromEntries(kept), ...more };
}

async function freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a listener has a port");
    server.close();
    await once(server, "close");
    return address.port;
}
