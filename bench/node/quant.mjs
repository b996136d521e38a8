// Room card: bench/node/quant
// In:    this machine; rows by name to measure only some (`npm run bench -- quant garch greeks`).
// Out:   the rows of room `quant` as the one JSON object that run.mjs reads.
// Holds: every row runs ours through the TypeScript API and the rival right behind it, each in a process of its own, on
//        the same data; a rival whose answer is another one is an error; a part that fails is a row that is not met and
//        a note that says why. The best round of either side counts, as a shared core adds to most; medians are noted.
// Costs: two minutes once the rivals are installed.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { root, run } from './place.mjs'
import { write } from './quant/data.mjs'

const shell = process.platform === 'win32'
const peers = fileURLToPath(new URL('../peers/', import.meta.url))
const script = (name) => fileURLToPath(new URL(`quant/${name}.mjs`, import.meta.url))
const last = (text) => JSON.parse(text.trim().split('\n').at(-1))

/** The rows: what runs on each side, and how near the answers must be. */
const ROWS = {
  'hrp-pypfopt-100': { what: "HRP from 1,000 returns of 100 assets, PyPortfolioOpt's convention", near: 1e-9 },
  'hrp-pypfopt-500': { what: "HRP from 1,000 returns of 500 assets, PyPortfolioOpt's convention", near: 1e-9 },
  'hrp-skfolio-100': { what: "HRP from 1,000 returns of 100 assets, skfolio's convention", near: 1e-9 },
  'hrp-skfolio-500': { what: "HRP from 1,000 returns of 500 assets, skfolio's convention", near: 1e-9 },
  'min-variance-100': { what: 'long-only minimum variance of 100 assets', near: 1e-3 },
  'min-variance-500': { what: 'long-only minimum variance of 500 assets', near: 1e-3 },
  'min-variance-20': { what: 'long-only minimum variance of 20 assets', near: 1e-8, rival: 'quadprog' },
  'monte-carlo': { what: 'VaR and ES, 10^6 paths of 20 assets, all kept; ours with 5 options revalued', near: 5e-3 },
  garch: { what: 'GARCH(1,1) fitted to 5,030 returns', near: 1e-3 },
  'min-cvar': { what: 'minimum CVaR of 20 assets, 1,000 scenarios', near: 1e-3 },
  greeks: { what: 'price and five Greeks, an option of a batch of 100,000; rival: one delta', near: 1e-9, unit: 'ns' },
}
const NAMES = {
  'hrp-pypfopt': 'PyPortfolioOpt', 'hrp-skfolio': 'skfolio', 'min-variance': 'PyPortfolioOpt',
  'monte-carlo': 'numpy, linear part', garch: 'arch', 'min-cvar': 'skfolio', greeks: 'vollib',
}

/** A virtual environment with the pinned rivals; the path of its interpreter. */
async function python() {
  const folder = join(root, 'target/peers/python')
  const list = join(peers, 'python/requirements.txt')
  const wanted = createHash('sha256').update(readFileSync(list)).digest('hex')
  const interpreter = join(folder, shell ? 'Scripts/python.exe' : 'bin/python')
  const stamp = join(folder, '.fafnir-installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return interpreter
  mkdirSync(folder, { recursive: true })
  await run(process.env.PYTHON ?? (shell ? 'python' : 'python3'), ['-m', 'venv', '--clear', folder], { shell })
  const quiet = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:']
  await run(interpreter, ['-m', 'pip', 'install', ...quiet, '-r', list])
  writeFileSync(stamp, wanted)
  return interpreter
}

async function installNode() {
  const cwd = join(peers, 'node')
  if (existsSync(join(cwd, 'node_modules/quadprog'))) return
  await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd, shell })
}

/** The largest difference of two answers, relative to numbers above 1. */
function difference(ours, theirs) {
  const [a, b] = [ours.flat(), theirs.flat()]
  if (a.length !== b.length) return Infinity
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]) / Math.max(1, Math.abs(b[at]))), 0)
}

const ours = async (name) => last(await run(process.execPath, [script('ours'), name])).found[name]
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(ROWS, name))
if (unknown.length > 0) throw new Error(`no row ${unknown.join(', ')}; there are ${Object.keys(ROWS).join(', ')}`)
const names = wanted.length > 0 ? wanted : Object.keys(ROWS)
const { floors } = last(await run('cargo', ['run', '--release', '-q', '-p', 'fafnir-bench', '--', 'floors'], { shell }))
const [rows, notes, versions] = [[], [], new Map()]
const folder = mkdtempSync(join(tmpdir(), 'fafnir-quant-'))

/** What the rival of a row takes and answers. */
async function rivalOf(name) {
  if (ROWS[name].rival === 'quadprog') {
    await installNode()
    const { found } = last(await run(process.execPath, [script('quadprog')]))
    notes.push(`npm quadprog: min-variance-100 ${found['min-variance-100'].median.toFixed(1)} ms`)
    return found[name]
  }
  const said = last(await run(await python(), [join(peers, 'python/quant.py'), folder, name]))
  for (const [rival, version] of Object.entries(said.versions)) versions.set(rival, version)
  return said.found[name]
}

function row(name, own, theirs) {
  const { what, near, unit = 'ms', rival } = ROWS[name]
  const scale = unit === 'ns' ? 1e6 : 1
  const gap = theirs === undefined ? 0 : difference(own.answer, theirs.answer)
  if (gap > near) throw new Error(`the rival's answer differs by ${gap.toExponential(1)}, allowed are ${near}`)
  const rivalName = rival ?? NAMES[Object.keys(NAMES).find((start) => name.startsWith(start))]
  if (theirs !== undefined) notes.push(`quant/${name}: answers agree to ${gap.toExponential(1)}`)
  const medians = [own.median, ...(theirs === undefined ? [] : [theirs.median * scale])]
  notes.push(`quant/${name}: medians of rounds: ${medians.map((each) => `${each.toPrecision(4)} ${unit}`).join(', ')}`)
  return { id: `quant/${name}`, what, ours: own.best, rival: theirs?.best * scale, rivalName, unit }
}

try {
  write(folder, [20, 100, 500])
  for (const name of names) {
    try {
      const own = await ours(name)
      if (own.linear !== undefined) notes.push(`quant/${name}: ours without the options ${own.linear.toFixed(0)} ms`)
      let theirs
      try {
        theirs = await rivalOf(name)
      } catch (error) {
        notes.push(`quant/${name}: the rival was not measured: ${error.message.split('\n')[0]}`)
        console.error(error.message)
      }
      rows.push(row(name, own, theirs))
    } catch (error) {
      notes.push(`quant/${name}: not measured: ${error.message.split('\n')[0]}`)
      console.error(error.message)
    }
  }
  if (names.includes('min-variance-500')) {
    const whole = await ours('min-variance-500-condition')
    notes.push(`quant/min-variance-500: with the condition number in the result ${whole.median.toFixed(1)} ms`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (versions.size > 0) notes.push(`rivals: ${[...versions].map((pair) => pair.join(' ')).join(', ')}`)
console.log(JSON.stringify({ floors, rows, notes }))
