/**
 * What the page is drawn with: elements, tables, curves.
 *
 * It runs in the browser (page.ts sends its source), so it stands on nothing but the document. Texts and elements get into that,
 * never markup: a topic called `<img onerror=…>` is shown as just that.
 */

/** What an element may hold; numbers are written for people. */
export type Content = Node | string | number;
/** A row of a table: contents by their heads. */
export type Row = Readonly<Record<string, Content>>;

/** Draws. */
export class PageParts {
  /** The element of this id. */
  at<T extends HTMLElement = HTMLElement>(id: string): T {
    return document.getElementById(id) as T;
  }

  /** A number for people. */
  number(value: number): string {
    return value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 });
  }

  /** An element. */
  make<T extends keyof HTMLElementTagNameMap>(
    tag: T,
    attributes: Readonly<Record<string, string>>,
    ...children: readonly Content[]
  ): HTMLElementTagNameMap[T] {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children.map((each) => typeof each === "number" ? this.number(each) : each));
    return made;
  }

  /** A copy of what is in the `<template>` of this id. */
  copy(id: string): HTMLElement {
    return this.at<HTMLTemplateElement>(id).content.firstElementChild!.cloneNode(true) as HTMLElement;
  }

  /** Puts contents into those places of a copy that bear their names. */
  fill(
    copy: HTMLElement,
    contents: Readonly<Record<string, Content | readonly Content[] | undefined>>,
  ): void {
    for (const [name, content] of Object.entries(contents)) {
      const { childNodes } = this.make("p", {}, ...[content ?? "–"].flat());
      copy.querySelector(`[data-is=${name}]`)?.replaceChildren(...childNodes);
    }
  }

  /** A table; its heads are the names of the first row. A row is of the class that its state says. */
  table(rows: readonly Row[]): HTMLElement {
    const heads = Object.keys(rows[0] ?? { none: "" });
    const cells = (row: Row) => heads.map((head) => this.make("td", { "data-head": head }, row[head] ?? ""));
    const titles = heads.map((head) => this.make("th", {}, head));
    const lines = rows.map((row) => this.make("tr", { class: `${row.State}` }, ...cells(row)));
    const [head, body] = [this.make("thead", {}, ...titles), this.make("tbody", {}, ...lines)];
    return this.make("table", {}, head, body);
  }

  /** A curve, drawn beyond both sides and below, so that only its top has a line. */
  curve(label: string, sights: readonly { readonly value: number }[]): Element {
    const values = sights.map(({ value }) => value);
    const [first, last, top] = [values[0]!, values.at(-1)!, Math.max(1, ...values)];
    const step = 100 / Math.max(1, values.length - 1);
    const points = [first, ...values, last].map((value, at) => `${(at - 1) * step},${29 - value / top * 27}`);
    const drawn = this.copy("curve");
    drawn.setAttribute("aria-label", `${label}: now ${this.number(last)}, at most ${this.number(top)}`);
    drawn.firstElementChild!.setAttribute("points", `-200,99 ${points.join(" ")} 300,99`);
    return drawn;
  }
}
