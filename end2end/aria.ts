// Pages as they are read out. A snapshot lists what must be there, in order; what is dynamic in it is a pattern. It is
// written anew by `CAUSEWAY_ARIA=write npx playwright test --project=no-js`, and read before it is committed: the
// project without JavaScript shows what both have.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { expect, test, type Locator } from "@playwright/test";

export async function aria(part: Locator, name: string): Promise<void> {
    await expect(part).toBeVisible();
    const { file } = test.info();
    const path = join(dirname(file), "aria", `${name}.aria.yml`);
    if (process.env.CAUSEWAY_ARIA === "write") {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, condensed(await part.ariaSnapshot()));
    }
    expect(existsSync(path), `${path} is checked in`).toBe(true);
    await expect(part).toMatchAriaSnapshot({ name: `${name}.aria.yml` });
}

const LINE = /^(\s*)- (?:'((?:[^']|'')*)'|(\/?[a-z]+(?: "(?:[^"\\]|\\.)*")?(?: \[[^\]]*\])*))(:?)(?: (.*))?$/;
/** Their names hold all that their children say. */
const WHOLE = /^(cell|rowheader|columnheader) "/;

/** The lines of a snapshot without repetitions and addresses of links, with patterns for what changes from run to run. */
function condensed(snapshot: string): string {
    const kept: string[] = [];
    let skipped = Infinity;
    for (const line of snapshot.split("\n")) {
        const [, indent = "", quoted, plain = "", colon = "", value = ""] = LINE.exec(line) ?? [];
        if (indent.length > skipped) continue;
        skipped = Infinity;
        const key = quoted?.replaceAll("''", "'") ?? plain;
        if (key === "" || key.startsWith("/url") || key.startsWith('button "Copy') || (key === "text" && value === '""')) continue;
        if (key.startsWith("row ")) {
            kept.push(`${indent}- row:`);
            continue;
        }
        if (WHOLE.test(key)) skipped = indent.length;
        const named = /^([a-z]+) ("(?:[^"\\]|\\.)*")(.*)$/.exec(key);
        // A number alone in a cell counts something; how many generations there were depends on who was quicker.
        const counts = /^(cell|rowheader) "\d{2,}"$/.test(key) || kept.at(-1)?.endsWith('rowheader "Generation"');
        const counted = counts ? "/^\\d+$/" : undefined;
        const name = counted ?? (named ? pattern(JSON.parse(named[2] ?? '""')) : undefined);
        const shown = named && name ? `${named[1]} ${name}${named[3]}` : key;
        const text = key.startsWith('img "Wanted') ? "" : value.startsWith('"') ? JSON.parse(value) : value;
        const tail = text === "" ? (skipped < Infinity ? "" : colon) : `: ${JSON.stringify(pattern(text) ?? text)}`;
        kept.push(`${indent}- ${shown === plain ? plain : `'${shown.replaceAll("'", "''")}'`}${tail}`);
    }
    // Whose children all went has none to announce.
    const depth = (line = ""): number => line.search(/\S/);
    const lines = kept.map((line, at) => (line.endsWith(":") && depth(kept[at + 1]) <= depth(line) ? line.slice(0, -1) : line));
    return `${lines.join("\n")}\n`;
}

/** A moment is shown as its age where a script can count, else as a date. */
const MOMENT = "(now|(in )?\\d+ (s|min)( ago)?|\\d+ [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d( UTC)?)";

/** This machine's name: agents report it. */
const HERE = hostname().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What differs from run to run, and the source of a pattern that it matches. */
const CHANGING: [RegExp, string][] = [
    [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "[0-9a-f-]{36}"],
    [new RegExp(`(?<![\\w-])${HERE}(?![\\w-])`, "g"), "[\\w.-]+"],
    [/[A-Za-z0-9+/]{43}=/g, "[A-Za-z0-9+/]{43}="],
    [/[A-Za-z0-9+/]{4,}…[A-Za-z0-9+/]+=/g, "[A-Za-z0-9+/]+…[A-Za-z0-9+/]+="],
    [/\b\d+ [A-Z][a-z]{2} \d{4} \d\d:\d\d( UTC)?/g, MOMENT],
    [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "[0-9-]{10}T[0-9:]{8}Z"],
    [/^(As loaded|Live)$/g, "(As loaded|Live)"],
    [/\b(now|(in )?\d+ (s|min)( ago)?)(?= |$)/g, MOMENT],
    [/\b[\d.,]+ (µs|ms)(?= |$)/g, "[\\d.,]+ (µs|ms|s)"],
    [/\b(generation|[Ww]anted|applied|verified) \d+/g, "$1 \\d+"],
    // What can be copied has a button for it where there is a script.
    [/(?<=^\d+\.\d+\.\d+\.\d+(\/\d+|:\d+)?)$/g, "( Copy .+)?"],
];

/** A pattern for a text with something changing in it, as YAML templates write it. */
function pattern(text: string): string | undefined {
    const parts: [number, number, string][] = [];
    for (const [found, source] of CHANGING) {
        for (const match of text.matchAll(found)) {
            const [from, to] = [match.index, match.index + match[0].length];
            if (parts.some(([start, end]) => from < end && start < to)) continue;
            parts.push([from, to, source.replace("$1", match[1] ?? "")]);
        }
    }
    if (parts.length === 0) return undefined;
    const literal = (some: string): string => some.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    let [made, at] = ["", 0];
    for (const [from, to, source] of parts.sort((one, other) => one[0] - other[0])) {
        made += literal(text.slice(at, from)) + source;
        at = to;
    }
    return `/^${(made + literal(text.slice(at))).replaceAll("/", "\\/")}$/`;
}
