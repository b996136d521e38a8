// Room card: mutants
// In:    a crate, and which part of its mutants (`--package book --shard 0/4`); `mutants.toml` of that crate, whose
//        `exclude_re` are the survivors that are explained.
// Out:   what its tests let pass: a table of totals, every survivor without an explanation by name, and explanations
//        that are stale: of no mutant any more, or of one that the tests catch. Exit code 1 when there is any of them.
// Holds: works in a copy under target/mutants; what was found is kept after each batch, so a run that was ended goes on
//        where it stood; a result holds as long as the lines around the mutation do (`--fresh` forgets all of them).
// Costs: some 3 s of one core a mutant, a loop without end its limit.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parse, stringify } from 'smol-toml'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const BATCH = 40
/** Of the processor, for a program of tests: what loops without end is ended, and is caught, however busy it is. */
const CPU_SECONDS = 6
/** Of the clock: for loops that sleep. Where the processor's time cannot be limited, for all. */
const CLOCK_SECONDS = process.platform === 'win32' ? 120 : 900
/** How cargo runs the tests where there is a shell. */
const LIMITED = `target.'cfg(unix)'.runner=["sh","-c","ulimit -t ${CPU_SECONDS}; exec \\"$0\\" \\"$@\\""]`
const USAGE = 'usage: npm run mutants -- --package CRATE [--shard K/N] [--file PART] [--fresh]'
/** cargo-mutants writes the names of the mutants into these files, by what became of them. */
const OUTCOMES = ['caught', 'unviable', 'timeout', 'missed']

class MutantsError extends Error {}

/** Runs cargo to its end and returns what it printed. */
function cargo(args, options = {}) {
  const result = spawnSync('cargo', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, ...options })
  return { code: result.status ?? 128, stdout: result.stdout ?? '', output: `${result.stdout}${result.stderr}` }
}

function readOptions() {
  const options = {
    package: { type: 'string' },
    shard: { type: 'string', default: '0/1' },
    file: { type: 'string' },
    fresh: { type: 'boolean', default: false },
  }
  let values
  try {
    values = parseArgs({ args: process.argv.slice(2), options }).values
  } catch (error) {
    throw new MutantsError(`${error.message}\n${USAGE}`)
  }
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(values.shard) ?? []
  if (values.package === undefined || !(Number(index) < Number(count))) throw new MutantsError(USAGE)
  const home = join('crates', values.package)
  if (!existsSync(join(root, home, 'src'))) throw new MutantsError(`There is no crate ${home}.`)
  return { ...values, home, crate: `fafnir-${values.package}`, index: Number(index), count: Number(count) }
}

/** Brings the copy up to date: what git knows and what is new, nothing else; only what differs is written. */
function copyTree(tree) {
  const listed = spawnSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { cwd: root, maxBuffer: 1 << 26 })
  const wanted = new Set(
    listed.stdout
      .toString()
      .split('\0')
      .filter((file) => file && existsSync(join(root, file))),
  )
  for (const file of wanted) {
    const [from, to] = [readFileSync(join(root, file)), join(tree, file)]
    if (existsSync(to) && readFileSync(to).equals(from)) continue
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, from)
  }
  for (const file of readdirSync(tree, { recursive: true })) {
    if (!wanted.has(file) && statSync(join(tree, file)).isFile()) rmSync(join(tree, file))
  }
}

/**
 * The crate's settings: `explanations`, patterns of survivors that are explained, and `config`, the rest of them for
 * cargo-mutants. Mutants that are explained are tried like all others: an explanation may be wrong, or become so.
 */
function readSettings(place, home) {
  const file = join(place.tree, home, 'mutants.toml')
  const { exclude_re = [], ...rest } = existsSync(file) ? parse(readFileSync(file, 'utf8')) : {}
  writeFileSync(place.settings, stringify(rest))
  return { explanations: exclude_re.map((pattern) => new RegExp(pattern)), config: ['--config', place.settings] }
}

/** The mutants cargo-mutants makes, in its order, each with a key that does not move with its line. */
function list(tree, { crate, config, explanations }) {
  const args = ['mutants', '-d', tree, '-p', crate, '--list', '--json', ...config]
  const { code, stdout, output } = cargo(args)
  if (code !== 0) throw new MutantsError(`The mutants could not be listed.\n${output}`)
  const seen = new Map()
  return JSON.parse(stdout).map(({ name, file, diff }) => {
    const around = diff.replace(/^@@.*@@.*$/gm, '')
    const again = seen.get(file + around) ?? 0
    seen.set(file + around, again + 1)
    const key = createHash('sha256').update(`${file}\n${around}\n${again}`).digest('hex').slice(0, 32)
    return { name, file, key, explained: explanations.some((pattern) => pattern.test(name)) }
  })
}

/**
 * The tests in a source, else those that are named like it or like its folder: they are asked first, as they nearly
 * always know.
 */
function testBeside(tree, home, file) {
  if (readFileSync(join(tree, file), 'utf8').includes('#[test]')) return '--lib'
  const name = relative(join(home, 'src'), file).replace(/\.rs$/, '').split(/[\\/]/)[0]
  return existsSync(join(tree, home, 'tests', `${name}.rs`)) ? `--test=${name}` : undefined
}

class Results {
  constructor(file) {
    this.file = file
    this.outcomes = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  }

  /** Takes over what the batch in `work` came to, as far as it got; `near`: only one test was asked. */
  harvest(work, near) {
    const batch = join(work, 'batch.json')
    if (!existsSync(batch)) return
    const keys = new Map(JSON.parse(readFileSync(batch, 'utf8')).map(({ name, key }) => [name, key]))
    for (const outcome of OUTCOMES) {
      const file = join(work, 'mutants.out', `${outcome}.txt`)
      if (!existsSync(file)) continue
      for (const name of readFileSync(file, 'utf8')
        .split('\n')
        .filter((name) => keys.has(name))) {
        this.outcomes[keys.get(name)] = outcome === 'missed' && near ? 'near' : outcome
      }
    }
    writeFileSync(this.file, JSON.stringify(this.outcomes, null, 1))
    rmSync(work, { recursive: true })
  }
}

/** Tests a batch with some of the tests of its crate; with `baseline` they must first pass without a mutation. */
function run(batch, tests, baseline, work, place, { crate, config }) {
  mkdirSync(work, { recursive: true })
  writeFileSync(join(work, 'batch.json'), JSON.stringify(batch))
  const literally = (text) => `^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`
  const args = [
    'mutants',
    '-d',
    place.tree,
    '-p',
    crate,
    '--in-place',
    '-o',
    work,
    '--no-times',
    ...config,
    '--baseline',
    baseline ? 'run' : 'skip',
    '--timeout',
    String(CLOCK_SECONDS),
    ...[`--config=${LIMITED}`, ...tests].map((argument) => `--cargo-arg=${argument}`),
    ...batch.flatMap(({ name }) => ['-F', literally(name)]),
  ]
  // Removals of a field do not heed -F (27.1): the files keep those of the rest away.
  for (const file of new Set(batch.map(({ file }) => file))) args.push('-f', file)
  const { status } = spawnSync('cargo', args, { cwd: root, stdio: 'inherit', env: place.env })
  // 2: some survived, 3: some took too long.
  return [0, 2, 3].includes(status)
}

/** Tests a group of mutants batch by batch; false when it was ended or the tests fail without a mutation. */
function testGroup(group, name, near, results, place, options) {
  const work = near ? place.near : place.rest
  for (let at = 0; at < group.length; at += BATCH) {
    console.log(`· ${group.length - at} mutants to go with ${name}`)
    const tests = near ? [name] : ['--lib', '--tests']
    const ended = run(group.slice(at, at + BATCH), tests, at === 0, work, place, options)
    results.harvest(work, near)
    if (!ended) return false
  }
  return true
}

/**
 * First each mutant with the tests beside its source, then what these let pass with all tests of the crate: those that
 * survived each time, since a test may have come, those that are explained only where no test is beside.
 */
function testAll(mutants, results, place, options) {
  results.harvest(place.near, true)
  results.harvest(place.rest, false)
  const groups = new Map()
  for (const mutant of mutants.filter(({ key }) => results.outcomes[key] === undefined)) {
    const test = testBeside(place.tree, options.home, mutant.file)
    if (test !== undefined) groups.set(test, [...(groups.get(test) ?? []), mutant])
  }
  for (const [test, group] of groups) if (!testGroup(group, test, true, results, place, options)) return false
  const isLeft = ({ key, explained }) =>
    [undefined, ...(explained ? [] : ['near', 'missed'])].includes(results.outcomes[key])
  return testGroup(mutants.filter(isLeft), 'all tests', false, results, place, options)
}

/** What became of a mutant, by the names of the report's columns. */
function verdict({ key, explained }, results) {
  const outcome = results.outcomes[key] ?? 'open'
  if (explained && ['near', 'missed'].includes(outcome)) return 'explained'
  return { near: 'open', missed: 'unexplained' }[outcome] ?? outcome
}

/** Prints how many mutants of each source became what. */
function table(mutants, results) {
  const columns = ['mutants', 'caught', 'unviable', 'timeout', 'explained', 'unexplained', 'open']
  const rows = {}
  for (const mutant of [...mutants].sort((a, b) => (a.file < b.file ? -1 : 1))) {
    const row = (rows[mutant.file] ??= Object.fromEntries(columns.map((name) => [name, 0])))
    row.mutants += 1
    row[verdict(mutant, results)] += 1
  }
  console.table(rows)
}

/** Explanations that explain nothing: of no mutant, of one that the tests catch, or of one that does not compile. */
function stale(all, explanations, results) {
  const words = []
  for (const pattern of explanations) {
    const named = all.filter(({ name }) => pattern.test(name))
    if (named.length === 0) words.push(`explains no mutant: ${pattern.source}`)
  }
  for (const mutant of all.filter(({ explained }) => explained)) {
    const was = verdict(mutant, results)
    if (!['explained', 'open'].includes(was)) words.push(`explained, but ${was}: ${mutant.name}`)
  }
  return words
}

function report(mutants, all, { explanations }, results) {
  table(mutants, results)
  const of = (wanted) => mutants.filter((mutant) => verdict(mutant, results) === wanted)
  for (const { name } of of('timeout')) console.log(`took too long: ${name}`)
  for (const { name } of of('unexplained')) console.log(`survived: ${name}`)
  const old = stale(all, explanations, results)
  for (const words of old) console.log(`stale explanation: ${words}`)
  const [open, unexplained] = [of('open').length, of('unexplained').length]
  console.log(
    `${mutants.length - open} of ${mutants.length} mutants tried: ${of('caught').length} caught, ` +
      `${of('unviable').length} do not compile, ${of('timeout').length} took too long; survivors: ` +
      `${of('explained').length} explained, ${unexplained} unexplained; stale explanations: ${old.length}`,
  )
  return open + unexplained + old.length > 0 ? 1 : 0
}

function main() {
  const options = readOptions()
  if (cargo(['mutants', '--version']).code !== 0) {
    throw new MutantsError('Mutants are made by cargo-mutants: install it with `cargo install --locked cargo-mutants`.')
  }
  const shard = options.count === 1 ? '' : `-${options.index}-of-${options.count}`
  const folder = join(root, 'target/mutants', `${options.package}${shard}`)
  const place = {
    tree: join(folder, 'tree'),
    near: join(folder, 'near'),
    rest: join(folder, 'rest'),
    settings: join(folder, 'mutants.toml'),
    env: {
      ...process.env,
      CARGO_TARGET_DIR: join(folder, 'build'),
      FAFNIR_MUTANTS: '1',
      RUST_BACKTRACE: '0',
      CARGO_TERM_COLOR: 'never',
    },
  }
  if (options.fresh) rmSync(join(folder, 'results.json'), { force: true })
  mkdirSync(place.tree, { recursive: true })
  copyTree(place.tree)
  Object.assign(options, readSettings(place, options.home))
  const all = list(place.tree, options)
  const mutants = all.filter(
    ({ file }, at) => file.includes(options.file ?? '') && at % options.count === options.index,
  )
  const results = new Results(join(folder, 'results.json'))
  const ended = testAll(mutants, results, place, options)
  const code = report(mutants, all, options, results)
  if (!ended) console.log('Not done: ended, or the tests fail without a mutation. The same command goes on from here.')
  return ended ? code : 1
}

try {
  process.exitCode = main()
} catch (error) {
  if (!(error instanceof MutantsError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
