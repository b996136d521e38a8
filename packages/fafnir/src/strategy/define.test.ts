import { describe, expect, it } from 'vitest'

import { defineStrategy, isStrategy } from './define.js'

describe('defineStrategy', () => {
  it('freezes and marks a good one', () => {
    const strategy = defineStrategy({ apiVersion: 1, params: { x: 1 }, onBook() {} })
    expect(Object.isFrozen(strategy)).toBe(true)
    expect(isStrategy(strategy)).toBe(true)
    expect(strategy.params).toEqual({ x: 1 })
    expect(isStrategy({ apiVersion: 1 })).toBe(false)
    expect(isStrategy(null)).toBe(false)
  })

  it.each([
    ['.', null],
    ['apiVersion', { apiVersion: 2 }],
    ['onbook', { apiVersion: 1, onbook() {} }],
    ['onTrade', { apiVersion: 1, onTrade: 5 }],
    ['onFill', { apiVersion: 1, async onFill() {} }],
  ])('refuses a bad %s', (key, handlers) => {
    expect(() => defineStrategy(handlers as never)).toThrow(
      expect.objectContaining({ code: 'STRATEGY_INVALID', fields: expect.objectContaining({ key }) }),
    )
  })
})
