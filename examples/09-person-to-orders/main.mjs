// From a person to orders: answers become a profile, the profile an allocation, the allocation orders; the orders pass
// the risk gate and are executed in the backtest venue, sales before purchases.
import { readFileSync } from 'node:fs'

import { backtest } from 'fafnir'
import { firstPolicy, profileOf } from 'fafnir/advice'
import { engineInstruments, rebalance, rebalanceStrategy, requireGate, targetsOf } from 'fafnir/allocator'

const input = JSON.parse(readFileSync(new URL('input.json', import.meta.url), 'utf8'))
const { person, holdings, prices, limits } = input

const profile = profileOf(firstPolicy(), person)
const { capacity, tolerance, variantName } = profile
console.log(`capacity ${capacity.score.toFixed(1)}, tolerance ${tolerance.score.toFixed(1)}: ${variantName}`)
if (profile.weights === null) throw new Error('the answers need a review first')

const { feeRate, halfSpreadTicks, minOrderValue } = input
const instruments = Object.keys(prices).map((symbol) => ({
  symbol,
  tickSize: '0.01',
  lotSize: '1',
  feeRate,
  halfSpreadTicks,
  minOrderValue,
}))
const fills = Object.fromEntries(Object.entries(input.fills).map(([sleeve, instrument]) => [sleeve, { instrument }]))
const targets = targetsOf(profile.weights, fills)
const plan = rebalance({ instruments, targets, holdings, prices })

console.log(`\nsleeve           target  before   after`)
for (const [i, { sleeve, weight, target }] of plan.after.lines.entries()) {
  const columns = [target, plan.before.lines[i].weight, weight].map((part) =>
    `${(100 * part).toFixed(1)} %`.padStart(8),
  )
  console.log(`${sleeve.padEnd(15)}${columns.join('')}`)
}
console.log(`value ${plan.before.value}, turnover ${(100 * plan.turnover).toFixed(1)} % one way, cost ${plan.cost}\n`)

const { passed } = await requireGate(plan.orders, { instruments, prices, limits, positions: holdings.positions })
console.log(`the risk gate passed ${passed.length} of ${plan.orders.length} orders`)
for (const { side, quantity, symbol, price, why } of plan.orders) {
  console.log(`  ${side.padEnd(4)} ${quantity.padStart(4)} ${symbol} at ${price}: ${why}`)
}

const execution = rebalanceStrategy(plan.orders)
const { summary } = await backtest(
  {
    engine: { venues: [{ name: 'SIM' }], instruments: engineInstruments({ instruments, limits }, 'SIM') },
    sources: instruments.map(({ symbol }, i) => ({
      kind: 'generated',
      instrument: symbol,
      market: { seed: i + 1, seconds: input.marketSeconds, startPrice: prices[symbol], referenceVolatilityTicks: 1 },
    })),
  },
  { strategy: execution.strategy },
)

console.log('\nexecuted in the backtest venue')
for (const { symbol, side, lots, filledLots, filledTicksLots, state } of execution.progress()) {
  const mean = (filledTicksLots / filledLots / 100).toFixed(4)
  const filled = `${String(filledLots).padStart(4)} of ${String(lots).padStart(4)}`
  console.log(`  ${side.padEnd(4)} ${symbol} ${filled} at ${mean} on average: ${state}`)
}
const agree = summary.instruments.every(({ symbol, position, ledger }) => {
  const wanted = Number(plan.holdings.positions[symbol] ?? 0) - Number(holdings.positions[symbol] ?? 0)
  return ledger.agrees && Number(position) === wanted
})
console.log(agree ? "positions are the plan's to the last lot, and the venue's ledger agrees" : 'POSITIONS DIFFER')
