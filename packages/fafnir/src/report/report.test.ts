import { mkdtemp, mkdir, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { readSummary, type BacktestSummary } from '../backtest/summary.js'
import { fail } from '../errors.js'
import { csvCell, decimal, escapeHtml, nanos, utc } from './format.js'
import { reportHtml } from './html.js'
import { drawPlot, roundTicks } from './plot.js'
import { tradesCsv, writeReport } from './write.js'

const EVIL = `<script>alert("x")</script>&'`

function summary(): BacktestSummary {
  return readSummary(
    JSON.stringify({
      effectsHash: '0123456789abcdef0123456789abcdef',
      turns: 5,
      marketStart: '1723161255030314667',
      marketEnd: '1723161599834000000',
      counts: { depth: 6551, errors: { STALE_UPDATE: 2 } },
      instruments: [
        {
          symbol: EVIL,
          currency: 'USDT',
          scale: 8,
          position: '-0.003',
          fills: { buy: 2, sell: 1 },
          quantity: { buy: '0.020', sell: '0.023' },
          pnl: { total: '-1.50000000', spread: '2.5', inventory: '-1', fees: '3.00' },
          calibration: {
            arrivalsPerSecond: 4,
            priorFills: 2,
            priorSeconds: 1.35914,
            priorDistancePrice: 0.5,
            priorDecayPerPrice: 2,
            fills: { buy: 2, sell: 1 },
            quotedSeconds: { buy: 60.25, sell: 59 },
            decayPerPrice: { buy: 1.75, sell: 2.25 },
          },
          ledger: { position: '-0.003', fees: '3', agrees: true, openOrders: 3 },
        },
      ],
      rejects: { PRICE_COLLAR: 3, KILLED: 0 },
      tickToOrderNanos: { count: 10, p50: 700, p90: 1500, p99: 2e6, p999: 3e9, max: 4e9 },
      series: {
        timeNanos: [0, 1e9, 2e9],
        instruments: [
          {
            symbol: EVIL,
            bid: [1, null, 3],
            ask: [2, null, 4],
            quoteBid: [null, null, 1],
            quoteAsk: [],
            inventory: [0, 1, -1],
            pnl: [0, 0, 0],
          },
        ],
      },
      fills: [
        {
          timeNanos: 5,
          instrument: EVIL,
          side: 'buy',
          price: '1.5',
          quantity: '0.02',
          fee: '-0.1',
          liquidity: 'maker',
          orderId: 7,
        },
      ],
    }),
  )
}

describe('format', () => {
  it('escapes and groups', () => {
    expect(escapeHtml(EVIL)).toBe('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;')
    expect(csvCell('a,"b"\n')).toBe('"a,""b""\n"')
    expect(csvCell('=1+1')).toBe("'=1+1")
    expect(csvCell('-1.5')).toBe('-1.5')
    expect(csvCell(-3)).toBe('-3')
    expect(decimal('-1234567.50000000')).toBe('-1,234,567.50')
    expect(decimal('0.00012000')).toBe('0.00012')
    expect(decimal('abc')).toBe('abc')
    expect([nanos(850), nanos(1520), nanos(3.1e6), nanos(2e9)]).toEqual(['850 ns', '1.52 µs', '3.1 ms', '2.0 s'])
    expect(utc('1723161255030314667')).toBe('2024-08-08 23:54:15.030 UTC')
  })

  it('finds round ticks', () => {
    expect(roundTicks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10])
    expect(roundTicks(61_800.3, 61_801.1, 4).map((tick) => tick.toFixed(1))).toEqual([
      '61800.4',
      '61800.6',
      '61800.8',
      '61801.0',
    ])
  })
})

describe('plot', () => {
  it('breaks lines where there is no value and steps positions', () => {
    const timeNanos = [0, 1e9, 2e9, 3e9]
    const svg = drawPlot({
      title: 't',
      unit: 'u',
      timeNanos,
      lines: [
        { name: 'a', style: 'x', values: [1, null, 2, 3] },
        { name: 'b', style: 'y', values: [1, 1, 2, 2], step: true },
      ],
    })
    const [first, second] = [...svg.matchAll(/ d="([^"]*)"/g)].map((match) => match[1]!)
    expect(first).toMatch(/^M[\d.]+ [\d.]+M[\d.]+ [\d.]+L[\d.]+ [\d.]+$/)
    expect(second).toMatch(/^M[\d.]+ [\d.]+H[\d.]+H[\d.]+V[\d.]+H[\d.]+$/)
  })

  it('draws an empty run without NaN', () => {
    const svg = drawPlot({ title: 't', unit: 'u', timeNanos: [], lines: [{ name: 'a', style: 'x', values: [] }] })
    expect(svg).not.toMatch(/NaN|Infinity/)
  })
})

describe('page', () => {
  it('escapes what is foreign and asks for nothing outside', () => {
    const error = fail('STRATEGY_THREW', EVIL)
    const strategy = { halted: true, error, events: 1, commands: 0, invalidOrders: 0, missed: 0 }
    const page = reportHtml(EVIL, summary(), strategy)
    expect(page).not.toContain('<script')
    expect(page).not.toMatch(/(src|href)=|@import|url\(/)
    expect(page).not.toMatch(/NaN|undefined/)
    expect(page).toContain('0123456789abcdef0123456789abcdef')
    expect(page).toContain('PRICE_COLLAR')
    expect(page).toContain('2.000 per price: 2.000 fills in 1.359 s at 0.5000 from the mid, 4.000 arrivals a second')
    expect(page).toContain('2.250 per price from 1 fills in 59.00 s quoted')
    expect(page).toMatch(/still open at the venue.*?3/s)
    expect(page.match(/<svg/g)).toHaveLength(3)
    expect(page.match(/<polygon/g)).toHaveLength(1)
  })
})

describe('files', () => {
  let directory = ''
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fafnir-report-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  it('writes all parts whole', async () => {
    const paths = await writeReport(join(directory, 'a', 'b'), { title: 't', summary: summary(), config: { x: 1 } })
    expect((await readdir(join(directory, 'a', 'b'))).sort()).toEqual(['report.html', 'report.json', 'trades.csv'])
    const json = JSON.parse(await readFile(paths.json, 'utf8')) as { summary: BacktestSummary; config: unknown }
    expect(json.summary.counts.depth).toBe(6551)
    expect(json.config).toEqual({ x: 1 })
    expect(tradesCsv(summary()).split('\r\n')).toEqual([
      'timeNanos,unixNanos,instrument,side,price,quantity,fee,liquidity,orderId',
      `5,1723161255030314672,"<script>alert(""x"")</script>&'",buy,1.5,0.02,-0.1,maker,7`,
      '',
    ])
  })

  it('leaves nothing behind when a part cannot be put in place', async () => {
    // A folder of that name cannot be replaced by a file.
    await mkdir(join(directory, 'report.json', 'x'), { recursive: true })
    await expect(writeReport(directory, { title: 't', summary: summary() })).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      fields: { path: join(directory, 'report.json') },
    })
    expect(await readdir(directory)).toEqual(['report.json'])
  })

  it('refuses a summary without a hash', () => {
    for (const text of ['', '[]', '{"effectsHash":"abc"}']) {
      expect(() => readSummary(text)).toThrow(expect.objectContaining({ code: 'NATIVE_PANICKED' }))
    }
  })
})
