/**
 * Reads this project's own source files for the tidy tests, without a compiler.
 *
 * A file is seen three ways: its text, its code (comments blanked out, strings emptied, every line where it was), and
 * its imports. The blanking is a small scanner that knows quotes, templates, comments and where a slash opens a
 * regular expression; formatted code is all that it has to cope with.
 */

/** One source file. */
export interface SourceFile {
  /** Path from the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments, strings and regular expressions blanked; same lines. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** One `import`, `export … from` or `import()`. */
export interface Import {
  /** As it is written. */
  readonly specifier: string;
  /** Path from the project's root for a relative one, else the specifier. */
  readonly target: string;
  /** Whether nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

/** A function as the tidy tests see it. */
export interface FunctionSpan {
  /** The line that opens its body, trimmed. */
  readonly opening: string;
  /** Number of that line, from 1. */
  readonly line: number;
  /** Lines of the body, both braces included. */
  readonly lines: number;
}

/** Characters after which a slash divides rather than opening a regular expression. */
const DIVIDES = /[\w$)\]}]/;
/** Words after which a slash opens a regular expression all the same. */
const OPENS_REGEXP = /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|await|yield)$/;

const blank = (text: string): string => text.replace(/[^\n]/g, " ");

/** Index just behind the literal that starts at `start` and ends with `quote`. */
function endOfQuoted(text: string, start: number, quote: string): number {
  let i = start + 1;
  let inClass = false;
  for (; i < text.length; i++) {
    const c = text[i]!;
    if (c === "\\") i++;
    else if (quote === "/" && c === "[") inClass = true;
    else if (quote === "/" && c === "]") inClass = false;
    else if (c === quote && !inClass) break;
  }
  return i + 1;
}

/** Index just behind the comment that starts at `start`. */
function endOfComment(text: string, start: number): number {
  const [mark, length] = text[start + 1] === "/" ? ["\n", 0] : ["*/", 2];
  const end = text.indexOf(mark, start + 2);
  return end < 0 ? text.length : end + length;
}

/** `text` without what is not code, every line and column where it was; code inside `${…}` stays. */
export function codeOnly(text: string): string {
  let code = "";
  let i = 0;
  /** One number per open template: braces open inside its current `${`. */
  const templates: number[] = [];
  /** Blanks template text from `from` up to its end or its next `${`. */
  const templateText = (from: number): void => {
    for (i = from; i < text.length; i++) {
      if (text[i] === "\\") i++;
      else if (text[i] === "`") return void (code += blank(text.slice(from, i)) + "`", i++);
      else if (text.startsWith("${", i)) {
        templates.push(0);
        return void (code += blank(text.slice(from, i)) + "${", i += 2);
      }
    }
  };
  while (i < text.length) {
    const c = text[i]!;
    const slash = c === "/";
    if (slash && (text[i + 1] === "/" || text[i + 1] === "*")) {
      const end = endOfComment(text, i);
      code += blank(text.slice(i, end));
      i = end;
    } else if (c === '"' || c === "'" || (slash && opensRegExp(code))) {
      const end = endOfQuoted(text, i, c);
      code += c + blank(text.slice(i + 1, end - 1)) + c;
      i = end;
    } else if (c === "`") {
      code += c;
      templateText(i + 1);
    } else if (c === "}" && templates.at(-1) === 0) {
      templates.pop();
      code += c;
      templateText(i + 1);
    } else {
      if (c === "{" && templates.length > 0) templates[templates.length - 1]! += 1;
      if (c === "}" && templates.length > 0) templates[templates.length - 1]! -= 1;
      code += c;
      i++;
    }
  }
  return code;
}

/** Whether a slash behind `code` opens a regular expression. */
function opensRegExp(code: string): boolean {
  const before = code.slice(-200).trimEnd();
  return before === "" || !DIVIDES.test(before.at(-1)!) || OPENS_REGEXP.test(before);
}

/** `specifier` seen from the file `path`, as a path from the root. */
function resolve(path: string, specifier: string): string {
  return specifier.startsWith(".") ? new URL(specifier, `file:///${path}`).pathname.slice(1) : specifier;
}

/** Every import of a file. */
export function importsOf(path: string, text: string, code: string): Import[] {
  const found: Import[] = [];
  const statements = /\b(?:import|export)\b(?:\s+(type)\b)?(?:[^;"']*?\bfrom)?\s*\(?\s*"/g;
  for (const match of code.matchAll(statements)) {
    const start = match.index + match[0].length;
    const specifier = text.slice(start, text.indexOf('"', start));
    found.push({ specifier, target: resolve(path, specifier), typeOnly: match[1] === "type" });
  }
  return found;
}

/** The functions of formatted code: a body ends at the first closing brace of the opening line's indentation. */
export function functionSpans(code: string): FunctionSpan[] {
  const lines = code.split("\n");
  const spans: FunctionSpan[] = [];
  lines.forEach((line, at) => {
    const opens = /(\bfunction\b.*|=>|\)(: [^=]*)?) \{$/.test(line);
    if (!opens || /^\s*(\} )?(if|for|while|switch|else|catch)\b/.test(line)) return;
    const close = line.match(/^\s*/)![0] + "}";
    const length = lines.slice(at + 1).findIndex((next) => next.startsWith(close));
    spans.push({ opening: line.trim(), line: at + 1, lines: length + 2 });
  });
  return spans;
}

/** Every file below `folder` whose name ends with `suffix`, sorted. */
export function filesBelow(folder: string, suffix: string): string[] {
  const found: string[] = [];
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory && entry.name !== "node_modules") found.push(...filesBelow(path, suffix));
    else if (entry.isFile && entry.name.endsWith(suffix)) found.push(path);
  }
  return found.sort();
}

/** Reads one source file. */
export function readSource(path: string): SourceFile {
  const text = Deno.readTextFileSync(path);
  const code = codeOnly(text);
  return { path, text, code, imports: importsOf(path, text, code) };
}
