/**
 * How the page looks: one column on a phone, cards beside each other on a desk; the colours follow the system's choice.
 */

/** The style sheet. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1b2330; --dim: #5b6678; --back: #f4f6f9; --card: #fff; --line: #d8dee8;
  --accent: #0b62c4; --good: #16703a; --bad: #b3261e; --bad-back: #fdeceb; font: 15px/1.45 system-ui, sans-serif }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf1; --dim: #9aa6b8; --back: #10141b; --card: #181e28;
  --line: #2d3645; --accent: #74b0ff; --good: #6fd08f; --bad: #ff8f86; --bad-back: #3a1c1c } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink) }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; padding: .75rem 1rem;
  background: var(--card); border-bottom: 1px solid var(--line) }
h2, .row > *, .problems { overflow-wrap: anywhere; min-width: 0 }
h1 { font-size: 1.15rem; margin: 0 } h2 { font-size: 1.05rem; margin: 0 } h3 { font-size: .95rem; margin: 1rem 0 .3rem }
#status { flex: 1; margin: 0; color: var(--dim); min-width: 12rem; overflow-wrap: anywhere }
#status.bad, .bad { color: var(--bad) } .good { color: var(--good) } .dim { color: var(--dim) }
main { display: grid; gap: 1rem; padding: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 54rem), 1fr)) }
section { margin: 0 1rem 1rem } article, section { background: var(--card); border: 1px solid var(--line);
  border-radius: .6rem; padding: 1rem; min-width: 0 }
.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: .75rem 0 }
#door, #door label { display: flex; gap: .5rem; align-items: center; flex: 0 1 auto; min-width: 0 }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.2rem, 1fr)); gap: .5rem; margin: .75rem 0 }
.figures div { border: 1px solid var(--line); border-radius: .4rem; padding: .35rem .55rem }
.figures b { display: block; font-size: 1.15rem; font-variant-numeric: tabular-nums }
.pill { border: 1px solid; border-radius: 1rem; padding: 0 .6rem; font-size: .85rem }
.problems { margin: .4rem 0; padding-left: 1.1rem }
.scroll { overflow-x: auto; margin: .5rem 0 }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { vertical-align: top; text-align: left; padding: .3rem .5rem; border-top: 1px solid var(--line) }
td { white-space: pre-wrap; overflow-wrap: break-word; max-width: 22rem } th { color: var(--dim); font-weight: 600 }
td[data-head=Queues], td[data-head=Content] { overflow-wrap: anywhere; max-width: none; min-width: 16rem }
.stalled { background: var(--bad-back); color: var(--bad); font-weight: 600 }
svg { display: block; width: 100%; height: 3.2rem } svg.small { width: 7rem; height: 1.4rem }
polyline { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke }
svg .area { fill: var(--accent); opacity: .15 } .stalled polyline { stroke: var(--bad) } .stalled .area { fill: var(--bad) }
button, input, select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--dim);
  border-radius: .4rem; padding: .35rem .7rem; min-height: 2.3rem } button { cursor: pointer; white-space: nowrap }
button.danger { border-color: var(--bad); color: var(--bad) } button:disabled { opacity: .5; cursor: default }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
#events { list-style: none; margin: .5rem 0 0; padding: 0; max-height: 16rem; overflow-y: auto }
#empty { margin: 2rem auto; text-align: center } #events:empty::after { content: "nothing yet"; color: var(--dim) }
#events li { border-top: 1px solid var(--line); padding: .2rem 0; overflow-wrap: anywhere }
dialog { color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; max-width: min(30rem, calc(100% - 2rem)) }
dialog label { display: block; margin: .6rem 0 } dialog label * { display: block; margin-top: .2rem; width: 100% }
@media (max-width: 40rem) { body { font-size: 14px } main { padding: .6rem } section { margin: 0 .6rem .6rem }
  article, section { padding: .7rem } #door { flex: 1 0 100% } #door label { flex: 1 } input { min-width: 0; width: 100% }
  thead { display: none } tbody tr { display: grid; gap: 0 .5rem; padding: .4rem .3rem;
    grid-template-columns: repeat(3, minmax(0, 1fr)); border-top: 1px solid var(--line) }
  td { border: 0; padding: .15rem 0 } svg.small { width: 100% }
  td:first-child, td[data-head=Message], td[data-head=Queues], td[data-head=Content] { grid-column: 1 / -1; max-width: none }
  td[data-head=Address] { grid-column: span 2 } td:first-child { font-weight: 600 } td:first-child::before { display: none }
  td::before { content: attr(data-head); display: block; color: var(--dim); font-size: .8rem; font-weight: 400 } }
@media (prefers-reduced-motion: no-preference) { tr td { transition: background .3s } }
`;
