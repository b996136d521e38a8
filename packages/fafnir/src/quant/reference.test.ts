// `fafnir/quant` against ../shared/reference/quant: what SciPy, skfolio, PyPortfolioOpt, Riskfolio-Lib, scikit-learn,
// empyrical, quantstats and vectorbt give for the same data, each under its convention. Weights to 1e-9 (minimum CVaR
// to 1e-6 with its value to 1e-9), statistics to 1e-10, relative above 1.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

import * as quant from './index.js'

const root = fileURLToPath(new URL('../../../../../shared/reference/quant', import.meta.url))
const folder = process.env['FAFNIR_REFERENCE'] ?? root
const there = existsSync(`${folder}/expected.json`)
if (!there) console.log('skipped: ../shared/reference/quant is not here')

/** A place in expected.json. */
class Place {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
  at(...keys: (string | number)[]): Place {
    return new Place(keys.reduce((value, key) => (value as Record<string, unknown>)[key], this.value))
  }
  number(...keys: (string | number)[]): number {
    const { value } = this.at(...keys)
    if (typeof value !== 'number') throw new TypeError(`${keys.join('.')} is no number`)
    return value
  }
  numbers(...keys: (string | number)[]): number[] {
    return Object.values(this.at(...keys).value as Record<string, number>)
  }
  entries(...keys: (string | number)[]): [string, Place][] {
    return Object.entries(this.at(...keys).value as object).map(([key, value]) => [key, new Place(value)])
  }
}
const expected = new Place(there ? JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8')) : {})

/** Names and columns of a file that has a date in front. */
function table(file: string): { names: string[]; columns: Float64Array[] } {
  const [head, ...lines] = readFileSync(`${folder}/${file}`, 'utf8').trim().split('\n')
  const names = head!.split(',').slice(1)
  const rows = lines.map((line) => line.split(',').slice(1).map(Number))
  return { names, columns: names.map((_, column) => Float64Array.from(rows, (row) => row[column]!)) }
}

function meets(found: number | null, wanted: number, tolerance = 1e-10): void {
  const off = Math.abs((found ?? NaN) - wanted) / Math.max(1, Math.abs(wanted))
  expect(off, `${found}, expected ${wanted}`).toBeLessThanOrEqual(tolerance)
}

function meetsAll(found: ArrayLike<number>, wanted: readonly number[], tolerance = 1e-10): void {
  expect(found).toHaveLength(wanted.length)
  for (const [at, value] of wanted.entries()) meets(found[at]!, value, tolerance)
}

const weightsAre = (found: Float64Array, key: string, tolerance = 1e-9): void =>
  meetsAll(found, expected.numbers('weights', key), tolerance)

const panel = there ? table('returns.csv') : { names: [], columns: [] }
const returns = (): quant.Matrix => quant.fromColumns(panel.columns)
const means = (): number[] =>
  panel.columns.map((column) => column.reduce((sum, value) => sum + value, 0) / column.length)

describe.skipIf(!there)('reference: allocators', () => {
  test('equal, inverse volatility, HRP by convention, HERC', async () => {
    weightsAre(quant.equalWeight(panel.names.length), 'equal_weight')
    weightsAre(await quant.inverseVolatility({ returns: returns() }), 'inverse_volatility')
    const { pyPortfolioOpt, skfolio, riskfolio } = quant.hierarchyPresets
    const conventions: readonly [string, quant.HierarchyConvention][] = [
      ['hrp_single_linkage_d', 'pyPortfolioOpt'],
      ['hrp_single_linkage_distance_of_distance_LdP2016', 'lopezDePrado'],
      ['hrp_ward_linkage_d_unordered', { ...pyPortfolioOpt, linkage: 'ward' }],
      ['hrp_skfolio_single_optimal_leaf_order', { ...skfolio, linkage: 'single' }],
      ['hrp_skfolio_ward_optimal_leaf_order', 'skfolio'],
      ['hrp_riskfolio_single_optimal_leaf_order', 'riskfolio'],
      ['hrp_riskfolio_ward_optimal_leaf_order', { ...riskfolio, linkage: 'ward' }],
    ]
    for (const [key, convention] of conventions) {
      const found = await quant.hierarchicalRiskParity({ returns: returns(), convention })
      weightsAre(found.weights, key)
      if (convention !== 'pyPortfolioOpt') continue
      expect(found.order.map((asset) => panel.names[asset])).toEqual(expected.at('hrp_single_order').value)
    }
    const herc = await quant.hierarchicalEqualRiskContribution({ returns: returns() })
    weightsAre(herc.weights, 'herc_riskfolio_ward')
  })

  test('optimisers and risk parity', async () => {
    const open = { lower: -Infinity, upper: Infinity }
    const free = await quant.minimumVariance({ returns: returns(), constraints: open })
    weightsAre(free.weights, 'min_variance_unconstrained')
    weightsAre((await quant.minimumVariance({ returns: returns() })).weights, 'min_variance_long_only')
    const sharpe = await quant.maximumSharpe({ returns: returns(), expected: means() })
    weightsAre(sharpe.weights, 'max_sharpe_long_only')
    const spread = await quant.maximumDiversification({ returns: returns() })
    weightsAre(spread.weights, 'max_diversification_long_only')
    meets(spread.objective, expected.number('max_diversification_ratio'))
    weightsAre((await quant.riskParity({ returns: returns() })).weights, 'risk_parity_erc')
    const count = panel.names.length
    const budgets = panel.names.map((_, at) => 1 + at / (count - 1))
    weightsAre((await quant.riskParity({ returns: returns(), budgets })).weights, 'risk_budget_linear_1_to_2')
  })

  test('minimum CVaR', async () => {
    for (const beta of [0.95, 0.99]) {
      const found = await quant.minimumCvar({ returns: returns(), beta })
      weightsAre(found.weights, `min_cvar_${beta}`, 1e-6)
      meets(found.cvar, expected.number(`min_cvar_${beta}_value`), 1e-9)
      meets(found.var, expected.number(`min_cvar_${beta}_var_at_optimum`), 1e-9)
    }
  })

  test('Kelly and Black-Litterman', async () => {
    const full = await quant.kellyWeights({ returns: returns(), expected: means() })
    weightsAre(full.weights, 'kelly_full_unconstrained_S^-1(mu-rf)')
    const quarter = await quant.kellyWeights({ returns: returns(), expected: means(), fraction: 0.25 })
    weightsAre(quarter.weights, 'kelly_quarter')
    for (const [, bet] of expected.entries('kelly_binary')) {
      const odds = { probability: bet.number('p'), odds: bet.number('b') }
      meets(quant.kellyBet(odds), Math.max(0, bet.number('f')))
      meets(quant.kellyBet({ ...odds, fraction: 0.25 }), bet.number('quarter'))
    }
    const given = expected.at('black_litterman')
    const { matrix } = await quant.sampleCovariance(returns())
    const covariance = { ...matrix, values: matrix.values.map((value) => value * given.number('annualisation')) }
    const views = given.at('views').value as [Record<string, number>, number][]
    const found = await quant.blackLitterman({
      covariance,
      prior: { marketWeights: quant.equalWeight(panel.names.length), riskAversion: given.number('delta') },
      views: {
        portfolios: views.map(([view]) => panel.names.map((name) => view[name] ?? 0)),
        returns: views.map(([, value]) => value),
      },
      tau: given.number('tau'),
    })
    meetsAll(found.prior, given.numbers('prior'))
    meetsAll(found.expected, given.numbers('posterior_mu'))
    const diagonal = panel.names.map((_, at) => quant.columnOf(found.covariance, at)[at]!)
    meetsAll(diagonal, given.numbers('posterior_cov_diag'))
  })
})

describe.skipIf(!there)('reference: statistics', () => {
  test('shrunk covariances of scikit-learn and PyPortfolioOpt; RiskMetrics', async () => {
    const found = await quant.ledoitWolf(returns())
    meets(found.shrinkage, expected.number('ledoit_wolf', 'shrinkage'))
    for (const [at, value] of expected.numbers('ledoit_wolf', 'cov_diag').entries()) {
      meets(quant.columnOf(found.matrix, at)[at]! * 1e4, value * 1e4)
    }
    meets((await quant.oracleApproximating(returns())).shrinkage, expected.number('oas_shrinkage'))
    const prices = quant.simpleReturns(table('prices.csv').columns)
    const level = await quant.ledoitWolf(prices, { target: 'constantCorrelation', ddof: 1 })
    meets(level.shrinkage, expected.number('ledoit_wolf_constant_correlation_delta_pypfopt'))
    const index = quant.fromColumns(table('index_returns.csv').columns)
    const next = await quant.ewmaCovariance(index, { decay: expected.number('ewma', 'lam') })
    meets(Math.sqrt(next.matrix.values[0]!), expected.number('ewma', 'sigma_next_day'))
  })

  test('performance of empyrical and quantstats', async () => {
    const series = table('index_returns.csv').columns[0]!
    const found = await quant.performance(series)
    const wanted = expected.at('performance')
    const pairs: readonly [keyof quant.Performance, string][] = [
      ['periods', 'n'],
      ['totalReturn', 'total_return'],
      ['cagr', 'cagr_252'],
      ['annualVolatility', 'annual_vol'],
      ['sharpe', 'sharpe_ddof1'],
      ['sortinoAll', 'sortino_all_n'],
      ['sortinoNegativeOnly', 'sortino_negative_only_seed'],
      ['maxDrawdown', 'max_drawdown'],
      ['calmar', 'calmar'],
      ['omega', 'omega_0'],
      ['tailRatio', 'tail_ratio'],
      ['stability', 'stability'],
      ['downsideRisk', 'downside_risk'],
      ['skewness', 'skew_biased'],
      ['kurtosis', 'kurtosis_pearson_biased'],
      ['ulcerIndex', 'ulcer_own'],
    ]
    for (const [name, key] of pairs) meets(found[name], wanted.number(key))
    for (const [name, key] of [
      ['kelly', 'kelly'],
      ['profitFactor', 'profit_factor'],
      ['payoffRatio', 'payoff_ratio'],
    ] as const) {
      meets(found[name], wanted.number('quantstats', key))
    }
    const biased = await quant.performance(series, { ddof: 0 })
    meets(biased.sharpe, wanted.number('sharpe_ddof0_seed'))
    const quantstats: readonly [number | null, string][] = [
      [found.sharpe, 'sharpe'],
      [found.sortinoAll, 'sortino'],
      [found.cagr, 'cagr'],
      [found.calmar, 'calmar'],
      [found.maxDrawdown, 'max_drawdown'],
      [found.omega, 'omega'],
      // Its mean of squares is over n - 1.
      [found.ulcerIndex * Math.sqrt(series.length / (series.length - 1)), 'ulcer_index'],
    ]
    for (const [value, key] of quantstats) meets(value, wanted.number('quantstats', key))
    const tail = await quant.valueAtRisk(series, { method: 'gaussian', convention: 'signed' })
    meets(tail.valueAtRisk, wanted.number('quantstats', 'var_95'))
    meets(tail.expectedShortfall, wanted.number('quantstats', 'cvar_95'))
    meets(found.maxDrawdown, wanted.number('max_drawdown_own'))
    const { deepest } = await quant.drawdowns(series)
    expect(deepest?.peak).toBe(wanted.number('mdd_peak_index'))
    expect(deepest?.trough).toBe(wanted.number('mdd_trough_index'))
  })

  test('Sharpe probabilities', () => {
    const given = expected.at('deflated_sharpe')
    const moments: quant.SharpeMoments = {
      sharpe: given.number('sr_per_period'),
      observations: given.number('T'),
      skewness: given.number('skew'),
      kurtosis: given.number('kurtosis_pearson'),
    }
    const found = quant.deflatedSharpe(moments, given.number('var_of_trial_sr_per_period'), given.number('N'))
    meets(found.expectedMaximum, given.number('sr0'))
    meets(found.probability, given.number('dsr'))
    meets(quant.probabilisticSharpe(moments), given.number('psr_vs_0'))
    const own = quant.sharpeMoments(table('index_returns.csv').columns[0]!)
    meets(own.sharpe, expected.number('psr_index', 'sr_daily'))
    meets(quant.probabilisticSharpe(own), expected.number('psr_index', 'psr0'))
    const unbiased = quant.sharpeMoments(table('index_returns.csv').columns[0]!, { unbiased: true })
    meets(quant.probabilisticSharpe(unbiased), expected.number('performance', 'quantstats', 'psr'))
  })
})

describe.skipIf(!there)('reference: splits, overfitting, schedules', () => {
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex')
  const hash = (ranges: readonly quant.IndexRange[]): string => sha([...quant.indices(ranges)].join(',')).slice(0, 16)

  test('combinatorial and walk-forward splits of skfolio', async () => {
    for (const [key, wanted] of expected.entries('cpcv_skfolio')) {
      const [observations, folds, testFolds, purge, embargo] = key.split(',').map((part) => Number(part.split('=')[1]))
      const options = { folds: folds!, testFolds: testFolds!, purge: purge!, embargo: embargo! }
      const found = await quant.combinatorialPurged(observations!, options)
      expect(found.splits).toHaveLength(wanted.number('n_splits'))
      expect(found.paths).toHaveLength(wanted.number('n_test_paths'))
      const sizes = found.splits.map(({ train }) => [...quant.indices(train)].length)
      expect(sizes).toEqual(wanted.at('train_sizes').value)
      expect(sha(found.splits.map(({ train }) => hash(train)).join('|'))).toBe(wanted.at('all_train_hash').value)
      expect(hash(found.splits[0]!.test)).toBe(wanted.at('first', 3).value)
      expect(hash(found.splits.at(-1)!.test)).toBe(wanted.at('last', 3).value)
    }
    const given = expected.at('walk_forward_skfolio')
    const options = { train: given.number('train'), test: given.number('test'), purge: given.number('purge') }
    const splits = await quant.walkForward(given.number('T'), options)
    const ends = splits.map(({ train, test: tried }) => [
      train[0]![0],
      train[0]![1] - 1,
      tried[0]![0],
      tried[0]![1] - 1,
    ])
    expect(ends).toEqual(given.at('splits').value)
  })

  /** Means over a window; NaN until it is full. */
  const rolling = (prices: Float64Array, window: number): Float64Array =>
    prices.map((_, at) =>
      at + 1 < window ? NaN : prices.subarray(at + 1 - window, at + 1).reduce((sum, price) => sum + price, 0) / window,
    )

  test('overfitting of the grid of moving averages', async () => {
    const given = expected.at('pbo_ma_grid')
    const prices = table('index_prices.csv').columns[0]!
    const trials = (given.at('grid').value as string[]).map((name) => {
      const [fast, slow] = name.split('/').map((window) => rolling(prices, Number(window)))
      return Array.from(prices.subarray(200), (price, at) =>
        fast![at + 199]! > slow![at + 199]! ? price / prices[at + 199]! - 1 : 0,
      )
    })
    const found = await quant.overfittingProbability(quant.fromColumns(trials), { blocks: given.number('S') })
    expect(found.combinations).toBe(given.number('n_combinations'))
    meets(found.probability, given.number('pbo'))
    meets(found.logitMean, given.number('logit_mean'))
    meets(found.logitMedian, given.number('logit_median'))
  })

  test('accounts that follow crossings, as vectorbt’s', async () => {
    const prices = table('index_prices.csv').columns[0]!
    const crossings = (above: Float64Array, below: Float64Array): number[] => {
      let under = false
      return Array.from(above, (value, at) => {
        const over = under && value > below[at]!
        if (value < below[at]!) under = true
        else if (value > below[at]!) under = false
        return over ? 1 : 0
      })
    }
    for (const [key, wanted] of expected.entries('vectorbt_ma_crossover')) {
      const named = /^(\d+)\/(\d+)\/fee=(.*)$/.exec(key)
      if (named === null) continue
      const [quick, calm] = [rolling(prices, Number(named[1])), rolling(prices, Number(named[2]))]
      const options = { cash: 10_000, feeRate: Number(named[3]) }
      const found = await quant.signalEquity(prices, crossings(quick, calm), crossings(calm, quick), options)
      meets(found.finalValue, wanted.number('final_value'))
      expect(found.trades).toBe(wanted.number('trades'))
      meets(found.maxDrawdown, wanted.number('max_drawdown'))
      meets(found.fees, wanted.number('total_fees'))
    }
  })

  test('schedules of Almgren and Chriss', async () => {
    for (const [, wanted] of expected.entries('almgren_chriss')) {
      const found = await quant.almgrenChriss({
        quantity: wanted.number('params', 'X'),
        horizon: wanted.number('params', 'T'),
        intervals: wanted.number('params', 'N'),
        volatility: wanted.number('params', 'sigma'),
        permanentImpact: wanted.number('params', 'gamma'),
        temporaryImpact: wanted.number('params', 'eta'),
        fixedCost: wanted.number('params', 'epsilon'),
        riskAversion: wanted.number('params', 'lambda'),
      })
      meets(found.kappa, wanted.number('kappa'))
      meets(found.kappaTilde, wanted.number('kappa_tilde'))
      meets(found.expectedCost, wanted.number('expected_cost'))
      meets(found.variance, wanted.number('variance'))
      meetsAll(
        found.holdings.map((value) => value / 1e6),
        wanted.numbers('holdings').map((value) => value / 1e6),
      )
      meetsAll(
        found.trades.map((value) => value / 1e6),
        wanted.numbers('trades').map((value) => value / 1e6),
      )
    }
  })
})
