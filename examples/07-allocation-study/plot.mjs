// Lines over days as one SVG: axes with round numbers, a legend beside the last values.
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [960, 480, 56, 170, 36, 34]
const COLOURS = ['#777777', '#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b', '#e377c2', '#17becf']

/** Round numbers from `low` to `high`, some six of them. */
function ticks(low, high) {
  const rough = (high - low) / 6
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10)
  const first = Math.ceil(low / step)
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, at) => (first + at) * step)
}

/** `curves` are named series of equal length; `first` is the number of the first day. */
export function linesPlot({ title, first, curves }) {
  const all = curves.flatMap(({ values }) => values)
  const [low, high, last] = [Math.min(...all), Math.max(...all), curves[0].values.length - 1]
  const x = (day) => LEFT + ((WIDTH - LEFT - RIGHT) * day) / last
  const y = (value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * (value - low)) / (high - low)
  const parts = [`<text x="${LEFT}" y="22" font-size="16">${title}</text>`]
  for (const value of ticks(low, high)) {
    const at = y(value).toFixed(1)
    parts.push(`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#dddddd"/>`)
    parts.push(`<text x="${LEFT - 6}" y="${at}" dy="4" text-anchor="end">${value.toFixed(2)}</text>`)
  }
  for (const day of ticks(0, last)) {
    parts.push(`<text x="${x(day).toFixed(1)}" y="${HEIGHT - 10}" text-anchor="middle">day ${first + day}</text>`)
  }
  // Labels beside the last values, each at least a line below the one above.
  const labels = curves.map(({ name, values }, at) => ({ name, at, place: y(values[last]) }))
  labels.sort((a, b) => a.place - b.place)
  let free = TOP
  for (const label of labels) {
    label.place = Math.max(label.place, free)
    free = label.place + 15
  }
  const over = Math.max(0, free - 15 - (HEIGHT - BOTTOM))
  for (const { name, at, place } of labels) {
    const points = curves[at].values.map((value, day) => `${x(day).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
    const colour = COLOURS[at % COLOURS.length]
    parts.push(`<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.5"/>`)
    parts.push(`<text x="${WIDTH - RIGHT + 8}" y="${(place - over).toFixed(1)}" dy="4" fill="${colour}">${name}</text>`)
  }
  const style = 'font-family="sans-serif" font-size="12" fill="#333333"'
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ${style}>`
  return `${head}\n<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>\n${parts.join('\n')}\n</svg>\n`
}
