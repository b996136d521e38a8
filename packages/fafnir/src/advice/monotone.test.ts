// Random cases and pairs of them: against the second reading of the policy, and for the order that must hold.
// FAFNIR_LONG=1: a million pairs.
import { describe, expect, it } from 'vitest'

import { oracle } from '../../test/advice-oracle.js'
import type { IntakeCase } from './case.js'
import { firstPolicy, firstPolicyFile } from './first-policy.js'
import { MEASURES, VARIANT_LETTERS, checkPolicy, type Measure, type Policy, type PolicyFile } from './policy.js'
import { caseResult, profileOf, resultOf, type CaseResult } from './profile.js'

const long = process.env['FAFNIR_LONG'] !== undefined
const PAIRS = long ? 1_000_000 : 5_000
const CASES = long ? 200_000 : 2_000
const POLICIES = long ? 2_000 : 30
const SEED = 20_261_122
const MINUTES = 60_000

/** SplitMix32: the 64-bit one of the Rust tests is slow here. */
class Random {
  private state: number
  constructor(seed: number) {
    this.state = seed
  }
  unit(): number {
    this.state = (this.state + 0x9e3779b9) | 0
    let z = Math.imul(this.state ^ (this.state >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return ((z ^ (z >>> 16)) >>> 0) / 4_294_967_296
  }
  below(bound: number): number {
    return Math.floor(this.unit() * bound)
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }
}

/** Half of the measures lie on knots and edges, where things change. */
const SPAN: Readonly<Record<Measure, { low: number; high: number; marks: readonly number[] }>> = {
  horizonYears: { low: 0, high: 30, marks: [0, 2.99, 3, 4.99, 5, 10, 20] },
  liquidityMonths: { low: 0, high: 15, marks: [0, 2.99, 3, 6, 12] },
  netWorthYears: { low: -3, high: 18, marks: [-0.01, 0, 0.99, 1, 5, 15] },
  debtServiceRatio: { low: 0, high: 0.7, marks: [0, 0.2, 0.36, 0.5, 0.51] },
}

function measure(random: Random, name: Measure): number {
  const { low, high, marks } = SPAN[name]
  if (random.unit() < 0.4) return random.pick(marks)
  return Math.round((low + random.unit() * (high - low)) * 100) / 100
}

function randomCase(random: Random, file: PolicyFile): IntakeCase {
  const answers = Object.entries(file.tolerance.items).map(([id, choices]) => [id, random.pick(Object.keys(choices))])
  const behaviour = random.pick([undefined, ...Object.keys(file.tolerance.behaviour)])
  return {
    ...(Object.fromEntries(MEASURES.map((name) => [name, measure(random, name)])) as Record<Measure, number>),
    answers: Object.fromEntries(answers) as Record<string, string>,
    ...(behaviour === undefined ? {} : { behaviour }),
    ...(random.unit() < 0.5 ? { acknowledged: random.unit() < 0.5 } : {}),
  }
}

const risk = (result: CaseResult): number => (result.variant === null ? -1 : VARIANT_LETTERS.indexOf(result.variant))

function agree(found: CaseResult, wanted: CaseResult, seen: () => string): void {
  const close = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9
  const numbers = (['capacity', 'raw', 'quiz', 'tolerance'] as const).every((key) => close(found[key], wanted[key]))
  const parts = MEASURES.every((name) => close(found.parts[name], wanted.parts[name]))
  const words = (result: CaseResult): string => {
    const { flags, capacityBucket, toleranceBucket, variant, override } = result
    return JSON.stringify([flags, capacityBucket, toleranceBucket, variant, override])
  }
  if (!numbers || !parts || words(found) !== words(wanted)) expect(found, seen()).toEqual(wanted)
}

/** Another policy in the same form: its numbers, matrix, edges and items are random. */
function randomPolicy(random: Random): PolicyFile {
  const shares = (count: number, whole: number): number[] => {
    const cuts = Array.from({ length: count - 1 }, () => random.below(whole + 1)).sort((a, b) => a - b)
    return [...cuts, whole].map((cut, n) => cut - (cuts[n - 1] ?? 0))
  }
  const knots = (high: number, falling: boolean): [number, number][] => {
    const xs = [...new Set(Array.from({ length: 2 + random.below(4) }, () => random.below(high * 100) / 100))]
    if (xs.length < 2) xs.push(high, high + 1)
    const ys = xs.map(() => random.below(1_001) / 10).sort((a, b) => (falling ? b - a : a - b))
    return xs.sort((a, b) => a - b).map((x, n) => [x, ys[n]!])
  }
  const [w1, w2, w3, w4] = shares(4, 100).map((share) => share / 100)
  const quiz = random.below(101)
  const size = 2 + random.below(5)
  const edges = [...new Set(Array.from({ length: size - 1 }, () => 1 + random.below(99)))].sort((a, b) => a - b)
  const cells = edges.length + 1
  const items = Object.fromEntries(
    Array.from({ length: 10 + random.below(8) }, (_, n) => {
      const choices = Array.from({ length: 2 + random.below(4) }, (_, m) => ['abcdef'[m]!, 1 + m])
      return [String(n + 1), Object.fromEntries(choices) as Record<string, number>]
    }),
  )
  const letter = (): 'D' | 'B' | 'S' | 'A' => random.pick(VARIANT_LETTERS)
  const { acknowledgement, flags, capacity, tolerance } = firstPolicyFile
  return {
    ...firstPolicyFile,
    version: `random-${random.below(1e9)}`,
    capacity: {
      weights: { horizonYears: w1!, liquidityMonths: w2!, netWorthYears: w3!, debtServiceRatio: w4! },
      knots: {
        horizonYears: knots(25, false),
        liquidityMonths: knots(12, false),
        netWorthYears: knots(15, false),
        debtServiceRatio: knots(1, true),
      },
      ceilings: capacity.ceilings
        .filter(() => random.unit() < 0.5)
        .map((each) => ({ ...each, max: random.below(100) })),
      lowestPartPlus: random.below(101),
    },
    tolerance: {
      ...tolerance,
      items,
      knots: knots(60, false),
      quizWeight: quiz / 100,
      behaviourWeight: (100 - quiz) / 100,
    },
    flags: {
      ...flags,
      selfImageAgainstChoice: { items: ['1', '2'], scaledGapAbove: random.below(11) / 10 },
      framingReversal: { gainItem: '3', lossItem: '4', sureGain: 1, riskyLoss: 2 },
      lowersBucketAt: 1 + random.below(3),
      blocksAt: 1 + random.below(4),
    },
    buckets: edges,
    matrix: Array.from({ length: cells }, () => Array.from({ length: cells }, letter).join('')),
    acknowledgement: {
      ...acknowledgement,
      cells: [[1 + random.below(cells), 1 + random.below(cells)]],
      otherwise: letter(),
    },
  }
}

describe('against a second reading', () => {
  it(
    `${CASES} random cases of the first policy`,
    () => {
      const random = new Random(SEED)
      const policy = firstPolicy()
      for (let n = 0; n < CASES; n += 1) {
        const intake = randomCase(random, policy.file)
        const seen = (): string => `seed ${SEED}, case ${n}: ${JSON.stringify(intake)}`
        const found = resultOf(policy, intake)
        agree(found, oracle(policy.file, intake), seen)
        if (n % 50 === 0) expect(caseResult(profileOf(policy, intake)), seen()).toEqual(found)
      }
    },
    10 * MINUTES,
  )

  it(
    `${POLICIES} random policies`,
    () => {
      const random = new Random(SEED + 1)
      for (let n = 0; n < POLICIES; n += 1) {
        const policy = checkPolicy(randomPolicy(random))
        for (let m = 0; m < 40; m += 1) {
          const intake = randomCase(random, policy.file)
          const seen = (): string =>
            `seed ${SEED + 1}, policy ${n}, case ${m}: ${JSON.stringify([policy.file, intake])}`
          agree(resultOf(policy, intake), oracle(policy.file, intake), seen)
        }
      }
    },
    10 * MINUTES,
  )
})

/** The same policy without one of its means, to compare with. */
function without(change: (file: PolicyFile) => Partial<PolicyFile>): Policy {
  return checkPolicy({ ...firstPolicyFile, ...change(firstPolicyFile) })
}

const policy = firstPolicy()
const blind = without(() => ({
  flags: { ...firstPolicyFile.flags, selfImageAgainstChoice: null, framingReversal: null, quizAgainstBehaviour: null },
}))

/** What must hold for one case, and for it and one that differs in a single input. */
function checkPair(random: Random, intake: IntakeCase, seen: () => string): void {
  const found = resultOf(policy, intake)
  const must = (holds: boolean, what: string): void => {
    if (!holds) expect.fail(`${what}: ${seen()}`)
  }
  const name = random.pick(MEASURES)
  const other = { ...intake, [name]: measure(random, name) }
  const falling = name === 'debtServiceRatio'
  const [less, more] = other[name] < intake[name] !== falling ? [other, intake] : [intake, other]
  const [low, high] = [resultOf(policy, less), resultOf(policy, more)]
  must(low.capacity <= high.capacity && low.parts[name] <= high.parts[name], `more ${name} lowers capacity`)
  must(low.capacityBucket <= high.capacityBucket && risk(low) <= risk(high), `more ${name} lowers risk`)

  const item = random.pick(Object.keys(intake.answers))
  const changed = random.pick(Object.keys(policy.file.tolerance.items[item]!))
  const answered = resultOf(policy, { ...intake, answers: { ...intake.answers, [item]: changed } })
  const [calm, bold] = answered.raw < found.raw ? [answered, found] : [found, answered]
  must(calm.quiz <= bold.quiz && calm.tolerance <= bold.tolerance, `a bolder answer to ${item} lowers tolerance`)
  if (String(calm.flags) === String(bold.flags)) {
    must(calm.toleranceBucket <= bold.toleranceBucket, `a bolder answer to ${item} lowers the bucket`)
    must(risk(calm) <= risk(bold), `a bolder answer to ${item} lowers risk`)
  }

  const { behaviour: _, ...unseen } = intake
  const bare = resultOf(policy, unseen)
  must(found.tolerance <= bare.tolerance, 'behaviour raises tolerance')
  must(found.toleranceBucket <= bare.toleranceBucket && risk(found) <= risk(bare), 'behaviour raises risk')
  const deeds = policy.file.tolerance.behaviour
  const [one, two] = [random.pick(Object.keys(deeds)), random.pick(Object.keys(deeds))]
  const [worse, better] = deeds[one]! < deeds[two]! ? [one, two] : [two, one]
  const tolerance = (behaviour: string): number => resultOf(policy, { ...unseen, behaviour }).tolerance
  must(tolerance(worse) <= tolerance(better), 'better behaviour lowers tolerance')

  const unflagged = resultOf(blind, intake)
  must(risk(found) <= risk(unflagged), 'a flag raises risk')
  must(unflagged.toleranceBucket - found.toleranceBucket <= 1, 'flags lower by more than one bucket')

  if (found.variant !== null && found.toleranceBucket > found.capacityBucket) {
    const most = policy.file.matrix[found.capacityBucket - 1]![found.capacityBucket - 1]!
    must(risk(found) <= VARIANT_LETTERS.indexOf(most as 'D'), 'tolerance above capacity raises risk')
  }
  const lowest = Math.min(...Object.values(found.parts))
  must(found.capacity <= lowest + policy.file.capacity.lowestPartPlus + 1e-9, 'the weakest part does not bound')
  must(intake.horizonYears >= 3 || found.capacity <= 19.99, 'a ceiling does not bound')
  must(intake.liquidityMonths >= 3 || found.capacity <= 39.99, 'a ceiling does not bound')
}

describe('order', () => {
  it(
    `${PAIRS} random pairs are monotone in every input`,
    () => {
      const random = new Random(SEED + 2)
      for (let n = 0; n < PAIRS; n += 1) {
        const intake = randomCase(random, policy.file)
        checkPair(random, intake, () => `seed ${SEED + 2}, pair ${n}: ${JSON.stringify(intake)}`)
      }
    },
    30 * MINUTES,
  )

  it(
    'with a standing: more capacity never lowers risk, and the ceilings stay',
    () => {
      const random = new Random(SEED + 3)
      for (let n = 0; n < PAIRS / 20; n += 1) {
        const prior = { capacityBucket: 1 + random.below(5), toleranceBucket: 1 + random.below(5) }
        const intake: IntakeCase = { ...randomCase(random, policy.file), prior }
        const name = random.pick(MEASURES)
        const other = { ...intake, [name]: measure(random, name) }
        const [a, b] = other[name] < intake[name] !== (name === 'debtServiceRatio') ? [other, intake] : [intake, other]
        const [low, high] = [resultOf(policy, a), resultOf(policy, b)]
        const seen = `seed ${SEED + 3}, pair ${n}: ${JSON.stringify(intake)}`
        if (low.capacityBucket > high.capacityBucket || risk(low) > risk(high)) expect.fail(seen)
        if (intake.horizonYears < 3 && resultOf(policy, intake).capacityBucket !== 1) expect.fail(seen)
      }
    },
    10 * MINUTES,
  )
})
