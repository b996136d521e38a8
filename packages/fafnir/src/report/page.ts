// Room card: report/page
// In:    a title, what stands on the page, tables.
// Out:   one self-contained HTML page: head, style in light and dark, body.
// Holds: no external request, no script; title and tables are escaped, the body comes escaped from who made it.
// Costs: cold path.
import { escapeHtml } from './format.js'
import type { RowGroup } from './rows.js'

/** A page of a report: what stands under its heading, then its tables side by side. */
export function pageHtml(title: string, body: readonly string[], tables: readonly RowGroup[]): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escapeHtml(title)}</title><style>${PAGE_STYLE}</style></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    ...body,
    '<div class="tables">',
    ...tables.map(tableHtml),
    '</div></body></html>',
    '',
  ].join('\n')
}

function tableHtml(group: RowGroup): string {
  const rows = group.rows.map(
    ([label, value]) => `<tr><th scope="row">${escapeHtml(label)}</th><td>${escapeHtml(value)}</td></tr>`,
  )
  return `<table><caption>${escapeHtml(group.title)}</caption><tbody>${rows.join('')}</tbody></table>`
}

// In light and dark.
const PAGE_STYLE: string = `
:root{color-scheme:light dark;--text:#1d2330;--soft:#667085;--page:#fff;--rule:#e4e7ec;
--buy:#1d6fd8;--sell:#c2570c;--plain:#344054;--alarm:#b42318}
@media(prefers-color-scheme:dark){:root{--text:#e6e9ef;--soft:#98a2b3;--page:#14171d;--rule:#2a303b;
--buy:#6cb2ff;--sell:#ff9d5c;--plain:#cfd6e1;--alarm:#ff8a80}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page);
max-width:1000px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}.hash{color:var(--soft);margin:.2rem 0 1.5rem}.alarm{color:var(--alarm);font-weight:600}
code{font-family:ui-monospace,monospace}figure{margin:0 0 1.5rem}
figcaption{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline}
.unit{color:var(--soft)}svg{width:100%;height:auto;display:block}.grid{stroke:var(--rule);stroke-width:1}
.tick{fill:var(--soft);font-size:11px;font-variant-numeric:tabular-nums}.end{text-anchor:end}.middle{text-anchor:middle}
.line{fill:none;stroke-width:1.4;stroke-linejoin:round}.line.market{stroke:var(--soft);stroke-width:1}
.line.buy{stroke:var(--buy)}.line.sell{stroke:var(--sell)}.line.plain{stroke:var(--plain)}
.mark.buy{fill:var(--buy)}.mark.sell{fill:var(--sell)}
polygon.mark{stroke:var(--page);stroke-width:.7}
.key{font-size:.85rem;color:var(--soft)}.key.buy{color:var(--buy)}.key.sell{color:var(--sell)}
.tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:1rem 2rem;align-items:start}
table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{border-top:1px solid var(--rule);padding:.25rem .5rem .25rem 0;text-align:left;vertical-align:top;font-weight:400}
th{color:var(--soft);white-space:nowrap}td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
`.trim()
