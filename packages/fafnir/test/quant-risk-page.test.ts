// docs/quant-risk.md names every function and type of its modules, and nothing that is not there.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

import { isCode } from '../src/errors.js'

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')
const page = read('docs/quant-risk.md')
const modules = [
  ...['risk', 'risk-backtest', 'risk-factor', 'risk-stress', 'volatility', 'cointegration', 'options', 'monte-carlo'],
  'monte-carlo-book',
]
const exported = modules.flatMap((name) =>
  [...read(`src/quant/${name}.ts`).matchAll(/^export (?:async )?(function|const|interface|type) (\w+)/gm)].map(
    ([, kind, word]) => ({ kind: kind!, word: word! }),
  ),
)
const named = new Set([...page.matchAll(/`([^`]+)`/g)].flatMap(([, text]) => text!.match(/\w+/g) ?? []))

test('every function is on the page, and every type that is no part of another', () => {
  const internal = ['bookSheets']
  const functions = exported.filter(({ kind }) => kind === 'function' || kind === 'const').map(({ word }) => word)
  expect(functions.length).toBeGreaterThan(30)
  expect(functions.filter((word) => !named.has(word) && !internal.includes(word))).toEqual([])
  // Options are told by their keys, and small words beside what they belong to.
  const types = exported.filter(({ kind }) => kind === 'interface' || kind === 'type').map(({ word }) => word)
  const beside = /Options$|^(Convention|TailLevel|Deterministic|Lags|VolatilityFilter|DrawdownEpisode)$/
  expect(types.filter((word) => !named.has(word) && !beside.test(word))).toEqual([])
})

test('what the page calls a function is one', () => {
  const rows = page.split('\n').filter((line) => /^\| `\w+` \| /.test(line))
  const words = rows.map((line) => /`(\w+)`/.exec(line)![1]!)
  const methods = [
    'historicalInterpolated',
    'historicalOrderStatistic',
    'historicalLossQuantile',
    'gaussian',
    'cornishFisher',
    'studentT',
  ]
  const known = new Set([...exported.map(({ word }) => word), ...methods])
  expect(words.filter((word) => !known.has(word) && !isCode(word))).toEqual([])
  expect(words.length).toBeGreaterThan(30)
})
