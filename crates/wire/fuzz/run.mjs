// Room card: wire/fuzz/run
// In:    a target's name; `--minutes N` (1 if nothing is said).
// Out:   the target fuzzed until it has run N minutes in all as it is built now; exit code 1 with a finding, whose
//        input is kept and whose line says how to run it again.
// Holds: stable Rust; corpus, minutes and findings lie under target/fuzz and go on from run to run; another build
//        begins its minutes anew and keeps the corpus.
// Costs: the minutes, and one build.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const target = fileURLToPath(new URL('../../../target/fuzz', import.meta.url))
const TRIPLE = 'x86_64-unknown-linux-gnu'
/** Seconds between two notes of how far it is. */
const SLICE = 60
const INPUT_BYTES_MAX = 4_096
/** What `cargo fuzz` asks of the compiler, without the sanitizers that need nightly Rust. */
const COVERAGE = ['-Cpasses=sancov-module', '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters', '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares', '--cfg', 'fuzzing'].join(' ')

const targets = () => [...readFileSync(join(here, 'Cargo.toml'), 'utf8').matchAll(/\[\[bin\]\]\s+name = "(.+)"/g)]
  .map(([, name]) => name)

function run(program, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(signal ? 130 : code))
  })
}

/** The first inputs: a byte for the cuts, then what the target reads. */
function plant(corpus, seeds) {
  mkdirSync(corpus, { recursive: true })
  if (!existsSync(seeds)) return
  for (const name of readdirSync(seeds)) {
    const text = readFileSync(join(seeds, name), 'utf8').trimEnd().replaceAll('|', '\x01')
    writeFileSync(join(corpus, name), text)
  }
}

async function main([name, ...args]) {
  const minutes = Number(args[args.indexOf('--minutes') + 1] ?? 1)
  if (!targets().includes(name) || !(minutes > 0)) {
    console.error(`usage: npm run fuzz -- TARGET [--minutes N]\ntargets: ${targets().join(', ')}`)
    return 2
  }
  const build = ['build', '--release', '--manifest-path', join(here, 'Cargo.toml'), '--bin', name, '--target', TRIPLE]
  const code = await run('cargo', [...build, '--target-dir', target], { RUSTFLAGS: COVERAGE })
  if (code !== 0) return code
  const program = join(target, TRIPLE, 'release', name)
  const [corpus, findings] = [join(target, 'corpus', name), join(target, 'findings', name, '/')]
  plant(corpus, join(here, 'seeds', name))
  mkdirSync(findings, { recursive: true })
  const built = createHash('sha256').update(readFileSync(program)).digest('hex')
  const noted = join(target, `${name}.json`)
  const before = existsSync(noted) ? JSON.parse(readFileSync(noted, 'utf8')) : {}
  let seconds = before.built === built ? before.seconds : 0
  while (seconds < minutes * 60) {
    const slice = Math.min(SLICE, minutes * 60 - seconds)
    const found = await run(program, [corpus, `-max_total_time=${slice}`, `-artifact_prefix=${findings}`,
      `-max_len=${INPUT_BYTES_MAX}`, '-timeout=10', '-print_final_stats=0', '-verbosity=0'])
    if (found === 130) return 130
    if (found !== 0) {
      console.error(`a finding in ${findings}: run it again with ${program} FILE`)
      return 1
    }
    seconds += slice
    writeFileSync(noted, JSON.stringify({ built, seconds }))
    const inputs = readdirSync(corpus).length
    console.log(`${name}: ${(seconds / 60).toFixed(1)} of ${minutes} min, ${inputs} inputs, no finding`)
  }
  return 0
}

process.exitCode = await main(process.argv.slice(2))
