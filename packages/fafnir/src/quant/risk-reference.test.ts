// `fafnir/quant` against ../shared/reference/quant: what skfolio, Riskfolio-Lib, empyrical, arch, statsmodels, vollib
// and QuantLib give for the same series, each under the name of its convention.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

import * as quant from './index.js'

const folder = fileURLToPath(new URL('../../../../../shared/reference/quant/', import.meta.url))
const there = existsSync(folder)
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
  entries(): [string, Place][] {
    return Object.entries(this.value as object).map(([key, value]) => [key, new Place(value)])
  }
  places(): Place[] {
    return this.entries().map(([, place]) => place)
  }
}
const expected = new Place(there ? JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) : {})

/** Names and columns of a file that has a date in front. */
function table(file: string): { names: string[]; columns: Float64Array[] } {
  const [head, ...lines] = readFileSync(`${folder}${file}`, 'utf8').trim().split('\n')
  const names = head!.split(',').slice(1)
  const rows = lines.map((line) => line.split(',').slice(1).map(Number))
  return { names, columns: names.map((_, column) => Float64Array.from(rows, (row) => row[column]!)) }
}

/** Statistics meet their value to 1e-10, relative above 1, absolute below. */
function meets(name: string, got: number | null | undefined, want: number, tolerance = 1e-10): void {
  const off = Math.abs((got ?? NaN) - want) / Math.max(1, Math.abs(want))
  expect(off, `${name}: ${got}, expected ${want}`).toBeLessThanOrEqual(tolerance)
}

/** Where Riskfolio-Lib's conic solver ends, 2e-14 to 2e-13 above the minimum; the minimum in 60 digits (mpmath). */
const entropicMinima = new Map([
  [0.027867697469842852, 0.02786769746981490911],
  [0.03560589342996869, 0.03560589342994601029],
  [0.13740629645619806, 0.1374062964559700834],
])

/** An entropic risk is the minimum, to 1e-12 of it, where that is known of the reference's value. */
function meetsLeast(got: number, reference: number): void {
  const least = entropicMinima.get(reference)
  if (least !== undefined) meets('entropic minimum', got / least, 1, 1e-12)
}

describe.skipIf(!there)('reference values', () => {
  test('value at risk and shortfall by every method', async () => {
    const [returns] = table('index_returns.csv').columns
    for (const [level, want] of expected.at('var_es').entries()) {
      const confidence = Number(level)
      const of = (method: quant.TailMethod, studentSearch: quant.StudentSearch = 'scipy'): Promise<quant.TailRisk> =>
        quant.valueAtRisk(returns!, { confidence, method, studentSearch })
      const interpolated = await of('historicalInterpolated')
      meets('hist_var_linear_interp', interpolated.valueAtRisk, want.number('hist_var_linear_interp'))
      meets('hist_es_mean_le_var', interpolated.expectedShortfall, want.number('hist_es_mean_le_var'))
      const order = await of('historicalOrderStatistic')
      for (const key of ['hist_var_order_stat_ceil', 'riskfolio_var']) meets(key, order.valueAtRisk, want.number(key))
      const quantile = await of('historicalLossQuantile')
      meets('skfolio_var', quantile.valueAtRisk, want.number('skfolio_var'))
      meets('skfolio_cvar', quantile.expectedShortfall, want.number('skfolio_cvar'))
      for (const key of ['es_rockafellar_uryasev', 'skfolio_cvar', 'riskfolio_cvar'])
        meets(key, order.expectedShortfall, want.number(key))
      const signed = await quant.valueAtRisk(returns!, { confidence, convention: 'signed' })
      meets('empyrical_var', signed.valueAtRisk, want.number('empyrical_var'))
      meets('empyrical_cvar', signed.expectedShortfall, want.number('empyrical_cvar'))
      const gaussian = await of('gaussian')
      meets('normal_var', gaussian.valueAtRisk, want.number('normal_var'))
      meets('normal_es', gaussian.expectedShortfall, want.number('normal_es'))
      meets('cornish_fisher_var', (await of('cornishFisher')).valueAtRisk, want.number('cornish_fisher_var'))
      const entropic = await quant.entropicValueAtRisk(returns!, { confidence })
      meets('riskfolio_evar', entropic, want.number('riskfolio_evar'))
      meetsLeast(entropic, want.number('riskfolio_evar'))
      const student = want.at('student_t_mle')
      const fit = await quant.fitStudent(returns!, { search: 'scipy' })
      meets('student.df', fit.degreesOfFreedom, student.number('df'))
      meets('student.loc', fit.location, student.number('loc'))
      meets('student.scale', fit.scale, student.number('scale'))
      const heavy = await of('studentT')
      meets('student.var', heavy.valueAtRisk, student.number('var'))
      meets('student.es', heavy.expectedShortfall, student.number('es'))
      expect((await quant.fitStudent(returns!)).logLikelihood).toBeGreaterThanOrEqual(fit.logLikelihood)
    }
  })

  test('drawdowns at risk and EWMA', async () => {
    const [returns] = table('index_returns.csv').columns
    const risk = await quant.drawdownRisk(returns!)
    const want = expected.at('drawdown_riskfolio')
    meets('cdar95_rel', risk.conditional, want.number('cdar95_rel'))
    meets('edar95_rel', risk.entropic, want.number('edar95_rel'))
    meetsLeast(risk.entropic, want.number('edar95_rel'))
    meets('mdd_rel', risk.maximum, want.number('mdd_rel'))
    meets('ulcer_rel', risk.ulcer, want.number('ulcer_rel'))
    const deepest = risk.episodes.toArray().find(({ depth }) => depth === risk.maximum)!
    expect([deepest.peak, deepest.trough]).toEqual([
      expected.number('performance', 'mdd_peak_index'),
      expected.number('performance', 'mdd_trough_index'),
    ])
    const ewma = await quant.ewmaVolatility(returns!, { decay: expected.number('ewma', 'lam'), periodsPerYear: 252 })
    meets('sigma_last_in_sample', ewma.volatilities.at(-1), expected.number('ewma', 'sigma_last_in_sample'))
    meets('sigma_next_day', ewma.next, expected.number('ewma', 'sigma_next_day'))
    meets('sigma_next_day_annual', ewma.nextAnnual, expected.number('ewma', 'sigma_next_day_annual'))
  })

  test('backtests of value at risk', async () => {
    const [returns] = table('index_returns.csv').columns
    for (const [level, want] of expected.at('var_backtest').entries()) {
      const got = await quant.backtestHistorical(returns!, { window: want.number('window'), confidence: Number(level) })
      const counts = [got.days, got.exceptions, got.exceptionsLast250]
      expect(counts).toEqual(['n', 'exceptions', 'exceptions_last_250'].map((key) => want.number(key)))
      expect([...got.exceptionDays]).toEqual(want.at('exception_indices').value)
      expect(got.christoffersen.transitions).toEqual(want.at('transitions').value)
      meets('kupiec_lr', got.kupiec.statistic, want.number('kupiec_lr'))
      meets('kupiec_p', got.kupiec.pValue, want.number('kupiec_p'))
      meets('lr_ind', got.christoffersen.independence.statistic, want.number('lr_ind'))
      meets('p_ind', got.christoffersen.independence.pValue, want.number('p_ind'))
      meets('lr_cc', got.christoffersen.conditionalCoverage.statistic, want.number('lr_cc'))
      meets('p_cc', got.christoffersen.conditionalCoverage.pValue, want.number('p_cc'))
      const light = want.at('basel_last_250').value as { zone: string; multiplier: number } | undefined
      expect([got.basel?.zone, got.basel?.multiplier]).toEqual([light?.zone, light?.multiplier])
    }
    for (const row of expected.at('kupiec_table').places()) {
      const found = quant.kupiec(row.number('x'), row.number('T'), row.number('p'))
      meets('kupiec_table.lr', found.statistic, row.number('lr'))
      meets('kupiec_table.pvalue', found.pValue, row.number('pvalue'))
    }
    const probabilities = await quant.exceptionProbabilities(10, 250, 0.01)
    for (const [count, want] of expected.at('basel_cumulative_prob_250').entries()) {
      meets('basel_cumulative_prob_250', probabilities[Number(count)], want.number())
      meets('traffic light', quant.baselTrafficLight(Number(count)).cumulativeProbability, want.number())
    }
  })

  test.each([
    ['garch11_normal', { model: 'garch', distribution: 'normal' }],
    ['garch11_t', { model: 'garch', distribution: 'studentT' }],
    ['gjr111_normal', { model: 'gjr', distribution: 'normal' }],
  ] as const)('%s', async (name, model) => {
    const [returns] = table('garch_input_pct_returns.csv').columns
    const want = expected.at('garch', name)
    const given = want.at('params')
    const parameters = {
      mean: given.number('mu'),
      omega: given.number('omega'),
      alpha: given.number('alpha[1]'),
      gamma: (given.at('gamma[1]').value as number | undefined) ?? 0,
      beta: given.number('beta[1]'),
      degreesOfFreedom: (given.at('nu').value as number | undefined) ?? null,
    }
    // "sigma given the params is exact".
    const path = await quant.garchPath(returns!, parameters, { horizon: 5 })
    meets('loglik', path.logLikelihood, want.number('loglik'))
    meets('cond_vol_first', path.volatilities[0], want.number('cond_vol_first'))
    meets('cond_vol_last', path.volatilities.at(-1), want.number('cond_vol_last'))
    for (const [at, variance] of path.forecast.entries()) {
      meets('variance_forecast_5', variance, want.number('variance_forecast_5', at))
    }
    // "params 1e-4 relative, loglik 1e-6 relative: optimiser-limited".
    const fit = await quant.fitGarch(returns!, { ...model, horizon: 5 })
    for (const [key, value] of Object.entries(parameters)) {
      const found = fit.parameters[key as keyof quant.GarchParameters]
      if (value === null) expect(found).toBeNull()
      else expect(Math.abs((found ?? NaN) - value), key).toBeLessThanOrEqual(1e-4 * Math.abs(value))
    }
    meets('loglik', fit.logLikelihood, want.number('loglik'), 1e-6)
    expect(fit.logLikelihood).toBeGreaterThanOrEqual(want.number('loglik') - 1e-6)
    meets('aic', fit.aic, want.number('aic'), 1e-6)
    meets('bic', fit.bic, want.number('bic'), 1e-6)
  })

  test('cointegration', async () => {
    const { names, columns } = table('pairs_prices.csv')
    for (const [pair, want] of expected.at('cointegration').entries()) {
      const [y, x] = pair.split('/').map((name) => columns[names.indexOf(name)]!.map(Math.log)) as [
        Float64Array,
        Float64Array,
      ]
      const hedges = quant.fromColumns([x])
      const got = await quant.engleGranger(y, hedges, { lags: 1 })
      meets('const', got.constant, want.number('const'))
      meets('hedge_ratio', got.hedgeRatios[0], want.number('hedge_ratio'))
      meets('hedge_ratio', await quant.hedgeRatio(y, x), want.number('hedge_ratio'))
      meets('r2', got.rSquared, want.number('r2'))
      meets('coint_t_lag1', got.test.statistic, want.number('coint_t_lag1'))
      meets('coint_p_lag1', got.test.pValue, want.number('coint_p_lag1'))
      for (const [at, value] of got.test.criticalValues!.entries()) meets('crit', value, want.number('crit', at))
      const akaike = await quant.engleGranger(y, hedges)
      meets('coint_t_aic', akaike.test.statistic, want.number('coint_t_aic'))
      meets('coint_p_aic', akaike.test.pValue, want.number('coint_p_aic'))
      const naive = await quant.dickeyFuller(got.spread, { lags: 1 })
      meets('adf_resid_t_lag1_naive', naive.statistic, want.number('adf_resid_t_lag1_naive'))
      meets('half_life', got.halfLife, want.number('half_life'))
      meets('half_life', await quant.halfLife(got.spread), want.number('half_life'))
      meets('zscore_last', got.zScore, want.number('zscore_last'))
      const both = await quant.johansen(quant.fromColumns([y, x]))
      for (const at of [0, 1]) {
        meets('johansen_trace', both.trace[at], want.number('johansen_trace', at))
        meets('johansen_crit95_trace', both.traceCritical[at]![1], want.number('johansen_crit95_trace', at))
      }
    }
  })

  test('factor model and VAR(1)', async () => {
    const factors = quant.fromColumns(table('factor_returns_pct.csv').columns)
    const stocks = quant.fromColumns(table('factor_model_stock_returns_pct.csv').columns)
    const want = expected.at('factor_model')
    const model = await quant.factorModel(stocks, factors)
    const risk = await quant.factorRisk(model, new Float64Array(stocks.columns).fill(1 / stocks.columns))
    for (let stock = 0; stock < stocks.columns; stock++) {
      meets('alpha', model.alphas[stock], want.number('alpha', stock))
      for (let k = 0; k < factors.columns; k++) {
        meets('beta', quant.columnOf(model.betas, k)[stock], want.number('beta', stock, k))
      }
    }
    for (let k = 0; k < factors.columns; k++) {
      meets('portfolio_beta', risk.betas[k], want.number('portfolio_beta', k))
      meets('factor_risk_contrib', risk.contributions[k], want.number('factor_risk_contrib', k))
    }
    meets('systematic_var', risk.systematicVariance, want.number('systematic_var'))
    meets('idiosyncratic_var_diag', risk.specificVariance, want.number('idiosyncratic_var_diag'))
    meets('systematic_share', risk.systematicShare, want.number('systematic_share'))
    const regression = await quant.vectorAutoregression(factors)
    const var1 = expected.at('var1_factors')
    for (let i = 0; i < factors.columns; i++) {
      meets('intercept', regression.intercepts[i], var1.number('intercept', i))
      for (let j = 0; j < factors.columns; j++) {
        meets('coefs', quant.columnOf(regression.coefficients, j)[i], var1.number('coefs', i, j))
      }
    }
    meets('aic', regression.aic, var1.number('aic'))
    meets('bic', regression.bic, var1.number('bic'))
  })

  test('Greeks and implied volatilities, one by one and as a batch', async () => {
    const rows = expected.at('greeks').places()
    const column = (key: string): number[] => rows.map((row) => row.number(key))
    const columns = {
      isCall: rows.map((row) => row.at('flag').value === 'c'),
      spot: column('S'),
      strike: column('K'),
      years: column('t'),
      rate: column('r'),
      dividendYield: column('q'),
      volatility: column('sigma'),
    }
    const batch = await quant.greeksBatch(columns)
    const implied = await quant.impliedVolatilityBatch(columns, column('price'))
    for (const [at, row] of rows.entries()) {
      const terms = {
        kind: row.at('flag').value === 'c' ? 'call' : 'put',
        spot: row.number('S'),
        strike: row.number('K'),
        years: row.number('t'),
        rate: row.number('r'),
        dividendYield: row.number('q'),
        volatility: row.number('sigma'),
      } as const
      const got = quant.greeks(terms)
      meets('price', got.price, row.number('price'))
      meets('delta', got.delta, row.number('delta'))
      meets('gamma', got.gamma, row.number('gamma'))
      meets('vega_per_1pct', got.vega, row.number('vega_per_1pct'))
      meets('theta_per_day', got.theta, row.number('theta_per_day'))
      meets('rho_per_1pct', got.rho, row.number('rho_per_1pct'))
      const other = row.at('quantlib')
      meets('quantlib.price', got.price, other.number('price'))
      meets('quantlib.delta', got.delta, other.number('delta'))
      meets('quantlib.gamma', got.gamma, other.number('gamma'))
      meets('quantlib.vega', 100 * got.vega, other.number('vega'))
      meets('quantlib.theta', 365 * got.theta, other.number('theta'))
      meets('quantlib.rho', 100 * got.rho, other.number('rho'))
      for (const key of ['price', 'delta', 'gamma', 'vega', 'theta', 'rho'] as const) {
        expect(batch[key][at], key).toBe(got[key])
      }
      meets('implied volatility', quant.impliedVolatility(terms, row.number('price')), row.number('sigma'))
      meets('implied_vol_roundtrip', implied.volatilities[at], row.number('implied_vol_roundtrip'))
    }
  })
})
