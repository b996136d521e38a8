// On recordings: a TypeScript strategy with the native quoter's rules sends the same bytes at the same times, and the
// hash of a run is that of its journal's replay. The fixture always; the development recording where it is.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { avellanedaStoikov, backtest, replay, type BacktestConfig } from '../src/index.js'

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const recordings = [
  { name: 'the fixture', symbol: 'FAFUSDT', path: at('crates/testkit/fixtures/usdm-small.gz'), window: 50 },
  { name: 'BTCUSDT', symbol: 'BTCUSDT', path: at('../shared/data/binance/usdm-btcusdt-20240808.gz'), window: 1_000 },
]
const there = recordings.filter(({ name, path }) => {
  if (existsSync(path)) return true
  console.log(`skipped: ${name}: ${path} is not there`)
  return false
})

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fafnir-recording-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Time, connection and bytes of everything sent. */
function sent(path: string): string[] {
  const bytes = readFileSync(path)
  const found: string[] = []
  for (let from = 0; from < bytes.length; ) {
    const length = bytes.readUInt32LE(from + 4)
    if (bytes.readUInt16LE(from) === 1) found.push(bytes.toString('latin1', from + 2, from + 16 + length))
    from += 16 + Math.ceil(length / 8) * 8
  }
  return found
}

describe.each(there)('$name', ({ symbol, path, window }) => {
  const quoter = {
    instrument: symbol,
    riskAversionPerMoney: 0.5,
    intensityDecayPerPrice: 2,
    orderQuantity: '0.010',
    maxInventory: '0.100',
    requoteTicks: 2,
  }
  const config = (native: boolean, name: string): BacktestConfig => ({
    engine: {
      venues: [{ name: 'BINANCE', feed: 'binanceUsdm' }],
      instruments: [{ symbol, venue: 'BINANCE', tickSize: '0.1', lotSize: '0.001', makerFee: '0.0002' }],
      volatility: { window },
      quoters: native ? [quoter] : [],
    },
    sources: [{ kind: 'recording', instrument: symbol, path }],
    output: { dumpEffects: join(folder, `${symbol}-${name}.bin`), journalDir: join(folder, `${symbol}-${name}`) },
  })

  test('a strategy with the same rules sends the same bytes as the native quoter, and both replay', async () => {
    const native = await backtest(config(true, 'native'))
    const hosted = await backtest(config(false, 'hosted'), { strategy: avellanedaStoikov(quoter) })
    expect(hosted.strategy?.error).toBeUndefined()
    const bytes = sent(join(folder, `${symbol}-native.bin`))
    expect(bytes.length).toBeGreaterThan(20)
    expect(sent(join(folder, `${symbol}-hosted.bin`))).toEqual(bytes)
    for (const { name, summary } of [
      { name: 'native', summary: native.summary },
      { name: 'hosted', summary: hosted.summary },
    ]) {
      const again = await replay(join(folder, `${symbol}-${name}`))
      expect(again.hash).toBe(summary.effectsHash)
      expect(again.matches).toBe(true)
    }
  })
})
