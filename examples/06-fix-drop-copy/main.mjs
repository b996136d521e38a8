// A drop-copy logger and two venues: a connection that breaks, a logger that is killed while copies come, a venue that
// says everything twice, one that has forgotten some of it, and one that begins anew. logger.mjs and copy-file.mjs are
// the part to start from; drop-copy.mjs runs it, here as a process that can be killed.
import { spawn } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { startVenue } from './venue.mjs'
import { startWire } from './wire.mjs'

const { venues, logger, venueStoreBytes } = JSON.parse(readFileSync(new URL('input.json', import.meta.url), 'utf8'))
const root = mkdtempSync(join(tmpdir(), 'fafnir-copies-'))
const folder = join(root, 'copies')

const said = []
async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
/** The logger has said this; in which order two sessions say something is not said. */
async function heard(...lines) {
  for (const line of lines) {
    await until(() => said.includes(line))
    console.log(`  ${said.splice(said.indexOf(line), 1)[0]}`)
  }
}

/** The logger as a process. */
function start() {
  const program = fileURLToPath(new URL('drop-copy.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, join(root, 'config.json')], { stdio: ['ignore', 'pipe', 'inherit'] })
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    said.push(...lines)
  })
  return child
}

/** Every whole line there is. */
function written() {
  let names = []
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
  } catch {
    // The logger has not begun.
  }
  const inOrder = names.sort((a, b) => (a === 'copies.jsonl' ? 1 : b === 'copies.jsonl' ? -1 : a.localeCompare(b)))
  const text = inOrder.map((name) => readFileSync(join(folder, name), 'utf8')).join('')
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}
const copies = (venue) => written().filter((line) => line.session === venue && line.execId !== undefined)
const has = (venue, number) => {
  const id = `${venue}-${String(number).padStart(6, '0')}`
  return copies(venue).some(({ execId }) => execId === id)
}

const shared = (name) => ({ storeDir: join(root, name), storeBytes: venueStoreBytes })
const north = await startVenue(venues[0], shared('north'))
let south = await startVenue(venues[1], shared('south'))
const wire = await startWire(north.port)
const southPort = south.port
writeFileSync(
  join(root, 'config.json'),
  JSON.stringify({
    ...logger,
    folder,
    sessions: [
      ['FIX.4.4', 'NORTH', wire.port],
      ['FIX.4.2', 'SOUTH', southPort],
    ].map(([beginString, targetCompId, port]) => ({
      beginString,
      senderCompId: 'COPIES',
      targetCompId,
      addresses: [`127.0.0.1:${port}`],
      heartbeatSeconds: 300,
    })),
  }),
)

console.log('two sessions')
let child = start()
await heard('NORTH is here', 'SOUTH is here')
await north.execute(1, 10)
await south.execute(1, 10)
await until(() => has('NORTH', 10) && has('SOUTH', 10))

console.log('a connection breaks while copies are sent')
wire.cut()
await heard('NORTH is gone')
await north.execute(11, 30)
wire.mend()
await heard('NORTH is here')
await until(() => has('NORTH', 30))

console.log('the logger is killed while copies come')
const sending = Promise.all([north.execute(31, 2_000), south.execute(11, 2_000)])
await until(() => copies('NORTH').length > 300)
child.kill('SIGKILL')
await Promise.all([sending, new Promise((resolve) => child.once('exit', resolve))])
// What a power cut may leave.
appendFileSync(join(folder, 'copies.jsonl'), '{"session":"NORTH","last":')
child = start()
await heard('an unfinished line was cut off', 'NORTH is here', 'SOUTH is here')
await until(() => has('NORTH', 2_000) && has('SOUTH', 2_000))

console.log('a venue sends some of it again, under new numbers')
await south.execute(1_901, 2_000, { PossResend: true })
await south.execute(2_001, 2_001)
await until(() => has('SOUTH', 2_001))

console.log('a venue keeps less than was missed')
wire.cut()
await heard('NORTH is gone')
await north.execute(2_001, 6_000)
wire.mend()
await heard('NORTH is here')
await until(() => has('NORTH', 6_000))

console.log('a venue begins anew')
await south.close()
await heard('SOUTH is gone')
south = await startVenue({ ...venues[1], resetOnLogon: true }, undefined, southPort)
await heard('SOUTH is here')
await south.execute(2_002, 2_010)
await until(() => has('SOUTH', 2_010))

child.kill('SIGTERM')
await new Promise((resolve) => child.once('exit', resolve))
await north.close()
await south.close()
wire.close()

console.log('what is written')
for (const [venue, sent] of [
  ['NORTH', 6_000],
  ['SOUTH', 2_010],
]) {
  const lines = written().filter(({ session }) => session === venue)
  const ids = lines.filter(({ execId }) => execId !== undefined).map(({ execId }) => Number(execId.slice(-6)))
  const rises = ids.every((id, place) => place === 0 || id > ids[place - 1])
  const told = lines.reduce((sum, line) => sum + (line.missed ?? 0), 0)
  const missing = sent - ids.length
  console.log(`  ${venue}: each once: ${new Set(ids).size === ids.length}; in order: ${rises}`)
  // A number that is told may be one of the session's own, which was lost with a connection.
  console.log(`  ${venue}: copies are missing: ${missing > 0}; all of them are told: ${missing <= told}`)
}
console.log(`  more than one file: ${readdirSync(folder).filter((name) => name.endsWith('.jsonl')).length > 1}`)
for (const line of said.filter((each) => /repeated|begins/.test(each)).sort()) {
  console.log(`  ${line.replace(/number \d+/, 'last number')}`)
}
rmSync(root, { recursive: true })
