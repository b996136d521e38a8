// The tarballs, as a user gets them: installed in an empty folder without cargo, the README's example run and compiled.
import { spawnSync } from 'node:child_process'
import {
  existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { requireForm, firstTypeScriptBlock } from './readme.js'

const product = join(dirname(fileURLToPath(import.meta.url)), '..')
const root = join(product, '../..')
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'fafnir-pack-')))
const MINUTES = 60_000

/** The PATH without the folders that hold cargo or rustc. */
function pathWithoutRust(): string {
  const holds = (entry: string, name: string): boolean =>
    existsSync(join(entry, name)) || existsSync(join(entry, `${name}.exe`))
  const entries = (process.env['PATH'] ?? '').split(delimiter)
  return entries.filter((entry) => !holds(entry, 'cargo') && !holds(entry, 'rustc')).join(delimiter)
}

const env: NodeJS.ProcessEnv = { ...process.env, PATH: pathWithoutRust(), NODE_ENV: undefined, NODE_OPTIONS: undefined }

/** Runs a program in the empty folder; what it printed, when it ended well. */
function run(program: string, args: readonly string[], cwd: string = folder): string {
  const shell = process.platform === 'win32'
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env, encoding: 'utf8', shell })
  const printed = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`
  expect(status, `${program} ${args.join(' ')}\n${printed}`).toBe(0)
  return printed
}

/** A development tool of this package, run by Node. */
function tool(name: string, command: string = name): string {
  const at = join(product, 'node_modules', name)
  const { bin } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as { bin: string | Record<string, string> }
  return join(at, typeof bin === 'string' ? bin : bin[command] ?? '')
}

function tarballs(): { product: string; native: string } {
  const packed = existsSync(join(root, 'pack')) ? readdirSync(join(root, 'pack')) : []
  const find = (pattern: RegExp): string => {
    const name = packed.find((file) => pattern.test(file))
    if (name === undefined) throw new Error(`no tarball ${String(pattern)} in ./pack: run \`npm run pack\` first`)
    return join(root, 'pack', name)
  }
  return { product: find(/^fafnir-\d.*\.tgz$/), native: find(/^fafnir-native-.*\.tgz$/) }
}

function example(): string {
  const readme = join(root, 'README.md')
  if (!existsSync(readme)) throw new Error('README.md does not exist; its first ```ts block is the example')
  return firstTypeScriptBlock(readFileSync(readme, 'utf8'))
}

beforeAll(() => {
  const { product: own, native } = tarballs()
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "version": "1.0.0", "private": true }\n')
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', own, native])
}, 5 * MINUTES)

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('the tarballs', () => {
  test('hold what a user needs and nothing of the workshop', () => {
    const files = readdirSync(join(folder, 'node_modules/fafnir'), { recursive: true }).map(String)
    for (const file of ['dist/index.js', 'dist/index.cjs', 'dist/index.d.ts', 'dist/index.d.cts', 'dist/cli/main.js',
      'config.schema.json', 'LICENSE', 'README.md']) {
      expect(files).toContain(file)
    }
    expect(files.filter((file) => /^(src|test|node_modules)\b|\.tgz$|tsconfig/.test(file))).toEqual([])
    const manifest = readFileSync(join(folder, 'node_modules/fafnir/package.json'), 'utf8')
    expect(manifest).not.toContain('workspace:')
  })

  test('the command is linked and runs', () => {
    const bin = join(folder, 'node_modules/.bin', process.platform === 'win32' ? 'fafnir.cmd' : 'fafnir')
    expect(run(bin, ['--help'])).toMatch(/backtest/)
  })

  test('publint is clean', () => {
    run(process.execPath, [tool('publint'), 'run', tarballs().product, '--strict'])
    run(process.execPath, [tool('publint'), 'run', tarballs().native, '--strict'])
  })

  test('are the types wrong? no', () => {
    // The schema and the policy are plain JSON: they have no types to be wrong.
    const plain = ['./config.schema.json', './policy.json']
    const args = [tarballs().product, '--exclude-entrypoints', ...plain, '--no-color', '--no-emoji']
    run(process.execPath, [tool('@arethetypeswrong/cli', 'attw'), ...args])
  })
})

describe("the README's example", () => {
  test('runs as an ES module', () => {
    writeFileSync(join(folder, 'example.mjs'), example())
    run(process.execPath, ['example.mjs'])
  }, MINUTES)

  test('runs as CommonJS', () => {
    writeFileSync(join(folder, 'example.cjs'), requireForm(example()))
    run(process.execPath, ['example.cjs'])
  }, MINUTES)

  test.each([
    ['node16', 'node16', 'module'], ['nodenext', 'nodenext', 'module'], ['esnext', 'bundler', 'module'],
  ])('compiles under tsc --strict, module %s, resolution %s', (module, moduleResolution, type) => {
    const at = join(folder, `types-${moduleResolution}`)
    mkdirSync(at, { recursive: true })
    const compilerOptions = { strict: true, noEmit: true, target: 'es2022', module, moduleResolution, types: [] }
    writeFileSync(join(at, 'package.json'), JSON.stringify({ type }))
    writeFileSync(join(at, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['example.ts'] }))
    writeFileSync(join(at, 'example.ts'), example())
    run(process.execPath, [tool('typescript', 'tsc'), '-p', at])
  }, MINUTES)

  test.each(['node16', 'nodenext'])('its CommonJS types compile under tsc --strict, %s', (module) => {
    const at = join(folder, `types-cts-${module}`)
    mkdirSync(at, { recursive: true })
    const resolution = { module, moduleResolution: module }
    const compilerOptions = { strict: true, noEmit: true, target: 'es2022', ...resolution, types: [] }
    const use = "import fafnir = require('fafnir')\nexport const run: typeof fafnir.backtest = fafnir.backtest\n"
    writeFileSync(join(at, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.cts'] }))
    writeFileSync(join(at, 'use.cts'), use)
    run(process.execPath, [tool('typescript', 'tsc'), '-p', at])
  }, MINUTES)
})
