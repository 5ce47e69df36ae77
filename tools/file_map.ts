/**
 * The file map of `src/README.md`: every file of `src/`, with the first sentence of its opening comment.
 *
 *   deno task map      rewrites the map between its two markers
 *
 * The comment is the one place where a file says what it is; the map only repeats it, so the two cannot disagree.
 */
import { filesBelow } from "./source_text.ts";

const PAGE = "src/README.md";
const MARKERS = /(<!-- file map -->\n)[\s\S]*(<!-- end of file map -->)/;

/** The first sentence of a file's opening comment. */
export function firstSentence(text: string): string {
  const comment = text.match(/^\/\*\*([\s\S]*?)\*\//)?.[1] ?? "";
  const prose = comment.replace(/^\s*\* ?/gm, "").trim().split(/\n\s*\n/)[0]!.replaceAll(/\s+/g, " ");
  return prose.match(/^.*?[.!?](?=\s|$)/)?.[0] ?? prose;
}

/** The page with its map up to date. */
export function withFileMap(page: string): string {
  const folders = new Map<string, string[]>();
  for (const path of filesBelow("src", ".ts")) {
    const [, folder, name] = path.match(/^src\/([^/]+)\/(.*)$/)!;
    const line = `- \`${name}\` ${firstSentence(Deno.readTextFileSync(path))}`.trimEnd();
    folders.set(folder!, [...folders.get(folder!) ?? [], line]);
  }
  const map = [...folders].map(([folder, lines]) => `\n### ${folder}/\n\n${lines.join("\n")}\n`).join("");
  return page.replace(MARKERS, (_all, open, close) => `${open}${map}\n${close}`);
}

if (import.meta.main) await Deno.writeTextFile(PAGE, withFileMap(await Deno.readTextFile(PAGE)));
