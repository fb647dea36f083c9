// What a person does on many pages.

import { readFileSync } from "node:fs";
import { expect, hydrated, isHydrated, shot, type Locator, type Page } from "./fixtures.ts";

/** Follows an entry of a ⋯ menu. */
export async function choose(page: Page, menu: string, entry: string): Promise<void> {
    await page.getByLabel(menu).click();
    await page.getByRole("main").getByRole("link", { name: entry, exact: true }).click();
    await hydrated(page);
}

/** What is seen by itself where the page is alive, and by asking for the page again where it is not. */
export async function eventually(page: Page, seen: (patience: { timeout: number }) => Promise<void>): Promise<void> {
    if (isHydrated()) return seen({ timeout: 15_000 });
    let first = true;
    await expect(async () => {
        // What is there already may be over after the next reload.
        if (!first) await page.reload();
        first = false;
        await seen({ timeout: 500 });
    }).toPass({ timeout: 15_000 });
}

/** Presses what downloads a file, and reads it. */
export async function download(page: Page, what: Locator): Promise<{ name: string; text: string }> {
    const saving = page.waitForEvent("download");
    await what.click();
    const saved = await saving;
    return { name: saved.suggestedFilename(), text: readFileSync(await saved.path(), "utf8") };
}

/** A picture at both widths, and in the dark where that is asked for; nothing is wider than the window. */
export async function pictures(page: Page, name: string): Promise<void> {
    if (!isHydrated()) return;
    for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 844 });
        const overflow = await page.locator("html").evaluate(root => root.scrollWidth - root.clientWidth);
        expect(overflow, `pixels wider than ${width}`).toBeLessThanOrEqual(0);
        await shot(page, width === 1280 ? name : `${name}-${width}`);
        if (process.env.CAUSEWAY_SHOTS !== "dark") continue;
        await page.emulateMedia({ colorScheme: "dark" });
        await shot(page, width === 1280 ? `${name}-dark` : `${name}-${width}-dark`);
        await page.emulateMedia({ colorScheme: null });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
}
