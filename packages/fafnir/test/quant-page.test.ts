// The pages on fafnir/quant say what the source says: every export, every bound, every code; the example runs.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

import { codeNumber } from '../src/generated/codes.js'
import * as quant from '../src/quant/index.js'

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const read = (path: string): string => readFileSync(at(path), 'utf8')
const main = read('packages/fafnir/docs/quant.md')
const pages = readdirSync(at('packages/fafnir/docs'))
  .filter((name) => /^quant.*\.md$/.test(name))
  .map((name) => read(`packages/fafnir/docs/${name}`))
const named = new Set(pages.flatMap((page) => [...page.matchAll(/`(\w+)`/g)].map(([, name]) => name!)))

/** Names of types and values that index.ts exports, by reading it and the files that it exports whole. */
function exported(): string[] {
  const index = read('packages/fafnir/src/quant/index.ts')
  const whole = [...index.matchAll(/export \* from '\.\/(.*)\.js'/g)].flatMap(([, file]) => {
    const source = read(`packages/fafnir/src/quant/${file}.ts`)
    const made = /^export (?:declare )?(?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm
    return [...source.matchAll(made)].map(([, name]) => name!)
  })
  const single = [...index.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list]) =>
    list!.split(',').map((name) => name.replace('type ', '').trim()),
  )
  return [...whole, ...single].filter((name) => name !== '')
}

describe('docs/quant.md', () => {
  test('has every exported name', () => {
    const names = exported()
    expect(names.length).toBeGreaterThan(80)
    for (const name of Object.keys(quant)) expect(names).toContain(name)
    expect(names.filter((name) => !named.has(name))).toEqual([])
  })

  test('has every code of the room', () => {
    const codes = Object.keys(codeNumber).filter((code) => code.startsWith('QUANT_'))
    expect(codes.length).toBeGreaterThan(10)
    expect(codes.filter((code) => !named.has(code))).toEqual([])
  })

  const rows = pages.flatMap((page) => [...page.matchAll(/^\| (.+) \| ([\d,]+) \| `(\w+)` \| (\S+) \|$/gm)])
  const bounds = rows.map(([, what, bound, name, file]) => [what!, bound!, name!, file!] as const)
  test.each(bounds)('bound: %s', (_what, bound, name, file) => {
    const found = new RegExp(`const ${name}(?:: \\w+)? = ([0-9_* <]+);?\\n`).exec(read(file))
    expect(found, `${file} has a constant ${name}`).not.toBeNull()
    const [base, shift] = found![1]!.replaceAll('_', '').split('<<').map(Number)
    expect(Number(bound.replaceAll(',', ''))).toBe(base! * 2 ** (shift ?? 0))
  })

  test('links to what is there', () => {
    for (const [, link] of main.matchAll(/\]\(([^)]+)\)/g)) {
      expect(existsSync(fileURLToPath(new URL(link!, new URL('../docs/quant.md', import.meta.url)))), link).toBe(true)
    }
  })

  test('shows an example that runs', async () => {
    const source = /```ts\nimport \{([^}]*)\} from 'fafnir\/quant'\n([\s\S]*?)```/.exec(main)
    const names = source![1]!.split(',').map((name) => name.trim())
    const said: unknown[][] = []
    const console = { log: (...words: unknown[]) => said.push(words) }
    const body = `return (async () => {${source![2]}})()`
    await new Function(...names, 'console', body)(...names.map((name) => quant[name as keyof typeof quant]), console)
    const [weights, residual, order] = said[0] as [number[], number, number[]]
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
    expect(residual).toBeLessThanOrEqual(1e-10)
    expect(order).toHaveLength(3)
    expect(said[1]![0]).toBeTypeOf('number')
  })
})
