// The committed types of the native module name what the built module exports.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { nativePackageName } from '../src/native.js'

const declarations = join(dirname(fileURLToPath(import.meta.url)), '../../../bindings/node/index.d.ts')

test('bindings/node/index.d.ts is of this native module', () => {
  if (!existsSync(declarations)) throw new Error('bindings/node/index.d.ts does not exist: run `node tasks.mjs types`')
  const text = readFileSync(declarations, 'utf8')
  const declared = [...text.matchAll(/^export (?:declare )?(?:function|class|const(?: enum)?) (\w+)/gm)]
  const names = new Set(declared.map(([, name]) => name))
  const exported = createRequire(import.meta.url)(nativePackageName()) as Record<string, unknown>
  expect(Object.keys(exported).sort(), 'run `node tasks.mjs types`').toEqual([...names].sort())
})
