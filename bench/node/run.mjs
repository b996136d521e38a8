// Room card: bench/node/run
// In:    a room's name; bench/budgets.toml; what the room's bench prints.
// Out:   the table (id, what, ours, rival, ratio, goal, met) with the floors; bench/out/ROOM.json, an array of rows
//        {id, what, ours, rival, rivalName, unit, ratio, goal, met}.
// Holds: every row has a budget and every budget of the room a row; a goal that is not met is `met: false`, never
//        hidden; a rival slower than its listed figure allows, or a figure missed on a core shared with others, makes
//        its row invalid: measured again, else not judged; the exit code says only whether the measuring worked.
// Costs: what the bench costs.
//
// A room's bench prints, as the last line of its standard output, one JSON object:
//   { floors: { clockNs, syscallNs, cacheLineNs, load1 },   numbers, null where the machine tells none
//     rows: [{ id, what, ours, rival?, rivalName?, unit, loaded? }], ours: number | null (could not be measured);
//                                                            loaded: others worked on the core nearly all the time
//     notes: string[] }                                     printed under the table
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parse } from 'smol-toml'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const KINDS = ['max', 'min', 'rival']
/** A rival must reach this share of its listed speed: below it the machine was not quiet. */
const LISTED_SHARE = 0.8
/** Measurements of a room at most while a rival is too slow, and while the core is shared, which passes. */
const MEASUREMENTS = { rival: 3, core: 6 }
/** Milliseconds before the next of them. */
const PAUSE = 10_000

/** Something the user can act on: one sentence. */
class BenchError extends Error {}

/** The budgets: commands by room, goals by row id. */
export function readBudgets(text) {
  const { room = {}, row = [] } = parse(text)
  const goals = new Map()
  for (const budget of row) {
    if (typeof budget.id !== 'string' || !KINDS.includes(budget.kind) || typeof budget.goal !== 'number') {
      const needs = `a row needs id, kind (${KINDS.join(', ')}) and goal`
      throw new BenchError(`budgets.toml: ${needs}: ${JSON.stringify(budget)}`)
    }
    if (goals.has(budget.id)) throw new BenchError(`budgets.toml: ${budget.id} stands twice`)
    goals.set(budget.id, budget)
  }
  return { rooms: room, goals }
}

/** One judged row. `ratio` is null where it would be no number (nothing measured, goal zero and not met). */
export function judge(row, budget) {
  const ours = Number.isFinite(row.ours) ? row.ours : null
  const rival = row.rival ?? budget.rival ?? null
  const [above, below] = budget.kind === 'rival' ? [rival, ours] : [ours, budget.goal]
  const exact = above === null || below === null ? NaN : above === 0 && below === 0 ? 0 : above / below
  const ratio = Number.isFinite(exact) ? exact : null
  const met = ours !== null && {
    max: () => ours <= budget.goal,
    min: () => ours >= budget.goal,
    // Costing nothing beats any rival.
    rival: () => rival !== null && (exact === Infinity || exact >= budget.goal),
  }[budget.kind]()
  const rivalName = row.rivalName ?? budget.rivalName ?? null
  const { id, what, unit } = row
  const judged = { id, what: what ?? '', ours, rival, rivalName, unit: unit ?? '', ratio, goal: budget.goal, met }
  if (row.loaded === true && !met) return { ...judged, valid: false }
  // A rival that this very run did not measure says nothing about the machine.
  if (budget.listed === undefined || !Number.isFinite(row.rival)) return judged
  const valid = row.rival * LISTED_SHARE <= budget.listed
  return { ...judged, met: valid && met, listed: budget.listed, valid }
}

/** Rows of a room, each with its goal; a budget nobody measured is a row that is not met. */
export function judgeAll(room, measured, goals) {
  const rows = measured.map((row) => {
    const budget = goals.get(row.id)
    if (budget === undefined) throw new BenchError(`budgets.toml has no row ${row.id}`)
    return judge(row, budget)
  })
  for (const [id, budget] of goals) {
    if (!id.startsWith(`${room}/`) || measured.some((row) => row.id === id)) continue
    rows.push(judge({ id, what: 'not measured', ours: null, unit: '' }, budget))
  }
  return rows
}

const number = (value) => value === null ? '-' : value !== 0 && Math.abs(value) < 0.01 ? value.toExponential(1)
  : Number(value.toPrecision(4)).toString()

/** The rows of two measurements: the second's where the first's were invalid and its own are not. */
export function better(first, second) {
  return first.map((row) => {
    const again = second.find((candidate) => candidate.id === row.id)
    return row.valid === false && again !== undefined && again.valid !== false ? again : row
  })
}

/** Why a row is invalid. */
const unjudged = ({ id, rival, listed }) => listed === undefined ? `${id}: the core was shared nearly all the time`
  : `${id}: the rival took ${number(rival)}, listed are ${number(listed)}`

/** The table as text. */
export function table(rows, goals) {
  const signs = { max: '<=', min: '>=', rival: 'x >=' }
  const lines = rows.map((row) => [
    row.id, row.what, row.ours === null ? '-' : `${number(row.ours)} ${row.unit}`.trim(),
    row.rival === null ? '-' : `${number(row.rival)}${row.rivalName ? ` (${row.rivalName})` : ''}`,
    number(row.ratio), `${signs[goals.get(row.id).kind]} ${number(row.goal)}`,
    row.valid === false ? 'INVALID' : row.met ? 'yes' : 'NO',
  ])
  const head = ['id', 'what', 'ours', 'rival', 'ratio', 'goal', 'met']
  const widths = head.map((title, at) => Math.max(title.length, ...lines.map((cells) => cells[at].length)))
  const draw = (cells) => cells.map((cell, at) => cell.padEnd(widths[at])).join('  ').trimEnd()
  return [draw(head), draw(widths.map((width) => '-'.repeat(width))), ...lines.map(draw)].join('\n')
}

/** The last line of the bench's output that is a JSON object. */
export function lastJson(text) {
  const line = text.trimEnd().split('\n').findLast((candidate) => candidate.startsWith('{'))
  if (line === undefined) throw new BenchError('the bench printed no JSON object')
  const value = JSON.parse(line)
  if (!Array.isArray(value.rows)) throw new BenchError('the bench printed no rows')
  return { floors: value.floors ?? {}, rows: value.rows, notes: value.notes ?? [] }
}

function measure(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], [...command.slice(1), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => { output += text })
    child.on('error', (error) => reject(new BenchError(`the bench cannot be started: ${error.message}`)))
    child.on('close', (code) => {
      if (code === 0) resolve(output)
      else reject(new BenchError(`the bench ended with code ${code}\n${output}`))
    })
  })
}

async function main([room, ...args]) {
  const { rooms, goals } = readBudgets(readFileSync(join(root, 'bench/budgets.toml'), 'utf8'))
  const command = Object.hasOwn(rooms, room ?? '') ? rooms[room].command : undefined
  if (command === undefined) {
    console.error(`usage: npm run bench -- ROOM\nrooms: ${Object.keys(rooms).join(', ')}`)
    return 2
  }
  let { floors, rows: measured, notes } = lastJson(await measure(command, args))
  let rows = judgeAll(room, measured, goals)
  const most = () => Math.max(0, ...rows.filter((row) => row.valid === false)
    .map(({ listed }) => listed === undefined ? MEASUREMENTS.core : MEASUREMENTS.rival))
  for (let at = 1; at < most(); at += 1) {
    console.log(`measured again: ${rows.filter((row) => row.valid === false).map(unjudged).join('; ')}`)
    await setTimeout(PAUSE)
    const again = lastJson(await measure(command, args))
    rows = better(rows, judgeAll(room, again.rows, goals))
    floors = again.floors
  }
  console.log(table(rows, goals))
  const floor = (name, value, unit) => `${name} ${number(value ?? null)}${unit}`
  console.log(`floors: ${[floor('clock', floors.clockNs, ' ns'), floor('syscall', floors.syscallNs, ' ns'),
    floor('cache line', floors.cacheLineNs, ' ns'), floor('load', floors.load1, '')].join(', ')}`)
  for (const note of notes) console.log(note)
  for (const row of rows.filter((row) => row.valid === false)) console.log(`not judged: ${unjudged(row)}`)
  mkdirSync(join(root, 'bench/out'), { recursive: true })
  writeFileSync(join(root, 'bench/out', `${room}.json`), `${JSON.stringify(rows, null, 2)}\n`)
  console.log(`written: bench/out/${room}.json`)
  return 0
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
