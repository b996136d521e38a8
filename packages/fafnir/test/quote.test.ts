// `fafnir/quote`: known values, the calibrations from arrays, the experiment, and `fafnir calibrate` on a fixture.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { FafnirError } from '../src/errors.js'
import {
  calibrateDepths,
  calibrateFills,
  calibrationPlot,
  experimentPlot,
  fullSpread,
  glft,
  intensitySpread,
  inventorySpread,
  paperExperiment,
  reservationPrice,
  stationaryPrices,
  type RecordingCalibration,
} from '../src/quote/index.js'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const command = at('../dist/cli/main.js')
const fixture = at('../../../crates/testkit/fixtures/usdm-small.gz')

function thrown(call: () => unknown): FafnirError {
  try {
    call()
  } catch (error) {
    if (error instanceof FafnirError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('Avellaneda-Stoikov', () => {
  // 50 digits, computed independently: 2/γ·ln(1 + γ/κ) = 1.2907704227514234, γσ²T = 0.4.
  const inputs = { riskAversionPerMoney: 0.1, volatilityPricePerSqrtSecond: 2, horizonSeconds: 1 }
  const spread = { ...inputs, intensityDecayPerPrice: 1.5 }

  test('known values', () => {
    expect(reservationPrice({ ...inputs, midPrice: 100, inventoryBase: 1 })).toBeCloseTo(99.6, 12)
    expect(intensitySpread(spread)).toBeCloseTo(1.2907704227514234, 14)
    expect(inventorySpread(spread)).toBeCloseTo(0.4, 14)
    expect(fullSpread(spread)).toBeCloseTo(1.6907704227514233, 14)
    expect(fullSpread({ ...spread, inventoryTerm: false })).toBeCloseTo(1.2907704227514234, 14)
  })

  test('a drift moves the fair value by what it makes of the horizon', () => {
    const long = { ...inputs, midPrice: 100, inventoryBase: 1, horizonSeconds: 3, driftPricePerSecond: 0.5 }
    expect(reservationPrice(long)).toBeCloseTo(100 + 1.5 - 1.2, 12)
  })

  test('the infinite horizon', () => {
    // mpmath, as in crates/quote/src/model.rs.
    const bound = { discountPerSecond: 1, volatilityPricePerSqrtSecond: 2 }
    const base = { midPrice: 100, inventoryBase: 1, riskAversionPerMoney: 0.1, bound }
    const exact = stationaryPrices(base)
    expect(exact.bid).toBeCloseTo(99.36821098378468, 11)
    expect(exact.ask).toBeCloseTo(99.79797292682481, 11)
    expect(stationaryPrices({ ...base, form: 'printed' }).ask).toBeCloseTo(99.79380712797264, 11)
    const full = stationaryPrices({ ...base, bound: { maxInventoryBase: 1 } })
    expect(full.bid).toBeNull()
    expect(full.ask).toBeLessThan(100)
    const beyond = thrown(() => stationaryPrices({ ...base, inventoryBase: 9, bound: { maxInventoryBase: 1 } }))
    expect(beyond.code).toBe('PARAMETER_OUT_OF_RANGE')
    expect(beyond.fields).toMatchObject({ inventory: '9', bound: '2' })
  })
})

describe('GLFT', () => {
  const known = {
    riskAversionPerMoney: 0.05,
    arrivalsPerSecond: 2.986162360812285,
    intensityDecayPerPrice: 0.04235741115084049,
    volatilityPricePerSqrtSecond: 10.69,
  }

  test('known values', () => {
    const found = glft({ ...known, fairPrice: 1_000, inventoryBase: 1 })
    expect(found.c1Price.bid).toBeCloseTo(15.590451013297573, 12)
    expect(found.c2).toBeCloseTo(0.9133085734604556, 14)
    expect(found.halfSpreadPrice.ask).toBeCloseTo(20.47208533844371, 12)
    expect(found.skewPricePerBase).toBeCloseTo(9.76326865029227, 12)
    expect(found.bidPrice).toBeCloseTo(1_000 - 20.47208533844371 - 9.76326865029227, 9)
    expect(found.askPrice).toBeCloseTo(1_000 + 20.47208533844371 - 9.76326865029227, 9)
    expect(found.shiftPrice).toBe(0)
  })

  test('sides that differ, against the control problem solved on a grid', () => {
    // crates/quote/tests/reference/glft.py, "everything".
    const found = glft({
      riskAversionPerMoney: 0.01,
      fillAversionPerMoney: 0.03,
      orderBase: 0.5,
      arrivalsPerSecond: { bid: 2.4, ask: 1.1 },
      intensityDecayPerPrice: { bid: 2.5, ask: 1.7 },
      volatilityPricePerSqrtSecond: 0.3,
      driftPricePerSecond: -0.0002,
    })
    expect(-found.bidPrice).toBeCloseTo(0.59769, 3)
    expect(found.askPrice).toBeCloseTo(0.40079, 3)
  })

  test('refuses by name', () => {
    expect(thrown(() => glft({ ...known, arrivalsPerSecond: { bid: 1, ask: 0 } })).fields).toMatchObject({
      name: 'arrivalsPerSecond',
      value: '0',
    })
    expect(thrown(() => glft({} as typeof known)).code).toBe('ARGUMENT_INVALID')
    expect(thrown(() => glft({ ...known, orderBase: Number.NaN })).fields).toMatchObject({ name: 'orderBase' })
  })
})

describe('calibration from arrays', () => {
  test('depths on a grid in closed form', () => {
    const depthsPrice = Array.from({ length: 60 }, (_, n) => 0.05 + 0.1 * (n % 5))
    const fit = calibrateDepths({ depthsPrice, seconds: 600, nearestPrice: 0.05, tickPrice: 0.1 })
    const decay = Math.log(1.5) / 0.1
    expect(fit.decayPerPrice.value).toBeCloseTo(decay, 10)
    expect(fit.arrivalsPerSecond.value).toBeCloseTo(0.1 * Math.exp(decay * 0.05), 10)
    expect(fit.decayPerPrice.low).toBeLessThan(decay)
    expect(fit.decayPerPrice.high).toBeGreaterThan(decay)
    expect(fit).toMatchObject({ orders: 60, seconds: 600, ordersLeftOut: 0 })
  })

  test('what has no estimate says why', () => {
    const refused = (input: Parameters<typeof calibrateDepths>[0]): FafnirError => thrown(() => calibrateDepths(input))
    const few = refused({ depthsPrice: [0.1, 0.2], seconds: 10 })
    expect(few.code).toBe('CALIBRATION_REFUSED')
    expect(few.fields).toMatchObject({ reason: 'tooFew', needed: '20' })
    const one = refused({ depthsPrice: new Array(30).fill(0.5), seconds: 10, nearestPrice: 0.5, tickPrice: 0.1 })
    expect(one.fields['reason']).toBe('oneDepth')
    const odd = refused({ depthsPrice: [Number.NaN], seconds: 10 })
    expect(odd.code).toBe('PARAMETER_OUT_OF_RANGE')
  })

  test('own fills: the reference, and the prior where they say nothing', () => {
    // crates/quote/tests/reference/calibrate.py, "fills".
    const prior = { arrivalsPerSecond: 0.1, decayPerPrice: 4, fills: 4, distancePrice: 0.3 }
    const rows = [
      { distanceHalfTicks: 2, seconds: 1_200, fills: 36 },
      { distanceHalfTicks: 6, seconds: 1_500, fills: 15 },
      { distanceHalfTicks: 12, seconds: 2_100, fills: 6 },
    ]
    const fit = calibrateFills({ tickPrice: 0.1, rows, prior })
    expect(fit.priorKept).toBeNull()
    expect(fit.decayPerPrice.value).toBeCloseTo(4.694351912438289, 8)
    expect(fit.arrivalsPerSecond.high).toBeCloseTo(0.07187871510752943, 8)
    const near = rows.map((row, n) => ({ ...row, distanceHalfTicks: 100 + n }))
    const kept = calibrateFills({ tickPrice: 0.1, rows: near, prior })
    expect(kept.priorKept?.reason).toBe('uninformative')
    expect(kept.decayPerPrice.value).toBeCloseTo(4, 10)
    const off = [{ distanceHalfTicks: 0.5, seconds: 1, fills: 1 }]
    expect(thrown(() => calibrateFills({ tickPrice: 0.1, rows: off, prior })).code).toBe('PARAMETER_OUT_OF_RANGE')
  })
})

describe("the paper's experiment", () => {
  test('its table, and the same again', () => {
    const { inventory, symmetric, path } = paperExperiment()
    expect(inventory.meanSpreadPrice).toBeCloseTo(1.49, 2)
    expect(inventory.pnlSd).toBeGreaterThan(6.1)
    expect(inventory.pnlSd).toBeLessThan(7.0)
    expect(inventory.inventorySd).toBeGreaterThan(2.7)
    expect(inventory.inventorySd).toBeLessThan(3.2)
    expect(symmetric.pnlSd).toBeGreaterThan(12.5)
    expect(symmetric.pnlSd).toBeLessThan(14.7)
    expect(symmetric.inventorySd).toBeGreaterThan(8)
    expect(symmetric.inventorySd).toBeLessThan(9)
    expect(path).toHaveLength(200)
    expect(paperExperiment({ seed: 3, paths: 10 })).toEqual(paperExperiment({ seed: 3, paths: 10 }))
    const svg = experimentPlot(paperExperiment({ paths: 50 }))
    expect(svg).toMatch(/^<svg [^]*<\/svg>\n$/)
    expect(svg).not.toMatch(/NaN|Infinity|undefined/)
    expect(thrown(() => paperExperiment({ stepSeconds: 1 })).fields).toMatchObject({ name: 'stepSeconds' })
    expect(thrown(() => paperExperiment({ paths: 1.5 })).code).toBe('ARGUMENT_INVALID')
  })
})

describe('fafnir calibrate', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fafnir-calibrate-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [command, 'calibrate', ...args], { cwd: folder, encoding: 'utf8' })
  const grid = ['--tick-size', '0.1', '--lot-size', '0.001', '--volatility-window', '50']

  test('prints σ, A and κ with intervals and what was left out, and writes JSON and a plot', () => {
    const out = join(folder, 'out')
    const ran = run(fixture, ...grid, '--out', out)
    expect(ran.status, ran.stderr).toBe(0)
    for (const text of [
      'FAFUSDT',
      'σ, price per √second',
      'rolling, 50',
      'orders that fill a bid',
      'orders that fill an ask',
      /A {2}\S+ 1\/s, 95 % \S+ to \S+/,
      /κ {2}\S+ 1\/price, 95 % \S+ to \S+/,
      /χ² \S+ with \d+ degrees of freedom/,
      /least squares on ln λ/,
      'left out',
    ]) {
      expect(ran.stdout).toMatch(text)
    }
    expect(readdirSync(out).sort()).toEqual(['calibration.json', 'calibration.svg'])
    const found = JSON.parse(readFileSync(join(out, 'calibration.json'), 'utf8')) as RecordingCalibration
    // The fixture's own counts (usdm-small.json).
    expect(found).toMatchObject({ symbol: 'FAFUSDT', lines: 1_779, changedMids: 411, tickPrice: 0.1 })
    expect(found.bid.prints + found.ask.prints).toBe(560)
    for (const side of [found.bid, found.ask]) {
      const { low, value, high } = side.fit!.decayPerPrice
      expect(low).toBeLessThan(value)
      expect(high).toBeGreaterThan(value)
      expect(side.points.length).toBeGreaterThan(4)
    }
    const svg = readFileSync(join(out, 'calibration.svg'), 'utf8')
    expect(svg).toBe(calibrationPlot(found))
    expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  })

  test('with --json prints one object', () => {
    const ran = run(fixture, ...grid, '--json', '--nearest-half-ticks', '3')
    expect(ran.status, ran.stderr).toBe(0)
    expect(ran.stderr).toBe('')
    const found = JSON.parse(ran.stdout) as RecordingCalibration & { paths: string[] }
    expect(found.paths).toEqual([])
    expect(found.bid.ordersLeftOut).toBeGreaterThan(0)
  })

  test('a side without an estimate is said so', () => {
    const lines = readFileSync(fixture.replace(/gz$/, 'txt'), 'utf8').split('\n').slice(0, 60)
    const short = join(folder, 'short.txt')
    writeFileSync(short, `${lines.join('\n')}\n`)
    const ran = run(short, ...grid)
    expect(ran.status, ran.stderr).toBe(0)
    expect(ran.stdout).toMatch(/no estimate: .* are too few for an estimate: 20 are needed \(tooFew\)/)
  })

  test('errors have their codes and exit codes', () => {
    for (const { args, status, code } of [
      { args: [join(folder, 'none.gz')], status: 1, code: 'RECORDING_MISSING' },
      { args: [], status: 2, code: 'USAGE_INVALID' },
      { args: [fixture], status: 2, code: 'USAGE_INVALID' },
      { args: [fixture, ...grid, '--nearest-half-ticks', '-1'], status: 2, code: 'USAGE_INVALID' },
      { args: [fixture, ...grid, '--symbol', 'BTCUSDT'], status: 1, code: 'RECORDING_FORMAT' },
      { args: [fixture, ...grid, '--out', join(fixture, 'x')], status: 1, code: 'OUTPUT_FAILED' },
    ]) {
      const ran = run(...args)
      expect(ran.stderr, args.join(' ')).toContain(`fafnir: ${code}`)
      expect(ran.status, args.join(' ')).toBe(status)
      expect(ran.stdout).toBe('')
    }
    expect(existsSync(join(folder, 'runs'))).toBe(false)
  })
})
