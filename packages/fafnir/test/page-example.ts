// Examples of the pages, run and compiled as a user would.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What came of an example: its output, and what tsc --strict says of it (nothing when it compiles). */
export interface ExampleRun {
  readonly stdout: string
  readonly stderr: string
  readonly status: number | null
  readonly compiler: string
}

const root = fileURLToPath(new URL('../../..', import.meta.url))
const options = { strict: true, noEmit: true, target: 'es2022', module: 'nodenext', types: [] }
const RUN_MILLIS = 60_000
const COMPILE_MILLIS = 120_000

/** Runs an example in a folder of the workspace, where `fafnir` and its rooms are found, and compiles it there. */
export function runExample(source: string): ExampleRun {
  mkdirSync(join(root, 'target'), { recursive: true })
  const folder = mkdtempSync(join(root, 'target/example-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['start.ts'] }))
    writeFileSync(join(folder, 'start.ts'), `declare const console: { log(...said: unknown[]): void }\n${source}`)
    writeFileSync(join(folder, 'start.mjs'), source)
    const ran = spawnSync(process.execPath, ['start.mjs'], { cwd: folder, encoding: 'utf8', timeout: RUN_MILLIS })
    const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc')
    const compiled = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8', timeout: COMPILE_MILLIS })
    const { stdout, stderr, status } = ran
    const compiler = compiled.status === 0 ? '' : `${compiled.status}: ${compiled.stdout}`
    return { stdout, stderr, status, compiler }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
