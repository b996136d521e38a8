import { describe, expect, it } from 'vitest'

import { feeByRate } from './engine/fees.js'
import { FafnirError, describeError, fail, fromNative } from './errors.js'
import { instrumentsOf, priceText, priceTicks, quantityLots, quantityText } from './units.js'

const [btc, coarse] = instrumentsOf([
  { symbol: 'BTCUSDT', venue: 'v', tickSize: '0.1', lotSize: '0.001', makerFee: '-0.0001', takerFee: '0.0005' },
  {
    symbol: 'X',
    venue: 'v',
    tickSize: '0.05',
    lotSize: '5',
    priceDecimals: 4,
    contract: 'inverse',
    multiplier: '100',
    takerFee: '0.0005',
    priceIncrements: [
      { fromPrice: '0', increment: '0.05' },
      { fromPrice: '10', increment: '0.1' },
    ],
  },
])

describe('units', () => {
  it('turns text into whole steps and back', () => {
    expect(priceTicks(btc!, '61800.2')).toBe(618_002)
    expect(priceTicks(btc!, '61800.20')).toBe(618_002)
    expect(priceText(btc!, 618_002)).toBe('61800.2')
    expect(quantityLots(btc!, '0.020')).toBe(20)
    expect(quantityText(btc!, 20)).toBe('0.020')
    expect(priceText(coarse!, 2_025)).toBe('101.2500')
    expect(coarse!.increments).toEqual([
      { from: 0, step: 1 },
      { from: 200, step: 2 },
    ])
  })

  it.each(['61800.25', '', '1e3', ' 1', 'NaN', '1.', '99999999999999999999', 5 as never, null as never])(
    'refuses %j',
    (text) => {
      expect(() => priceTicks(btc!, text)).toThrow(
        expect.objectContaining({ code: 'OFF_GRID', room: 'wire', fields: { value: String(text), tick: '0.1' } }),
      )
    },
  )

  it('computes fees like the core: value first, then fee, half away from zero', () => {
    // 61800.2 * 0.020 = 1236.004; -1/10000 of it is -0.1236004: -12360040 units of 10^-8.
    expect(feeByRate(btc!, 618_002, 20, false)).toBe(-12_360_040)
    expect(feeByRate(btc!, 618_002, 20, true)).toBe(61_800_200)
    // Inverse: 5 * 100 / 12.5 = 40; 5/10000 of it is 0.02.
    expect(feeByRate(coarse!, 250, 1, true)).toBe(2_000_000)
  })
})

describe('errors', () => {
  it('carries code, room, fields and cause', () => {
    const cause = new Error('inner')
    const error = fail('CONFIG_INVALID', 'a sentence', { path: 'a.b', n: 5 }, cause)
    expect(error).toBeInstanceOf(FafnirError)
    expect(error.toJSON()).toEqual({
      code: 'CONFIG_INVALID',
      room: 'types',
      message: 'a sentence',
      fields: { path: 'a.b', n: 5 },
    })
    expect(error.cause).toBe(cause)
    expect(describeError(error)).toBe('CONFIG_INVALID: a sentence (path: a.b, n: 5)')
  })

  it('reads what native code throws', () => {
    const native = { code: 'JOURNAL_IO', room: 'journal', message: 'no room', fields: { path: '/x', nested: { a: 1 } } }
    expect(fromNative(new Error(JSON.stringify(native)))).toMatchObject({
      code: 'JOURNAL_IO',
      room: 'journal',
      message: 'no room',
      fields: { path: '/x', nested: '{"a":1}' },
    })
    expect(fromNative(new Error('{"code":"NO_SUCH"}')).code).toBe('NATIVE_PANICKED')
    expect(fromNative(new Error('{')).code).toBe('NATIVE_PANICKED')
    expect(fromNative(new TypeError('x')).code).toBe('ARGUMENT_INVALID')
    expect(fromNative(Object.assign(new Error('x'), { code: 'StringExpected' })).code).toBe('ARGUMENT_INVALID')
  })
})
