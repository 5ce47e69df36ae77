/**
 * The text in which tools send settings (java.util.Properties): a line for each, `name=value`.
 */

/** The settings of a text, in order; comments and lines without `=` are left out. */
export function parseProperties(text: string): [string, string][] {
  return text.split("\n").flatMap((line): [string, string][] => {
    const at = line.indexOf("=");
    return at > 0 && !line.startsWith("#") ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()]] : [];
  });
}

/** The text of settings, as MixAll.properties2String writes it: sorted by name. */
export function writeProperties(settings: Iterable<readonly [string, string]>): string {
  return [...settings].sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) => `${name}=${value}\n`).join(
    "",
  );
}
