// Room card: advice/scores
// In:    a checked case and a policy.
// Out:   capacity and tolerance, 0 to 100, with every part; flags; buckets.
// Holds: capacity is the lowest of the weighted sum, the lowest part plus a margin, and each ceiling that holds;
//        behaviour lowers tolerance or leaves it; scores are rounded to ten decimals before they meet an edge.
// Costs: O(items + knots); no allocation worth a word.
import type { IntakeCase } from './case.js'
import { FLAG_NAMES, MEASURES, type FlagName, type Knots, type Measure, type PolicyFile } from './policy.js'

/** Which of the three bounds capacity is at. */
export type CapacityLimit = 'weightedSum' | 'lowestPart' | 'ceiling'

/** Capacity and how it came to be. Scores are 0 to 100. */
export interface CapacityScore {
  readonly score: number
  readonly parts: Readonly<Record<Measure, number>>
  readonly weightedSum: number
  /** The lowest part and the policy's margin. */
  readonly lowestPartPlus: number
  /** Ceilings that hold: their place in the policy, from 0, and their height. */
  readonly ceilings: readonly { readonly index: number; readonly max: number }[]
  readonly limit: CapacityLimit
}

/** Tolerance and how it came to be. */
export interface ToleranceScore {
  readonly score: number
  /** Sum of the points of the answers. */
  readonly raw: number
  /** The questionnaire's score alone. */
  readonly quiz: number
  /** The score of what was observed; null where nothing was. */
  readonly behaviour: number | null
}

// Binary rounding must not decide on which side of an edge a score lies: 0.1 + 0.2 is 0.3 here.
const DECIMALS = 1e10

/** A score as it is told, compared and hashed: ten decimals. */
export function rounded(score: number): number {
  return Math.round(score * DECIMALS) / DECIMALS
}

/** A piecewise-linear function, flat outside its knots. */
export function interpolate(knots: Knots, x: number): number {
  let [x0, y0] = knots[0]!
  if (x <= x0) return y0
  for (const [x1, y1] of knots) {
    if (x <= x1) return x1 === x0 ? y1 : y0 + (y1 - y0) * ((x - x0) / (x1 - x0))
    ;[x0, y0] = [x1, y1]
  }
  return y0
}

/** One more than the number of edges at or below the score. */
export function bucketOf(score: number, edges: readonly number[]): number {
  return 1 + edges.filter((edge) => edge <= score).length
}

/** Capacity of a case. */
export function scoreCapacity(intake: IntakeCase, file: PolicyFile): CapacityScore {
  const { weights, knots, ceilings, lowestPartPlus } = file.capacity
  const exact = MEASURES.map((measure) => interpolate(knots[measure], intake[measure]))
  const weightedSum = rounded(MEASURES.reduce((sum, measure, n) => sum + weights[measure] * exact[n]!, 0))
  const lowest = rounded(Math.min(...exact) + lowestPartPlus)
  const held = ceilings.flatMap(({ when, max }, index) => {
    const holds = MEASURES.every((measure) => {
      const { below, above } = when[measure] ?? {}
      return (below === undefined || intake[measure] < below) && (above === undefined || intake[measure] > above)
    })
    return holds ? [{ index, max }] : []
  })
  const score = Math.min(weightedSum, lowest, ...held.map(({ max }) => max))
  const limit = score === weightedSum ? 'weightedSum' : score === lowest ? 'lowestPart' : 'ceiling'
  const parts = Object.fromEntries(MEASURES.map((measure, n) => [measure, rounded(exact[n]!)]))
  return {
    score,
    parts: parts as Record<Measure, number>,
    weightedSum,
    lowestPartPlus: lowest,
    ceilings: held,
    limit,
  }
}

/** Tolerance of a case. */
export function scoreTolerance(intake: IntakeCase, file: PolicyFile): ToleranceScore {
  const { knots, behaviour, quizWeight, behaviourWeight, behaviourMayRaise } = file.tolerance
  const raw = Object.keys(file.tolerance.items).reduce((sum, id) => sum + pointsOf(intake, file, id), 0)
  const quiz = interpolate(knots, raw)
  const seen = typeof intake.behaviour === 'string' ? behaviour[intake.behaviour]! : null
  const blend = seen === null ? quiz : quizWeight * quiz + behaviourWeight * seen
  const score = behaviourMayRaise ? blend : Math.min(quiz, blend)
  return { score: rounded(score), raw: rounded(raw), quiz: rounded(quiz), behaviour: seen }
}

function pointsOf(intake: IntakeCase, file: PolicyFile, item: string): number {
  return file.tolerance.items[item]![intake.answers[item]!]!
}

/** The flags of a case, in the order of `FLAG_NAMES`. */
export function flagsOf(intake: IntakeCase, tolerance: ToleranceScore, file: PolicyFile): readonly FlagName[] {
  const { selfImageAgainstChoice, framingReversal, quizAgainstBehaviour } = file.flags
  const raised: Record<FlagName, boolean> = {
    selfImageAgainstChoice: false,
    framingReversal: false,
    quizAgainstBehaviour: false,
  }
  if (selfImageAgainstChoice !== null) {
    // Both items on the scale (s - 1) / (m - 1), multiplied out, so that whole points are compared exactly.
    const [first, second] = selfImageAgainstChoice.items.map((id) => {
      return { over: pointsOf(intake, file, id) - 1, span: Math.max(...Object.values(file.tolerance.items[id]!)) - 1 }
    })
    const gap = Math.abs(first!.over * second!.span - second!.over * first!.span)
    raised.selfImageAgainstChoice =
      rounded(gap) > rounded(selfImageAgainstChoice.scaledGapAbove * first!.span * second!.span)
  }
  if (framingReversal !== null) {
    const { gainItem, lossItem, sureGain, riskyLoss } = framingReversal
    const sure = pointsOf(intake, file, gainItem) === sureGain
    raised.framingReversal = sure && pointsOf(intake, file, lossItem) === riskyLoss
  }
  if (quizAgainstBehaviour !== null && tolerance.behaviour !== null) {
    const buckets = [tolerance.quiz, tolerance.behaviour].map((score) => bucketOf(score, file.buckets))
    raised.quizAgainstBehaviour = Math.abs(buckets[0]! - buckets[1]!) >= quizAgainstBehaviour.bucketGapAtLeast
  }
  return FLAG_NAMES.filter((name) => raised[name])
}

/**
 * The bucket of a re-profile: an edge is crossed, from where the client stood, only when the score passes it by points.
 * Without a standing, or with 0 points, it is the bucket of the score.
 */
export function heldBucket(score: number, prior: number | undefined, file: PolicyFile): number {
  const { buckets, hysteresisPoints: points } = file
  if (prior === undefined) return bucketOf(score, buckets)
  const least = 1 + buckets.filter((edge) => edge <= score && rounded(score - edge) >= points).length
  const most = 1 + buckets.filter((edge) => edge <= score || rounded(edge - score) < points).length
  return Math.min(Math.max(prior, least), most)
}
