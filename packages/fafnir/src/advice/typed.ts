// Room card: advice/typed
// In:    what a person types, in a terminal or a form.
// Out:   numbers; the case of a form, or what is wrong with each answer; the words of the written acknowledgement.
// Holds: plain decimals only; a text that is no number is no number, never a guess.
// Costs: cold path.
import { Decimal } from 'decimal.js'

import type { IntakeCase } from './case.js'
import { capacityQuestions } from './first-questionnaire.js'
import type { Measure } from './policy.js'
import type { Questionnaire } from './questionnaire.js'

/** What a person writes to take a variant above their stated tolerance. */
export const ACKNOWLEDGEMENT = 'I take more risk than I said I want'

/** A decimal of up to 9 digits and 6 decimals; undefined for anything else. */
export function numberOf(text: string, fromZero: boolean): number | undefined {
  if (!/^-?\d{1,9}(\.\d{1,6})?$/.test(text)) return undefined
  const value = Number(text)
  return fromZero && value < 0 ? undefined : Object.is(value, -0) ? 0 : value
}

/** The choice that says that nothing is known of a person's behaviour; no name of a policy. */
export const UNKNOWN = '-'

/** The fields of a form by name. */
export type Submitted = Readonly<Record<string, string>>

/** What is wrong with a field. */
export interface Mistake {
  readonly field: string
  readonly words: string
}

/** A number as it is asked for, as it is scored: percent become a ratio, exactly. */
export function scored(value: number, unit: 'years' | 'months' | 'percent'): number {
  return unit === 'percent' ? new Decimal(value).div(100).toNumber() : value
}

/** The case of a form, or every mistake in it: one mistake, and there is no case. */
export function caseOfForm(
  questionnaire: Questionnaire,
  submitted: Submitted,
): { readonly intake: IntakeCase } | { readonly mistakes: readonly Mistake[] } {
  const mistakes: Mistake[] = []
  const measures: Partial<Record<Measure, number>> = {}
  for (const { measure, text, unit } of capacityQuestions) {
    const fromZero = measure !== 'netWorthYears'
    const value = numberOf((submitted[measure] ?? '').trim(), fromZero)
    const allowed = fromZero ? 'a number, 0 or more, such as 12.5' : 'a number, such as 2.5 or -1'
    if (value === undefined) mistakes.push({ field: measure, words: `${text} Enter ${allowed}.` })
    else measures[measure] = scored(value, unit)
  }
  const answers: Record<string, string> = {}
  for (const [n, { item, choices }] of questionnaire.questions.entries()) {
    const field = `item-${item}`
    const found = choices.find(({ choice }) => choice === submitted[field])
    if (found === undefined) mistakes.push({ field, words: `Question ${n + 1}: choose one of the answers.` })
    else answers[item] = found.choice
  }
  const known = [UNKNOWN, ...questionnaire.behaviour.choices.map(({ choice }) => choice)]
  const behaviour = known.find((choice) => choice === submitted['behaviour'])
  if (behaviour === undefined)
    mistakes.push({ field: 'behaviour', words: 'What you have done: choose one of the answers.' })
  if (mistakes.length > 0) return { mistakes }
  const written = (submitted['acknowledgement'] ?? '').trim().toLowerCase()
  return {
    intake: {
      ...(measures as Record<Measure, number>),
      answers,
      ...(behaviour === undefined || behaviour === UNKNOWN ? {} : { behaviour }),
      ...(written === ACKNOWLEDGEMENT.toLowerCase() ? { acknowledged: true } : {}),
    },
  }
}
