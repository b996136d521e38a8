// Room card: advice/case
// In:    what a person answered, as JSON has it.
// Out:   a checked case.
// Holds: nothing is guessed: a missing, unknown or doubled answer is refused; errors never quote answers.
// Costs: cold path; O(answers).
import { readFileText } from './files.js'
import { readJson } from './json.js'
import { MEASURES, VARIANT_LETTERS, type Measure, type Policy, type VariantLetter } from './policy.js'
import { Reader, join } from './reader.js'

/** Where a client stood before: the input of a re-profile. `Profile.standing` of the profile before has this form. */
export interface Standing {
  /** 1 to the number of buckets. */
  readonly capacityBucket: number
  /** By the score, before flags lowered it: flags of one day do not stay with a client. */
  readonly toleranceBucket: number
  /** What the client holds; null or absent: nothing yet. */
  readonly variant?: VariantLetter | null | undefined
}

/** A review that lifts a block: who looked at the inconsistencies, and what came of it. */
export interface Review {
  readonly by: string
  readonly reason: string
}

/** What a person answered. */
export interface IntakeCase {
  /** Years until the money is needed. */
  readonly horizonYears: number
  /** Months of spending that are at hand in cash. */
  readonly liquidityMonths: number
  /** What is owned less what is owed, in years of income; negative when more is owed. */
  readonly netWorthYears: number
  /** Payments on debts, as a part of income: 0.25 is a quarter. */
  readonly debtServiceRatio: number
  /** Choice by item; every item of the policy. */
  readonly answers: Readonly<Record<string, string>>
  /** What the person did when markets last fell; absent when nothing is known. */
  readonly behaviour?: string | null | undefined
  /** The written acknowledgement of a variant above the stated tolerance was given. */
  readonly acknowledged?: boolean | null | undefined
  readonly review?: Review | null | undefined
  readonly prior?: Standing | null | undefined
}

const LOWEST: Readonly<Record<Measure, number>> = {
  horizonYears: 0,
  liquidityMonths: 0,
  netWorthYears: -Number.MAX_VALUE,
  debtServiceRatio: 0,
}
/** Cases of one file. */
export const CASES_MAX = 100_000
const REVIEWER_LENGTH = 200
const REASON_LENGTH = 2_000

/**
 * Checks what a person answered against a policy.
 *
 * @throws FafnirError INTAKE_INVALID with `path` and what is allowed there; it never says what was answered.
 */
export function checkCase(content: unknown, policy: Policy, path: string = ''): IntakeCase {
  const read = new Reader('INTAKE_INVALID', 'the case')
  const optional = ['behaviour', 'acknowledged', 'review', 'prior']
  const found = read.object(content, path, [...MEASURES, 'answers'], optional)
  const measures = Object.fromEntries(
    MEASURES.map((measure) => {
      return [measure, read.number(found[measure], join(path, measure), LOWEST[measure], Number.MAX_VALUE)]
    }),
  ) as Record<Measure, number>
  const answers = checkAnswers(read, found['answers'], policy, join(path, 'answers'))
  const at = (key: string): string => join(path, key)
  const given = (key: string): boolean => found[key] !== undefined && found[key] !== null
  const behaviours = Object.keys(policy.file.tolerance.behaviour)
  return {
    ...measures,
    answers,
    ...(given('behaviour') ? { behaviour: read.word(found['behaviour'], at('behaviour'), behaviours) } : {}),
    ...(given('acknowledged') ? { acknowledged: read.flag(found['acknowledged'], at('acknowledged')) } : {}),
    ...(given('review') ? { review: checkReview(read, found['review'], at('review')) } : {}),
    ...(given('prior') ? { prior: checkPrior(read, found['prior'], policy, at('prior')) } : {}),
  }
}

function checkAnswers(read: Reader, value: unknown, policy: Policy, path: string): Readonly<Record<string, string>> {
  const { items } = policy.file.tolerance
  const ids = Object.keys(items)
  const answers = read.object(value, path, ids)
  return Object.fromEntries(ids.map((id) => [id, read.word(answers[id], join(path, id), Object.keys(items[id] ?? {}))]))
}

function checkReview(read: Reader, value: unknown, path: string): Review {
  const review = read.object(value, path, ['by', 'reason'])
  return {
    by: read.text(review['by'], join(path, 'by'), REVIEWER_LENGTH),
    reason: read.text(review['reason'], join(path, 'reason'), REASON_LENGTH),
  }
}

function checkPrior(read: Reader, value: unknown, policy: Policy, path: string): Standing {
  const prior = read.object(value, path, ['capacityBucket', 'toleranceBucket'], ['variant'])
  const size = policy.file.matrix.length
  const variant = prior['variant']
  return {
    capacityBucket: read.whole(prior['capacityBucket'], join(path, 'capacityBucket'), 1, size),
    toleranceBucket: read.whole(prior['toleranceBucket'], join(path, 'toleranceBucket'), 1, size),
    variant:
      variant === undefined || variant === null ? null : read.word(variant, join(path, 'variant'), VARIANT_LETTERS),
  }
}

/** Cases of a file: `list` says whether it held an array. */
export interface CaseFile {
  readonly list: boolean
  readonly cases: readonly IntakeCase[]
}

/**
 * Reads a file with one case or an array of them. A case may stand alone or under the key `case`, beside what is
 * expected of it, as in a file of test cases.
 *
 * @throws FafnirError FILE_MISSING, INTAKE_INVALID; one bad case refuses the file.
 */
export function loadCases(path: string, policy: Policy): CaseFile {
  return readCases(readFileText(path, 'the file of cases'), policy)
}

/** The same from a text. */
export function readCases(text: string, policy: Policy): CaseFile {
  const read = new Reader('INTAKE_INVALID', 'the case')
  const found = readJson(text)
  if ('problem' in found) throw read.error(found.problem.key ?? '', found.problem.what)
  const one = (value: unknown, at: string): IntakeCase => {
    const wrapped = typeof value === 'object' && value !== null && 'case' in value
    if (!wrapped) return checkCase(value, policy, at)
    const outer = read.object(value, at, ['case'], ['expected', 'name'])
    return checkCase(outer['case'], policy, join(at, 'case'))
  }
  if (!Array.isArray(found.value)) return { list: false, cases: [one(found.value, '')] }
  const cases = read.list(found.value, '', 0, CASES_MAX).map((value, n) => one(value, String(n)))
  return { list: true, cases }
}
