// Every spec runs twice: in a browser that hydrates, and in one without JavaScript, since every form works before (and
// without) WASM. What only WASM can do is in `*.hydrate.spec.ts`. No retries: a test that fails sometimes has failed.

import { existsSync } from "node:fs";
import { defineConfig, devices } from "@playwright/test";

const CI = process.env.CI === "true";
const chromium = process.env.CAUSEWAY_CHROMIUM ?? "/usr/bin/chromium";

export default defineConfig({
    testDir: ".",
    testMatch: ["tests/**/*.spec.ts", "network/**/*.spec.ts"],
    outputDir: "../target/playwright",
    forbidOnly: CI,
    retries: 0,
    workers: 2,
    timeout: 30_000,
    // A story that is told by a real network has minutes; the suite as a whole is ended by xtask.
    maxFailures: CI ? 25 : 0,
    updateSnapshots: CI ? "none" : "missing",
    expect: {
        timeout: 7_000,
        // Both projects show the same page, so they share its snapshot.
        toMatchAriaSnapshot: { pathTemplate: "{testDir}/{testFileDir}/aria/{arg}{ext}" },
    },
    reporter: [
        ["list"],
        ["json", { outputFile: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE ?? "../target/playwright.json" }],
    ],
    use: {
        ...devices["Desktop Chrome"],
        viewport: { width: 1280, height: 800 },
        locale: "en-GB",
        timezoneId: "UTC",
        contextOptions: { reducedMotion: "reduce" },
        screenshot: "only-on-failure",
        // A trace of CI could not be opened by anybody, and each of a failing run takes megabytes.
        trace: CI ? "off" : "retain-on-failure",
        launchOptions: {
            executablePath: existsSync(chromium) ? chromium : undefined,
            args: [
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        },
    },
    projects: [
        { name: "hydrated" },
        { name: "no-js", testIgnore: "**/*.hydrate.spec.ts", use: { javaScriptEnabled: false } },
    ],
});
