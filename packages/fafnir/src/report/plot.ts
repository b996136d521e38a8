// Room card: report/plot
// In:    curves over time, marks on them.
// Out:   one inline SVG: axes with round numbers, lines that break where there is no value, marks by side.
// Holds: no script, no external reference; colours by class, so that the page's light and dark rules reach them.
// Costs: cold path; O(points).
import type { Curve } from '../backtest/summary.js'
import { escapeHtml } from './format.js'

/** A line of a plot. */
export interface PlotLine {
  readonly name: string
  /** CSS class that colours it. */
  readonly style: string
  readonly values: Curve
  /** Hold each value until the next (positions), instead of a straight line between. */
  readonly step?: boolean
}

/** A mark: a fill. */
export interface PlotMark {
  readonly timeNanos: number
  readonly value: number
  readonly side: 'buy' | 'sell'
  /** Shown when the pointer rests on it. */
  readonly note: string
}

/** What a plot shows. */
export interface Plot {
  readonly title: string
  /** What the vertical axis counts, with its unit. */
  readonly unit: string
  readonly timeNanos: readonly number[]
  readonly lines: readonly PlotLine[]
  readonly marks?: readonly PlotMark[]
  /** Always show zero. */
  readonly zero?: boolean
}

const WIDTH = 960
const HEIGHT = 260
const LEFT = 76
const RIGHT = 12
const TOP = 10
const BOTTOM = 28

interface Scale {
  readonly low: number
  readonly high: number
}

/** Draws a plot. */
export function drawPlot(plot: Plot): string {
  const time = spanOf(plot.timeNanos, [])
  const value = valueSpan(plot)
  const x = (nanos: number): number => LEFT + ((nanos - time.low) / (time.high - time.low)) * (WIDTH - LEFT - RIGHT)
  const y = (v: number): number => TOP + (1 - (v - value.low) / (value.high - value.low)) * (HEIGHT - TOP - BOTTOM)
  const parts = [
    `<figure><figcaption><strong>${escapeHtml(plot.title)}</strong> <span class="unit">${escapeHtml(plot.unit)}</span>`,
    legend(plot),
    '</figcaption>',
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(`${plot.title}, ${plot.unit}`)}">`,
    ...valueAxis(value, y),
    ...timeAxis(time, x),
    ...plot.lines.map((line) => `<path class="line ${line.style}" d="${pathOf(plot.timeNanos, line, x, y)}"/>`),
    ...(plot.marks ?? []).map((mark) => drawMark(mark, x, y)),
    '</svg></figure>',
  ]
  return parts.join('\n')
}

function legend(plot: Plot): string {
  const names = plot.lines.map((line) => `<span class="key ${line.style}">${escapeHtml(line.name)}</span>`)
  if ((plot.marks ?? []).length > 0) {
    names.push('<span class="key mark buy">&#9650; bought</span>', '<span class="key mark sell">&#9660; sold</span>')
  }
  return names.join(' ')
}

function valueSpan(plot: Plot): Scale {
  const marks = (plot.marks ?? []).map((mark) => mark.value)
  const values = plot.lines.flatMap((line) => line.values)
  const { low, high } = spanOf(values, plot.zero === true ? [...marks, 0] : marks)
  const margin = (high - low) * 0.05
  return { low: low - margin, high: high + margin }
}

function spanOf(values: Curve, more: readonly number[]): Scale {
  let low = Infinity
  let high = -Infinity
  for (const list of [values, more]) {
    for (const value of list) {
      if (value === null || !Number.isFinite(value)) continue
      if (value < low) low = value
      if (value > high) high = value
    }
  }
  if (low > high) return { low: 0, high: 1 }
  if (low === high) return { low: low - 1, high: high + 1 }
  return { low, high }
}

/** Round numbers inside a span: multiples of 1, 2 or 5 times a power of ten, some `wanted` of them. */
export function roundTicks(low: number, high: number, wanted: number): readonly number[] {
  const rough = (high - low) / wanted
  const power = 10 ** Math.floor(Math.log10(rough))
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough) ?? 10
  const step = factor * power
  const ticks: number[] = []
  for (let n = Math.ceil(low / step); n * step <= high && ticks.length < 50; n += 1) ticks.push(n * step)
  return ticks
}

function valueAxis(scale: Scale, y: (value: number) => number): string[] {
  const ticks = roundTicks(scale.low, scale.high, 5)
  const decimals = decimalsFor(ticks)
  return ticks.map((tick) => {
    const at = y(tick).toFixed(1)
    const label = Object.is(tick, -0) ? 0 : tick
    return (
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>` +
      `<text class="tick end" x="${LEFT - 6}" y="${at}" dy="4">${label.toFixed(decimals)}</text>`
    )
  })
}

function decimalsFor(ticks: readonly number[]): number {
  const step = ticks.length > 1 ? ticks[1]! - ticks[0]! : 1
  return Math.min(Math.max(-Math.floor(Math.log10(step) + 1e-9), 0), 8)
}

function timeAxis(scale: Scale, x: (nanos: number) => number): string[] {
  const ticks = roundTicks(scale.low / 1e9, scale.high / 1e9, 8)
  const decimals = decimalsFor(ticks)
  return ticks.map((seconds) => {
    const at = x(seconds * 1e9).toFixed(1)
    return (
      `<line class="grid" x1="${at}" x2="${at}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>` +
      `<text class="tick middle" x="${at}" y="${HEIGHT - BOTTOM + 18}">${seconds.toFixed(decimals)} s</text>`
    )
  })
}

function pathOf(
  times: readonly number[],
  line: PlotLine,
  x: (nanos: number) => number,
  y: (value: number) => number,
): string {
  const parts: string[] = []
  let before: string | undefined
  for (let i = 0; i < times.length; i += 1) {
    const value = line.values[i]
    if (value === null || value === undefined || !Number.isFinite(value)) {
      before = undefined
      continue
    }
    const at = x(times[i]!).toFixed(1)
    const height = y(value).toFixed(1)
    if (before === undefined) parts.push(`M${at} ${height}`)
    else if (line.step !== true) parts.push(`L${at} ${height}`)
    else if (before === height) parts.push(`H${at}`)
    else parts.push(`H${at}V${height}`)
    before = height
  }
  return parts.join('')
}

const MARK_SIZE = 4.5

function drawMark(mark: PlotMark, x: (nanos: number) => number, y: (value: number) => number): string {
  if (!Number.isFinite(mark.value)) return ''
  const [cx, cy] = [x(mark.timeNanos), y(mark.value)]
  const tip = mark.side === 'buy' ? -MARK_SIZE : MARK_SIZE
  const points = [
    [cx, cy + tip],
    [cx - MARK_SIZE, cy - tip],
    [cx + MARK_SIZE, cy - tip],
  ]
  const text = points.map(([px, py]) => `${px!.toFixed(1)},${py!.toFixed(1)}`).join(' ')
  return `<polygon class="mark ${mark.side}" points="${text}"><title>${escapeHtml(mark.note)}</title></polygon>`
}
