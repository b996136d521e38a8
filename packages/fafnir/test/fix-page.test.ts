// docs/fix.md says what the source says: every limit, every setting, every data type.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8')
const page = read('packages/fafnir/docs/fix.md')

/** Cells of the table behind a heading, without its head. */
function table(heading: string): string[][] {
  const section = page.split(/^#+ /m).find((each) => each.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`no section "${heading}"`)
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** The names in backticks. */
const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)

/** A constant of a Rust or TypeScript file: a whole number, or a product or shift of two. */
function constant(file: string, name: string): bigint {
  const found = new RegExp(`const ${name}(?:: [\\w<>]+)? = (?:Nanos\\()?([0-9_* <]+)\\)?;?\\n`).exec(read(file))
  if (found === null) throw new Error(`${file} has no constant ${name} that is read here`)
  const expression = found[1]!.replaceAll('_', '').trim()
  const shift = /^(\d+) << (\d+)$/.exec(expression)
  if (shift !== null) return BigInt(shift[1]!) << BigInt(shift[2]!)
  return expression.split('*').reduce((product, factor) => product * BigInt(factor.trim()), 1n)
}

interface Definition {
  readonly properties?: Readonly<Record<string, unknown>>
}
const schema = JSON.parse(read('packages/fafnir/config.schema.json')) as {
  readonly $defs: Readonly<Record<string, Definition>>
}
const keysOf = (name: string): string[] => Object.keys(schema.$defs[name]?.properties ?? {})
const settings = ['Session', 'Shared', 'Validation', 'Hours', 'Acceptor', 'Initiator'].flatMap((name) =>
  keysOf(`Fix${name}Config`),
)

describe('docs/fix.md', () => {
  const limits = table('Limits')

  test.each(limits)('%s: %s', (_what, bound, name, file) => {
    expect(BigInt(bound!.replaceAll(',', ''))).toBe(constant(file!, quoted(name!)[0]!))
  })

  test('has the bounds there are', () => {
    expect(limits.length).toBeGreaterThan(25)
    const named = new Set(limits.map(([, , name]) => quoted(name!)[0]))
    for (const file of [
      'session/setup.rs',
      'session/mod.rs',
      'session/frame.rs',
      'dictionary/source.rs',
      'dictionary/xml.rs',
    ]) {
      for (const [, name] of read(`crates/wire/src/fix/${file}`).matchAll(/^pub const (\w+_MAX): /gm)) {
        // The default of a setting, and no bound.
        if (name !== 'LATENCY_MAX') expect(named, name).toContain(name)
      }
    }
  })

  test('names every setting, and no other', () => {
    expect(settings.length).toBeGreaterThan(50)
    const names = new Set(quoted(page))
    for (const key of settings) expect(names, key).toContain(key)
    const known = new Set([
      ...settings,
      ...keysOf('ExchangeTlsConfig'),
      'fixAcceptor',
      'fixInitiator',
      'checkLogon',
      'signLogon',
    ])
    for (const [, ours] of table("QuickFIX's settings, and ours")) {
      for (const name of quoted(ours!)) expect(known, name).toContain(name.replace(/: .*/, ''))
    }
    for (const [, ours] of table('Messages held to a dictionary')) {
      for (const name of quoted(ours!)) expect(keysOf('FixValidationConfig')).toContain(name)
    }
  })

  test('has every data type once', () => {
    const kinds = [...read('crates/wire/src/fix/dictionary/kind.rs').matchAll(/^ {4}\w+ = "(\w+)",$/gm)]
    const listed = table('Data types').flatMap(([types]) => quoted(types!))
    expect(kinds.length).toBeGreaterThan(30)
    expect(listed.sort()).toEqual(kinds.map(([, name]) => name).sort())
  })

  test('leads to files that are there', () => {
    for (const [, path] of page.matchAll(/\]\((\.\.\/[^)#]+|[\w-]+\.md)\)/g)) {
      expect(() =>
        readFileSync(
          fileURLToPath(new URL(`../docs/${path}${path!.endsWith('.md') ? '' : '/main.mjs'}`, import.meta.url)),
        ),
      ).not.toThrow()
    }
  })
})
