// Room card: bench/node/quant/ours
// In:    names of measurements, all without.
// Out:   one JSON object: for each the milliseconds (median and best, of Greeks nanoseconds an option) and the answer.
// Holds: the public functions of fafnir/quant from call to resolved promise, with the arguments made before; answers
//        are printed, so that the bench can hold them to the rival's; one warm-up.
// Costs: some seconds.
import { product } from '../fix/messages.mjs'
import { garchReturns, options, returns, RIVAL_OPTIONS } from './data.mjs'

const quant = product('fafnir/quant')
const PATHS = 1_000_000
/** Options of a batch, more than a desk's whole book. */
const BATCH = 100_000
const ASSETS = 20

async function measured(rounds, work, answer) {
  const times = []
  let found
  for (let round = 0; round <= rounds; round += 1) {
    const begun = performance.now()
    found = await work()
    times.push(performance.now() - begun)
  }
  times.shift() // the warm-up
  times.sort((a, b) => a - b)
  return { median: times[times.length >> 1], best: times[0], answer: answer(found) }
}

const weights = (found) => Array.from(found.weights)

function hrp(assets, convention, rounds) {
  const given = returns(assets)
  return measured(rounds, () => quant.hierarchicalRiskParity({ returns: given, convention }), weights)
}

async function minVariance(assets, rounds, parameters = {}) {
  const { matrix: covariance } = await quant.sampleCovariance(returns(assets))
  return measured(rounds, () => quant.minimumVariance({ covariance, conditionNumber: false, ...parameters }), weights)
}

/** The book and the returns of `monte_carlo` in bench/peers/python/quant.py, with five options beside. */
async function monteCarlo() {
  const deviation = (asset) => 0.01 + 0.001 * asset
  const covariance = {
    values: Float64Array.from({ length: ASSETS * ASSETS }, (_, cell) => {
      const [row, column] = [cell % ASSETS, Math.floor(cell / ASSETS)]
      return deviation(row) * deviation(column) * (row === column ? 1 : 0.3)
    }),
    rows: ASSETS,
    columns: ASSETS,
  }
  const model = await quant.normalModel(new Float64Array(ASSETS), covariance)
  const book = {
    spots: new Float64Array(ASSETS).fill(100),
    quantities: Float64Array.from({ length: ASSETS }, (_, asset) => (asset % 3 === 0 ? -4 : 7)),
    options: Array.from({ length: 5 }, (_, at) => ({
      asset: 4 * at, kind: at % 2 === 0 ? 'put' : 'call', strike: 95 + 2 * at, years: 0.25, rate: 0.03,
      volatility: 0.25, quantity: 10,
    })),
  }
  const settings = { paths: PATHS, keepPaths: true, confidences: [0.95] }
  const tail = ({ tails: [{ valueAtRisk, expectedShortfall }] }) => [valueAtRisk, expectedShortfall]
  const whole = await measured(5, () => quant.monteCarloRisk(book, model, settings), tail)
  const linear = await measured(3, () => quant.monteCarloRisk({ ...book, options: [] }, model, settings), tail)
  return { ...whole, linear: linear.median, answer: linear.answer }
}

async function greeks() {
  const length = BATCH
  const columns = { ...options(length), isCall: Uint8Array.from({ length }, (_, at) => at % 2) }
  const names = ['delta', 'gamma', 'vega', 'theta', 'rho']
  // The rival's options are fewer and others: those are held to it, the many are timed.
  const few = { ...options(RIVAL_OPTIONS), isCall: Uint8Array.from({ length: RIVAL_OPTIONS }, (_, at) => at % 2) }
  const held = await quant.greeksBatch(few)
  const answer = () => Array.from({ length: RIVAL_OPTIONS }, (_, at) => names.map((name) => held[name][at]))
  const into = await quant.greeksBatch(columns)
  const found = await measured(21, () => quant.greeksBatch(columns, { into }), answer)
  return { ...found, median: (found.median * 1e6) / BATCH, best: (found.best * 1e6) / BATCH }
}

const garch = () =>
  measured(15, () => quant.fitGarch(garchReturns()), ({ parameters: { mean, omega, alpha, beta }, logLikelihood }) =>
    [mean, omega, alpha, beta, logLikelihood])

const parts = {
  'hrp-pypfopt-100': () => hrp(100, 'pyPortfolioOpt', 51),
  'hrp-pypfopt-500': () => hrp(500, 'pyPortfolioOpt', 15),
  'hrp-skfolio-100': () => hrp(100, 'skfolio', 51),
  'hrp-skfolio-500': () => hrp(500, 'skfolio', 15),
  'min-variance-20': () => minVariance(20, 401),
  'min-variance-100': () => minVariance(100, 51),
  'min-variance-500': () => minVariance(500, 15),
  'min-variance-500-condition': () => minVariance(500, 7, { conditionNumber: true }),
  'min-cvar': () => measured(15, () => quant.minimumCvar({ returns: returns(20) }), weights),
  'monte-carlo': monteCarlo,
  garch,
  greeks,
}
const wanted = process.argv.slice(2)
const found = {}
for (const name of wanted.length > 0 ? wanted : Object.keys(parts)) found[name] = await parts[name]()
console.log(JSON.stringify({ found }))
