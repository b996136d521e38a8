// Room card: advice/explain
// In:    a decided profile and its policy.
// Out:   sentences that say how it came to be, and what a client must be told.
// Holds: every number in them is one of the profile; plain words, no promise.
// Costs: cold path.
import { sleeveNames, sleeves } from '../allocator/variants.js'
import type { IntakeCase } from './case.js'
import { firstPolicyFile } from './first-policy.js'
import { canonicalJson } from './json.js'
import { MEASURES, type FlagName, type Measure, type Policy, type PolicyFile } from './policy.js'
import type { Profile } from './profile.js'
import { bucketOf } from './scores.js'

/** What the words are made of. */
export type ProfileFacts = Omit<Profile, 'explanation' | 'disclosures' | 'contentHash'>

/** Measures for people. */
export const MEASURE_LABELS: Readonly<Record<Measure, string>> = {
  horizonYears: 'time until the money is needed',
  liquidityMonths: 'cash at hand',
  netWorthYears: 'net worth',
  debtServiceRatio: 'payments on debts',
}

/** What each flag says. */
export const FLAG_WORDS: Readonly<Record<FlagName, string>> = {
  selfImageAgainstChoice: 'how you see yourself and what risk means to you are far apart',
  framingReversal: 'you take the sure gain, but gamble to avoid the same loss',
  quizAgainstBehaviour: 'what you answered and what you did when markets fell are far apart',
}

/** How the profile came to be, a sentence or two each. */
export function explanationOf(intake: IntakeCase, facts: ProfileFacts, file: PolicyFile): readonly string[] {
  return [
    ...capacityWords(intake, facts, file),
    ...toleranceWords(intake, facts, file),
    ...decisionWords(facts, file),
    ...moveWords(intake, facts, file),
    ...glideWords(facts, file),
  ]
}

function capacityWords(intake: IntakeCase, facts: ProfileFacts, file: PolicyFile): string[] {
  const { capacity, capacityBucket } = facts
  const parts = MEASURES.map((measure) => {
    return `${MEASURE_LABELS[measure]} (${amount(measure, intake[measure])}) ${points(capacity.parts[measure])}`
  })
  const words = [
    `Capacity, what you can bear, is ${points(capacity.score)} of 100: level ${capacityBucket} of ` +
      `${file.matrix.length}. Its parts: ${parts.join('; ')}.`,
  ]
  if (capacity.limit === 'lowestPart') {
    words.push(
      `The weighted sum would be ${points(capacity.weightedSum)}; it counts for no more than the weakest part and ` +
        `${points(file.capacity.lowestPartPlus)} points.`,
    )
  }
  for (const { index, max } of capacity.ceilings) {
    const conditions = Object.entries(file.capacity.ceilings[index]!.when).flatMap(([key, { below, above }]) => {
      const measure = key as Measure
      return [
        ...(below === undefined ? [] : [`${MEASURE_LABELS[measure]} below ${amount(measure, below)}`]),
        ...(above === undefined ? [] : [`${MEASURE_LABELS[measure]} above ${amount(measure, above)}`]),
      ]
    })
    words.push(`It is at most ${points(max)}, because of ${conditions.join(' and ')}.`)
  }
  return words
}

function toleranceWords(intake: IntakeCase, facts: ProfileFacts, file: PolicyFile): string[] {
  const { tolerance, flags, toleranceBucket } = facts
  const level = bucketOf(tolerance.score, file.buckets)
  const words = [
    `Tolerance, what you want to bear, is ${points(tolerance.score)} of 100: level ${level} of ` +
      `${file.matrix.length}. Your answers have ${points(tolerance.raw)} points, a score of ${points(tolerance.quiz)}.`,
  ]
  if (tolerance.behaviour !== null) {
    const effect =
      tolerance.score < tolerance.quiz ? 'lowers it' : tolerance.score > tolerance.quiz ? 'raises it' : 'leaves it'
    words.push(`What you did when markets fell counts as ${points(tolerance.behaviour)} and ${effect}.`)
  }
  for (const flag of flags) words.push(`Your answers do not fit together: ${FLAG_WORDS[flag]}.`)
  if (flags.length >= file.flags.lowersBucketAt) {
    words.push(`Because answers do not fit together, tolerance counts one level less in all: ${toleranceBucket}.`)
  }
  const { prior } = intake
  const by = points(file.hysteresisPoints)
  if (prior !== undefined && prior !== null) {
    const held = [
      ...(facts.capacityBucket !== bucketOf(facts.capacity.score, file.buckets) ? ['capacity'] : []),
      ...(facts.standing.toleranceBucket !== level ? ['tolerance'] : []),
    ]
    for (const name of held) {
      words.push(`The level of ${name} stays as it was: its score has not passed the edge by ${by} points.`)
    }
  }
  return words
}

function decisionWords(facts: ProfileFacts, file: PolicyFile): string[] {
  const { cell, status, variant, variantName, acknowledgement, review } = facts
  if (status === 'blocked') {
    return [
      `${facts.flags.length} inconsistencies: no allocation is given until somebody has gone through the answers ` +
        'with you.',
    ]
  }
  const words = [
    `Level ${cell.row} of capacity and level ${cell.column} of tolerance: ${file.variants[cell.letter].name}.`,
  ]
  if (review !== null) words.push('Inconsistent answers were reviewed; the reason is kept with this profile.')
  if (facts.overrideReason !== null) words.push(facts.overrideReason)
  const ceiling = file.matrix[cell.row - 1]![cell.row - 1]!
  if (cell.column < cell.row && ceiling !== cell.letter && acknowledgement === 'notNeeded') {
    words.push('You could bear more than you want. What you want decides; your capacity does not raise the risk.')
  }
  if (acknowledgement === 'given') {
    words.push('This is more risk than you stated you want; you have acknowledged it in writing.')
  }
  if (acknowledgement === 'needed') {
    words.push(
      `You could bear more than you want. ${capital(file.variants[cell.letter].name)} would be above your stated ` +
        `tolerance and needs your written acknowledgement; without it the allocation is ${variantName ?? ''}.`,
    )
  }
  if (variant !== null) words.push(`The allocation is ${variantName ?? ''}: ${weightWords(facts)}.`)
  return words
}

/** Why capacity decides, where tolerance is above it. */
export function overrideWords(facts: Pick<ProfileFacts, 'capacityBucket' | 'toleranceBucket'>): string {
  return (
    `You want to bear more (level ${facts.toleranceBucket}) than you can (level ${facts.capacityBucket}). What you ` +
    'can bear decides; your tolerance does not raise the risk.'
  )
}

function weightWords(facts: ProfileFacts): string {
  const weights = facts.weights ?? {}
  const held = sleeveNames.filter((sleeve) => (weights[sleeve] ?? 0) > 0)
  return held
    .map((sleeve) => `${weights[sleeve]} % ${sleeves.find((card) => card.sleeve === sleeve)?.label ?? sleeve}`)
    .join(', ')
}

function moveWords(intake: IntakeCase, facts: ProfileFacts, file: PolicyFile): string[] {
  const before = intake.prior?.variant ?? null
  if (before === null || facts.variant === null || before === facts.variant) return []
  const move = `You move from ${file.variants[before].name} to ${facts.variantName ?? ''}`
  if (facts.phases.length === 0) return [`${move}, in one rebalance.`]
  return [`${move}; because that is more than one step, it is done in ${facts.phases.length} rebalances.`]
}

function glideWords(facts: ProfileFacts, file: PolicyFile): string[] {
  const next = facts.glidePath.find((step, n) => n > 0 && step.variant !== facts.glidePath[n - 1]!.variant)
  if (next === undefined || next.variant === null) return []
  const years = next.inYears === 1 ? 'a year' : `${next.inYears} years`
  return [
    `If nothing but time passes, the allocation becomes ${file.variants[next.variant].name} in ${years}, because the ` +
      'money is needed sooner.',
  ]
}

/** What a client must be told beside the profile. */
export function disclosuresOf(facts: ProfileFacts, policy: Policy): readonly string[] {
  const weights = facts.weights ?? {}
  const told = [
    `Scores, levels and weights follow the written policy ${policy.version} of this product. No regulator has set or ` +
      'approved it, and it knows nothing of you but what you answered.',
    sameItems(policy)
      ? 'The structure and the scoring of the questions follow J. Grable and R. Lytton, Financial Services Review 8 ' +
        '(1999). The wording is our own and has not been validated.'
      : 'The questions and their scoring are of the policy named here, not of this product.',
    'Every allocation can lose value, a defensive one too. What a portfolio did in the past does not say what it ' +
      'will do.',
  ]
  if ((weights.longVolatility ?? 0) > 0) {
    told.push('Long volatility costs money in most years; it is there for the few in which markets break.')
  }
  if ((weights.commodityTrend ?? 0) > 0) {
    told.push('Trend rules lose when prices turn often; several losing years in a row have happened.')
  }
  if ((weights.longTreasuries ?? 0) > 0) told.push('Long-duration bonds lose much when rates rise.')
  if (facts.review !== null) {
    told.push('Answers that do not fit together were reviewed before this allocation was given.')
  }
  const departures = policy.departures.map((text) => `This policy departs from the product's principles: ${text}`)
  return [...told, 'When your circumstances change, answer the questions again.', ...departures]
}

function sameItems(policy: Policy): boolean {
  return canonicalJson(policy.file.tolerance.items) === (firstItems ??= canonicalJson(firstPolicyFile.tolerance.items))
}

let firstItems: string | undefined

function points(value: number): string {
  return String(Math.round(value * 100) / 100)
}

/** A measure with its unit, for people. */
export function amount(measure: Measure, value: number): string {
  const number = String(Math.round(value * 10_000) / 10_000)
  switch (measure) {
    case 'horizonYears':
      return `${number} years`
    case 'liquidityMonths':
      return `${number} months of spending`
    case 'netWorthYears':
      return `${number} years of income`
    case 'debtServiceRatio':
      return `${Math.round(value * 10_000) / 100} % of income`
  }
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}
