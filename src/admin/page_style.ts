/**
 * How the page looks: one column on a phone, cards beside each other on a desk; the colours follow the system's choice.
 */

/** The name under which the formatter knows what is in the text. */
const css = String.raw;

/** The style sheet. */
export const PAGE_STYLE: string = css`
  :root {
    color-scheme: light dark;
    --card: light-dark(#fff, #181e28);
    --line: light-dark(#d8dee8, #2d3645);
    --dim: light-dark(#5b6678, #9aa6b8);
    --bad: light-dark(#b3261e, #ff8f86);
    --accent: light-dark(#0b62c4, #74b0ff);
    background: light-dark(#f4f6f9, #10141b);
    color: light-dark(#1b2330, #e6eaf1);
    font: 15px/1.45 system-ui, sans-serif;
  }
  * {
    box-sizing: border-box;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  :where(header, article, section, dialog, .figures p, button, input, select) {
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: .5rem;
    color: inherit;
    font: inherit;
    padding: .4rem .8rem;
  }
  :where(header, .row, #door) {
    display: flex;
    flex-wrap: wrap;
    gap: .5rem;
    margin: .4rem 0;
    align-items: center;
  }
  :where(h1, h2, h3, p) {
    font-size: 1rem;
    margin: .4rem 0;
  }
  main {
    display: grid;
    gap: .6rem;
    margin: .6rem 0;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 54rem), 1fr));
  }
  #status {
    flex: 1;
  }
  .figures p {
    flex: 1 0 6rem;
  }
  .figures b {
    display: block;
    font-size: 1.15rem;
  }
  :where(.dim, th, #status) {
    color: var(--dim);
  }
  :where(#status, *):is(.bad, .danger, .stalled) {
    color: var(--bad);
  }
  .good {
    color: light-dark(#16703a, #6fd08f);
  }
  .scroll {
    overflow-x: auto;
  }
  table {
    border-collapse: collapse;
    width: 100%;
  }
  :is(tr, #events li) {
    border-top: 1px solid var(--line);
  }
  :is(th, td) {
    padding: .3rem .5rem;
    text-align: left;
  }
  td {
    min-width: 6rem;
    white-space: pre-wrap;
  }
  .stalled {
    --accent: var(--bad);
    background: light-dark(#fdeceb, #3a1c1c);
    font-weight: 600;
  }
  svg {
    display: block;
    width: 100%;
    height: 3rem;
  }
  td svg {
    width: 7rem;
    height: 1.4rem;
  }
  polyline {
    fill: var(--accent);
    fill-opacity: .15;
    stroke: var(--accent);
    vector-effect: non-scaling-stroke;
  }
  :disabled {
    opacity: .5;
  }
  :focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 2px;
  }
  #events {
    list-style: none;
    padding: 0;
    max-height: 16rem;
    overflow-y: auto;
  }
  #events:empty::after {
    content: "nothing yet";
  }
  dialog :is(label, input, select) {
    width: 100%;
    margin: .4rem 0;
  }
  @media (max-width: 40rem) {
    thead {
      display: none;
    }
    tr {
      display: grid;
      grid-template-columns: repeat(3, 1fr);
    }
    td::before {
      content: attr(data-head);
      display: block;
      color: var(--dim);
      font: .8rem system-ui;
    }
    td:is(:first-child, [data-head=Message], [data-head=Queues], [data-head=Content]) {
      grid-column: 1 / -1;
    }
  }
`;
