// Room card: tasks
// In:    a verb of package.json and what follows it.
// Out:   the workspace made ready (tools, packages, native module, TypeScript), then the verb's work; its exit code.
// Holds: plain Node 20 or newer, no dependency; work that is up to date is not done again; a part that fails does not
//        hide the next.
// Costs: a cold start builds Rust once; a warm one takes a second.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const product = join(root, 'packages/fafnir')
const PNPM = 'pnpm@10.34.9'
const NODE_MAJOR_MIN = 20
const RUST_MIN = [1, 89]
const OUTPUT_LINES_SHOWN = 300
// The profile of the tests and the features of the workspace, so that what they have built serves here too.
const TIDY = ['run', '-q', '--profile', 'test', '-p', 'xtask', '--', 'tidy']
// The binding has no tests in Rust, those of TypeScript are its own; without it N-API is not built a second time.
const TESTED = ['--workspace', '--exclude', 'fafnir-node']
/** What a long run fuzzes, and minutes of each. */
const FUZZED = ['tokenizer', 'session', 'dictionary']
const FUZZ_MINUTES = 30
const NAPI_CLI = '@napi-rs/cli@3.10.12'

/** Something the user can act on: one sentence, no stack. */
class TaskError extends Error {
  /** @param {string} message @param {string} [output] what the failed program printed */
  constructor(message, output = '') {
    super(message)
    this.output = output
  }
}

const say = (text) => console.log(`· ${text}`)
const seconds = (from) => `${((performance.now() - from) / 1000).toFixed(1)} s`
const path = (...parts) => join(root, ...parts)

/** Runs a program to its end and keeps what it prints; `code` is null when it could not be started. */
function capture(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32', ...options,
    })
    let [stdout, stderr, output] = ['', '', '']
    child.stdout.setEncoding('utf8').on('data', (text) => { stdout += text; output += text })
    child.stderr.setEncoding('utf8').on('data', (text) => { stderr += text; output += text })
    child.on('error', (error) => resolve({ code: null, stdout, stderr, output: `${output}${error.message}\n` }))
    child.on('close', (code, signal) => {
      resolve({ code: code ?? 128, stdout, stderr, output: signal ? `${output}ended by ${signal}\n` : output })
    })
  })
}

/** Like `capture`, but a failure is an error with one sentence. */
async function must(sentence, program, args, options) {
  const result = await capture(program, args, options)
  if (result.code !== 0) throw new TaskError(sentence, result.output)
  return result
}

/** Runs a program that talks to the user; its exit code. */
function hand(program, args) {
  // Ctrl-C reaches the program too; it decides how to end, we wait for it.
  const ignore = () => {}
  process.on('SIGINT', ignore)
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: 'inherit' })
    child.on('error', (error) => { console.error(error.message); resolve(1) })
    child.on('close', (code) => { process.off('SIGINT', ignore); resolve(code ?? 130) })
  })
}

function checkTools() {
  const node = process.versions.node
  if (Number(node.split('.')[0]) < NODE_MAJOR_MIN) {
    throw new TaskError(`Fafnir needs Node ${NODE_MAJOR_MIN} or newer; this is Node ${node}.`)
  }
  const cargo = spawnSync('cargo', ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' })
  const found = /^cargo (\d+)\.(\d+)/.exec(cargo.stdout ?? '')
  if (cargo.status !== 0 || found === null) {
    throw new TaskError('Fafnir builds its native part with Rust, and `cargo` is not on the PATH: get it with rustup.')
  }
  const [major, minor] = [Number(found[1]), Number(found[2])]
  if (major < RUST_MIN[0] || (major === RUST_MIN[0] && minor < RUST_MIN[1])) {
    const needed = RUST_MIN.join('.')
    throw new TaskError(`Fafnir needs Rust ${needed} or newer; cargo is ${major}.${minor}: run \`rustup update\`.`)
  }
}

/** Files below a folder, build output and installed packages left out. */
function filesBelow(folder) {
  const found = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (['node_modules', 'dist', 'target', '.git'].includes(entry.name)) continue
    const at = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...filesBelow(at))
    else if (entry.isFile()) found.push(at)
  }
  return found
}

function manifests() {
  const folders = ['packages', 'bindings/node'].map((name) => path(name)).filter((folder) => existsSync(folder))
  const inside = folders.flatMap(filesBelow).filter((file) => file.endsWith('package.json'))
  return [path('package.json'), path('pnpm-workspace.yaml'), path('pnpm-lock.yaml'), ...inside.sort()]
}

/** Installs what the lock file names, unless that has been done for these very files. */
async function install() {
  const hash = createHash('sha256')
  for (const file of manifests()) hash.update(relative(root, file)).update(readFileSync(file))
  const [stamp, wanted] = [path('node_modules/.fafnir-installed'), hash.digest('hex')]
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  const from = performance.now()
  // CI=true: pnpm asks nothing, also where it would remove a node_modules made by another version.
  const options = { env: { ...process.env, CI: 'true' } }
  await must('The packages could not be installed.', 'npx',
    ['-y', PNPM, 'install', '--frozen-lockfile', '--reporter=append-only'], options)
  writeFileSync(stamp, wanted)
  say(`packages installed (${seconds(from)})`)
}

/** Name of this machine's native package. */
function platformName() {
  const { platform, arch } = process
  const musl = platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime
  const suffix = platform === 'linux' ? (musl ? '-musl' : '-gnu') : platform === 'win32' ? '-msvc' : ''
  return `${platform}-${arch}${suffix}`
}

/** Builds the native module and puts it into its package. */
async function buildNative() {
  const name = platformName()
  const folder = path('bindings/node/npm', name)
  if (!existsSync(folder)) {
    const known = readdirSync(path('bindings/node/npm')).join(', ')
    throw new TaskError(`Fafnir has no native package for ${name} yet (it has: ${known}).`)
  }
  const from = performance.now()
  if (!existsSync(join(folder, `fafnir.${name}.node`))) say('building the native module (the first time takes minutes)')
  const args = ['build', '--release', '-p', 'fafnir-node', '--message-format=json-render-diagnostics']
  if (process.env.CI) args.push('--locked')
  const { stdout } = await must('The native module could not be built.', 'cargo', args)
  const artifacts = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
  const library = artifacts.findLast((a) => a.reason === 'compiler-artifact' && a.target.name === 'fafnir_node')
    ?.filenames.find((file) => /\.(so|dylib|dll)$/.test(file))
  if (library === undefined) throw new TaskError('cargo built no native library.')
  const target = join(folder, `fafnir.${name}.node`)
  if (existsSync(target) && readFileSync(target).equals(readFileSync(library))) return
  // A rename, so that a process that has the old one loaded keeps it whole.
  copyFileSync(library, `${target}.new`)
  renameSync(`${target}.new`, target)
  say(`native module built (${seconds(from)})`)
}

/** What package `name` of the product runs as its command. */
function toolOf(name, command = name) {
  const folder = join(product, 'node_modules', name)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, typeof bin === 'string' ? bin : bin[command])
}

/** Bundles the TypeScript when a source is newer than what was built from it. */
async function buildTypeScript() {
  const outputs = ['index.js', 'index.cjs', 'index.d.ts', 'index.d.cts', 'quote.js', 'quote.cjs', 'cli/main.js']
  const built = outputs.map((file) => join(product, 'dist', file))
  const configuration = ['tsup.config.ts', 'tsconfig.json', 'package.json'].map((file) => join(product, file))
  const sources = [...filesBelow(join(product, 'src')), ...configuration, path('tsconfig.json'), path('pnpm-lock.yaml')]
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs))
  if (!built.every((file) => existsSync(file) && statSync(file).mtimeMs > newest)) {
    const from = performance.now()
    await must('The TypeScript could not be built.', process.execPath, [toolOf('tsup')], { cwd: product, shell: false })
    say(`TypeScript built (${seconds(from)})`)
  }
  linkCommand()
}

/** `npx fafnir` from the root: the installer cannot link a command that is not built yet. */
function linkCommand() {
  const [main, bin] = [join(product, 'dist/cli/main.js'), path('node_modules/.bin')]
  chmodSync(main, 0o755)
  mkdirSync(bin, { recursive: true })
  if (process.platform === 'win32') {
    writeFileSync(join(bin, 'fafnir.cmd'), `@node "%~dp0\\${relative(bin, main)}" %*\r\n`)
  } else {
    rmSync(join(bin, 'fafnir'), { force: true })
    symlinkSync(relative(bin, main), join(bin, 'fafnir'))
  }
}

/** Writes bindings/node/index.d.ts anew from the binding's exports; it is committed. */
async function types() {
  const scratch = path('target/napi-types')
  mkdirSync(scratch, { recursive: true })
  const args = ['-y', '-p', NAPI_CLI, 'napi', 'build', '--release', '--manifest-path', 'Cargo.toml', '--no-js',
    '--output-dir', scratch, '--target-dir', path('target'), '--dts', 'index.d.ts']
  await must('The types of the native module could not be written.', 'npx', args, { cwd: path('bindings/node') })
  copyFileSync(join(scratch, 'index.d.ts'), path('bindings/node/index.d.ts'))
  say('written: bindings/node/index.d.ts')
}

/** Both at once: the native module ends in one link, which leaves a core to the other. */
async function build() {
  checkTools()
  const ended = await Promise.allSettled([buildNative(), install().then(buildTypeScript)])
  const failed = ended.find(({ status }) => status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** Writes the tarballs of the product and of its native package into ./pack. */
async function pack() {
  const folder = path('pack')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const borrowed = ['README.md', 'NOTICE'].filter((name) => existsSync(path(name)))
  try {
    for (const name of borrowed) copyFileSync(path(name), join(product, name))
    for (const cwd of [join(path('bindings/node/npm'), platformName()), product]) {
      await must('A package could not be packed.', 'npx', ['-y', PNPM, 'pack', '--pack-destination', folder], { cwd })
    }
  } finally {
    for (const name of borrowed) rmSync(join(product, name), { force: true })
  }
  const tarballs = readdirSync(folder).sort()
  for (const name of tarballs) {
    say(`${join('pack', name)}  ${(statSync(join(folder, name)).size / 1024).toFixed(0)} KiB`)
  }
}

/** The sum of libtest's result lines; a test binary that ended without one counts as one failed. */
function countCargo({ code, stdout, stderr }) {
  const count = { passed: 0, failed: 0 }
  const results = [...stdout.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed;/gm)]
  for (const [, passed, failed] of results) {
    count.passed += Number(passed)
    count.failed += Number(failed)
  }
  const started = [...stderr.matchAll(/^ +(Running|Doc-tests) /gm)].length
  if (code !== 0) count.failed = Math.max(1, count.failed + Math.max(0, started - results.length))
  return count
}

async function cargoTests(long) {
  const args = ['test', ...TESTED, '--no-fail-fast']
  if (process.env.CI) args.push('--locked')
  args.push('--', '--show-output')
  if (long) args.push('--include-ignored')
  const result = await capture('cargo', args, { env: { ...process.env, CARGO_TERM_COLOR: 'never' } })
  sayWhatTestsSaid(result.stdout, long)
  return { ...countCargo(result), output: failuresOf(result) }
}

/** What the tests that failed said, by their binaries, which what passed would push out of sight; all when none ran. */
function failuresOf({ stdout, output }) {
  const failed = [...stdout.matchAll(/^failures:\n\n(?=----)[^]*?^test result: .*$/gm)].map(([section]) => section)
  return failed.length > 0 ? failed.join('\n') : output
}

/** Checks that were skipped, with their reason; in a long run also seeds and how long each test binary took. */
function sayWhatTestsSaid(stdout, long) {
  const wanted = long ? /skipped|\bseed\b|finished in [1-9]/ : /^skipped/
  const lines = stdout.split('\n').filter((line) => wanted.test(line) && !/ \.\.\. ok$/.test(line))
  for (const line of new Set(lines)) say(line.trim())
}

/** Builds what the Rust tests run; what cannot be built says so where the tests are run. */
async function buildTests() {
  const args = ['test', ...TESTED, '--no-run', '-q']
  if (process.env.CI) args.push('--locked')
  await capture('cargo', args)
}

async function tidyChecks() {
  const result = await capture('cargo', TIDY)
  const [, passed, failed] = /^tidy: (\d+) passed, (\d+) failed$/m.exec(result.stdout) ?? [null, '0', '0']
  return { passed: Number(passed), failed: result.code === 0 ? 0 : Math.max(1, Number(failed)), output: result.output }
}

async function typeCheck() {
  const args = [toolOf('typescript', 'tsc'), '--noEmit']
  const result = await capture(process.execPath, args, { cwd: product, shell: false })
  return { passed: result.code === 0 ? 1 : 0, failed: result.code === 0 ? 0 : 1, output: result.output }
}

async function benchRunnerTests() {
  const args = ['--test', '--test-reporter=tap', 'bench/node/run.test.mjs']
  const result = await capture(process.execPath, args, { shell: false })
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(result.stdout)?.[1] ?? 0)
  const [passed, failed] = [count('pass'), count('fail')]
  return { passed, failed: result.code === 0 && passed > 0 ? failed : Math.max(1, failed), output: result.output }
}

async function vitest() {
  const report = join(product, 'node_modules/.vitest-report.json')
  rmSync(report, { force: true })
  const args = [toolOf('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const result = await capture(process.execPath, args, { cwd: product, shell: false })
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {}
  const [passed, failed] = [counts.numPassedTests ?? 0, counts.numFailedTests ?? 0]
  // A file that cannot be loaded has no test that failed; nor may a run without any test pass.
  const broken = result.code !== 0 || passed === 0
  return { passed, failed: broken ? Math.max(1, failed) : failed, output: result.output }
}

/** Fuzzing goes on where the last long run of the same build ended. */
async function fuzzing() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    say('skipped: fuzzing, which is set up for Linux on x86-64')
    return { passed: 0, failed: 0, output: '' }
  }
  const sum = { passed: 0, failed: 0, output: '' }
  for (const target of FUZZED) {
    const args = [path('crates/wire/fuzz/run.mjs'), target, '--minutes', String(FUZZ_MINUTES)]
    const { code, stdout, output } = await capture(process.execPath, args, { shell: false })
    sum[code === 0 ? 'passed' : 'failed'] += 1
    if (code !== 0) sum.output += output
    say(stdout.trim().split('\n').at(-1))
  }
  return sum
}

/** A step that passes by ending without an error; it counts only when it fails. */
const step = (work) => async () => {
  await work()
  return { passed: 0, failed: 0, output: '' }
}

function tail(text) {
  const lines = text.trimEnd().split('\n')
  const hidden = lines.length - OUTPUT_LINES_SHOWN
  return hidden > 0 ? [`… ${hidden} lines before`, ...lines.slice(hidden)].join('\n') : lines.join('\n')
}

/** Runs a part when what it needs has passed; one that cannot run, or ends by an error, has failed. */
async function runPart({ work, needs }, ended) {
  const outcomes = await Promise.all(needs.map(async (need) => ({ need, ...await ended.get(need) })))
  const missing = outcomes.filter(({ failed }) => failed > 0).map(({ need }) => need)
  const from = performance.now()
  try {
    if (missing.length > 0) throw new TaskError(`not run: ${missing.join(' and ')} failed`)
    return { ...await work(), took: seconds(from) }
  } catch (error) {
    const output = `${error.output ?? ''}${error.message}\n`
    return { passed: 0, failed: 1, output, took: seconds(from) }
  }
}

/** Runs every part, whatever the others did; the last line is the sum. */
async function test(long) {
  checkTools()
  if (long) process.env.FAFNIR_LONG = '1'
  // What is built is built side by side, so that no core waits; tests then run a part at a time: some measure time.
  const built = [
    { name: 'packages', work: step(install), needs: [] },
    { name: 'native module', work: step(buildNative), needs: [] },
    { name: 'Rust test programs', work: step(buildTests), needs: [] },
    { name: 'TypeScript', work: step(buildTypeScript), needs: ['packages'] },
    { name: 'types', work: typeCheck, needs: ['packages'] },
    { name: 'tidy', work: tidyChecks, needs: ['Rust test programs'] },
  ]
  const tested = [
    { name: 'tarballs', work: step(pack), needs: ['native module', 'TypeScript'] },
    { name: 'Rust tests', work: () => cargoTests(long), needs: [] },
    { name: 'TypeScript tests', work: vitest, needs: ['native module', 'TypeScript'] },
    { name: 'bench runner tests', work: benchRunnerTests, needs: ['packages'] },
    ...(long ? [{ name: 'fuzzing', work: fuzzing, needs: [] }] : []),
  ]
  const [total, ended] = [{ passed: 0, failed: 0 }, new Map()]
  for (const part of built) ended.set(part.name, runPart(part, ended))
  for (const part of [...built, ...tested]) {
    const { name } = part
    if (!ended.has(name)) ended.set(name, runPart(part, ended))
    const { passed, failed, output, took } = await ended.get(name)
    total.passed += passed
    total.failed += failed
    if (failed > 0) console.log(tail(output))
    const counted = passed + failed > 0 ? `${passed} passed, ${failed} failed` : 'ready'
    say(`${name}: ${counted} (${took})`)
  }
  console.log(`${total.passed} passed, ${total.failed} failed`)
  return total.failed === 0 ? 0 : 1
}

const verbs = {
  start: async (args) => {
    await build()
    return hand(process.execPath, [join(product, 'dist/cli/main.js'), 'demo', ...args])
  },
  test: () => test(false),
  'test:long': () => test(true),
  build: async () => { await build(); return 0 },
  types: async () => { checkTools(); await types(); return 0 },
  pack: async () => { await build(); await pack(); return 0 },
  bench: async (args) => {
    await build()
    return hand(process.execPath, [path('bench/node/run.mjs'), ...args])
  },
  soak: async (args) => {
    await build()
    return hand(process.execPath, [path('bench/node/soak.mjs'), ...args])
  },
  fuzz: (args) => { checkTools(); return hand(process.execPath, [path('crates/wire/fuzz/run.mjs'), ...args]) },
  'fix:acceptor': async (args) => {
    await build()
    return hand(process.execPath, [path('examples/03-fix-acceptor/acceptor.mjs'), ...args])
  },
  mutants: (args) => { checkTools(); return hand(process.execPath, [path('crates/xtask/mutants.mjs'), ...args]) },
  tidy: () => { checkTools(); return hand('cargo', TIDY) },
}

async function main([verb, ...args]) {
  const work = Object.hasOwn(verbs, verb ?? '') ? verbs[verb] : undefined
  if (work === undefined) {
    console.error(`usage: node tasks.mjs ${Object.keys(verbs).join(' | ')}`)
    return 2
  }
  try {
    return await work(args)
  } catch (error) {
    if (!(error instanceof TaskError)) throw error
    if (error.output) console.error(tail(error.output))
    console.error(error.message)
    return 1
  }
}

// `node tasks.mjs start -- --seconds 20` means what `npm start -- --seconds 20` does.
process.exitCode = await main(process.argv.slice(2).filter((arg, at) => at !== 1 || arg !== '--'))
