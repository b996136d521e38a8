// docs/advice.md says what the source says; its example runs as it stands.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

import { firstTypeScriptBlock } from './readme.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const page = readFileSync(join(root, 'packages/fafnir/docs/advice.md'), 'utf8')

test('the limits are those of the source', () => {
  const rows = [...page.matchAll(/^\| [^|]+ \| ([\d,]+) \| `(\w+)` \| (\S+) \|$/gm)]
  expect(rows.length).toBeGreaterThan(10)
  for (const [, bound, name, file] of rows) {
    const source = readFileSync(join(root, 'packages/fafnir/src', file!), 'utf8')
    const value = new RegExp(`const ${name!} = ([\\d_]+)\\n`).exec(source)?.[1]
    expect(value?.replaceAll('_', ''), name).toBe(bound!.replaceAll(',', ''))
  }
})

test('the example runs, and compiles under tsc --strict', () => {
  const source = firstTypeScriptBlock(page)
  mkdirSync(join(root, 'target'), { recursive: true })
  // Inside the workspace, so that `fafnir/advice` is found.
  const folder = mkdtempSync(join(root, 'target/advice-'))
  try {
    const options = { strict: true, noEmit: true, target: 'es2022', module: 'nodenext', types: [] }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['start.ts'] }))
    writeFileSync(join(folder, 'start.ts'), `declare const console: { log(...said: unknown[]): void }\n${source}`)
    writeFileSync(join(folder, 'start.mjs'), source)
    const ran = spawnSync(process.execPath, ['start.mjs'], { cwd: folder, encoding: 'utf8', timeout: 30_000 })
    // 0.7 × 62.5 + 0.3 × 60.
    expect([ran.stdout, ran.stderr, ran.status]).toEqual(['aggressive 70 61.75 20\ntrue true\ntrue 1\n', '', 0])
    const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc')
    const compiled = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8', timeout: 60_000 })
    expect([compiled.stdout, compiled.status]).toEqual(['', 0])
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 100_000)
