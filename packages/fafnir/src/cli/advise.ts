// Room card: cli/advise
// In:    answers from a terminal or a file, a policy; a record of advice.
// Out:   the profile as text or JSON; `--json FILE` the fields a file of cases expects, in their order.
// Holds: one bad case refuses the whole file; with --record nothing is printed that is not on disk.
// Costs: cold path.
import { resolve } from 'node:path'

import { Option, type Command } from 'commander'

import { loadCases, type IntakeCase } from '../advice/case.js'
import { firstPolicy } from '../advice/first-policy.js'
import { firstQuestionnaire } from '../advice/first-questionnaire.js'
import { loadPolicy, type Policy } from '../advice/policy.js'
import { caseResult, profileOf, resultOf, type Profile } from '../advice/profile.js'
import { checkQuestionnaire, loadQuestionnaire, type Questionnaire } from '../advice/questionnaire.js'
import { newSubject, openRecord, verifyRecord, type Recorded } from '../advice/record.js'
import { fail } from '../errors.js'
import { askCase } from './advise-ask.js'
import type { Action } from './live-commands.js'
import { EXIT, printError } from './output.js'

/** What the command needs of the process. */
export interface AdviseHost {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly signal: AbortSignal
  /** Where answers come from. Default: standard input. */
  readonly input?: NodeJS.ReadableStream | undefined
}

/** Options of everything that advises. */
export interface AdviceFlags {
  readonly policy?: string
  readonly questionnaire?: string
  readonly record?: string
}

interface AdviseFlags extends AdviceFlags {
  readonly json?: string
  readonly full?: boolean
  readonly subject?: string
  readonly printPolicy?: boolean
  readonly verify?: string
  readonly head?: string
  readonly erase?: string
}

/** Adds the command. */
export function addAdvise(program: Command, host: AdviseHost, action: Action): void {
  program
    .command('advise [file]')
    .description("a person's profile: asks in the terminal, or reads a case (or an array of them) as JSON")
    .addOption(new Option('--json <file>', 'read a case or an array, print the fields of its result as JSON'))
    .addOption(new Option('--full', 'with --json: whole profiles, with words, glide path and hashes'))
    .addOption(new Option('--policy <file>', "a policy in the form of the product's own"))
    .addOption(new Option('--questionnaire <file>', 'other questions, for the items of the policy'))
    .addOption(new Option('--record <dir>', 'append to the record of advice in this folder'))
    .addOption(new Option('--subject <number>', 'with --record: the number of a known client (default: a new one)'))
    .addOption(new Option('--verify <dir>', 'verify the record of advice in this folder'))
    .addOption(new Option('--head <hash>', 'with --verify: the hash that was kept elsewhere'))
    .addOption(new Option('--erase <number>', 'with --record: erase the personal part of this client'))
    .addOption(new Option('--print-policy', 'print the policy as JSON'))
    .action(action((file: string | undefined, flags: AdviseFlags) => runAdvise(file, flags, host)))
}

/** The policy a command is to use. */
export function policyOf(flags: AdviceFlags, host: Pick<AdviseHost, 'err'>): Policy {
  const policy = flags.policy === undefined ? firstPolicy() : loadPolicy(resolve(flags.policy))
  for (const text of policy.departures) host.err(`fafnir: policy ${policy.version}: ${text}\n`)
  return policy
}

/** The questions a command is to ask. */
export function questionnaireOf(flags: AdviceFlags, policy: Policy): Questionnaire {
  const { questionnaire } = flags
  if (questionnaire !== undefined) return loadQuestionnaire(resolve(questionnaire), policy)
  return checkQuestionnaire(firstQuestionnaire, policy)
}

async function runAdvise(file: string | undefined, flags: AdviseFlags, host: AdviseHost): Promise<number> {
  checkUsage(file, flags)
  if (flags.verify !== undefined) return verify(flags.verify, flags.head, host)
  if (flags.erase !== undefined) return erase(flags.record!, flags.erase, host)
  const policy = policyOf(flags, host)
  if (flags.printPolicy === true) {
    host.out(`${JSON.stringify(policy.file, null, 2)}\n`)
    return EXIT.ok
  }
  const from = flags.json ?? file
  const asked = from === undefined
  const { list, cases } = asked
    ? { list: false, cases: [await askCase(policy, questionnaireOf(flags, policy), host)] }
    : loadCases(from === '-' ? from : resolve(from), policy)
  if (flags.json !== undefined && flags.full !== true && flags.record === undefined) {
    const results = cases.map((intake) => resultOf(policy, intake))
    host.out(`${JSON.stringify(list ? results : results[0], null, 2)}\n`)
    return EXIT.ok
  }
  // All of them before the first is recorded or printed.
  const profiles = cases.map((intake) => ({ intake, profile: profileOf(policy, intake) }))
  const recorded = record(profiles, flags)
  if (flags.json !== undefined) {
    const shown = profiles.map(({ profile }, n) => {
      const place = recorded[n]
      if (flags.full !== true) return caseResult(profile)
      return place === undefined ? profile : { ...profile, recorded: place }
    })
    host.out(`${JSON.stringify(list ? shown : shown[0], null, 2)}\n`)
    return EXIT.ok
  }
  const texts = profiles.map(({ profile }, n) => {
    const head = list ? [`case ${n + 1}`, ''] : []
    return `${[...head, ...profileText(profile), ...recordText(recorded[n])].join('\n')}\n`
  })
  host.out(texts.join('\n'))
  return EXIT.ok
}

function checkUsage(file: string | undefined, flags: AdviseFlags): void {
  const { json, full, subject, record: folder, verify: verified, head, erase: erased } = flags
  const wrong = [
    [file !== undefined && json !== undefined, 'name one file, either bare or with --json'],
    [full === true && json === undefined, '--full goes with --json'],
    [subject !== undefined && folder === undefined, '--subject goes with --record'],
    [erased !== undefined && folder === undefined, '--erase goes with --record'],
    [head !== undefined && verified === undefined, '--head goes with --verify'],
  ] as const
  for (const [is, text] of wrong) if (is) throw fail('USAGE_INVALID', text)
}

function record(
  profiles: readonly { readonly intake: IntakeCase; readonly profile: Profile }[],
  flags: AdviseFlags,
): readonly Recorded[] {
  if (flags.record === undefined) return []
  if (flags.subject !== undefined && profiles.length > 1) {
    throw fail('USAGE_INVALID', '--subject is one client, and the file has several cases')
  }
  using open = openRecord({ directory: resolve(flags.record) })
  return profiles.map((each) => open.append({ ...each, subject: flags.subject ?? newSubject() }))
}

function verify(folder: string, head: string | undefined, host: AdviseHost): number {
  const found = verifyRecord({ directory: resolve(folder), head })
  const { records, readable, erased, lost, tornBytes, tampering } = found
  host.out(`${records} records agree: ${readable} profiles readable, ${erased} erased, ${lost} without their key\n`)
  if (tornBytes > 0) host.out(`the last line is unfinished (${tornBytes} bytes): a process ended while it wrote\n`)
  host.out(`head ${found.head}\n`)
  if (tampering === null) return EXIT.ok
  const fields = { path: resolve(folder), record: tampering.record, field: tampering.field }
  return printError({ ...host, json: false }, fail('RECORD_TAMPERED', tampering.words, fields))
}

function erase(folder: string, subject: string, host: AdviseHost): number {
  using open = openRecord({ directory: resolve(folder) })
  const { record: number, hash } = open.erase(subject)
  host.out(`erased: record ${number}, hash ${hash}\nCopies of the keys elsewhere have to be destroyed there.\n`)
  return EXIT.ok
}

function recordText(recorded: Recorded | undefined): string[] {
  if (recorded === undefined) return []
  return ['', `recorded as ${recorded.record} for client ${recorded.subject}, hash ${recorded.hash}`]
}

/** A profile as a person reads it. */
export function profileText(profile: Profile): readonly string[] {
  const { weights, phases, glidePath } = profile
  const rows = Object.entries(weights ?? {}).map(([sleeve, weight]) => `  ${sleeve.padEnd(16)}${weight} %`)
  const steps = phases.map(({ rebalance, weights: then }) => {
    const parts = Object.entries(then).map(([sleeve, weight]) => `${sleeve} ${weight}`)
    return `  ${rebalance}. ${parts.join(', ')}`
  })
  const path = glidePath.slice(1).map(({ inYears, capacityBucket, variant }) => {
    return `  in ${inYears} years: capacity level ${capacityBucket}${variant === null ? '' : `, variant ${variant}`}`
  })
  return [
    profile.status === 'blocked' ? 'blocked: no allocation' : `${profile.variantName ?? ''} (${profile.variant ?? ''})`,
    ...rows,
    ...section('rebalances', steps),
    ...section('how it came to be', wrap(profile.explanation)),
    ...section('if only time passes', path),
    ...section('what you must know', wrap(profile.disclosures)),
    '',
    `policy ${profile.policy.version} ${profile.policy.hash}`,
    `profile ${profile.contentHash}`,
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines]
}

const COLUMNS = 100

/** Sentences as paragraphs of a terminal. */
function wrap(sentences: readonly string[]): string[] {
  return sentences.flatMap((sentence) => {
    const lines = ['-']
    for (const word of sentence.split(' ')) {
      if (lines.at(-1)!.length + word.length + 1 > COLUMNS) lines.push(' ')
      lines.push(`${lines.pop()!} ${word}`)
    }
    return lines.map((line) => `  ${line}`)
  })
}
