// What every spec imports instead of `@playwright/test`: a signed-in page on a real console, and helpers that read like
// the sentence they check. A test fails on any console error, uncaught exception, violation of the content security
// policy or failed request to the console, whether or not it looked there.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test as base, expect, type BrowserContext, type Locator, type Page } from "@playwright/test";
import { ADMINISTRATOR, Console, type Start } from "./console.ts";
import { Made } from "./made.ts";

export { ADMINISTRATOR, Console, expect };
export type { Locator, Page };

type StorageState = Awaited<ReturnType<BrowserContext["storageState"]>>;

interface TestFixtures {
    /** `test.use({ signedIn: false })` for what strangers see. */
    signedIn: boolean;
    /** Starts a console of this test's own; it is removed after the test. */
    fresh: (how?: Start) => Promise<Console>;
    /** Makes what a test needs on the worker's console. */
    made: Made;
    /** Problems that the test expects: `problems.allow(/status of 404/)`. */
    problems: Problems;
}

interface WorkerFixtures {
    /** One console per worker, with an administrator. Its data is shared by the tests of a worker: choose own names. */
    console: Console;
    session: StorageState;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
    console: [
        async ({}, use) => {
            const console = await Console.start();
            await use(console);
            await console.remove();
        },
        { scope: "worker", timeout: 60_000 },
    ],

    session: [
        async ({ browser, console }, use) => {
            // Without JavaScript: the form must work so, and it is quicker.
            const context = await browser.newContext({ baseURL: console.url, javaScriptEnabled: false });
            const page = await context.newPage();
            await signIn(page);
            const state = await context.storageState();
            await context.close();
            await use(state);
        },
        { scope: "worker", timeout: 60_000 },
    ],

    signedIn: [true, { option: true }],

    fresh: async ({}, use) => {
        const started: Console[] = [];
        await use(async how => {
            const console = await Console.start(how);
            started.push(console);
            return console;
        });
        for (const console of started) await console.remove();
    },

    made: async ({ console, context }, use) => use(new Made(console, context.request)),

    baseURL: async ({ console }, use) => use(console.url),

    storageState: async ({ signedIn, session }, use) => use(signedIn ? session : undefined),

    problems: [
        async ({ context, console }, use, testInfo) => {
            const problems = new Problems();
            problems.watch(context, console.url);
            await use(problems);
            if (problems.found.length > 0) {
                await testInfo.attach("console.log", { body: console.log, contentType: "text/plain" });
            }
            expect(problems.found, "problems that the browser reported").toEqual([]);
        },
        { auto: true },
    ],
});

/** What a browser complains about. */
export class Problems {
    private readonly seen: string[] = [];
    private readonly allowed: RegExp[] = [];

    /** From now on and before, problems that match are expected. */
    allow(pattern: RegExp): void {
        this.allowed.push(pattern);
    }

    get found(): string[] {
        return this.seen.filter(problem => !this.allowed.some(pattern => pattern.test(problem)));
    }

    /** Listens to all pages of a context; for contexts that a test opens itself too. */
    watch(context: BrowserContext, origin: string): void {
        context.on("console", message => {
            if (message.type() === "error") this.seen.push(`console: ${message.text()} (${message.location().url})`);
        });
        context.on("weberror", event => this.seen.push(`exception: ${event.error().message}`));
        context.on("requestfailed", request => {
            const reason = request.failure()?.errorText ?? "";
            // A page that is left ends its own requests and its event stream.
            const ended = reason === "net::ERR_ABORTED";
            if (request.url().startsWith(origin) && !ended) {
                this.seen.push(`request: ${request.method()} ${request.url()} ${reason}`);
            }
        });
    }
}

/** Signs in through the form, as the administrator unless told otherwise. */
export async function signIn(page: Page, who = ADMINISTRATOR): Promise<void> {
    await page.goto("/signin");
    await page.getByLabel("E-mail").fill(who.email);
    await page.getByLabel("Password").fill(who.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).not.toHaveURL(/\/signin/);
}

/** Opens a page, and where it hydrates, waits until it has: what is typed before is lost to a test's speed. */
export async function visit(page: Page, path: string): Promise<void> {
    await page.goto(path);
    await hydrated(page);
}

/** Waits until the page answers to WASM; without JavaScript it is complete as it is. */
export async function hydrated(page: Page): Promise<void> {
    if (test.info().project.use.javaScriptEnabled === false) return;
    await expect(page.locator("html")).toHaveAttribute("data-hydrated", "", { timeout: 15_000 });
}

export const isHydrated = (): boolean => test.info().project.use.javaScriptEnabled !== false;

type Cell = string | RegExp;

/** Some row of the table has these texts under these headings. A string is the whole text of the cell. */
export async function expectRowVisible(table: Locator, row: Record<string, Cell>): Promise<void> {
    await expect
        .poll(async () => (await rows(table)).some(shown => matches(shown, row)) || (await rows(table)), {
            message: `a row ${describe(row)}`,
        })
        .toBe(true);
}

/** No row of the table has these texts under these headings. */
export async function expectNoRow(table: Locator, row: Record<string, Cell>): Promise<void> {
    await expect
        .poll(async () => (await rows(table)).filter(shown => matches(shown, row)), { message: `no row ${describe(row)}` })
        .toEqual([]);
}

/** The table's rows as a person sees them: text by heading. */
export async function rows(table: Locator): Promise<Record<string, string>[]> {
    const text = (cells: Locator): Promise<string[]> =>
        cells.allInnerTexts().then(texts => texts.map(text => text.replace(/\s+/g, " ").trim()));
    const headings = await text(table.locator("thead th"));
    const found: Record<string, string>[] = [];
    for (const row of await table.locator("tbody tr").all()) {
        const cells = await text(row.locator("> th, > td"));
        found.push(Object.fromEntries(headings.map((heading, column) => [heading, cells[column] ?? ""])));
    }
    return found;
}

/** The row that contains a text, to click in. */
export const rowOf = (table: Locator, text: string): Locator => table.locator("tbody tr").filter({ hasText: text });

function matches(shown: Record<string, string>, wanted: Record<string, Cell>): boolean {
    return Object.entries(wanted).every(([heading, cell]) => {
        const text = shown[heading];
        // Headings are compared without their case: the style may capitalize them.
        const found = text ?? Object.entries(shown).find(([name]) => name.toLowerCase() === heading.toLowerCase())?.[1];
        return found !== undefined && (typeof cell === "string" ? found === cell : cell.test(found));
    });
}

const describe = (row: Record<string, Cell>): string =>
    Object.entries(row)
        .map(([heading, cell]) => `${heading}: ${cell}`)
        .join(", ");

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
    id: string;
    impact: string;
    help: string;
    nodes: { target: string[]; failureSummary?: string }[];
}

/** The page has no accessibility violation, in light and in dark. Of the rules only the one about contrast sees colours. */
export async function axe(page: Page, options: { exclude?: string[]; disable?: string[] } = {}): Promise<void> {
    const [subject, close] = isHydrated() ? [page, async () => {}] : await copyWithTimers(page);
    const found: string[] = [];
    for (const colorScheme of ["light", "dark"] as const) {
        await subject.emulateMedia({ colorScheme });
        // Evaluated by the debugger, which the page's content security policy does not reach.
        await subject.evaluate(AXE);
        const runOnly = colorScheme === "dark" ? { type: "rule", values: ["color-contrast"] } : undefined;
        const violations = await subject.evaluate<Violation[], typeof options & { runOnly?: object }>(async ({ exclude = [], disable = [], runOnly }) => {
            const rules = Object.fromEntries(disable.map(rule => [rule, { enabled: false }]));
            const axe = (window as unknown as { axe: { run(context: unknown, options: unknown): Promise<any> } }).axe;
            const result = await axe.run({ include: [["html"]], exclude: exclude.map(part => [part]) }, { rules, runOnly });
            return result.violations;
        }, { ...options, runOnly });
        for (const { id, impact, help, nodes } of violations) {
            const where = nodes.map(node => `\n    ${node.target.join(" ")}: ${node.failureSummary ?? ""}`).join("");
            found.push(`${colorScheme}: ${id} (${impact}): ${help}${where}`);
        }
    }
    await subject.emulateMedia({ colorScheme: null });
    await close();
    expect(found.join("\n"), "accessibility violations").toBe("");
}

/**
 * The page as the server sent it, where timers run: axe waits for one, and without JavaScript none ever fires. The
 * page's own scripts stay out.
 */
async function copyWithTimers(page: Page): Promise<[Page, () => Promise<void>]> {
    const browser = page.context().browser();
    if (!browser) throw new Error("the tests launch their browser themselves");
    const content = (await page.content()).replace(/<script\b[^]*?<\/script>/g, "");
    const context = await browser.newContext({
        javaScriptEnabled: true,
        reducedMotion: "reduce",
        storageState: await page.context().storageState(),
        viewport: page.viewportSize(),
    });
    const copy = await context.newPage();
    // What is asked of a server has no fragment: with it the console would answer, with a page that comes alive.
    const address = page.url().replace(/#.*$/, "");
    await copy.route(address, route => route.fulfill({ contentType: "text/html; charset=utf-8", body: content }));
    await copy.goto(address);
    return [copy, () => context.close()];
}

/** Keeps a picture of the page in `target/shots/PROJECT/NAME.png`, and in the report. */
export async function shot(page: Page, name: string, options: { fullPage?: boolean } = {}): Promise<void> {
    const folder = resolve(import.meta.dirname, "../target/shots", test.info().project.name);
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${name}.png`);
    await page.screenshot({ path, fullPage: options.fullPage ?? true });
    await test.info().attach(name, { path, contentType: "image/png" });
}
