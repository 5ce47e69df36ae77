/**
 * Message properties in their text form: `name \x01 value \x02`, repeated.
 *
 * Writing and reading are not quite inverse, because Java's are not: an empty value is written, but a reader drops it.
 */

/** What ends a name. */
export const NAME_END = "\u0001";
/** What ends a value. */
export const VALUE_END = "\u0002";

/** Names to values. */
export type Properties = Readonly<Record<string, string>>;

/** The text of properties, in the order given; undefined and null values are skipped, as Java skips null. */
export function encodeProperties(properties: Readonly<Record<string, string | undefined | null>>): string {
  let text = "";
  for (const name in properties) {
    const value = properties[name];
    if (value !== undefined && value !== null) text += name + NAME_END + value + VALUE_END;
  }
  return text;
}

/**
 * The properties of a text (Java: MessageDecoder.string2messageProperties). Empty names and empty values are dropped,
 * later `\x01` belong to the value, the last of a repeated name wins.
 */
export function decodeProperties(text: string): Record<string, string> {
  const properties: Record<string, string> = {};
  let nameEnd = -1;
  for (let at = 0; at < text.length;) {
    let end = text.indexOf(VALUE_END, at);
    if (end < 0) end = text.length;
    if (nameEnd < at) {
      nameEnd = text.indexOf(NAME_END, at);
      if (nameEnd < 0) break;
    }
    if (nameEnd > at && nameEnd < end - 1) {
      setProperty(properties, text.slice(at, nameEnd), text.slice(nameEnd + 1, end));
    }
    at = end + 1;
  }
  return properties;
}

/** The value of one property of a text, without reading the others; the same as `decodeProperties(text)[name]`. */
export function findProperty(text: string, name: string): string | undefined {
  if (name === "" || name.includes(NAME_END) || name.includes(VALUE_END)) return undefined;
  for (let from = text.length; from >= 0;) {
    const at = text.lastIndexOf(name, from);
    if (at < 0) return undefined;
    const valueAt = at + name.length + 1;
    if ((at === 0 || text[at - 1] === VALUE_END) && text[valueAt - 1] === NAME_END) {
      const end = text.indexOf(VALUE_END, valueAt);
      const value = end < 0 ? text.slice(valueAt) : text.slice(valueAt, end);
      if (value !== "") return value;
    }
    from = at - 1;
  }
  return undefined;
}

/** Sets a property so that one named `__proto__` is one like any other. */
function setProperty(properties: Record<string, string>, name: string, value: string): void {
  if (name !== "__proto__") properties[name] = value;
  else {Object.defineProperty(properties, name, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });}
}
