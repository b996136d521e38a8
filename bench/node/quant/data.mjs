// Room card: bench/node/quant/data
// In:    numbers of assets, days, options; a folder.
// Out:   the data that every side reads, as files of little-endian 64-bit floats.
// Holds: the same seed gives the same bytes; nothing here is measured.
// Costs: some tenths of a second.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Days of the returns. */
export const DAYS = 1_000
/** Returns of the GARCH fit. */
export const GARCH_DAYS = 5_030

function generator(seed) {
  let state = seed >>> 0
  const unit = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return ((state >>> 0) + 0.5) / 2 ** 32
  }
  const normal = () => Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit())
  return { unit, normal }
}

/** Daily returns of stocks with one common factor, column after column. */
export function returns(assets, seed = 88_172_645) {
  const { unit, normal } = generator(seed + assets)
  const market = Array.from({ length: DAYS }, () => 0.01 * normal())
  const values = new Float64Array(assets * DAYS)
  for (let asset = 0; asset < assets; asset += 1) {
    const [beta, own] = [0.5 + unit(), 0.01 + 0.03 * unit()]
    for (let day = 0; day < DAYS; day += 1) values[asset * DAYS + day] = 0.0004 + beta * market[day] + own * normal()
  }
  return { values, rows: DAYS, columns: assets }
}

/** Returns in per cent whose variance follows a GARCH(1,1). */
export function garchReturns() {
  const { normal } = generator(12)
  let variance = 1
  return Float64Array.from({ length: GARCH_DAYS }, () => {
    const shock = normal() * Math.sqrt(variance)
    variance = 0.02 + 0.1 * shock * shock + 0.88 * variance
    return 0.05 + shock
  })
}

/** Columns of options: spot, strike, years, rate, dividend yield, volatility; a call where the index is odd. */
export function options(count) {
  const { unit } = generator(3)
  const column = (low, high) => Float64Array.from({ length: count }, () => low + (high - low) * unit())
  return {
    spot: column(80, 120), strike: column(80, 120), years: column(0.02, 2), rate: column(0, 0.05),
    dividendYield: column(0, 0.03), volatility: column(0.1, 0.6),
  }
}

/** Options whose Greeks the rival computes one call at a time. */
export const RIVAL_OPTIONS = 4_000

/** Writes all of it for a rival in another language. */
export function write(folder, sizes) {
  const bytes = (arrays) => Buffer.concat(arrays.map((array) => Buffer.from(array.buffer)))
  const file = (name, ...arrays) => writeFileSync(join(folder, name), bytes(arrays))
  for (const assets of sizes) file(`returns-${assets}.f64`, returns(assets).values)
  file('garch.f64', garchReturns())
  file('options.f64', ...Object.values(options(RIVAL_OPTIONS)))
}
