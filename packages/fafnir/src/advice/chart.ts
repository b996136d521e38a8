// Room card: advice/chart
// In:    weights of sleeves in percent.
// Out:   bars as one SVG element, named and described for those who do not see it.
// Holds: no script, no style, no reference: it stands under the strictest policy of a page; colours carry no meaning.
// Costs: cold path.
import { sleeveNames, sleeves, type SleevePercents } from '../allocator/variants.js'
import { escapeHtml } from '../report/format.js'

const WIDTH = 640
const ROW = 34
const LABEL = 260
const VALUE = 64

/** Bars of an allocation. `id` is unique on its page. */
export function weightsChart(title: string, weights: SleevePercents, id: string = 'weights'): string {
  const held = sleeveNames.filter((sleeve) => (weights[sleeve] ?? 0) > 0)
  const rows = held.map((sleeve) => {
    const weight = weights[sleeve]!
    return { weight, label: sleeves.find((card) => card.sleeve === sleeve)?.label ?? sleeve }
  })
  const most = Math.max(1, ...rows.map(({ weight }) => weight))
  const described = rows.map(({ label, weight }) => `${label} ${weight} %`).join(', ')
  const bars = rows.map(({ label, weight }, n) => {
    const [y, width] = [n * ROW, ((WIDTH - LABEL - VALUE) * weight) / most]
    const text = `dominant-baseline="middle" font-size="15" fill="currentColor"`
    return [
      `<text x="${LABEL - 10}" y="${y + ROW / 2}" text-anchor="end" ${text}>${escapeHtml(label)}</text>`,
      `<rect x="${LABEL}" y="${y + 5}" width="${width.toFixed(1)}" height="${ROW - 10}" fill="#1769aa"/>`,
      `<text x="${(LABEL + width + 8).toFixed(1)}" y="${y + ROW / 2}" ${text}>${weight} %</text>`,
    ].join('')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${rows.length * ROW}" role="img" ` +
      `aria-labelledby="${id}-title ${id}-desc">`,
    `<title id="${id}-title">${escapeHtml(title)}</title>`,
    `<desc id="${id}-desc">${escapeHtml(described)}</desc>`,
    ...bars,
    '</svg>',
  ].join('\n')
}
