// docs/allocator.md says what the source says; its example runs as it stands.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

import { sleeves, variantNames, variants } from '../src/allocator/variants.js'
import { runExample } from './page-example.js'
import { firstTypeScriptBlock } from './readme.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const page = read('packages/fafnir/docs/allocator.md')

test('every function and value of fafnir/allocator is on the page', () => {
  const source = read('packages/fafnir/src/allocator/index.ts').replaceAll(/\/\/.*$/gm, '')
  const names = [...source.matchAll(/export \{([^}]*)\}/g)]
    .flatMap(([, list]) => list!.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '))
  expect(names.length).toBeGreaterThan(25)
  for (const name of names) expect(page, name).toContain(`\`${name}\``)
})

test('the weights are those of the source', () => {
  for (const { sleeve } of sleeves) {
    const cells = new RegExp(`^\\| \`${sleeve}\` \\|([^|]*)\\|([^|]*)\\|([^|]*)\\|([^|]*)\\|`, 'm').exec(page)?.slice(1)
    expect(cells, sleeve).toBeDefined()
    expect(cells!.map((cell) => Number(cell.trim()))).toEqual(
      variantNames.map((name) => variants[name].percents[sleeve] ?? 0),
    )
  }
})

test('the bars of the example come from their generator', () => {
  const folder = join(root, 'examples/10-allocation-backtest')
  const made = spawnSync(process.execPath, ['make-bars.mjs'], { cwd: folder, encoding: 'utf8', timeout: 30_000 })
  expect(made.stdout).toBe(readFileSync(join(folder, 'bars.csv'), 'utf8'))
})

test('the example runs, and compiles under tsc --strict', () => {
  const { stdout, ...rest } = runExample(firstTypeScriptBlock(page))
  expect(rest).toEqual({ stderr: '', status: 0, compiler: '' })
  const lines = stdout.trim().split('\n')
  expect(lines[0]).toMatch(/^sell \d+ VT 104\.10 the sleeve is outside its band$/)
  expect(lines.at(-1)).toMatch(/^0 \d+\.\d\d \d+\.\d\d$/)
}, 200_000)
