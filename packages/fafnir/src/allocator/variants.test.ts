import { describe, expect, test } from 'vitest'

import { quadrants, sleeveNames, sleevesFor, variantNames, variants } from './variants.js'

describe('variants', () => {
  // As the product's statement lists them, typed here once more.
  const stated = {
    defensive: 'equity 10, tipsShortTerm 40, gold 20, commodities 10, cash 20',
    balanced: 'equity 15, longTreasuries 10, tipsShortTerm 20, gold 20, commodityTrend 15, longVolatility 10, cash 10',
    standard: 'equity 20, longTreasuries 20, gold 20, commodityTrend 20, longVolatility 20',
    aggressive: 'equity 30, longTreasuries 10, gold 20, commodityTrend 25, longVolatility 15',
  }

  test.each(variantNames)('%s has the stated weights, 100 in all, in the listed order', (name) => {
    const { percents } = variants[name]
    const text = Object.entries(percents).map(([sleeve, percent]) => `${sleeve} ${percent}`)
    expect(text.join(', ')).toBe(stated[name])
    expect(Object.values(percents).reduce((sum, percent) => sum + percent, 0)).toBe(100)
    const places = Object.keys(percents).map((sleeve) => sleeveNames.indexOf(sleeve as (typeof sleeveNames)[number]))
    expect(places).toEqual([...places].sort((a, b) => a - b))
  })

  test.each(variantNames)('%s answers every quadrant', (name) => {
    for (const { quadrant } of quadrants) {
      if (quadrant === 'secularGrowth') expect(sleevesFor(quadrant, variants[name].percents)[0]).toBe('equity')
      else expect(sleevesFor(quadrant, variants[name].percents).length).toBeGreaterThan(0)
    }
    expect(sleevesFor('fiatDevaluation', variants[name].percents)[0]).toBe('gold')
  })
})
