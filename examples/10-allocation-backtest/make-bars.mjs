// Where bars.csv comes from: 23 invented years, month by month. `node make-bars.mjs > bars.csv` writes it again, to the
// last digit. Equities, long bonds, gold and oil are random walks whose drift, volatility and correlation change with
// the times below; an index of volatility goes back to the level of its time and jumps when equities fall. Dividends
// and coupons are in the prices: they are of total return.
const SEED = 8
const START = { STK: 100, BND: 80, GLD: 30, OIL: 25, VIX: 20 }
const [FIRST_YEAR, MONTHS] = [2000, 276]

// From a month on: drift and volatility a month in percent, correlation of bonds and equities, level of the index.
const TIMES = [
  { from: '2000-01', STK: [0.4, 3.5], BND: [0.5, 2.0], GLD: [0.0, 3.0], OIL: [0.8, 6.0], correlation: 0.0, VIX: 20 },
  { from: '2000-09', STK: [-1.9, 4.5], BND: [0.9, 2.0], GLD: [0.5, 3.0], OIL: [-0.4, 6.0], correlation: -0.3, VIX: 28 },
  { from: '2002-10', STK: [1.0, 2.8], BND: [0.3, 1.8], GLD: [1.2, 3.5], OIL: [1.5, 5.5], correlation: -0.2, VIX: 15 },
  { from: '2007-11', STK: [-3.6, 5.0], BND: [1.3, 2.4], GLD: [0.8, 5.0], OIL: [-3.0, 8.0], correlation: -0.4, VIX: 38 },
  { from: '2009-03', STK: [1.6, 4.0], BND: [0.2, 2.4], GLD: [1.5, 4.0], OIL: [1.6, 6.0], correlation: -0.4, VIX: 21 },
  { from: '2011-05', STK: [-2.6, 3.5], BND: [2.2, 2.4], GLD: [1.2, 5.0], OIL: [-2.4, 5.0], correlation: -0.5, VIX: 30 },
  { from: '2011-10', STK: [1.0, 2.6], BND: [0.3, 2.2], GLD: [-0.2, 3.5], OIL: [-0.6, 6.0], correlation: -0.3, VIX: 15 },
  {
    from: '2020-01',
    STK: [-7.5, 3.0],
    BND: [2.4, 2.0],
    GLD: [0.8, 3.0],
    OIL: [-12.0, 8.0],
    correlation: -0.4,
    VIX: 45,
  },
  { from: '2020-04', STK: [2.2, 3.5], BND: [-0.2, 2.2], GLD: [0.5, 3.5], OIL: [3.2, 7.0], correlation: 0.1, VIX: 22 },
  { from: '2022-01', STK: [-2.4, 3.5], BND: [-2.6, 2.5], GLD: [-0.1, 3.0], OIL: [1.8, 6.0], correlation: 0.7, VIX: 26 },
]

// SplitMix64, as the library's own generator; 53 bits make a number in [0, 1).
let state = BigInt(SEED)
function uniform() {
  state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n)
  let z = state
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
  return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53
}

// Twelve uniform numbers less six: nearly normal, and the same on every machine, as logarithm and cosine need not be.
const normal = () => Array.from({ length: 12 }, uniform).reduce((sum, part) => sum + part, -6)

const lines = ['date,STK,BND,GLD,OIL,VIX']
const now = { ...START }
for (let month = 0; month < MONTHS; month += 1) {
  const date = new Date(Date.UTC(FIRST_YEAR, month + 1, 0)).toISOString().slice(0, 10)
  const time = TIMES.findLast(({ from }) => from <= date)
  const shock = { STK: normal(), BND: normal(), GLD: normal(), OIL: normal() }
  shock.BND = time.correlation * shock.STK + Math.sqrt(1 - time.correlation ** 2) * shock.BND
  const change = Object.fromEntries(
    Object.entries(shock).map(([name, size]) => [name, (time[name][0] + time[name][1] * size) / 100]),
  )
  for (const [name, part] of Object.entries(change)) now[name] *= 1 + Math.max(part, -0.5)
  now.VIX = Math.max(now.VIX + 0.4 * (time.VIX - now.VIX) - 100 * change.STK + 1.5 * normal(), 9)
  lines.push([date, ...Object.values(now).map((value) => value.toFixed(2))].join(','))
}
console.log(lines.join('\n'))
