// The experiment of Avellaneda and Stoikov (2008), section 3.3: quotes that lean against inventory beside quotes that
// do not, at the same mean spread. `node main.mjs PLOT.svg` writes the plot there; without a name it goes beside this
// file.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { experimentPlot, paperExperiment } from 'fafnir/quote'

const options = JSON.parse(readFileSync(new URL('input.json', import.meta.url), 'utf8'))
const result = paperExperiment(options)

console.log(`${options.paths} paths, γ = ${options.riskAversionPerMoney}, seed ${options.seed}`)
console.log('strategy   spread   mean P&L   sd of P&L   sd of final inventory')
for (const name of ['inventory', 'symmetric']) {
  const { meanSpreadPrice, pnlMean, pnlSd, inventorySd } = result[name]
  const columns = [meanSpreadPrice.toFixed(2), pnlMean.toFixed(1), pnlSd.toFixed(1), inventorySd.toFixed(1)]
  console.log(`${name.padEnd(9)}${columns.map((text, n) => text.padStart([8, 11, 12, 24][n])).join('')}`)
}

const plot = experimentPlot(result)
const path = process.argv[2] ?? fileURLToPath(new URL('plot.svg', import.meta.url))
writeFileSync(path, plot)
console.log(`plot: ${plot.length} characters of SVG, ${plot.split('<g ').length - 1} panels`)
