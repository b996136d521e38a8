import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, it, test } from 'vitest'

import { FafnirError } from '../errors.js'
import { firstPolicy, firstPolicyFile } from './first-policy.js'
import { firstQuestionnaire } from './first-questionnaire.js'
import { canonicalJson, contentHash, readJson } from './json.js'
import { checkPolicy, type Policy } from './policy.js'
import { checkQuestionnaire } from './questionnaire.js'

const packaged = fileURLToPath(new URL('../../policy.json', import.meta.url))
const reference = fileURLToPath(new URL('../../../../../shared/reference/policy.json', import.meta.url))

type Tree = Record<string, unknown>
const copy = (): Tree => JSON.parse(JSON.stringify(firstPolicyFile)) as Tree

/** The tree with one place set, or removed when the value is undefined. */
function changed(path: string, value: unknown): Tree {
  const tree = copy()
  const steps = path.split('.')
  const last = steps.pop()!
  const at = steps.reduce<Tree>((node, step) => node[step] as Tree, tree)
  if (value === undefined) delete at[last]
  else at[last] = value
  return tree
}

function refusal(content: unknown): { code: string; path: unknown } {
  try {
    checkPolicy(content)
  } catch (error) {
    if (error instanceof FafnirError) return { code: error.code, path: error.fields['path'] }
    throw error
  }
  throw new Error('accepted')
}

describe('the first policy', () => {
  it('is the shipped file: `fafnir advise --print-policy > packages/fafnir/policy.json` writes it', () => {
    expect(JSON.parse(readFileSync(packaged, 'utf8'))).toEqual(JSON.parse(JSON.stringify(firstPolicyFile)))
  })

  it('has the numbers of the reference', () => {
    if (!existsSync(reference)) return console.log('skipped: no ../shared/reference/policy.json here')
    expect(JSON.parse(JSON.stringify(firstPolicyFile))).toEqual(JSON.parse(readFileSync(reference, 'utf8')))
  })

  it('departs from no principle and does not change', () => {
    expect(firstPolicy().departures).toEqual([])
    expect(firstPolicy().version).toBe('2026-11-1')
    expect(firstPolicy().hash).toBe(contentHash(firstPolicyFile))
    expect(() => ((firstPolicy().file.buckets as number[])[0] = 1)).toThrow(TypeError)
  })

  it('has one hash, however it is laid out', () => {
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, item]) => [key, turned(item)]),
      )
    }
    expect(checkPolicy(turned(copy())).hash).toBe(firstPolicy().hash)
    expect(checkPolicy(changed('hysteresisPoints', 4)).hash).not.toBe(firstPolicy().hash)
  })
})

describe('a policy that is refused names the place', () => {
  const holes = [
    ...['version', 'capacity', 'tolerance', 'flags', 'buckets', 'matrix', 'acknowledgement', 'hysteresisPoints'],
    ...['variants', 'capacity.weights.netWorthYears', 'capacity.knots.horizonYears', 'capacity.ceilings'],
    ...['capacity.lowestPartPlus', 'tolerance.items', 'tolerance.knots', 'tolerance.behaviour', 'tolerance.quizWeight'],
    ...['tolerance.behaviourMayRaise', 'flags.framingReversal', 'flags.blocksAt', 'flags.lowersBucketAt'],
    ...['flags.selfImageAgainstChoice.items', 'flags.quizAgainstBehaviour.bucketGapAtLeast', 'acknowledgement.cells'],
    ...['acknowledgement.otherwise', 'variants.B', 'variants.A.weights', 'capacity.ceilings.0.when'],
  ]
  test.each(holes)('a hole at %s', (path) => {
    expect(refusal(changed(path, undefined))).toEqual({ code: 'POLICY_INVALID', path })
  })

  const wrong: readonly (readonly [path: string, value: unknown, named?: string])[] = [
    ['version', ''],
    ['version', 3],
    ['surprise', 1],
    ['capacity.weights.horizonYears', 0.36, 'capacity.weights'],
    ['capacity.weights.horizonYears', Number.NaN],
    ['capacity.weights.luck', 0.1],
    ['capacity.knots.horizonYears.2.0', 3],
    ['capacity.knots.horizonYears.2.1', 10],
    ['capacity.knots.debtServiceRatio.2.1', 90],
    ['capacity.knots.liquidityMonths', [[0, 0]]],
    ['capacity.knots.liquidityMonths.1', [3]],
    ['capacity.knots.liquidityMonths.1.1', '40'],
    ['capacity.knots.netWorthYears.3.1', 101],
    ['capacity.ceilings.1.max', -1],
    ['capacity.ceilings.1.when', {}],
    ['capacity.ceilings.1.when.horizonYears', {}],
    ['capacity.ceilings.1.when.luck', { below: 1 }],
    ['capacity.ceilings.0.when.horizonYears.near', 3],
    ['tolerance.items', {}],
    ['tolerance.items.3.b', null],
    ['tolerance.items.3', {}],
    ['tolerance.items.9.a', Number.POSITIVE_INFINITY],
    ['tolerance.knots.2.0', 18],
    ['tolerance.knots.2.1', 19],
    ['tolerance.behaviour.held', 101],
    ['tolerance.quizWeight', 0.6, 'tolerance.behaviourWeight'],
    ['tolerance.behaviourMayRaise', 'no'],
    ['flags.selfImageAgainstChoice.items', ['1', '14'], 'flags.selfImageAgainstChoice.items.1'],
    ['flags.framingReversal.gainItem', '99'],
    ['flags.framingReversal.sureGain', 2],
    ['flags.quizAgainstBehaviour.bucketGapAtLeast', 0.5],
    ['flags.quizAgainstBehaviour.bucketGapAtMost', 1],
    ['flags.blocksAt', 0],
    ['flags.another', null],
    ['buckets', []],
    ['buckets.2', 40],
    ['buckets.0', 0],
    ['matrix.2', 'DBSS'],
    ['matrix.2', 'DBSSX', 'matrix.2.4'],
    ['matrix', ['DDDDD', 'DDDDD', 'DBSSS', 'BBSAA']],
    ['matrix.4', undefined],
    ['acknowledgement.cells.0', [4, 6], 'acknowledgement.cells.0.1'],
    ['acknowledgement.otherwise', 'X'],
    ['hysteresisPoints', -1],
    ['variants.X', { name: 'x', weights: {} }],
    ['variants.S.weights.gold', 21, 'variants.S.weights'],
    ['variants.S.weights.bitcoin', 0],
    ['variants.S.weights.gold', -20],
    ['variants.S.weights.gold', Number.NaN],
  ]
  test.each(wrong.map(([path, value, named]) => ({ path, value, named: named ?? path })))('$path = $value', (row) => {
    expect(refusal(changed(row.path, row.value))).toEqual({ code: 'POLICY_INVALID', path: row.named })
  })

  test.each([null, [], 'text', 5, undefined])('no object at all: %j', (content) => {
    expect(refusal(content).code).toBe('POLICY_INVALID')
  })
})

describe('a policy that departs from the principles says so', () => {
  const departures = (path: string, value: unknown): readonly string[] => checkPolicy(changed(path, value)).departures
  it('cell by cell', () => {
    expect(departures('matrix.2', 'DBBSS')).toEqual([
      'Tolerance above capacity raises the risk at row 3, column 4 of the matrix.',
      'Tolerance above capacity raises the risk at row 3, column 5 of the matrix.',
    ])
    expect(departures('matrix.4', 'BBSSA')).toEqual(['More capacity lowers the risk at row 5, column 4 of the matrix.'])
    expect(departures('matrix.4', 'BBSAS')).toEqual([
      'More capacity lowers the risk at row 5, column 5 of the matrix.',
      'More tolerance lowers the risk at row 5, column 5 of the matrix.',
    ])
  })
  it('for the acknowledgement', () => {
    expect(departures('acknowledgement.cells', [[5, 1]])).toContain(
      'A variant above the stated tolerance needs no acknowledgement at row 4, column 1 of the matrix.',
    )
    const riskier = departures('acknowledgement.otherwise', 'A')
    expect(riskier).toContain(
      'Without the acknowledgement the risk is higher than with it at row 4, column 1 of the matrix.',
    )
    expect(riskier).toContain(
      'Without the acknowledgement the risk is higher than with it at row 5, column 1 of the matrix.',
    )
  })
  it('for behaviour, flags and ceilings', () => {
    expect(departures('tolerance.behaviourMayRaise', true)).toHaveLength(1)
    expect(departures('flags.lowersBucketAt', 2)).toHaveLength(1)
    expect(departures('flags.blocksAt', 3)).toHaveLength(1)
    expect(departures('capacity.ceilings.0.when', { horizonYears: { above: 30 } })).toHaveLength(1)
    expect(departures('capacity.ceilings.0.when', { debtServiceRatio: { below: 0.1 } })).toHaveLength(1)
  })
})

describe('the questionnaire', () => {
  const accepted = (content: unknown, policy: Policy = firstPolicy()): unknown => {
    try {
      return checkQuestionnaire(content, policy).name
    } catch (error) {
      return (error as FafnirError).fields['path']
    }
  }
  const questions = firstQuestionnaire.questions
  it('has every item and choice of the policy, once', () => {
    expect(accepted(firstQuestionnaire)).toBe(firstQuestionnaire.name)
    expect(accepted({ ...firstQuestionnaire, questions: questions.slice(1) })).toBe('questions.1')
    expect(accepted({ ...firstQuestionnaire, questions: [...questions, questions[0]] })).toBe('questions.1')
    const shorter = { ...questions[0]!, choices: questions[0]!.choices.slice(1) }
    expect(accepted({ ...firstQuestionnaire, questions: [shorter, ...questions.slice(1)] })).toBe(
      'questions.0.choices.a',
    )
    expect(accepted({ ...firstQuestionnaire, behaviour: { text: 'x', choices: [] } })).toBe('behaviour.choices')
  })
  it('may be another one, with a policy of its own', () => {
    const policy = checkPolicy({
      ...copy(),
      tolerance: { ...(copy()['tolerance'] as Tree), items: { mood: { low: 1, high: 5 } }, behaviour: { none: 0 } },
      flags: {
        selfImageAgainstChoice: null,
        framingReversal: null,
        quizAgainstBehaviour: null,
        lowersBucketAt: 1,
        blocksAt: 2,
      },
    })
    const other = {
      name: 'one question',
      questions: [
        {
          item: 'mood',
          text: '?',
          choices: [
            { choice: 'high', text: 'h' },
            { choice: 'low', text: 'l' },
          ],
        },
      ],
      behaviour: { text: '?', choices: [{ choice: 'none', text: 'n' }] },
    }
    expect(accepted(other, policy)).toBe('one question')
    expect(accepted(firstQuestionnaire, policy)).toBe('questions.0.item')
  })
})

describe('JSON', () => {
  it('is canonical as RFC 8785 has it', () => {
    // The examples of section 3.2.3 and of appendix B.
    const example = {
      '\u20ac': 'Euro',
      '\r': 'CR',
      '\ufb33': 'Dalet',
      '1': 'One',
      '\u{1f600}': 'Smile',
      '\u0080': 'Control',
      ö: 'o',
    }
    expect(canonicalJson(example)).toBe(
      '{"\\r":"CR","1":"One","\u0080":"Control","ö":"o","\u20ac":"Euro","\u{1f600}":"Smile","\ufb33":"Dalet"}',
    )
    expect(canonicalJson([333333333.33333329, 1e30, 4.5, 2e-3, 1e-27, -0])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
    )
    expect(canonicalJson({ b: [true, null, 'a"\n'], a: undefined })).toBe('{"b":[true,null,"a\\"\\n"]}')
    for (const bad of [Number.NaN, Infinity, () => 1, 1n, { a: Symbol('x') }]) {
      expect(() => canonicalJson(bad)).toThrow(TypeError)
    }
  })

  it('with a key given twice is refused with its path', () => {
    const problem = (text: string): unknown => {
      const read = readJson(text)
      return 'problem' in read ? (read.problem.key ?? read.problem.what) : read.value
    }
    expect(problem('{"a":1,"b":{"x":[{"k":1},{"k":1,"k":2}]}}')).toBe('b.x.1.k')
    expect(problem('{"a":{"1":"a","1":"b"}}')).toBe('a.1')
    expect(problem('{"a":1,"\\u0061":2}')).toBe('a')
    expect(problem('{"a":"a:","b":["a","a",{"a":"{\\"a\\":1,"}],"c":{"a":1}}')).toEqual({
      a: 'a:',
      b: ['a', 'a', { a: '{"a":1,' }],
      c: { a: 1 },
    })
    expect(problem(`{"a":"${'\\\\x'.repeat(2_000_000)}","b":1,"b":2}`)).toBe('b')
    expect(problem('{"a":')).toMatch(/^not JSON/)
    expect(problem('{"salary":12x}')).not.toContain('12x')
  })
})
