// Room card: advice/profile
// In:    a checked case and a policy.
// Out:   a profile: scores with their parts, cell, override, flags, weights, phases, glide path, words, hashes.
// Holds: a pure function; capacity's ceilings hold whatever was before; a blocked or refused case has no weights.
// Costs: tens of microseconds.
import { type Sleeve, sleeveNames } from '../allocator/variants.js'
import { checkCase, type IntakeCase, type Review, type Standing } from './case.js'
import { disclosuresOf, explanationOf, overrideWords } from './explain.js'
import { contentHash } from './json.js'
import {
  VARIANT_LETTERS,
  type FlagName,
  type Measure,
  type Policy,
  type PolicyFile,
  type PolicyWeights,
  type VariantLetter,
} from './policy.js'
import {
  bucketOf,
  flagsOf,
  heldBucket,
  scoreCapacity,
  scoreTolerance,
  type CapacityScore,
  type ToleranceScore,
} from './scores.js'

/** Whether the cell asks for a written acknowledgement, and whether it is there. */
export type AcknowledgementState = 'notNeeded' | 'needed' | 'given'

/** One of the rebalances of a phased move. */
export interface Phase {
  /** 1, 2, 3. */
  readonly rebalance: number
  /** Percent by sleeve after it, in hundredths of a percent; they add up to 100. */
  readonly weights: PolicyWeights
}

/** A year at which the profile would change if only time passed. */
export interface GlideStep {
  readonly inYears: number
  readonly horizonYears: number
  readonly capacity: number
  readonly capacityBucket: number
  readonly variant: VariantLetter | null
}

/** What both scores and the flags come to. */
export interface Decision {
  /** `blocked`: inconsistent answers, no weights until somebody has reviewed them. */
  readonly status: 'issued' | 'blocked'
  readonly flags: readonly FlagName[]
  readonly capacityBucket: number
  /** After the flags. */
  readonly toleranceBucket: number
  /** What the matrix has in the row of capacity and the column of tolerance. */
  readonly cell: { readonly row: number; readonly column: number; readonly letter: VariantLetter }
  readonly acknowledgement: AcknowledgementState
  readonly variant: VariantLetter | null
  /** Tolerance is above capacity: capacity decides. `Profile.overrideReason` says it in words. */
  readonly override: boolean
}

/** A profile. */
export interface Profile extends Decision {
  readonly capacity: CapacityScore
  readonly tolerance: ToleranceScore
  readonly variantName: string | null
  /** Why capacity decides over tolerance; null without an override. */
  readonly overrideReason: string | null
  /** Percent by sleeve, sleeves in the allocator's order; null while blocked. */
  readonly weights: PolicyWeights | null
  /** Three steps towards `weights` when the move is of more than one variant; else empty. */
  readonly phases: readonly Phase[]
  /** What the next profile of this client takes as `prior`. */
  readonly standing: Standing
  /** The review that lifted a block. */
  readonly review: Review | null
  readonly explanation: readonly string[]
  readonly disclosures: readonly string[]
  readonly glidePath: readonly GlideStep[]
  readonly policy: { readonly version: string; readonly hash: string }
  /** SHA-256 over case, policy hash and everything above: same case and policy, same hash. */
  readonly contentHash: string
}

/** The result as a file of test cases has it: these fields, in this order. */
export interface CaseResult {
  readonly capacity: number
  readonly parts: Readonly<Record<Measure, number>>
  readonly raw: number
  readonly quiz: number
  readonly tolerance: number
  readonly flags: readonly FlagName[]
  readonly capacityBucket: number
  readonly toleranceBucket: number
  readonly variant: VariantLetter | null
  readonly override: boolean
}

/** Rebalances of a phased move. */
export const PHASES = 3
/** What Node prints of a profile in a log; its fields are there for those who ask for them. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom')
/** Years a glide path looks ahead. */
export const GLIDE_YEARS_MAX = 60

/**
 * A person's profile: risk capacity (what they can bear), risk tolerance (what they want to bear), and the variant both
 * come to. Capacity is a ceiling on tolerance.
 *
 * @throws FafnirError INTAKE_INVALID; nothing is issued then.
 *
 * @example
 * const profile = profileOf(firstPolicy(), intake)
 * profile.variant // "S"
 * profile.weights // { equity: 20, longTreasuries: 20, gold: 20, commodityTrend: 20, longVolatility: 20 }
 */
export function profileOf(policy: Policy, content: unknown): Profile {
  const intake = checkCase(content, policy)
  const { file } = policy
  const { capacity, tolerance, decision } = judge(intake, file)
  const { variant } = decision
  const weights = variant === null ? null : listed(file.variants[variant].weights)
  const before = intake.prior?.variant ?? null
  const facts = {
    ...decision,
    capacity,
    tolerance,
    variantName: variant === null ? null : file.variants[variant].name,
    overrideReason: decision.override ? overrideWords(decision) : null,
    weights,
    phases: variant === null || before === null ? [] : phasesOf(before, variant, file),
    standing: {
      capacityBucket: decision.capacityBucket,
      toleranceBucket: heldBucket(tolerance.score, intake.prior?.toleranceBucket, file),
      variant: variant ?? before,
    },
    review: intake.review ?? null,
    glidePath: glidePathOf(intake, policy),
    policy: { version: policy.version, hash: policy.hash },
  }
  const words = {
    ...facts,
    explanation: explanationOf(intake, facts, file),
    disclosures: disclosuresOf(facts, policy),
  }
  const profile: Profile = { ...words, contentHash: contentHash({ case: intake, profile: words }) }
  return Object.freeze(Object.defineProperty(profile, INSPECT, { value: () => logView(profile) }))
}

/**
 * The result of a case without words, glide path and hash: for many cases at once.
 *
 * @throws FafnirError INTAKE_INVALID
 */
export function resultOf(policy: Policy, content: unknown): CaseResult {
  return told(judge(checkCase(content, policy), policy.file))
}

/** The result of a profile as files of test cases have it. */
export function caseResult(profile: Profile): CaseResult {
  return told({ capacity: profile.capacity, tolerance: profile.tolerance, decision: profile })
}

/** What may stand in a log about a profile: nothing personal. Node prints profiles so. */
export function logView(profile: Profile): { readonly status: string; readonly policy: string } {
  return { status: profile.status, policy: profile.policy.version }
}

interface Judged {
  readonly capacity: CapacityScore
  readonly tolerance: ToleranceScore
  readonly decision: Decision
}

function judge(intake: IntakeCase, file: PolicyFile): Judged {
  const capacity = scoreCapacity(intake, file)
  const tolerance = scoreTolerance(intake, file)
  return { capacity, tolerance, decision: decide(intake, capacity, tolerance, file) }
}

function told({ capacity, tolerance, decision }: Judged): CaseResult {
  const { flags, capacityBucket, toleranceBucket, variant, override } = decision
  return {
    capacity: capacity.score,
    parts: capacity.parts,
    raw: tolerance.raw,
    quiz: tolerance.quiz,
    tolerance: tolerance.score,
    flags,
    capacityBucket,
    toleranceBucket,
    variant,
    override,
  }
}

function decide(intake: IntakeCase, capacity: CapacityScore, tolerance: ToleranceScore, file: PolicyFile): Decision {
  const { prior } = intake
  // A ceiling is a fact about the person, no drift of a score: where one holds, no standing keeps a client above it.
  const ceilings = capacity.ceilings.map(({ max }) => bucketOf(max, file.buckets))
  const capacityBucket = Math.min(heldBucket(capacity.score, prior?.capacityBucket, file), ...ceilings)
  const flags = flagsOf(intake, tolerance, file)
  const lowered = flags.length >= file.flags.lowersBucketAt ? 1 : 0
  const toleranceBucket = Math.max(1, heldBucket(tolerance.score, prior?.toleranceBucket, file) - lowered)
  const letter = file.matrix[capacityBucket - 1]![toleranceBucket - 1] as VariantLetter
  const asked = file.acknowledgement.cells.some(([row, column]) => row === capacityBucket && column === toleranceBucket)
  const acknowledgement = !asked ? 'notNeeded' : intake.acknowledged === true ? 'given' : 'needed'
  const blocked = flags.length >= file.flags.blocksAt && (intake.review ?? null) === null
  return {
    status: blocked ? 'blocked' : 'issued',
    flags,
    capacityBucket,
    toleranceBucket,
    cell: { row: capacityBucket, column: toleranceBucket, letter },
    acknowledgement,
    variant: blocked ? null : acknowledgement === 'needed' ? file.acknowledgement.otherwise : letter,
    override: !blocked && toleranceBucket > capacityBucket,
  }
}

/** Sleeves that have a weight, in the allocator's order. */
function listed(weights: PolicyWeights): PolicyWeights {
  const held = sleeveNames.filter((sleeve) => (weights[sleeve] ?? 0) > 0)
  return Object.fromEntries(held.map((sleeve) => [sleeve, weights[sleeve]!]))
}

// More than one variant at once is a large trade at the prices of one day.
function phasesOf(from: VariantLetter, to: VariantLetter, file: PolicyFile): readonly Phase[] {
  if (Math.abs(VARIANT_LETTERS.indexOf(to) - VARIANT_LETTERS.indexOf(from)) <= 1) return []
  const [before, after] = [file.variants[from].weights, file.variants[to].weights]
  return Array.from({ length: PHASES }, (_, n) => ({
    rebalance: n + 1,
    weights: n + 1 === PHASES ? listed(after) : between(before, after, (n + 1) / PHASES),
  }))
}

/** Weights on the way, in hundredths of a percent that add up to 100: the largest remainders are rounded up. */
function between(before: PolicyWeights, after: PolicyWeights, part: number): PolicyWeights {
  const exact = sleeveNames.map((sleeve) => {
    const [from, to] = [before[sleeve] ?? 0, after[sleeve] ?? 0]
    return { sleeve, hundredths: (from + (to - from) * part) * 100 }
  })
  const whole = exact.map(({ sleeve, hundredths }) => {
    const floor = Math.floor(hundredths + 1e-6)
    return { sleeve, floor, rest: hundredths - floor }
  })
  const short = 10_000 - whole.reduce((sum, { floor }) => sum + floor, 0)
  const byRest = [...whole].sort(
    (a, b) => b.rest - a.rest || sleeveNames.indexOf(a.sleeve) - sleeveNames.indexOf(b.sleeve),
  )
  const up: ReadonlySet<Sleeve> = new Set(byRest.slice(0, short).map(({ sleeve }) => sleeve))
  return listed(
    Object.fromEntries(whole.map(({ sleeve, floor }) => [sleeve, (floor + (up.has(sleeve) ? 1 : 0)) / 100])),
  )
}

/**
 * What becomes of the profile when years pass and nothing else changes: today, and each year at which bucket or variant
 * change, looked at year by year as a re-profile would, up to the horizon or `GLIDE_YEARS_MAX`.
 */
function glidePathOf(intake: IntakeCase, policy: Policy): readonly GlideStep[] {
  const years = Math.min(Math.ceil(intake.horizonYears), GLIDE_YEARS_MAX)
  const steps: GlideStep[] = []
  const tolerance = scoreTolerance(intake, policy.file)
  let prior = intake.prior ?? undefined
  for (let year = 0; year <= years; year += 1) {
    const later: IntakeCase = { ...intake, horizonYears: Math.max(0, intake.horizonYears - year), prior }
    const capacity = scoreCapacity(later, policy.file)
    const { capacityBucket, variant } = decide(later, capacity, tolerance, policy.file)
    const { horizonYears } = later
    const last = steps.at(-1)
    if (last === undefined || last.capacityBucket !== capacityBucket || last.variant !== variant) {
      steps.push({ inYears: year, horizonYears, capacity: capacity.score, capacityBucket, variant })
    }
    prior = { capacityBucket, toleranceBucket: heldBucket(tolerance.score, prior?.toleranceBucket, policy.file) }
  }
  return steps
}
