// Room card: quote/plots
// In:    a recording's calibration; a result of the paper's experiment.
// Out:   SVG files: ln of the measured intensities by depth with the fits; one path and the distributions at T.
// Holds: shows what was measured beside what was fitted, refused sides too.
// Costs: cold path.
import { drawXyPlot, type XyPanel, type XySeries } from '../report/xy-plot.js'
import type { CalibrationSide, RecordingCalibration } from './calibrate.js'
import type { ExperimentResult } from './models.js'

/** Classes of a histogram. */
const CLASSES = 40

/** Measured intensities of both sides by depth, on a logarithmic axis, with A·e^(-κδ) as fitted. */
export function calibrationPlot(calibration: RecordingCalibration): string {
  const panel = (name: string, side: CalibrationSide): XyPanel => {
    const x = side.points.map((point) => point.depthPrice)
    const y = side.points.map((point) => point.perSecond)
    const measured: XySeries = {
      name: 'measured, ± 1.96 standard errors',
      kind: 'point',
      colour: 0,
      x,
      y,
      low: side.points.map((point) => point.perSecond - 1.96 * point.standardError),
      high: side.points.map((point) => point.perSecond + 1.96 * point.standardError),
    }
    const [least, far] = [Math.min(...y), x.at(-1) ?? 1]
    const curve = (label: string, colour: 1 | 2, arrivals: number, decay: number): XySeries => {
      // As far as there are points, and not far below the lowest of them.
      const end = Math.min(far, Math.log(arrivals / (least * 0.5)) / decay)
      return { name: label, kind: 'line', colour, x: [0, end], y: [0, end].map((d) => arrivals * Math.exp(-decay * d)) }
    }
    const fits: XySeries[] = []
    const { fit, line } = side
    if (fit !== null) fits.push(curve('likelihood', 1, fit.arrivalsPerSecond.value, fit.decayPerPrice.value))
    if (line !== null) fits.push(curve('least squares', 2, line.arrivalsPerSecond, line.decayPerPrice))
    return {
      title: `${calibration.symbol}: orders that fill ${name}${fit === null ? ' (no fit)' : ''}`,
      xUnit: 'depth from the mid before the order, price',
      yUnit: 'orders a second that reach it',
      log: true,
      series: [measured, ...fits],
    }
  }
  return drawXyPlot([panel('a bid', calibration.bid), panel('an ask', calibration.ask)])
}

/** One path with its quotes, and the distributions of P&L and final inventory of both strategies. */
export function experimentPlot(result: ExperimentResult): string {
  const x = result.path.map((point) => point.seconds)
  const along = (name: string, colour: 0 | 1 | 2 | 4, y: readonly number[]): XySeries => {
    return { name, kind: 'line', colour, x, y }
  }
  const path: XyPanel = {
    title: 'One path of the inventory strategy',
    xUnit: 'seconds',
    yUnit: 'price',
    series: [
      along(
        'mid',
        4,
        result.path.map((point) => point.midPrice),
      ),
      along(
        'reservation price',
        2,
        result.path.map((point) => point.reservationPrice),
      ),
      along(
        'bid',
        0,
        result.path.map((point) => point.bidPrice),
      ),
      along(
        'ask',
        1,
        result.path.map((point) => point.askPrice),
      ),
    ],
  }
  const compare = (title: string, xUnit: string, pick: 'pnl' | 'finalInventory'): XyPanel => {
    const samples = [result.inventory[pick], result.symmetric[pick]]
    return {
      title,
      xUnit,
      yUnit: 'paths',
      series: histograms(samples, pick === 'finalInventory').map(([at, counts], n) => {
        const [name, colour] = n === 0 ? (['inventory strategy', 0] as const) : (['symmetric strategy', 1] as const)
        return { name, kind: 'bar', colour, x: at, y: counts }
      }),
    }
  }
  return drawXyPlot([path, compare('P&L at T', 'money', 'pnl'), compare('Inventory at T', 'units', 'finalInventory')])
}

// Samples counted in the same classes: one a unit where values are whole, else forty over their range.
function histograms(samples: readonly (readonly number[])[], whole: boolean): (readonly [number[], number[]])[] {
  const all = samples.flat()
  const [low, high] = [Math.min(...all), Math.max(...all)]
  const width = whole ? 1 : (high - low) / CLASSES || 1
  const start = whole ? low - 0.5 : low
  const classes = Math.floor((high - start) / width) + 1
  return samples.map((sample) => {
    const counts = new Array<number>(classes).fill(0)
    for (const value of sample) counts[Math.floor((value - start) / width)]! += 1
    return [counts.map((_, n) => start + (n + 0.5) * width), counts] as const
  })
}
