// Room card: cli/advise-ask
// In:    lines a person types.
// Out:   a case.
// Holds: an answer is asked for until it is one; an end of input before the last answer is no profile.
// Costs: a person's minutes.
import { createInterface } from 'node:readline'

import type { IntakeCase } from '../advice/case.js'
import { capacityQuestions } from '../advice/first-questionnaire.js'
import type { Measure, Policy } from '../advice/policy.js'
import { profileOf } from '../advice/profile.js'
import type { Choice, Questionnaire } from '../advice/questionnaire.js'
import { ACKNOWLEDGEMENT, numberOf, scored } from '../advice/typed.js'
import { fail } from '../errors.js'
import type { AdviseHost } from './advise.js'

/** Asks one line after another. */
class Asker {
  private readonly lines: AsyncIterator<string>
  private readonly host: AdviseHost
  private readonly reader: ReturnType<typeof createInterface>

  constructor(host: AdviseHost) {
    this.host = host
    this.reader = createInterface({ input: host.input ?? process.stdin, terminal: false })
    this.lines = this.reader[Symbol.asyncIterator]()
    host.signal.addEventListener('abort', () => this.reader.close(), { once: true })
  }

  /** One line without blanks around it. */
  async line(): Promise<string> {
    this.host.out('> ')
    const { value, done } = await this.lines.next()
    if (this.host.signal.aborted) throw this.host.signal.reason
    if (done === true) throw fail('ABORTED', 'the answers ended before the last question; nothing was issued or kept')
    return String(value).trim()
  }

  /** Asks until `read` makes something of it. */
  async until<T>(read: (text: string) => T | undefined, help: string): Promise<T> {
    for (;;) {
      const found = read(await this.line())
      if (found !== undefined) return found
      this.host.out(`${help}\n`)
    }
  }

  close(): void {
    this.reader.close()
  }
}

/** Asks for a whole case in the terminal. */
export async function askCase(policy: Policy, questionnaire: Questionnaire, host: AdviseHost): Promise<IntakeCase> {
  const asker = new Asker(host)
  try {
    const { questions, behaviour } = questionnaire
    const total = capacityQuestions.length + questions.length + 1
    host.out(`${total} questions. Nothing is kept unless you asked for a record. Ctrl-C ends without a profile.\n`)
    const measures: Partial<Record<Measure, number>> = {}
    for (const [n, { measure, text, hint, unit }] of capacityQuestions.entries()) {
      host.out(`\n${n + 1} of ${total}. ${text}\n${hint}\n`)
      const help = measure === 'netWorthYears' ? 'A number, such as 2.5 or -1.' : 'A number, 0 or more, such as 12.5.'
      const read = (line: string): number | undefined => numberOf(line, measure !== 'netWorthYears')
      const found = await asker.until(read, help)
      measures[measure] = scored(found, unit)
    }
    const answers: Record<string, string> = {}
    for (const [n, { item, text, choices }] of questions.entries()) {
      host.out(`\n${capacityQuestions.length + n + 1} of ${total}. ${text}\n`)
      answers[item] = await choose(asker, host, choices)
    }
    host.out(`\n${total} of ${total}. ${behaviour.text}\n`)
    const seen = await choose(asker, host, [...behaviour.choices, { choice: '', text: 'I had none, or do not know' }])
    const intake = {
      ...(measures as Record<Measure, number>),
      answers,
      ...(seen === '' ? {} : { behaviour: seen }),
    }
    const acknowledged = await acknowledge(asker, policy, intake, host)
    host.out('\n')
    return acknowledged ? { ...intake, acknowledged } : intake
  } finally {
    asker.close()
  }
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

async function choose(asker: Asker, host: AdviseHost, choices: readonly Choice[]): Promise<string> {
  for (const [n, { text }] of choices.entries()) host.out(`  ${LETTERS[n]}) ${text}\n`)
  const last = LETTERS[choices.length - 1]
  return asker.until((text) => {
    const at = text.length === 1 ? LETTERS.indexOf(text.toLowerCase()) : -1
    return choices[at]?.choice
  }, `A letter from a to ${last}; nothing is guessed.`)
}

async function acknowledge(asker: Asker, policy: Policy, intake: IntakeCase, host: AdviseHost): Promise<boolean> {
  const profile = profileOf(policy, intake)
  if (profile.acknowledgement !== 'needed' || profile.status === 'blocked') return false
  const above = policy.file.variants[profile.cell.letter].name
  host.out(
    `\nYou could bear more than you want. The allocation ${above} is above your stated tolerance.\n` +
      `To take it, type: ${ACKNOWLEDGEMENT}\nAnything else leaves it at ${profile.variantName ?? ''}.\n`,
  )
  return (await asker.line()).toLowerCase() === ACKNOWLEDGEMENT.toLowerCase()
}
