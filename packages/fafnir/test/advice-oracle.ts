// A second reading of a policy, for tests: slow, literal, sharing no code with the product.
// Written from the description of the policy file alone; numbers are fractions of big integers: edges are exact.
import type { CaseResult, FlagName, IntakeCase, Measure, PolicyFile, VariantLetter } from '../src/advice/index.js'

interface Frac {
  readonly n: bigint
  readonly d: bigint
}

/** A decimal as the fraction it is written as. */
function frac(value: number): Frac {
  const text = value.toString()
  const [mantissa = '0', exponent = '0'] = text.split('e')
  const [whole = '0', part = ''] = mantissa.split('.')
  const power = Number(exponent) - part.length
  const digits = BigInt(`${whole}${part}`)
  return power >= 0 ? { n: digits * 10n ** BigInt(power), d: 1n } : { n: digits, d: 10n ** BigInt(-power) }
}

const add = (a: Frac, b: Frac): Frac => ({ n: a.n * b.d + b.n * a.d, d: a.d * b.d })
const neg = (a: Frac): Frac => ({ n: -a.n, d: a.d })
const sub = (a: Frac, b: Frac): Frac => add(a, neg(b))
const mul = (a: Frac, b: Frac): Frac => ({ n: a.n * b.n, d: a.d * b.d })
const div = (a: Frac, b: Frac): Frac => (b.n < 0n ? { n: -a.n * b.d, d: -a.d * b.n } : { n: a.n * b.d, d: a.d * b.n })
const less = (a: Frac, b: Frac): boolean => a.n * b.d < b.n * a.d
const least = (all: readonly Frac[]): Frac => all.reduce((a, b) => (less(b, a) ? b : a))
const abs = (a: Frac): Frac => (a.n < 0n ? neg(a) : a)

/** As a double: exact to far more than ten digits. */
function double(a: Frac): number {
  return Number((a.n * 10n ** 18n) / a.d) / 1e18
}

function line(knots: readonly (readonly number[])[], x: Frac): Frac {
  const points = knots.map(([a, b]) => [frac(a!), frac(b!)] as const)
  if (!less(points[0]![0], x)) return points[0]![1]
  for (let n = 1; n < points.length; n += 1) {
    const [[x0, y0], [x1, y1]] = [points[n - 1]!, points[n]!]
    if (!less(x1, x)) return add(y0, div(mul(sub(y1, y0), sub(x, x0)), sub(x1, x0)))
  }
  return points.at(-1)![1]
}

/** The result of a case as the file of cases tells it. */
export function oracle(policy: PolicyFile, person: IntakeCase): CaseResult {
  const names: readonly Measure[] = ['horizonYears', 'liquidityMonths', 'netWorthYears', 'debtServiceRatio']
  const parts = names.map((name) => line(policy.capacity.knots[name], frac(person[name])))
  const bounds = [
    names.map((name, n) => mul(frac(policy.capacity.weights[name]), parts[n]!)).reduce(add),
    add(least(parts), frac(policy.capacity.lowestPartPlus)),
  ]
  for (const ceiling of policy.capacity.ceilings) {
    let holds = true
    for (const name of names) {
      const condition = ceiling.when[name]
      if (condition === undefined) continue
      if (condition.below !== undefined && !(person[name] < condition.below)) holds = false
      if (condition.above !== undefined && !(person[name] > condition.above)) holds = false
    }
    if (holds) bounds.push(frac(ceiling.max))
  }
  const capacity = least(bounds)

  const points = (item: string): number => policy.tolerance.items[item]![person.answers[item]!]!
  const raw = Object.keys(policy.tolerance.items)
    .map(points)
    .reduce((a, b) => a + b)
  const quiz = line(policy.tolerance.knots, frac(raw))
  let tolerance = quiz
  const seen = typeof person.behaviour === 'string' ? frac(policy.tolerance.behaviour[person.behaviour]!) : undefined
  if (seen !== undefined) {
    const shares = [mul(frac(policy.tolerance.quizWeight), quiz), mul(frac(policy.tolerance.behaviourWeight), seen)]
    tolerance = least([quiz, shares.reduce(add)])
  }

  const bucket = (score: Frac): number => bucketBy(policy, score)
  const flags = flagsBy(policy, person, quiz, seen)
  const row = bucket(capacity)
  let column = bucket(tolerance)
  if (flags.length >= policy.flags.lowersBucketAt && column > 1) column -= 1
  let variant: string | null = policy.matrix[row - 1]![column - 1]!
  for (const [r, c] of policy.acknowledgement.cells) {
    if (r === row && c === column && person.acknowledged !== true) variant = policy.acknowledgement.otherwise
  }
  const blocked = flags.length >= policy.flags.blocksAt
  if (blocked) variant = null
  return {
    capacity: double(capacity),
    parts: Object.fromEntries(names.map((name, n) => [name, double(parts[n]!)])) as Record<Measure, number>,
    raw,
    quiz: double(quiz),
    tolerance: double(tolerance),
    flags,
    capacityBucket: row,
    toleranceBucket: column,
    variant: variant as VariantLetter | null,
    override: !blocked && column > row,
  }
}

function bucketBy(policy: PolicyFile, score: Frac): number {
  let found = 1
  for (const edge of policy.buckets) if (!less(score, frac(edge))) found += 1
  return found
}

function flagsBy(policy: PolicyFile, person: IntakeCase, quiz: Frac, seen: Frac | undefined): FlagName[] {
  const bucket = (score: Frac): number => bucketBy(policy, score)
  const points = (item: string): number => policy.tolerance.items[item]![person.answers[item]!]!
  const flags: FlagName[] = []
  const { selfImageAgainstChoice: image, framingReversal: framing, quizAgainstBehaviour: against } = policy.flags
  const scaled = (item: string): Frac => {
    const most = Math.max(...Object.values(policy.tolerance.items[item]!))
    return div(frac(points(item) - 1), frac(most - 1))
  }
  if (image !== null && less(frac(image.scaledGapAbove), abs(sub(scaled(image.items[0]), scaled(image.items[1]))))) {
    flags.push('selfImageAgainstChoice')
  }
  if (framing !== null && points(framing.gainItem) === framing.sureGain) {
    if (points(framing.lossItem) === framing.riskyLoss) flags.push('framingReversal')
  }
  if (against !== null && seen !== undefined && Math.abs(bucket(quiz) - bucket(seen)) >= against.bucketGapAtLeast) {
    flags.push('quizAgainstBehaviour')
  }
  return flags
}
