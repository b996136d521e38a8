import { describe, expect, test } from 'vitest'

import type { AllocationInstrument, Holdings, TargetLine } from './book.js'
import { rebalance, type Rebalance, type RebalanceInput } from './rebalance.js'

const fund = (symbol: string, more: Partial<AllocationInstrument> = {}): AllocationInstrument => ({
  symbol,
  tickSize: '0.01',
  lotSize: '1',
  ...more,
})

const instruments = [fund('STK'), fund('BND'), fund('GLD')]
const targets: readonly TargetLine[] = [
  { sleeve: 'equity', weight: 0.5, instrument: 'STK' },
  { sleeve: 'bonds', weight: 0.3, instrument: 'BND' },
  { sleeve: 'gold', weight: 0.2, instrument: 'GLD' },
]
const prices = { STK: '100.00', BND: '50.00', GLD: '200.00' }
const base: RebalanceInput = { instruments, targets, prices, holdings: { cash: '10000', positions: {} } }

const short = ({ orders }: Rebalance): string[] =>
  orders.map(({ side, quantity, symbol, price, reason }) => `${side} ${quantity} ${symbol} at ${price}: ${reason}`)

describe('worked by hand', () => {
  test('a target left away from its goal for want of cash says so, though a little was bought', () => {
    // Gold is one lot of 5109: too much for its target of 1416, too large to be sold in part.
    const result = rebalance({
      ...base,
      instruments: [fund('STK'), fund('BND'), fund('GLD', { lotSize: '100' })],
      prices: { STK: '10.00', BND: '23.00', GLD: '51.09' },
      holdings: { cash: '1970', positions: { GLD: '100' } },
    })
    expect(short(result)).toEqual(['buy 1 STK at 10.00: always', 'buy 85 BND at 23.00: always'])
    expect(result.after.lines.map(({ skipped }) => skipped)).toEqual(['noCash', 'noCash', undefined, undefined])
  })

  test('a target sold below its goal for money that is owed says so', () => {
    const result = rebalance({
      ...base,
      instruments: [fund('STK', { minOrderValue: '2500' }), fund('BND'), fund('GLD')],
      prices: { STK: '100.00', BND: '10.00', GLD: '200.00' },
      holdings: { cash: '0', positions: { STK: '10', BND: '60' } },
      flow: '-500',
    })
    // Bonds of 600 are 270 above a target of 330 of the 1100 left; 10 of stocks are less than an order.
    expect(short(result)).toEqual(['sell 50 BND at 10.00: always'])
    expect(result.after.lines.map(({ skipped }) => skipped)).toEqual(['belowMinimum', 'noCash', 'noCash', undefined])
  })

  test('money becomes a portfolio', () => {
    const result = rebalance(base)
    expect(short(result)).toEqual([
      'buy 50 STK at 100.00: always',
      'buy 60 BND at 50.00: always',
      'buy 10 GLD at 200.00: always',
    ])
    expect(result.after).toMatchObject({ value: '10000.00', cash: '0.00' })
    expect([result.turnover, result.cost]).toEqual([0.5, '0.00'])
  })

  test('costs come out of the portfolio: fee, fee an order, half spread', () => {
    const costly = instruments.map((item) => ({ ...item, feeRate: '0.001', feePerOrder: '1.50', halfSpreadTicks: 2 }))
    const result = rebalance({ ...base, instruments: costly })
    // 49 × 100.02 = 4900.98, fee 4.91 up from 4.90098, and 1.50; 59 × 50.02 = 2951.18, 2.96 and 1.50;
    // 9 × 200.02 = 1800.18, 1.81 and 1.50.
    expect(short(result)).toEqual([
      'buy 49 STK at 100.02: always',
      'buy 59 BND at 50.02: always',
      'buy 9 GLD at 200.02: always',
    ])
    expect(result.orders.map(({ cost }) => cost)).toEqual(['7.39', '5.64', '3.49'])
    expect(result.cost).toBe('16.52')
    expect(result.after.value).toBe('9983.48')
    expect(result.after.cash).toBe('333.48')
  })

  test('5/25: inside its band nothing happens, outside all go back', () => {
    const holdings: Holdings = { cash: '0', positions: { STK: '54', BND: '56', GLD: '9' } }
    const rules = { bands: {} }
    expect(short(rebalance({ ...base, holdings, rules }))).toEqual([])
    const moved = rebalance({ ...base, holdings, rules, prices: { ...prices, STK: '110.00' } })
    // Value 10540; STK 5940 is 56.4 %, over 55 %; the goals are 5270, 3162 and 2108.
    expect(moved.triggers.bands).toEqual(['equity'])
    expect(short(moved)).toEqual([
      'sell 6 STK at 110.00: bands',
      'buy 7 BND at 50.00: funding',
      'buy 1 GLD at 200.00: funding',
    ])
  })

  test('exactly on the edge of its band is inside', () => {
    // 55 % and 25 % of 10,000, for targets of 50 % and 30 % with bands of 5 %; one lot more is outside.
    const held = (STK: string, BND: string): Rebalance =>
      rebalance({ ...base, holdings: { cash: '0', positions: { STK, BND, GLD: '10' } }, rules: { bands: {} } })
    expect(held('55', '50').triggers.bands).toEqual([])
    expect(held('56', '48').triggers.bands).toEqual(['equity', 'bonds'])
  })

  test('to the edge: only as far as the band', () => {
    const holdings: Holdings = { cash: '0', positions: { STK: '600', BND: '560', GLD: '60' } }
    const rules = { bands: { absolute: 0.05, relative: 0.25 }, to: 'edge' } as const
    // Value 100000; STK 60 % goes to 55 %, BND 28 % stays inside, GLD 12 % goes to 15 %, and the 2 % left over
    // go to BND and GLD as 2 to 5: goals 28571 and 16428.
    const result = rebalance({ ...base, holdings, rules })
    expect(short(result)).toEqual([
      'sell 50 STK at 100.00: bands',
      'buy 11 BND at 50.00: funding',
      'buy 22 GLD at 200.00: bands',
    ])
    expect(result.triggers.bands).toEqual(['equity', 'gold'])
  })

  test('money paid in buys what is below target first, and no rule has to fire', () => {
    const holdings: Holdings = { cash: '0', positions: { STK: '54', BND: '54', GLD: '9' } }
    const result = rebalance({ ...base, holdings, flow: '500', rules: { bands: {} } })
    // Value 10400: equity is at 5400, 200 above; bonds 420 and gold 280 below: 500 in proportion 300 and 200.
    expect(short(result)).toEqual(['buy 6 BND at 50.00: flow', 'buy 1 GLD at 200.00: flow'])
  })

  test('money paid out sells what is above target', () => {
    const holdings: Holdings = { cash: '0', positions: { STK: '54', BND: '54', GLD: '9' } }
    const result = rebalance({ ...base, holdings, flow: '-500', rules: { bands: {} } })
    expect(short(result)).toEqual(['sell 5 STK at 100.00: flow'])
    expect(result.after.cash).toBe('0.00')
  })

  test('the calendar is due once a period', () => {
    const holdings: Holdings = { cash: '0', positions: { STK: '54', BND: '54', GLD: '9' }, rebalancedOn: '2026-10-01' }
    const at = (date: string, calendar: 'month' | 'quarter' | 'year') =>
      rebalance({ ...base, holdings, date, rules: { calendar } })
    expect(at('2026-10-31', 'month').orders).toEqual([])
    expect(at('2026-11-02', 'month').orders.length).toBeGreaterThan(0)
    expect(at('2026-12-31', 'quarter').orders).toEqual([])
    expect(at('2027-01-04', 'quarter').holdings.rebalancedOn).toBe('2027-01-04')
    expect(at('2027-01-04', 'year').orders.length).toBeGreaterThan(0)
  })

  test('drift is half the sum of the distances', () => {
    const holdings: Holdings = { cash: '0', positions: { STK: '54', BND: '52', GLD: '10' } }
    const result = rebalance({ ...base, holdings, rules: { drift: 0.04 } })
    expect(result.triggers.drift).toEqual({ value: 0.04, fired: false })
    expect(rebalance({ ...base, holdings, rules: { drift: 0.0399 } }).orders.length).toBeGreaterThan(0)
  })

  test('no trading inside the region that cost draws', () => {
    const costly = instruments.map((item) => ({ ...item, feeRate: '0.002' }))
    const holdings: Holdings = { cash: '0', positions: { STK: '5400', BND: '5200', GLD: '1000' } }
    const at = (riskAversion: number) =>
      rebalance({ ...base, instruments: costly, holdings, rules: { noTradeRegion: { riskAversion } } })
    // (3/(2·2) · 0.25 · 0.25 · 0.002)^(1/3) = 0.0454 around 50 %; with γ = 20 it is 0.0211, and
    // 0.0188 around 30 %: bonds need 21200, so equity gives it.
    expect(at(2).orders).toEqual([])
    const narrow = at(20)
    expect(narrow.triggers.bands).toEqual(['equity', 'bonds'])
    expect(short(narrow)[0]).toBe('sell 212 STK at 100.00: bands')
  })

  test('what is below the minimum of an order is not sent', () => {
    const large = instruments.map((item) => ({ ...item, minOrderValue: '1000', minOrderQuantity: '5' }))
    const holdings: Holdings = { cash: '0', positions: { STK: '51', BND: '58', GLD: '10' } }
    const result = rebalance({ ...base, instruments: large, holdings })
    expect(result.orders).toEqual([])
    expect(result.after.lines.map(({ skipped }) => skipped)).toEqual([
      'belowMinimum',
      'belowMinimum',
      undefined,
      undefined,
    ])
  })

  test('fractions of a unit, contracts with a multiplier', () => {
    const items = [fund('BTC', { lotSize: '0.001' }), fund('FUT', { multiplier: '50', tickSize: '0.25' })]
    const lines = [
      { sleeve: 'coin', weight: 0.25, instrument: 'BTC' },
      { sleeve: 'future', weight: 0.5, instrument: 'FUT' },
      { sleeve: 'cash', weight: 0.25 },
    ]
    const result = rebalance({
      instruments: items,
      targets: lines,
      prices: { BTC: '61800.13', FUT: '100.25' },
      holdings: { cash: '100000', positions: {} },
    })
    // 25000 / 61.80013 a lot = 404.5; 50000 / 5012.50 = 9.97.
    expect(result.orders.map(({ quantity, value }) => [quantity, value])).toEqual([
      ['0.404', '24967.25252'],
      ['9', '45112.50'],
    ])
  })
})

describe('tax lots', () => {
  const date = '2026-11-22'
  const lot = (symbol: string, quantity: string, price: string, bought: string) => ({
    symbol,
    quantity,
    price,
    date: bought,
  })

  test('the dearest purchase is sold first', () => {
    const holdings: Holdings = {
      cash: '0',
      positions: { STK: '60', BND: '50', GLD: '7' },
      taxLots: [
        lot('STK', '30', '90.00', '2020-01-02'),
        lot('STK', '4', '99.50', '2021-01-04'),
        lot('STK', '26', '60.00', '2019-01-02'),
      ],
    }
    const result = rebalance({ ...base, holdings, date })
    expect(short(result)[0]).toBe('sell 10 STK at 100.00: always')
    expect(result.realised?.sales.map(({ quantity, boughtAt, gain }) => [quantity, boughtAt, gain])).toEqual([
      ['4', '99.50', '2.00'],
      ['6', '90.00', '60.00'],
    ])
    expect(result.realised).toMatchObject({ gains: '62.00', losses: '0.00' })
    expect(result.holdings.taxLots).toEqual([
      lot('STK', '24', '90.00', '2020-01-02'),
      lot('STK', '26', '60.00', '2019-01-02'),
    ])
  })

  test('a loss is taken, its substitute bought, and the symbol left alone for 30 days', () => {
    const swap = targets.map((line) => (line.sleeve === 'equity' ? { ...line, substitute: 'STK2' } : line))
    const input: RebalanceInput = {
      instruments: [...instruments, fund('STK2')],
      targets: swap,
      prices: { ...prices, STK2: '25.00' },
      date,
      rules: { bands: {}, harvest: { minLoss: '100' } },
      holdings: {
        cash: '0',
        positions: { STK: '50', BND: '60', GLD: '10' },
        taxLots: [lot('STK', '20', '130.00', '2026-02-02'), lot('STK', '30', '80.00', '2020-01-02')],
      },
    }
    const result = rebalance(input)
    expect(short(result)).toEqual(['sell 20 STK at 100.00: harvest', 'buy 80 STK2 at 25.00: substitute'])
    expect(result.realised).toMatchObject({ gains: '0.00', losses: '-600.00' })
    expect(result.holdings.lossSales).toEqual([{ symbol: 'STK', date }])
    expect(rebalance({ ...input, holdings: result.holdings }).orders).toEqual([])
    // More money within the window buys the substitute, after it the symbol itself.
    const later = (day: string) =>
      short(rebalance({ ...input, holdings: result.holdings, flow: '10000', date: day }))[0]
    expect(later('2026-12-22')).toBe('buy 200 STK2 at 25.00: substitute')
    expect(later('2026-12-23')).toBe('buy 50 STK at 100.00: flow')
  })

  test('nobody is bought beyond its target for a sleeve that may not be bought', () => {
    const holdings: Holdings = {
      cash: '0',
      positions: { STK: '500', BND: '400', GLD: '140' },
      taxLots: [lot('STK', '500', '130.00', '2026-02-02')],
    }
    const rules = { bands: { absolute: 0.02, relative: 0.1 }, to: 'edge', harvest: { minLoss: '100' } } as const
    const { orders, after } = rebalance({ ...base, holdings, date, rules })
    expect(orders.map(({ side, symbol }) => `${side} ${symbol}`)).toEqual(['sell STK', 'sell GLD', 'buy BND'])
    expect(after.lines[1]!.weight).toBeLessThanOrEqual(0.3)
    // 50000 from STK and 6400 from GLD, down to 22 %, less 9400 for BND, up to 30 %.
    expect(after.cash).toBe('47000.00')
  })

  test('no harvest of what was bought within the window and stays', () => {
    const holdings: Holdings = {
      cash: '0',
      positions: { STK: '50', BND: '60', GLD: '10' },
      taxLots: [lot('STK', '20', '130.00', '2026-02-02'), lot('STK', '30', '80.00', '2026-11-02')],
    }
    const rules = { bands: {}, harvest: { minLoss: '100' } }
    expect(rebalance({ ...base, holdings, date, rules }).orders).toEqual([])
  })
})

describe('bad input issues nothing', () => {
  const bad: [string, object, string][] = [
    ['weights that do not sum', { targets: [{ sleeve: 'equity', weight: 0.9, instrument: 'STK' }] }, 'WEIGHTS_SUM'],
    ['a NaN weight', { targets: [{ sleeve: 'equity', weight: NaN, instrument: 'STK' }] }, 'ALLOCATION_INVALID'],
    ['an unknown instrument', { targets: [{ sleeve: 'equity', weight: 1, instrument: 'NOPE' }] }, 'UNKNOWN_INSTRUMENT'],
    ['a sleeve without instrument', { targets: [{ sleeve: 'equity', weight: 1 }] }, 'SLEEVE_UNFILLED'],
    [
      'an instrument in two sleeves',
      { targets: [...targets.slice(0, 2), { sleeve: 'x', weight: 0.2, instrument: 'STK' }] },
      'ALLOCATION_INVALID',
    ],
    ['a missing price', { prices: { STK: '100.00', BND: '50.00' } }, 'PRICE_MISSING'],
    ['a price off its tick', { prices: { ...prices, GLD: '200.001' } }, 'OFF_GRID'],
    ['a price of zero', { prices: { ...prices, GLD: '0' } }, 'ALLOCATION_INVALID'],
    ['a price that is a number', { prices: { ...prices, GLD: 200 } }, 'ALLOCATION_INVALID'],
    ['a NaN price', { prices: { ...prices, GLD: 'NaN' } }, 'ALLOCATION_INVALID'],
    ['a holding of an unknown instrument', { holdings: { cash: '0', positions: { NOPE: '1' } } }, 'UNKNOWN_INSTRUMENT'],
    ['a holding off its lot', { holdings: { cash: '0', positions: { STK: '1.5' } } }, 'OFF_GRID'],
    ['a short holding', { holdings: { cash: '0', positions: { STK: '-1' } } }, 'ALLOCATION_INVALID'],
    [
      'a holding without a target',
      {
        instruments: [...instruments, fund('OLD')],
        prices: { ...prices, OLD: '1' },
        holdings: { cash: '0', positions: { OLD: '1' } },
      },
      'ALLOCATION_INVALID',
    ],
    ['negative cash', { holdings: { cash: '-1', positions: {} } }, 'ALLOCATION_INVALID'],
    ['more taken out than there is', { flow: '-10001' }, 'CASH_SHORT'],
    ['a rule with a typing error', { rules: { band: {} } }, 'ALLOCATION_INVALID'],
    ['a NaN drift', { rules: { drift: NaN } }, 'ALLOCATION_INVALID'],
    ['edges without bands', { rules: { to: 'edge' } }, 'ALLOCATION_INVALID'],
    ['a calendar without a date', { rules: { calendar: 'month' } }, 'ALLOCATION_INVALID'],
    ['no such date', { date: '2026-02-30' }, 'ALLOCATION_INVALID'],
    ['no such month', { date: '2026-13-01' }, 'ALLOCATION_INVALID'],
    ['no such day at all', { date: '2026-00-00' }, 'ALLOCATION_INVALID'],
    ['no instruments', { instruments: undefined }, 'ALLOCATION_INVALID'],
    ['no holdings', { holdings: null }, 'ALLOCATION_INVALID'],
    [
      'tax lots that do not add up',
      {
        date: '2026-11-22',
        holdings: {
          cash: '0',
          positions: { STK: '2' },
          taxLots: [{ symbol: 'STK', quantity: '1', price: '1', date: '2020-01-01' }],
        },
      },
      'ALLOCATION_INVALID',
    ],
    [
      'a short target',
      {
        targets: [
          { sleeve: 'a', weight: -0.5, instrument: 'STK' },
          { sleeve: 'cash', weight: 1.5 },
        ],
      },
      'ALLOCATION_INVALID',
    ],
    ['a fee above a tenth', { instruments: [fund('STK', { feeRate: '0.2' })] }, 'ALLOCATION_INVALID'],
    ['a lot of zero', { instruments: [fund('STK', { lotSize: '0' })] }, 'ALLOCATION_INVALID'],
  ]
  test.each(bad)('%s', (_, change, code) => {
    expect(() => rebalance({ ...base, ...change } as RebalanceInput)).toThrow(expect.objectContaining({ code }))
  })
})
