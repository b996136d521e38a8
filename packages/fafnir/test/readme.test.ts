import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

import { runExample } from './page-example.js'
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
  expect(runExample(source)).toEqual({ stdout: 'D A-1 101.25\n', stderr: '', status: 0, compiler: '' })
}, 200_000)
