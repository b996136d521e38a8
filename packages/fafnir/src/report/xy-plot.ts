// Room card: report/xy-plot
// In:    panels of lines, points and bars over a numeric axis.
// Out:   one self-contained SVG file: axes with round numbers, a legend, readable in light and dark.
// Holds: no script, no external reference; every text escaped; what is not finite is not drawn.
// Costs: cold path; O(points).
import { escapeHtml } from './format.js'
import { roundTicks } from './plot.js'

/** Something drawn in a panel. */
export interface XySeries {
  readonly name: string
  /** `bar`: from zero, as wide as the step of `x`. */
  readonly kind: 'line' | 'point' | 'bar'
  /** Which of six colours. */
  readonly colour: 0 | 1 | 2 | 3 | 4 | 5
  readonly x: readonly number[]
  readonly y: readonly number[]
  /** Error bars around points: lower and upper end. */
  readonly low?: readonly number[]
  readonly high?: readonly number[]
}

/** One panel. */
export interface XyPanel {
  readonly title: string
  readonly xUnit: string
  readonly yUnit: string
  readonly series: readonly XySeries[]
  /** Logarithmic vertical axis; values of zero or below are not drawn. */
  readonly log?: boolean
}

const WIDTH = 960
const PANEL = 320
const LEFT = 76
const RIGHT = 16
const TOP = 46
const BOTTOM = 44
const DECADE = Math.log(10)

const STYLE = [
  'text{font:12px system-ui,sans-serif;fill:#1c2733}.title{font-weight:600;font-size:14px}.grid{stroke:#d5dce4}',
  'svg{background:#fff}.line{fill:none;stroke-width:1.6}.bar{opacity:.55}.error{stroke-width:1}',
  '@media(prefers-color-scheme:dark){svg{background:#12181f}text{fill:#dfe7ef}.grid{stroke:#2c3742}}',
].join('')
const COLOURS = ['#1769aa', '#c2410c', '#15803d', '#7c3aed', '#64748b', '#b91c1c'] as const

/** Draws panels below each other, as the text of an SVG file. */
export function drawXyPlot(panels: readonly XyPanel[]): string {
  const height = PANEL * panels.length
  const label = escapeHtml(panels.map((panel) => panel.title).join('; '))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${label}">`,
    `<style>${STYLE}</style>`,
    ...panels.map((panel, n) => `<g transform="translate(0 ${n * PANEL})">\n${drawPanel(panel)}\n</g>`),
    '</svg>',
    '',
  ].join('\n')
}

interface Scale {
  readonly low: number
  readonly high: number
  at(value: number): number
}

function drawPanel(panel: XyPanel): string {
  const height = (value: number): number => (panel.log === true ? Math.log(value) / DECADE : value)
  const steps = panel.series.map((series) => barWidth(series))
  const xs = panel.series.flatMap((series, n) => series.x.flatMap((x) => [x - steps[n]! / 2, x + steps[n]! / 2]))
  const ys = panel.series.flatMap((series) => [...series.y, ...(series.low ?? []), ...(series.high ?? [])])
  const bars = panel.series.some((series) => series.kind === 'bar')
  const x = scale(xs, LEFT, WIDTH - RIGHT, 0)
  const y = scale((bars ? [...ys, 0] : ys).map(height), PANEL - BOTTOM, TOP, 0.05)
  const drawn = panel.series.map((series, n) =>
    drawSeries(
      series,
      (v) => x.at(v),
      (v) => y.at(height(v)),
      steps[n]!,
    ),
  )
  return [
    `<text class="title" x="${LEFT}" y="18">${escapeHtml(panel.title)}</text>`,
    legend(panel.series),
    ...axis(x, (value, at) => [
      `<line class="grid" x1="${at}" x2="${at}" y1="${TOP}" y2="${PANEL - BOTTOM}"/>`,
      `<text x="${at}" y="${PANEL - BOTTOM + 16}" text-anchor="middle">${value}</text>`,
    ]),
    ...axis(y, (value, at) => [
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>`,
      `<text x="${LEFT - 6}" y="${at}" dy="4" text-anchor="end">${panel.log === true ? power(value) : value}</text>`,
    ]),
    `<text x="${(LEFT + WIDTH) / 2}" y="${PANEL - 8}" text-anchor="middle">${escapeHtml(panel.xUnit)}</text>`,
    `<text x="8" y="36">${escapeHtml(panel.yUnit)}</text>`,
    ...drawn,
  ].join('\n')
}

function legend(series: readonly XySeries[]): string {
  let at = WIDTH - RIGHT
  const keys: string[] = []
  for (const { name, colour } of [...series].reverse()) {
    at -= 8 * name.length + 24
    keys.push(
      `<rect x="${at}" y="9" width="12" height="10" fill="${COLOURS[colour]}"/>` +
        `<text x="${at + 17}" y="18">${escapeHtml(name)}</text>`,
    )
  }
  return keys.join('')
}

function scale(values: readonly number[], from: number, to: number, margin: number): Scale {
  const finite = values.filter(Number.isFinite)
  let low = finite.reduce((least, value) => Math.min(least, value), Infinity)
  let high = finite.reduce((most, value) => Math.max(most, value), -Infinity)
  if (low > high) [low, high] = [0, 1]
  if (low === high) [low, high] = [low - 1, high + 1]
  const room = (high - low) * margin
  ;[low, high] = [low - room, high + room]
  return { low, high, at: (value) => from + ((value - low) / (high - low)) * (to - from) }
}

function axis(scaled: Scale, draw: (value: string, at: string) => string[]): string[] {
  const ticks = roundTicks(scaled.low, scaled.high, 7)
  const step = ticks.length > 1 ? ticks[1]! - ticks[0]! : 1
  const decimals = Math.min(Math.max(-Math.floor(Math.log10(step) + 1e-9), 0), 8)
  return ticks.flatMap((tick) => draw((Object.is(tick, -0) ? 0 : tick).toFixed(decimals), scaled.at(tick).toFixed(1)))
}

// A tick of a logarithmic axis as the number it stands for.
function power(decades: string): string {
  return String(Number((10 ** Number(decades)).toPrecision(2)))
}

function barWidth(series: XySeries): number {
  return series.kind === 'bar' && series.x.length > 1 ? series.x[1]! - series.x[0]! : 0
}

function drawSeries(
  series: XySeries,
  x: (value: number) => number,
  y: (value: number) => number,
  step: number,
): string {
  const colour = COLOURS[series.colour]
  const spots = series.x.map((value, n) => ({ n, x: x(value), y: y(series.y[n] ?? NaN) }))
  const good = spots.filter((spot) => Number.isFinite(spot.x) && Number.isFinite(spot.y))
  if (series.kind === 'line') {
    const path = good.map((spot, n) => `${n === 0 ? 'M' : 'L'}${spot.x.toFixed(1)} ${spot.y.toFixed(1)}`).join('')
    return `<path class="line" stroke="${colour}" d="${path}"/>`
  }
  if (series.kind === 'bar') {
    const [zero, width] = [y(0), x(step) - x(0)]
    return good
      .map(
        (spot) =>
          `<rect class="bar" fill="${colour}" x="${(spot.x - width / 2).toFixed(1)}" y="${spot.y.toFixed(1)}"` +
          ` width="${width.toFixed(1)}" height="${Math.max(zero - spot.y, 0).toFixed(1)}"/>`,
      )
      .join('\n')
  }
  return good.map((spot) => drawError(series, spot, y, colour) + drawPoint(spot, colour)).join('\n')
}

function drawPoint(spot: { x: number; y: number }, colour: string): string {
  return `<circle cx="${spot.x.toFixed(1)}" cy="${spot.y.toFixed(1)}" r="2.6" fill="${colour}"/>`
}

function drawError(
  series: XySeries,
  spot: { n: number; x: number },
  y: (value: number) => number,
  colour: string,
): string {
  const [low, high] = [y(series.low?.[spot.n] ?? NaN), y(series.high?.[spot.n] ?? NaN)]
  if (!Number.isFinite(low) || !Number.isFinite(high)) return ''
  const at = spot.x.toFixed(1)
  return `<line class="error" stroke="${colour}" x1="${at}" x2="${at}" y1="${low.toFixed(1)}" y2="${high.toFixed(1)}"/>`
}
