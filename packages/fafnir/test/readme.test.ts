import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

import { firstTypeScriptBlock, requireForm } from './readme.js'

test('the first ts block is the example', () => {
  const markdown = '# A\n```sh\nnpm start\n```\n\n```ts\nconst a = 1\n```\n\n```ts\nconst b = 2\n```\n'
  expect(firstTypeScriptBlock(markdown)).toBe('const a = 1\n')
  expect(firstTypeScriptBlock(markdown, 'const a')).toBe('const b = 2\n')
  expect(() => firstTypeScriptBlock('# A\n```js\nx\n```\n')).toThrow('no ```ts block')
  expect(() => firstTypeScriptBlock(markdown, '## B')).toThrow('behind "## B"')
})

test('imports become require and the rest an async function', () => {
  const imports = "import { a, b as c } from 'fafnir'\nimport * as fs from 'node:fs'\nimport 'x'\n"
  const source = `${imports}\nconst d = await a(c)\n`
  expect(requireForm(source)).toBe([
    "const { a, b: c } = require('fafnir')",
    "const fs = require('node:fs')",
    "require('x')",
    ';(async () => {',
    'const d = await a(c)',
    '})().catch((error) => {',
    '  console.error(error)',
    '  process.exitCode = 1',
    '})',
    '',
  ].join('\n'))
  expect(() => requireForm("import a from 'fafnir'\n")).toThrow('does not know')
})

test("the README's start with FIX runs, and compiles under tsc --strict", () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const source = firstTypeScriptBlock(readFileSync(join(root, 'README.md'), 'utf8'), '\n## FIX alone\n')
  mkdirSync(join(root, 'target'), { recursive: true })
  // Inside the workspace, so that `fafnir/fix` is found.
  const folder = mkdtempSync(join(root, 'target/readme-'))
  try {
    const options = { strict: true, noEmit: true, target: 'es2022', module: 'nodenext', types: [] }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['start.ts'] }))
    writeFileSync(join(folder, 'start.ts'), `declare const console: { log(...said: unknown[]): void }\n${source}`)
    writeFileSync(join(folder, 'start.mjs'), source)
    const ran = spawnSync(process.execPath, ['start.mjs'], { cwd: folder, encoding: 'utf8', timeout: 30_000 })
    expect([ran.stdout, ran.stderr, ran.status]).toEqual(['D A-1 101.25\n', '', 0])
    const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc')
    const compiled = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8', timeout: 60_000 })
    expect([compiled.stdout, compiled.status]).toEqual(['', 0])
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 100_000)
