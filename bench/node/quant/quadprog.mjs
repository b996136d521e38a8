// Room card: bench/node/quant/quadprog
// In:    covariances of 20 and 100 assets.
// Out:   one JSON object: milliseconds of the npm package quadprog for the long-only minimum variance, and its weights.
// Holds: the arrays of the package's own form (from 1) are made before the clock starts; one warm-up; the package
//        overwrites the matrix it is given, so that each call has a copy, made before it.
// Costs: a second or two.
import { product, rival } from '../fix/messages.mjs'
import { returns } from './data.mjs'

const { sampleCovariance } = product('fafnir/quant')
const { solveQP } = rival('quadprog')
const ROUNDS = { 20: 401, 100: 11 }

/** An array whose first place is not used. */
const fromOne = (length, value) => [undefined, ...Array.from({ length }, (_, at) => value(at + 1))]

async function measured(assets) {
  const { matrix } = await sampleCovariance(returns(assets))
  const covariance = (row, column) => matrix.values[(column - 1) * assets + row - 1]
  // The first condition is the budget, the others are weights of at least 0.
  const conditions = fromOne(assets, (row) => fromOne(assets + 1, (at) => (at === 1 || at === row + 1 ? 1 : 0)))
  const least = fromOne(assets + 1, (at) => (at === 1 ? 1 : 0))
  const linear = fromOne(assets, () => 0)
  const times = []
  let found
  for (let round = 0; round <= ROUNDS[assets]; round += 1) {
    const quadratic = fromOne(assets, (row) => fromOne(assets, (column) => covariance(row, column)))
    const begun = performance.now()
    found = solveQP(quadratic, linear, conditions, least, 1)
    times.push(performance.now() - begun)
    if (found.message !== '') throw new Error(`quadprog: ${found.message}`)
  }
  times.shift()
  times.sort((a, b) => a - b)
  return { median: times[times.length >> 1], best: times[0], answer: found.solution.slice(1) }
}

const found = {}
for (const assets of [20, 100]) found[`min-variance-${assets}`] = await measured(assets)
console.log(JSON.stringify({ found }))
