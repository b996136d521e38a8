// Room card: advice/questionnaire
// In:    a questionnaire's content and the policy that scores it.
// Out:   checked questions: every item and choice the policy has, and no other.
// Holds: words and points stand apart: another questionnaire needs a policy with its items, and no code.
// Costs: cold path.
import { fail } from '../errors.js'
import { readFileText } from './files.js'
import { readJson } from './json.js'
import type { Policy } from './policy.js'
import { Reader, join } from './reader.js'

/** A choice of an item. */
export interface Choice {
  /** The word an answer is: "a". */
  readonly choice: string
  readonly text: string
}

/** A question with its choices. */
export interface Question {
  /** The item of the policy. */
  readonly item: string
  readonly text: string
  readonly choices: readonly Choice[]
}

/** Questions for people, in the order in which they are asked. */
export interface Questionnaire {
  readonly name: string
  readonly questions: readonly Question[]
  /** What was done when markets last fell; the last, `unknown`, is offered by the program. */
  readonly behaviour: { readonly text: string; readonly choices: readonly Choice[] }
}

const TEXT_LENGTH = 1_000
const NAME_LENGTH = 100
const QUESTIONS_MAX = 200
const CHOICES_MAX = 26

/**
 * Checks a questionnaire against a policy.
 *
 * @throws FafnirError POLICY_INVALID with `path`.
 */
export function checkQuestionnaire(content: unknown, policy: Policy): Questionnaire {
  const read = new Reader('POLICY_INVALID', 'the questionnaire')
  const found = read.object(content, '', ['name', 'questions', 'behaviour'])
  const { items, behaviour } = policy.file.tolerance
  const questions = read.list(found['questions'], 'questions', 1, QUESTIONS_MAX).map((value, n) => {
    const path = `questions.${n}`
    const question = read.object(value, path, ['item', 'text', 'choices'])
    const item = read.word(question['item'], join(path, 'item'), Object.keys(items))
    return {
      item,
      text: read.text(question['text'], join(path, 'text'), TEXT_LENGTH),
      choices: checkChoices(read, question['choices'], join(path, 'choices'), Object.keys(items[item]!)),
    }
  })
  complete(
    read,
    'questions',
    questions.map(({ item }) => item),
    Object.keys(items),
  )
  const seen = read.object(found['behaviour'], 'behaviour', ['text', 'choices'])
  return {
    name: read.text(found['name'], 'name', NAME_LENGTH),
    questions,
    behaviour: {
      text: read.text(seen['text'], 'behaviour.text', TEXT_LENGTH),
      choices: checkChoices(read, seen['choices'], 'behaviour.choices', Object.keys(behaviour)),
    },
  }
}

function checkChoices(read: Reader, value: unknown, path: string, known: readonly string[]): readonly Choice[] {
  const choices = read.list(value, path, 1, CHOICES_MAX).map((item, n) => {
    const at = join(path, n)
    const found = read.object(item, at, ['choice', 'text'])
    const choice = read.word(found['choice'], join(at, 'choice'), known)
    return { choice, text: read.text(found['text'], join(at, 'text'), TEXT_LENGTH) }
  })
  complete(
    read,
    path,
    choices.map(({ choice }) => choice),
    known,
  )
  return choices
}

function complete(read: Reader, path: string, found: readonly string[], known: readonly string[]): void {
  for (const name of known) {
    const times = found.filter((word) => word === name).length
    if (times !== 1) throw read.error(join(path, name), times === 0 ? 'missing' : 'given twice', 'each once')
  }
}

/**
 * Reads and checks a questionnaire file.
 *
 * @throws FafnirError FILE_MISSING, POLICY_INVALID
 */
export function loadQuestionnaire(path: string, policy: Policy): Questionnaire {
  const found = readJson(readFileText(path, 'the questionnaire'))
  if ('problem' in found) {
    const { key = '', what } = found.problem
    throw fail('POLICY_INVALID', `the questionnaire: ${what}`, { path: key })
  }
  return checkQuestionnaire(found.value, policy)
}
