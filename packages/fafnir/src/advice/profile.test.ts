import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, it, test } from 'vitest'

import { oracle } from '../../test/advice-oracle.js'
import { variants } from '../allocator/variants.js'
import { firstPolicy, firstPolicyFile } from './first-policy.js'
import { contentHash } from './json.js'
import { loadCases, type IntakeCase } from './case.js'
import { checkPolicy, type PolicyFile } from './policy.js'
import { caseResult, profileOf, resultOf, type CaseResult, type Profile } from './profile.js'

const policy = firstPolicy()
const reference = fileURLToPath(new URL('../../../../../shared/reference/policy-cases.json', import.meta.url))

/** Measures that come to a bucket of capacity, by hand from the policy; bucket 1 is the first. */
const CAPACITY = [
  { horizonYears: 2, liquidityMonths: 12, netWorthYears: 15, debtServiceRatio: 0 },
  { horizonYears: 20, liquidityMonths: 2, netWorthYears: 15, debtServiceRatio: 0 },
  { horizonYears: 4, liquidityMonths: 12, netWorthYears: 15, debtServiceRatio: 0 },
  { horizonYears: 10, liquidityMonths: 6, netWorthYears: 5, debtServiceRatio: 0.2 },
  { horizonYears: 20, liquidityMonths: 12, netWorthYears: 15, debtServiceRatio: 0 },
] as const
/** Choices of the 13 items that come to a bucket of tolerance without a flag: 13, 21, 25, 29 and 39 points. */
const TOLERANCE = ['daaaaaaaaaaaa', 'dccaaaccaaaaa', 'dccaaaccaacac', 'bbbbbbbbbbbbb', 'bcccccccbbccc'] as const

function answers(choices: string): Record<string, string> {
  return Object.fromEntries([...choices].map((choice, n) => [String(n + 1), choice]))
}

function person(row: number, column: number, more: Partial<IntakeCase> = {}): IntakeCase {
  return { ...CAPACITY[row - 1]!, answers: answers(TOLERANCE[column - 1]!), ...more }
}

const profile = (row: number, column: number, more: Partial<IntakeCase> = {}): Profile =>
  profileOf(policy, person(row, column, more))

function near(found: CaseResult, wanted: CaseResult): void {
  const numbers = (result: CaseResult): number[] => [
    ...[result.capacity, result.raw, result.quiz, result.tolerance],
    ...Object.values(result.parts),
  ]
  for (const [n, value] of numbers(found).entries()) expect(Math.abs(value - numbers(wanted)[n]!)).toBeLessThan(1e-9)
  const rest = (result: CaseResult): object => ({ ...result, capacity: 0, raw: 0, quiz: 0, tolerance: 0, parts: 0 })
  expect(rest(found)).toEqual(rest(wanted))
  expect(Object.keys(found)).toEqual(Object.keys(wanted))
  expect(Object.keys(found.parts)).toEqual(Object.keys(wanted.parts))
}

describe('the reference cases', () => {
  it('are met, scores to 1e-9 and the rest exactly', () => {
    if (!existsSync(reference)) return console.log('skipped: no ../shared/reference/policy-cases.json here')
    const wanted = JSON.parse(readFileSync(reference, 'utf8')) as { case: IntakeCase; expected: CaseResult }[]
    const { list, cases } = loadCases(reference, policy)
    expect(list).toBe(true)
    expect(cases).toHaveLength(wanted.length)
    expect(wanted.length).toBeGreaterThan(11)
    for (const [n, { expected, case: own }] of wanted.entries()) {
      near(caseResult(profileOf(policy, cases[n]!)), expected)
      near(resultOf(policy, own), expected)
      near(oracle(firstPolicyFile, own), expected)
    }
  })
})

describe('scores', () => {
  it('by hand', () => {
    // Parts 70, 70, 60, 80: 24.5 + 17.5 + 12 + 16; 29 points are an eighth of the way from 60 to 80.
    const found = profile(4, 4)
    expect(found.capacity).toEqual({
      score: 70,
      parts: { horizonYears: 70, liquidityMonths: 70, netWorthYears: 60, debtServiceRatio: 80 },
      weightedSum: 70,
      lowestPartPlus: 100,
      ceilings: [],
      limit: 'weightedSum',
    })
    expect(found.tolerance).toEqual({ score: 62.5, raw: 29, quiz: 62.5, behaviour: null })
    expect(found.variant).toBe('A')
    expect(found.weights).toEqual(variants.aggressive.percents)
    // 0.7 × 62.5 + 0.3 × 25.
    expect(profile(4, 4, { behaviour: 'soldPart' }).tolerance.score).toBe(51.25)
  })

  it('caps dominate the sum', () => {
    const rich = CAPACITY[4]
    expect(profileOf(policy, { ...person(5, 5), horizonYears: 2.99 }).capacity).toMatchObject({
      score: 19.99,
      limit: 'ceiling',
      ceilings: [{ index: 0 }, { index: 4 }],
    })
    expect(profileOf(policy, { ...person(5, 5), ...rich, netWorthYears: -0.01 }).capacity.score).toBe(19.99)
    expect(profileOf(policy, { ...person(5, 5), ...rich, debtServiceRatio: 0.51 }).capacity.score).toBe(19.99)
    // At one half exactly the ceiling does not hold, and the part is 0.
    expect(profileOf(policy, { ...person(5, 5), ...rich, debtServiceRatio: 0.5 }).capacity).toMatchObject({
      score: 40,
      limit: 'lowestPart',
    })
    expect(profileOf(policy, { ...person(5, 5), ...rich, liquidityMonths: 3 }).capacity).toMatchObject({
      score: 80,
      weightedSum: 85,
      limit: 'lowestPart',
    })
  })

  it('meet edges exactly: a score at an edge is in the upper bucket, in spite of binary fractions', () => {
    const flat = (part: number): PolicyFile['capacity']['knots'] => ({
      horizonYears: [
        [0, part],
        [1, part],
      ],
      liquidityMonths: [
        [0, part],
        [1, part],
      ],
      netWorthYears: [
        [0, part],
        [1, part],
      ],
      debtServiceRatio: [
        [0, part],
        [1, part],
      ],
    })
    for (const [part, bucket] of [
      // 0.35, 0.25, 0.2 and 0.2 of 25.2 add up to 25.199999999999996 in doubles.
      [25.2, 3],
      [25.199999, 2],
      [25.3, 3],
    ] as const) {
      const file = {
        ...firstPolicyFile,
        buckets: [20, 25.2, 99, 100],
        capacity: { ...firstPolicyFile.capacity, ceilings: [], knots: flat(part) },
      }
      expect(resultOf(checkPolicy(file), person(5, 5)).capacityBucket, String(part)).toBe(bucket)
    }
  })
})

describe('the matrix', () => {
  const LETTERS = ['DDDDD', 'DDDDD', 'DBSSS', 'BBSAA', 'BBSAA']
  const cells = LETTERS.flatMap((row, r) => [...row].map((letter, c) => ({ row: r + 1, column: c + 1, letter })))
  test.each(cells)('row $row, column $column is $letter', ({ row, column, letter }) => {
    const found = profile(row, column, { acknowledged: true })
    const asked = column === 1 && row >= 4
    expect(found.cell).toEqual({ row, column, letter })
    expect(found).toMatchObject({ status: 'issued', flags: [], variant: letter, override: column > row })
    expect(found.acknowledgement).toBe(asked ? 'given' : 'notNeeded')
    const without = profile(row, column)
    expect(without.variant).toBe(asked ? 'D' : letter)
    expect(without.acknowledgement).toBe(asked ? 'needed' : 'notNeeded')
    expect(found.weights).toEqual(policy.file.variants[letter as 'D'].weights)
  })

  it('is told with its reason', () => {
    const said = (found: Profile): string => found.explanation.join('\n')
    expect(said(profile(1, 5))).toContain(profile(1, 5).overrideReason)
    expect(profile(1, 5).overrideReason).toContain('You want to bear more (level 5) than you can (level 1).')
    expect(profile(5, 5).overrideReason).toBeNull()
    expect(said(profile(5, 2))).toContain('You could bear more than you want. What you want decides')
    expect(said(profile(2, 1))).not.toContain('You could bear more')
    expect(said(profile(1, 5))).toContain('at most 19.99, because of time until the money is needed below 3 years')
    expect(said(profile(5, 1))).toContain('needs your written acknowledgement; without it the allocation is defensive')
    expect(said(profile(5, 1, { acknowledged: true }))).toContain('you have acknowledged it in writing')
    expect(said(profile(3, 3))).toContain('20 % secular equities, 20 % long-duration treasuries, 20 % gold')
    expect(profile(3, 3).disclosures.join('\n')).toContain('Long volatility costs money in most years')
    expect(profile(1, 1).disclosures.join('\n')).not.toContain('Long volatility')
  })
})

describe('flags', () => {
  const framed = 'bbbbbbbbabbbb'
  it('lower tolerance by one bucket in all, and never raise risk', () => {
    // 27 points: 55; one flag.
    const one = profile(4, 4, { answers: answers(framed) })
    expect(one).toMatchObject({ flags: ['framingReversal'], toleranceBucket: 2, status: 'issued', variant: 'B' })
    const lowest = profile(5, 1, { behaviour: 'added' })
    expect(lowest).toMatchObject({ flags: ['quizAgainstBehaviour'], toleranceBucket: 1, variant: 'D' })
  })
  it('block when there are two, until a review', () => {
    const two = { answers: answers(framed), behaviour: 'soldAll' }
    const blocked = profile(4, 4, two)
    expect(blocked).toMatchObject({ status: 'blocked', variant: null, weights: null, override: false, phases: [] })
    expect(blocked.flags).toEqual(['framingReversal', 'quizAgainstBehaviour'])
    // 0.7 × 55 is bucket 2, lowered once.
    expect(blocked.toleranceBucket).toBe(1)
    expect(blocked.explanation.join('\n')).toContain('no allocation is given until')
    const review = { by: 'adviser 7', reason: 'sold all to buy a house' }
    const lifted = profile(4, 4, { ...two, review })
    expect(lifted).toMatchObject({ status: 'issued', variant: 'D', toleranceBucket: 1, review })
  })
  it('hold the self-image against the choice, scaled', () => {
    // Items 1 and 6 at 4 and 1 of 4, then 2 and 4 of 4: gaps of 1 and 2/3; 3 and 1: 2/3; 3 and 2: 1/3.
    const flagged = (first: string, sixth: string): boolean =>
      profile(3, 3, { answers: { ...answers(TOLERANCE[3]), 1: first, 6: sixth } }).flags.length === 1
    expect(flagged('a', 'a')).toBe(true)
    expect(flagged('c', 'd')).toBe(true)
    expect(flagged('b', 'a')).toBe(true)
    expect(flagged('b', 'b')).toBe(false)
    expect(flagged('d', 'b')).toBe(false)
  })
  it('compare scaled items exactly: a gap of three fifths is not above 0.6', () => {
    const six = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 }
    const { tolerance } = firstPolicyFile
    const other = checkPolicy({
      ...firstPolicyFile,
      tolerance: { ...tolerance, items: { ...tolerance.items, 1: six, 6: six } },
    })
    const flags = (first: string, sixth: string): readonly string[] =>
      resultOf(other, person(3, 3, { answers: { ...answers(TOLERANCE[2]), 1: first, 6: sixth } })).flags
    for (const [first, sixth] of [
      ['e', 'b'],
      ['d', 'a'],
      ['f', 'c'],
      ['b', 'e'],
    ] as const) {
      expect(flags(first, sixth), first + sixth).toEqual([])
    }
    expect(flags('f', 'b')).toEqual(['selfImageAgainstChoice'])
  })
})

/** A policy in which capacity is the horizon in years and tolerance the points of one item. */
const plain = checkPolicy({
  ...firstPolicyFile,
  capacity: {
    weights: { horizonYears: 1, liquidityMonths: 0, netWorthYears: 0, debtServiceRatio: 0 },
    knots: {
      horizonYears: [
        [0, 0],
        [100, 100],
      ],
      liquidityMonths: [
        [0, 100],
        [1, 100],
      ],
      netWorthYears: [
        [0, 100],
        [1, 100],
      ],
      debtServiceRatio: [
        [0, 100],
        [1, 100],
      ],
    },
    ceilings: [{ when: { liquidityMonths: { below: 3 } }, max: 39.99 }],
    lowestPartPlus: 100,
  },
  tolerance: {
    ...firstPolicyFile.tolerance,
    items: { x: Object.fromEntries([0, 17, 17.5, 20, 22.5, 23, 45, 60, 63, 77, 77.5, 90].map((p, n) => [`c${n}`, p])) },
    knots: [
      [0, 0],
      [100, 100],
    ],
  },
  flags: { ...firstPolicyFile.flags, selfImageAgainstChoice: null, framingReversal: null },
})

function plainCase(capacity: number, tolerance: number, more: Partial<IntakeCase> = {}): IntakeCase {
  const choices = Object.entries(plain.file.tolerance.items['x']!)
  const choice = choices.find(([, points]) => points === tolerance)![0]
  return { ...CAPACITY[4], horizonYears: capacity, answers: { x: choice }, ...more }
}

describe('a re-profile', () => {
  // From a bucket, at a score, to a bucket: edges at 20, 40, 60, 80 and 3 points.
  const moves = [
    [1, 17, 1],
    [1, 20, 1],
    [1, 22.5, 1],
    [1, 23, 2],
    [1, 42, 2],
    [1, 43, 3],
    [1, 90, 5],
    [1, 82, 4],
    [2, 17, 1],
    [2, 17.5, 2],
    [2, 20, 2],
    [2, 40, 2],
    [2, 42.9, 2],
    [2, 43, 3],
    [3, 0, 1],
    [3, 17.5, 2],
    [3, 37, 2],
    [3, 37.1, 3],
    [3, 62.9, 3],
    [3, 63, 4],
    [5, 77, 4],
    [5, 77.1, 5],
    [5, 80, 5],
    [5, 38, 3],
    [5, 37, 2],
    [5, 18, 2],
    [5, 17, 1],
  ] as const
  test.each(moves)('of capacity from bucket %d at %d goes to %d', (prior, score, wanted) => {
    const intake = plainCase(score, 45, { prior: { capacityBucket: prior, toleranceBucket: 3 } })
    const found = profileOf(plain, intake)
    expect(found.capacityBucket).toBe(wanted)
    const stays = wanted !== resultOf(plain, plainCase(score, 45)).capacityBucket
    expect(found.explanation.some((text) => text.includes('The level of capacity stays as it was'))).toBe(stays)
  })
  const wanted = [
    [1, 17, 1],
    [1, 22.5, 1],
    [1, 23, 2],
    [2, 17.5, 2],
    [2, 17, 1],
    [3, 63, 4],
    [5, 77.5, 5],
    [5, 77, 4],
  ] as const
  test.each(wanted)('of tolerance from bucket %d at %d goes to %d', (prior, score, bucket) => {
    const intake = plainCase(90, score, { prior: { capacityBucket: 5, toleranceBucket: prior } })
    expect(profileOf(plain, intake).toleranceBucket).toBe(bucket)
    expect(profileOf(plain, intake).standing.toleranceBucket).toBe(bucket)
  })

  it('never keeps a client above a ceiling that holds', () => {
    // 39.99 is within 3 points of the edge, but cash for less than 3 months is a fact.
    const intake = plainCase(60, 45, { liquidityMonths: 2, prior: { capacityBucket: 3, toleranceBucket: 3 } })
    expect(profileOf(plain, intake)).toMatchObject({ capacityBucket: 2, variant: 'D' })
  })

  it('does not lower twice for the flags of an earlier day', () => {
    const flagged = plainCase(90, 90, { behaviour: 'held' })
    const first = profileOf(plain, flagged)
    expect(first).toMatchObject({ flags: [], toleranceBucket: 5 })
    const day = plainCase(90, 90, { behaviour: 'soldPart' })
    const one = profileOf(plain, day)
    expect(one).toMatchObject({ flags: ['quizAgainstBehaviour'], toleranceBucket: 3, standing: { toleranceBucket: 4 } })
    const again = profileOf(plain, { ...day, prior: one.standing })
    expect(again).toMatchObject({ toleranceBucket: 3, standing: { toleranceBucket: 4 } })
  })

  it('of more than one step is phased over three rebalances', () => {
    const from = (variant: 'D' | 'B' | 'S' | 'A' | null): Profile =>
      profile(4, 4, { prior: { capacityBucket: 4, toleranceBucket: 4, variant } })
    expect(from('A').phases).toEqual([])
    expect(from('S').phases).toEqual([])
    expect(from(null).phases).toEqual([])
    expect(from('S').explanation.join()).toContain('You move from standard to aggressive, in one rebalance.')
    // Balanced to Aggressive: equity 15 to 30, short-term 20 to 0, trend 15 to 25, volatility 10 to 15, cash 10 to 0.
    const { phases, weights } = from('B')
    expect(phases).toHaveLength(3)
    expect(phases.map(({ rebalance }) => rebalance)).toEqual([1, 2, 3])
    expect(phases[0]!.weights).toEqual({
      equity: 20,
      longTreasuries: 10,
      tipsShortTerm: 13.33,
      gold: 20,
      commodityTrend: 18.33,
      longVolatility: 11.67,
      cash: 6.67,
    })
    expect(phases[2]!.weights).toEqual(weights)
    for (const name of ['D', 'B'] as const) {
      for (const phase of from(name).phases) {
        const sum = Object.values(phase.weights).reduce((total, weight) => total + Math.round(weight * 100), 0)
        expect(sum).toBe(10_000)
      }
    }
    expect(from('D').explanation.join()).toContain(
      'You move from defensive to aggressive; because that is more than one',
    )
  })

  it('of a blocked client changes nothing that is held', () => {
    const prior = { capacityBucket: 4, toleranceBucket: 4, variant: 'S' } as const
    const more = { answers: answers('bbbbbbbbabbbb'), behaviour: 'soldAll', prior }
    expect(profile(4, 4, more)).toMatchObject({ variant: null, phases: [], standing: { variant: 'S' } })
  })
})

describe('the glide path', () => {
  it('shows what time alone does, as re-profiles would', () => {
    // From 10 years the part of the horizon falls from 70, and below 5 and 3 years ceilings hold.
    const found = profile(4, 4)
    expect(found.glidePath[0]).toEqual({
      inYears: 0,
      horizonYears: 10,
      capacity: 70,
      capacityBucket: 4,
      variant: 'A',
    })
    // 45.5 + 0.35 × part: the edge at 60 is passed by 3 points below a part of 32.9, first at 4 years: a part of 30.
    expect(
      found.glidePath.slice(1).map(({ inYears, capacityBucket, variant }) => [inYears, capacityBucket, variant]),
    ).toEqual([
      [6, 3, 'S'],
      [8, 1, 'D'],
    ])
    expect(found.explanation.join()).toContain('the allocation becomes standard in 6 years')
  })
  it('is bounded', () => {
    expect(profile(5, 5, { horizonYears: 1e9 }).glidePath).toHaveLength(1)
    expect(profile(5, 5, { horizonYears: 0 }).glidePath).toHaveLength(1)
  })
})

describe('hashes', () => {
  it('are of the content: same case and policy, same hash; another of either, another', () => {
    const first = profile(3, 3)
    const again = profileOf(
      checkPolicy(JSON.parse(JSON.stringify(firstPolicyFile))),
      JSON.parse(JSON.stringify(person(3, 3))),
    )
    expect(again.contentHash).toBe(first.contentHash)
    expect(again).toEqual(first)
    const { contentHash: own, ...words } = first
    expect(own).toBe(contentHash({ case: person(3, 3), profile: words }))
    expect(profile(3, 4).contentHash).not.toBe(own)
    const renamed = checkPolicy({ ...firstPolicyFile, version: 'mine-1' })
    expect(profileOf(renamed, person(3, 3)).contentHash).not.toBe(own)
    expect(first.policy).toEqual({ version: '2026-11-1', hash: policy.hash })
  })
})

describe('another policy', () => {
  it('changes the outcome without a line of code', () => {
    const file: PolicyFile = {
      ...firstPolicyFile,
      version: 'mine-1',
      matrix: ['DDDDD', 'DDDDD', 'DBBBB', 'BBSAA', 'BBSAA'],
      variants: { ...firstPolicyFile.variants, B: { name: 'middle', weights: { equity: 50, cash: 50 } } },
    }
    const found = profileOf(checkPolicy(file), person(3, 3))
    expect(found).toMatchObject({ variant: 'B', variantName: 'middle', weights: { equity: 50, cash: 50 } })
    expect(found.disclosures.join()).toContain('Grable')
    const { tolerance } = file
    const other = checkPolicy({
      ...file,
      tolerance: { ...tolerance, items: { ...tolerance.items, 2: { a: 1, c: 4 } } },
    })
    expect(profileOf(other, person(3, 3)).disclosures.join()).not.toContain('Grable')
  })
})
