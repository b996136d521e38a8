// A study of allocators: each one chooses weights from the last year of returns, holds them for 25 days, pays for its
// trades, and chooses again. What counts is what it earned on days it had not seen. `node main.mjs PLOT.svg` writes the
// plot there; without a name it goes beside this file. returns.csv is simulated, by make-returns.mjs.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import {
  equalWeight,
  fromRows,
  hierarchicalEqualRiskContribution,
  hierarchicalRiskParity,
  inverseVolatility,
  ledoitWolf,
  maximumDiversification,
  maximumSharpe,
  minimumCvar,
  minimumVariance,
  performance,
  riskParity,
  walkForward,
} from 'fafnir/quant'

import { linesPlot } from './plot.mjs'

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8')
const input = JSON.parse(read('input.json'))
const [head, ...lines] = read('returns.csv').trim().split('\n')
const assets = head.split(',')
const days = lines.map((line) => line.split(',').map(Number))

// The same rules for all who can keep rules: long-only, fully invested, no fund above 40 %, shares below 60 %.
const shares = { name: 'shares', members: ['Shares North', 'Shares South', 'Technology'], upper: input.sharesMax }
const constraints = { assets, upper: input.weightMax, groups: [shares] }

const allocators = {
  'equal weight': async () => equalWeight(assets.length),
  'inverse volatility': (returns) => inverseVolatility({ returns }),
  'HRP (skfolio)': async (returns) => (await hierarchicalRiskParity({ returns, convention: 'skfolio' })).weights,
  HERC: async (returns) => (await hierarchicalEqualRiskContribution({ returns })).weights,
  'risk parity': async (returns) => (await riskParity({ returns })).weights,
  'minimum variance': async (returns) => {
    const covariance = await ledoitWolf(returns)
    return (await minimumVariance({ covariance, constraints })).weights
  },
  'max diversification': async (returns) => (await maximumDiversification({ returns, constraints })).weights,
  'minimum CVaR': async (returns) => (await minimumCvar({ returns, beta: input.confidence, constraints })).weights,
  'max Sharpe': async (returns, seen) => {
    const expected = assets.map((_, asset) => seen.reduce((sum, day) => sum + day[asset], 0) / seen.length)
    const riskFree = (1 + input.riskFreeYearly) ** (1 / 252) - 1
    try {
      return (await maximumSharpe({ returns, expected, riskFree, constraints })).weights
    } catch (error) {
      // After a bad year nothing earned more than cash: no ratio is highest.
      if (error.code !== 'QUANT_UNDEFINED') throw error
      return (await minimumVariance({ returns, constraints })).weights
    }
  },
}

/** Returns of the held days, one trade at the start of each window; weights drift between trades. */
async function study(choose, splits) {
  let held = assets.map(() => 0)
  let traded = 0
  const earned = []
  for (const { train, test } of splits) {
    const seen = days.slice(...train[0])
    const weights = await choose(fromRows(seen), seen)
    const turnover = held.reduce((sum, before, asset) => sum + Math.abs(weights[asset] - before), 0)
    traded += turnover
    held = [...weights]
    for (const [at, day] of days.slice(...test[0]).entries()) {
      const gain = held.reduce((sum, weight, asset) => sum + weight * day[asset], 0)
      held = held.map((weight, asset) => (weight * (1 + day[asset])) / (1 + gain))
      earned.push(at === 0 ? gain - input.costRate * turnover : gain)
    }
  }
  return { earned, turnover: traded / splits.length, held }
}

const splits = await walkForward(days.length, { train: input.trainDays, test: input.holdDays })
console.log(`${assets.length} funds, ${days.length} days, ${splits.length} windows of ${input.holdDays} days`)
const columns = ['return', 'volatility', 'Sharpe', 'drawdown', 'turnover', 'largest']
console.log(`${''.padEnd(20)}${columns.map((name) => name.padStart(12)).join('')}`)
const curves = []
for (const [name, choose] of Object.entries(allocators)) {
  const { earned, turnover, held } = await study(choose, splits)
  const found = await performance(earned, { riskFree: { value: input.riskFreeYearly, period: 'year' } })
  const percent = (value) => `${(100 * value).toFixed(1)} %`
  const cells = [found.cagr, found.annualVolatility, found.sharpe, found.maxDrawdown, turnover, Math.max(...held)]
  const texts = cells.map((cell, at) => (at === 2 ? cell.toFixed(2) : percent(cell)).padStart(12))
  console.log(`${name.padEnd(20)}${texts.join('')}`)
  let worth = 1
  curves.push({ name, values: [1, ...earned.map((gain) => (worth *= 1 + gain))] })
}

const plot = linesPlot({ title: 'Worth of 1 after costs', first: input.trainDays, curves })
writeFileSync(process.argv[2] ?? fileURLToPath(new URL('plot.svg', import.meta.url)), plot)
console.log(`plot: ${curves.length} curves of ${curves[0].values.length} days`)
