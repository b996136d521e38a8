// Makes returns.csv: 600 days of simulated returns of eight funds. A market, three sectors, noise; in the last third
// the market is rough. `node make-returns.mjs > returns.csv`
const funds = [
  // name, drift a day, market, sector, weight of the sector, own volatility
  ['Shares North', 6.0e-4, 1.0, 0, 0.7, 0.005],
  ['Shares South', 7.0e-4, 1.2, 0, 1.0, 0.007],
  ['Technology', 9.0e-4, 1.3, 0, 0.5, 0.009],
  ['Bonds Long', 2.0e-4, -0.1, 1, 0.8, 0.002],
  ['Bonds Short', 1.1e-4, 0.0, 1, 0.2, 0.0006],
  ['Credit', 3.0e-4, 0.35, 1, 0.4, 0.0018],
  ['Gold', 3.0e-4, -0.05, 2, 0.9, 0.005],
  ['Energy', 5.0e-4, 0.8, 2, 1.2, 0.009],
]
const SECTOR_VOLATILITY = [0.005, 0.0045, 0.006]
let state = 20260703n
const uniform = () => {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn
  return Number(state >> 11n) / 2 ** 53
}
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())

console.log(funds.map(([name]) => name).join(','))
for (let day = 0; day < 600; day++) {
  const rough = day >= 400 ? 1.9 : 1
  const market = 0.007 * rough * normal()
  const sectors = SECTOR_VOLATILITY.map((volatility) => volatility * normal())
  const row = funds.map(
    ([, drift, beta, sector, weight, own]) => drift + beta * market + weight * sectors[sector] + own * normal(),
  )
  console.log(row.map((value) => value.toFixed(6)).join(','))
}
