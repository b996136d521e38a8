// Four value-at-risk models forecast each day from the 250 days before it; what came is held against them by the
// tests of Kupiec and Christoffersen and by Basel's traffic light. `returns.csv` holds 1,250 simulated days
// (GJR-GARCH with Student's t innovations of 5 degrees of freedom and a crisis from day 760). `node main.mjs
// PLOT.svg` writes the plot there; without a name it goes beside this file.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { backtestForecasts, filteredValueAtRisk, fitGarch, valueAtRisk } from 'fafnir/quant'

import { backtestPlot } from './plot.mjs'

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8')
const { window, confidence, decay, refitDays } = JSON.parse(read('input.json'))
const returns = Float64Array.from(read('returns.csv').trim().split('\n').slice(1), (line) => Number(line.split(',')[1]))
const days = returns.length - window

/** A forecast for each day after the first window, from the `window` returns before it. */
function roll(forecast) {
  const past = (day) => returns.subarray(day, day + window)
  return Promise.all(Array.from({ length: days }, (_, day) => forecast(past(day), day)))
}

// A GARCH is fitted again every half year, to everything known by then; in between its parameters stand.
const fits = []
for (let day = 0; day < days; day += refitDays) {
  fits.push((await fitGarch(returns.subarray(0, window + day), { distribution: 'studentT' })).parameters)
}

const models = {
  historical: (past) => valueAtRisk(past, { confidence }),
  gaussian: (past) => valueAtRisk(past, { confidence, method: 'gaussian' }),
  'filtered, EWMA': (past) => filteredValueAtRisk(past, { confidence, filter: { ewma: { decay } } }),
  'filtered, GARCH': (past, day) =>
    filteredValueAtRisk(past, { confidence, filter: { garchGiven: fits[Math.floor(day / refitDays)] } }),
}

const lived = returns.subarray(window)
const results = []
const expected = Math.round(days * (1 - confidence))
console.log(`${days} days, ${100 * confidence} % value at risk from ${window} days: ${expected} exceptions expected`)
console.log('model             exceptions   Kupiec p   independence p   coverage p   last 250 days')
for (const [name, model] of Object.entries(models)) {
  const forecasts = Float64Array.from(await roll(model), ({ valueAtRisk: loss }) => loss)
  const test = await backtestForecasts(lived, forecasts, { confidence })
  const { independence, conditionalCoverage } = test.christoffersen
  const light = `${test.exceptionsLast250} ${test.basel.zone} ×${test.basel.multiplier}`
  const probabilities = [test.kupiec, independence, conditionalCoverage].map(({ pValue }) => pValue.toFixed(4))
  const cells = [String(test.exceptions), ...probabilities, light]
  console.log(`${name.padEnd(15)}${cells.map((text, n) => text.padStart([13, 11, 17, 13, 16][n])).join('')}`)
  results.push({ name, forecasts, exceptionDays: [...test.exceptionDays] })
}

const plot = backtestPlot(lived, results)
const path = process.argv[2] ?? fileURLToPath(new URL('plot.svg', import.meta.url))
writeFileSync(path, plot)
console.log(`plot: ${plot.split('<g ').length - 1} panels, ${plot.split('<circle ').length - 1} exceptions marked`)
