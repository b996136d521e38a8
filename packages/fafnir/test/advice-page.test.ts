// docs/advice.md says what the source says; its example runs as it stands.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

import { runExample } from './page-example.js'
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
  // 0.7 × 62.5 + 0.3 × 60.
  const stdout = 'aggressive 70 61.75 20\ntrue true\ntrue 1\n'
  expect(runExample(firstTypeScriptBlock(page))).toEqual({ stdout, stderr: '', status: 0, compiler: '' })
}, 200_000)
