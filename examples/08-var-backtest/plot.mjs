// One panel a model: the returns as a thin line, the forecast below them, a mark on each exception.
const [width, panel, left, right, top, bottom] = [960, 190, 60, 20, 34, 22]

const style =
  'text{font:12px system-ui,sans-serif;fill:#1c2733}.title{font-weight:600;font-size:14px}.grid{stroke:#d5dce4}' +
  'svg{background:#fff}path{fill:none}circle{fill:#c2410c}.returns{stroke:#64748b;stroke-width:.7}' +
  '.forecast{stroke:#1769aa;stroke-width:1.6}@media(prefers-color-scheme:dark){svg{background:#12181f}' +
  'text{fill:#dfe7ef}.grid{stroke:#2c3742}}'

/** The SVG of all models. */
export function backtestPlot(returns, results) {
  const losses = results.flatMap(({ forecasts }) => [...forecasts])
  const deepest = Math.max(...losses, ...returns.map((value) => -value))
  const range = Math.ceil(deepest * 50) / 50
  const x = (day) => (left + ((width - left - right) * day) / (returns.length - 1)).toFixed(1)
  const y = (value) => (top + ((panel - top - bottom) * (range - value)) / (2 * range)).toFixed(1)
  const line = (name, values) =>
    `<path class="${name}" d="M${Array.from(values, (value, day) => `${x(day)} ${y(value)}`).join('L')}"/>`
  const panels = results.map(({ name, forecasts, exceptionDays }, n) => {
    const ticks = [-range, 0, range].map((value) => {
      const percent = `${(100 * value).toFixed(0)} %`
      const label = `<text x="${left - 6}" y="${y(value)}" text-anchor="end" dy="4">${percent}</text>`
      return `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}"/>${label}`
    })
    const marks = exceptionDays.map((day) => `<circle cx="${x(day)}" cy="${y(returns[day])}" r="3"/>`)
    const title = `<text class="title" x="${left}" y="20">${name}: ${marks.length} exceptions</text>`
    const lines = [line('returns', returns), line('forecast', forecasts.map((loss) => -loss))]
    return [`<g transform="translate(0 ${n * panel})">`, title, ...ticks, ...lines, ...marks, '</g>'].join('\n')
  })
  const size = `viewBox="0 0 ${width} ${results.length * panel}"`
  const label = 'Daily returns, value at risk and exceptions of each model'
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${label}">
<style>${style}</style>
${panels.join('\n')}
</svg>
`
}
