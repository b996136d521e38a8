// Room card: advice/policy
// In:    a policy file's content.
// Out:   a checked, frozen policy with version and content hash, and where it departs from the product's principles.
// Holds: every number of the intake is in the file and nowhere else; a hole is refused, with its path.
// Costs: cold path; microseconds a load.
import { sleeveNames, type Sleeve } from '../allocator/variants.js'
import { readFileText } from './files.js'
import { contentHash, readJson } from './json.js'
import { departuresOf } from './principles.js'
import { Reader, join } from './reader.js'

/** What capacity is scored from. */
export type Measure = 'horizonYears' | 'liquidityMonths' | 'netWorthYears' | 'debtServiceRatio'

/** A variant by its letter: Defensive, Balanced, Standard, Aggressive, from the least risk to the most. */
export type VariantLetter = 'D' | 'B' | 'S' | 'A'

/** A signal that answers do not fit together. */
export type FlagName = 'selfImageAgainstChoice' | 'framingReversal' | 'quizAgainstBehaviour'

/** Points of a piecewise-linear function: `[x, y]`, x rising; flat before the first and behind the last. */
export type Knots = readonly (readonly [x: number, y: number])[]

/** Weights of sleeves in percent. */
export type PolicyWeights = Readonly<Partial<Record<Sleeve, number>>>

/** An upper bound of capacity that holds while all of its conditions do; `below` and `above` are strict. */
export interface PolicyCeiling {
  readonly when: Readonly<Partial<Record<Measure, { readonly below?: number; readonly above?: number }>>>
  readonly max: number
}

/** A policy as its file has it. Scores are 0 to 100. */
export interface PolicyFile {
  readonly version: string
  readonly capacity: {
    /** Add up to 1. */
    readonly weights: Readonly<Record<Measure, number>>
    readonly knots: Readonly<Record<Measure, Knots>>
    readonly ceilings: readonly PolicyCeiling[]
    /** Capacity is at most the lowest part and this much more. */
    readonly lowestPartPlus: number
  }
  readonly tolerance: {
    /** Points by item and choice. */
    readonly items: Readonly<Record<string, Readonly<Record<string, number>>>>
    /** From the sum of points to a score. */
    readonly knots: Knots
    readonly behaviour: Readonly<Record<string, number>>
    readonly quizWeight: number
    readonly behaviourWeight: number
    readonly behaviourMayRaise: boolean
  }
  /** `null`: the questionnaire has no items for it. */
  readonly flags: {
    readonly selfImageAgainstChoice: {
      readonly items: readonly [string, string]
      readonly scaledGapAbove: number
    } | null
    readonly framingReversal: {
      readonly gainItem: string
      readonly lossItem: string
      readonly sureGain: number
      readonly riskyLoss: number
    } | null
    readonly quizAgainstBehaviour: { readonly bucketGapAtLeast: number } | null
    readonly lowersBucketAt: number
    readonly blocksAt: number
  }
  /** Edges between buckets; a score at an edge is in the upper one. */
  readonly buckets: readonly number[]
  /** Letters by capacity row and tolerance column. */
  readonly matrix: readonly string[]
  readonly acknowledgement: {
    readonly cells: readonly (readonly [number, number])[]
    readonly otherwise: VariantLetter
  }
  readonly hysteresisPoints: number
  readonly variants: Readonly<Record<VariantLetter, { readonly name: string; readonly weights: PolicyWeights }>>
}

/** A checked policy. */
export interface Policy {
  readonly version: string
  /** SHA-256 of the file's canonical JSON: independent of layout and order of keys. */
  readonly hash: string
  readonly file: PolicyFile
  /** Where it departs from the product's principles, in plain language; every profile discloses it. */
  readonly departures: readonly string[]
}

/** The measures, in the order in which they are listed. */
export const MEASURES: readonly Measure[] = ['horizonYears', 'liquidityMonths', 'netWorthYears', 'debtServiceRatio']
/** Letters from the least risk to the most. */
export const VARIANT_LETTERS: readonly VariantLetter[] = ['D', 'B', 'S', 'A']
/** Flags, in the order in which they are listed. */
export const FLAG_NAMES: readonly FlagName[] = ['selfImageAgainstChoice', 'framingReversal', 'quizAgainstBehaviour']
/** The measure of which more means less capacity. */
export const FALLING_MEASURE: Measure = 'debtServiceRatio'

const SCORE_MAX = 100
const SUM_TOLERANCE = 1e-9
const KNOTS_MAX = 64
const CEILINGS_MAX = 64
const ITEMS_MAX = 200
const CHOICES_MAX = 26
const BEHAVIOURS_MAX = 26
const EDGES_MAX = 20
const POINTS_MAX = 1_000
/** More flags or buckets than there are is a way to say never. */
const COUNT_MAX = 1_000
const NAME_LENGTH = 64
const ANY = Number.MAX_VALUE
/** Knots lie within this of zero, so that the distance of two is exact enough to divide by. */
const KNOT_MAX = 1e15

/**
 * Checks the content of a policy file.
 *
 * @throws FafnirError POLICY_INVALID with `path` and what is allowed there.
 *
 * @example
 * const policy = checkPolicy(JSON.parse(text))
 * policy.version // "2026-11-1"
 */
export function checkPolicy(content: unknown): Policy {
  const read = new Reader('POLICY_INVALID', 'the policy')
  const keys = ['version', 'capacity', 'tolerance', 'flags', 'buckets', 'matrix', 'acknowledgement']
  const found = read.object(content, '', [...keys, 'hysteresisPoints', 'variants'])
  read.text(found['version'], 'version', NAME_LENGTH)
  checkCapacity(read, found['capacity'])
  checkTolerance(read, found['tolerance'])
  const size = checkBuckets(read, found['buckets'])
  checkMatrix(read, found['matrix'], size)
  checkAcknowledgement(read, found['acknowledgement'], size)
  read.number(found['hysteresisPoints'], 'hysteresisPoints', 0, SCORE_MAX)
  checkVariants(read, found['variants'])
  const tolerance = found['tolerance'] as PolicyFile['tolerance']
  checkFlags(read, found['flags'], tolerance.items)
  const file = frozen(structuredClone(content)) as PolicyFile
  return Object.freeze({
    version: file.version,
    hash: contentHash(file),
    file,
    departures: Object.freeze(departuresOf(file)),
  })
}

/**
 * Reads and checks a policy file.
 *
 * @throws FafnirError FILE_MISSING, POLICY_INVALID
 */
export function loadPolicy(path: string): Policy {
  const read = readJson(readFileText(path, 'the policy file'))
  if ('problem' in read) {
    throw new Reader('POLICY_INVALID', 'the policy').error(read.problem.key ?? '', read.problem.what)
  }
  return checkPolicy(read.value)
}

function checkCapacity(read: Reader, value: unknown): void {
  const capacity = read.object(value, 'capacity', ['weights', 'knots', 'ceilings', 'lowestPartPlus'])
  const weights = read.object(capacity['weights'], 'capacity.weights', MEASURES)
  checkSum(
    read,
    'capacity.weights',
    MEASURES.map((measure) => read.number(weights[measure], `capacity.weights.${measure}`, 0, 1)),
    1,
  )
  const knots = read.object(capacity['knots'], 'capacity.knots', MEASURES)
  for (const measure of MEASURES) {
    checkKnots(read, knots[measure], `capacity.knots.${measure}`, measure === FALLING_MEASURE ? 'falling' : 'rising')
  }
  for (const [n, ceiling] of read.list(capacity['ceilings'], 'capacity.ceilings', 0, CEILINGS_MAX).entries()) {
    checkCeiling(read, ceiling, `capacity.ceilings.${n}`)
  }
  read.number(capacity['lowestPartPlus'], 'capacity.lowestPartPlus', 0, SCORE_MAX)
}

function checkCeiling(read: Reader, value: unknown, path: string): void {
  const ceiling = read.object(value, path, ['when', 'max'])
  read.number(ceiling['max'], join(path, 'max'), 0, SCORE_MAX)
  const when = read.object(ceiling['when'], join(path, 'when'), [], MEASURES)
  const measures = Object.keys(when)
  if (measures.length === 0) throw read.error(join(path, 'when'), 'no condition', MEASURES.join(' '))
  for (const measure of measures) {
    const at = join(join(path, 'when'), measure)
    const condition = read.object(when[measure], at, [], ['below', 'above'])
    const bounds = Object.keys(condition)
    if (bounds.length === 0) throw read.error(at, 'no condition', 'below above')
    for (const bound of bounds) read.number(condition[bound], join(at, bound), -ANY, ANY)
  }
}

function checkKnots(read: Reader, value: unknown, path: string, direction: 'rising' | 'falling'): void {
  let before: readonly [number, number] | undefined
  for (const [n, item] of read.list(value, path, 2, KNOTS_MAX).entries()) {
    const at = join(path, n)
    const pair = read.list(item, at, 2, 2)
    const x = read.number(pair[0], join(at, 0), -KNOT_MAX, KNOT_MAX)
    const y = read.number(pair[1], join(at, 1), 0, SCORE_MAX)
    if (before !== undefined) {
      if (x <= before[0]) throw read.error(join(at, 0), 'knots out of order', `more than ${before[0]}`)
      const wrong = direction === 'rising' ? y < before[1] : y > before[1]
      if (wrong) throw read.error(join(at, 1), 'knots are not monotone', `${direction}, or level with ${before[1]}`)
    }
    before = [x, y]
  }
}

function checkTolerance(read: Reader, value: unknown): void {
  const keys = ['items', 'knots', 'behaviour', 'quizWeight', 'behaviourWeight', 'behaviourMayRaise']
  const tolerance = read.object(value, 'tolerance', keys)
  const items = bounded(read, tolerance['items'], 'tolerance.items', ITEMS_MAX)
  for (const [id, choices] of items) {
    const path = `tolerance.items.${id}`
    for (const [choice, points] of bounded(read, choices, path, CHOICES_MAX)) {
      read.number(points, join(path, choice), 0, POINTS_MAX)
    }
  }
  checkKnots(read, tolerance['knots'], 'tolerance.knots', 'rising')
  for (const [name, score] of bounded(read, tolerance['behaviour'], 'tolerance.behaviour', BEHAVIOURS_MAX)) {
    read.number(score, `tolerance.behaviour.${name}`, 0, SCORE_MAX)
  }
  const shares = ['quizWeight', 'behaviourWeight'].map((key) => read.number(tolerance[key], `tolerance.${key}`, 0, 1))
  checkSum(read, 'tolerance.behaviourWeight', shares, 1)
  read.flag(tolerance['behaviourMayRaise'], 'tolerance.behaviourMayRaise')
}

/** The entries of an object of one to `most` names, each a short word. */
function bounded(read: Reader, value: unknown, path: string, most: number): readonly (readonly [string, unknown])[] {
  const entries = Object.entries(read.record(value, path))
  if (entries.length === 0 || entries.length > most) throw read.error(path, 'empty or too many', `1 to ${most} names`)
  for (const [name] of entries) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name)) {
      throw read.error(join(path, name), 'not a name', 'letters, digits, - and _')
    }
  }
  return entries
}

function checkSum(read: Reader, path: string, parts: readonly number[], sum: number): void {
  const found = parts.reduce((total, part) => total + part, 0)
  if (Math.abs(found - sum) > SUM_TOLERANCE) {
    throw read.error(path, `adds up to ${Number(found.toPrecision(12))}`, `a sum of ${sum}`)
  }
}

/** How many buckets there are. */
function checkBuckets(read: Reader, value: unknown): number {
  let before = 0
  const edges = read.list(value, 'buckets', 1, EDGES_MAX)
  for (const [n, item] of edges.entries()) {
    const edge = read.number(item, `buckets.${n}`, 0, SCORE_MAX)
    if (edge <= before) throw read.error(`buckets.${n}`, 'edges out of order', `more than ${before}`)
    before = edge
  }
  return edges.length + 1
}

function checkMatrix(read: Reader, value: unknown, size: number): void {
  for (const [n, item] of read.list(value, 'matrix', size, size).entries()) {
    const row = read.text(item, `matrix.${n}`, EDGES_MAX + 1)
    if (row.length !== size) throw read.error(`matrix.${n}`, `a row of ${row.length} cells`, `${size} cells`)
    for (const [m, letter] of [...row].entries()) read.word(letter, `matrix.${n}.${m}`, VARIANT_LETTERS)
  }
}

function checkAcknowledgement(read: Reader, value: unknown, size: number): void {
  const found = read.object(value, 'acknowledgement', ['cells', 'otherwise'])
  for (const [n, item] of read.list(found['cells'], 'acknowledgement.cells', 0, size * size).entries()) {
    const path = `acknowledgement.cells.${n}`
    const cell = read.list(item, path, 2, 2)
    for (const m of [0, 1]) read.whole(cell[m], join(path, m), 1, size)
  }
  read.word(found['otherwise'], 'acknowledgement.otherwise', VARIANT_LETTERS)
}

function checkVariants(read: Reader, value: unknown): void {
  const variants = read.object(value, 'variants', VARIANT_LETTERS)
  for (const letter of VARIANT_LETTERS) {
    const path = `variants.${letter}`
    const variant = read.object(variants[letter], path, ['name', 'weights'])
    read.text(variant['name'], join(path, 'name'), NAME_LENGTH)
    const weights = read.object(variant['weights'], join(path, 'weights'), [], sleeveNames)
    const parts = Object.entries(weights).map(([sleeve, weight]) =>
      read.number(weight, join(join(path, 'weights'), sleeve), 0, 100),
    )
    checkSum(read, join(path, 'weights'), parts, 100)
  }
}

function checkFlags(read: Reader, value: unknown, items: PolicyFile['tolerance']['items']): void {
  const flags = read.object(value, 'flags', [...FLAG_NAMES, 'lowersBucketAt', 'blocksAt'])
  for (const key of ['lowersBucketAt', 'blocksAt']) read.whole(flags[key], `flags.${key}`, 1, COUNT_MAX)
  const item = (id: unknown, path: string): readonly number[] => {
    return Object.values(items[read.word(id, path, Object.keys(items))] ?? {})
  }
  if (flags['selfImageAgainstChoice'] !== null) {
    const path = 'flags.selfImageAgainstChoice'
    const flag = read.object(flags['selfImageAgainstChoice'], path, ['items', 'scaledGapAbove'])
    for (const [n, id] of read.list(flag['items'], join(path, 'items'), 2, 2).entries()) {
      const most = Math.max(...item(id, `${path}.items.${n}`))
      if (most <= 1) throw read.error(`${path}.items.${n}`, 'an item that cannot be scaled', 'points above 1')
    }
    read.number(flag['scaledGapAbove'], join(path, 'scaledGapAbove'), 0, 1)
  }
  if (flags['framingReversal'] !== null) {
    const path = 'flags.framingReversal'
    const flag = read.object(flags['framingReversal'], path, ['gainItem', 'lossItem', 'sureGain', 'riskyLoss'])
    for (const [id, points] of [
      ['gainItem', 'sureGain'],
      ['lossItem', 'riskyLoss'],
    ] as const) {
      const scores = item(flag[id], join(path, id))
      const wanted = read.number(flag[points], join(path, points), 0, POINTS_MAX)
      if (!scores.includes(wanted)) throw read.error(join(path, points), 'no choice has it', scores.join(' '))
    }
  }
  if (flags['quizAgainstBehaviour'] !== null) {
    const path = 'flags.quizAgainstBehaviour'
    const flag = read.object(flags['quizAgainstBehaviour'], path, ['bucketGapAtLeast'])
    read.whole(flag['bucketGapAtLeast'], join(path, 'bucketGapAtLeast'), 1, COUNT_MAX)
  }
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) frozen(item)
    Object.freeze(value)
  }
  return value
}
