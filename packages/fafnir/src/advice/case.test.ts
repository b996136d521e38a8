import { describe, expect, it, test } from 'vitest'

import { FafnirError } from '../errors.js'
import { readCases } from './case.js'
import { firstPolicy } from './first-policy.js'
import { profileOf, resultOf } from './profile.js'

const policy = firstPolicy()
const intake = {
  horizonYears: 4,
  liquidityMonths: 12,
  netWorthYears: 15,
  debtServiceRatio: 0,
  answers: Object.fromEntries([...'bbbbbbbbbbbbb'].map((choice, n) => [String(n + 1), choice])),
}

describe('bad input is refused with its path, and never quoted', () => {
  const good = (): Record<string, unknown> => structuredClone(intake)
  const wrong: readonly (readonly [path: string, change: (intake: Record<string, unknown>) => void])[] = [
    ['horizonYears', (c) => (c['horizonYears'] = -0.5)],
    ['horizonYears', (c) => (c['horizonYears'] = Number.NaN)],
    ['horizonYears', (c) => (c['horizonYears'] = '12')],
    ['horizonYears', (c) => delete c['horizonYears']],
    ['liquidityMonths', (c) => (c['liquidityMonths'] = Number.POSITIVE_INFINITY)],
    ['liquidityMonths', (c) => (c['liquidityMonths'] = null)],
    ['netWorthYears', (c) => (c['netWorthYears'] = Number.NEGATIVE_INFINITY)],
    ['debtServiceRatio', (c) => (c['debtServiceRatio'] = -1e-9)],
    ['answers', (c) => delete c['answers']],
    ['answers', (c) => (c['answers'] = ['a'])],
    ['answers.13', (c) => delete (c['answers'] as Record<string, string>)['13']],
    ['answers.14', (c) => (c['answers'] = { ...(c['answers'] as object), 14: 'a' })],
    ['answers.9', (c) => (c['answers'] = { ...(c['answers'] as object), 9: 'c' })],
    ['answers.9', (c) => (c['answers'] = { ...(c['answers'] as object), 9: 'toString' })],
    ['answers.9', (c) => (c['answers'] = { ...(c['answers'] as object), 9: ['a', 'b'] })],
    ['behaviour', (c) => (c['behaviour'] = 'panicked')],
    ['behaviour', (c) => (c['behaviour'] = 'constructor')],
    ['acknowledged', (c) => (c['acknowledged'] = 'yes')],
    ['prior.capacityBucket', (c) => (c['prior'] = { capacityBucket: 6, toleranceBucket: 1 })],
    ['prior.toleranceBucket', (c) => (c['prior'] = { capacityBucket: 1 })],
    ['prior.variant', (c) => (c['prior'] = { capacityBucket: 1, toleranceBucket: 1, variant: 'X' })],
    ['review.reason', (c) => (c['review'] = { by: 'me', reason: ' ' })],
    ['income', (c) => (c['income'] = 5)],
  ]
  test.each(wrong)('%s', (path, change) => {
    const bad = good()
    change(bad)
    for (const refuse of [profileOf, resultOf]) {
      try {
        refuse(policy, bad)
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(FafnirError)
        expect((error as FafnirError).toJSON()).toMatchObject({ code: 'INTAKE_INVALID', fields: { path } })
        expect(JSON.stringify(error)).not.toMatch(/panicked|constructor|toString|-0\.5/)
      }
    }
  })
  it('in a file, one bad case refuses all of it, and an answer given twice is no answer', () => {
    const refused = (text: string): unknown => {
      try {
        return readCases(text, policy).cases.length
      } catch (error) {
        return (error as FafnirError).fields['path']
      }
    }
    const text = JSON.stringify(intake)
    expect(refused(`[${text},{"case":${text},"expected":{}}]`)).toBe(2)
    expect(refused(`[${text},{"case":{}}]`)).toBe('1.case.horizonYears')
    expect(refused(`[${text},5]`)).toBe('1')
    expect(refused(text.replace('"9":', '"8":'))).toBe('answers.8')
    expect(refused('{')).toBe('')
    expect(refused(`{"case":${text},"note":1}`)).toBe('note')
  })
})
