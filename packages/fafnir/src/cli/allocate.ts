// Room card: cli/allocate
// In:    a variant or a profile, what fills its sleeves, holdings and prices as JSON files.
// Out:   orders that passed the risk gate, the portfolio before and after, turnover and cost; as a table or as JSON.
// Holds: anything missing or malformed, a blocked profile, an order the gate refuses: one error, and nothing is issued.
// Costs: cold path; an engine's thread for the gate.
import { dirname, resolve } from 'node:path'

import { Option, type Command } from 'commander'

import { readFileText } from '../advice/files.js'
import { readJson } from '../advice/json.js'
import type { AllocationInstrument, Holdings } from '../allocator/book.js'
import { invalid, object } from '../allocator/checks.js'
import { requireGate, type GateOptions } from '../allocator/gate.js'
import { rebalance, type Portfolio, type Rebalance } from '../allocator/rebalance.js'
import { targetsOf, type SleeveFills } from '../allocator/targets.js'
import type { RebalanceRules } from '../allocator/triggers.js'
import { variantNames, variants, type SleevePercents, type VariantName } from '../allocator/variants.js'
import { fail } from '../errors.js'
import { writeFilesAtomically } from '../report/write.js'
import { decimal, percent } from '../report/format.js'
import type { Action } from './live-commands.js'
import { whole } from './options.js'
import { EXIT, type Output } from './output.js'

interface AllocateHost {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

interface AllocateFlags {
  readonly variant?: VariantName
  readonly profile?: string
  readonly phase?: number
  readonly universe: string
  readonly holdings: string
  readonly prices: string
  readonly rules?: string
  readonly flow?: string
  readonly date?: string
  readonly holdingsOut?: string
  readonly json?: boolean
}

/** What a file of a universe holds. */
interface Universe {
  readonly instruments: readonly AllocationInstrument[]
  readonly fills: SleeveFills
  readonly limits?: GateOptions['limits']
  readonly currency?: GateOptions['currency']
}

const UNIVERSE_KEYS = ['instruments', 'fills', 'limits', 'currency']
const PHASES_MAX = 3
const LETTERS: Readonly<Record<string, VariantName>> = { D: 'defensive', B: 'balanced', S: 'standard', A: 'aggressive' }

/** Adds the command. */
export function addAllocate(program: Command, host: AllocateHost, action: Action): void {
  program
    .command('allocate')
    .description('from a profile or a variant, holdings and prices to orders that passed the risk gate')
    .addOption(new Option('--variant <name>', 'a variant of the Dragon portfolio').choices([...variantNames]))
    .addOption(new Option('--profile <file>', 'a profile as `fafnir advise --json FILE --full` prints it'))
    .addOption(
      new Option('--phase <n>', 'with a profile that moves in steps: which step').argParser(whole(1, PHASES_MAX)),
    )
    .requiredOption('--universe <file>', 'JSON: instruments, fills (what is held for each sleeve), limits, currency')
    .requiredOption('--holdings <file>', 'JSON: cash, positions, and tax lots where they are kept')
    .requiredOption('--prices <file>', 'JSON: price by symbol, as text')
    .addOption(new Option('--rules <file>', 'JSON: when and how far to rebalance (default: now, to the targets)'))
    .addOption(new Option('--flow <money>', 'money paid in, or out when negative'))
    .addOption(new Option('--date <day>', 'today, YYYY-MM-DD: for a calendar, tax lots and wash windows'))
    .addOption(new Option('--holdings-out <file>', 'write the holdings as they are when all orders are filled'))
    .addOption(new Option('--json', 'print one JSON object'))
    .action(
      action((flags: AllocateFlags) => runAllocate(flags, { out: host.out, err: host.err, json: flags.json === true })),
    )
}

async function runAllocate(flags: AllocateFlags, output: Output): Promise<number> {
  const percents = percentsOf(flags)
  const { instruments, fills, limits, currency } = universeOf(flags.universe)
  const holdings = readFile(flags.holdings) as Holdings
  const prices = readFile(flags.prices) as Readonly<Record<string, string>>
  if (typeof prices !== 'object' || prices === null) throw invalid('prices', prices, 'an object of prices by symbol')
  const rules = flags.rules === undefined ? undefined : (readFile(flags.rules) as RebalanceRules)
  const { flow, date } = flags
  const targets = targetsOf(percents, fills)
  const moneyDecimals = currency?.decimals
  const result = rebalance({ instruments, targets, holdings, prices, rules, flow, date, moneyDecimals })
  await requireGate(result.orders, { instruments, prices, limits, currency, positions: holdings.positions })
  if (flags.holdingsOut !== undefined) {
    const path = resolve(flags.holdingsOut)
    await writeFilesAtomically(dirname(path), [[path, `${JSON.stringify(result.holdings, null, 2)}\n`]])
  }
  if (output.json) output.out(`${JSON.stringify({ percents, ...result }, null, 2)}\n`)
  else output.out(`${table(result).join('\n')}\n`)
  return EXIT.ok
}

function percentsOf({ variant, profile, phase }: AllocateFlags): SleevePercents {
  if ((variant === undefined) === (profile === undefined)) {
    throw fail('USAGE_INVALID', 'name one of --variant and --profile')
  }
  if (variant !== undefined) {
    if (phase !== undefined) throw fail('USAGE_INVALID', '--phase goes with --profile')
    return variants[variant].percents
  }
  const given = readFile(profile!)
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalid('profile', given, 'one profile as an object')
  }
  const fields = given as Readonly<Record<string, unknown>>
  const letter = fields['variant']
  if (letter === null) throw invalid('profile.variant', null, 'a profile that is not blocked: this one needs a review')
  const phases = fields['phases']
  if (Array.isArray(phases) && phases.length > 0) {
    const step = phases[(phase ?? 1) - 1] as { readonly weights?: SleevePercents } | undefined
    if (step?.weights === undefined) throw invalid('phase', phase, `1 to ${phases.length}`)
    return step.weights
  }
  if (fields['weights'] !== undefined) return fields['weights'] as SleevePercents
  const name = typeof letter === 'string' && Object.hasOwn(LETTERS, letter) ? LETTERS[letter] : undefined
  if (name === undefined) throw invalid('profile.variant', letter, Object.keys(LETTERS).join(' '))
  return variants[name].percents
}

function universeOf(path: string): Universe {
  return object('universe', readFile(path), UNIVERSE_KEYS, ['instruments', 'fills']) as unknown as Universe
}

function readFile(path: string): unknown {
  const found = readJson(readFileText(path === '-' ? path : resolve(path), 'the file'))
  if (!('problem' in found)) return found.value
  const { what, key } = found.problem
  throw fail('ALLOCATION_INVALID', `${path}: ${what}${key === undefined ? '' : `: ${key}`}`, {
    path: key ?? path,
    file: path,
    value: what,
    allowed: 'JSON, each key once',
  })
}

function table(result: Rebalance): readonly string[] {
  const { orders, before, after, turnover, cost, realised } = result
  const lines = [...portfolioTable(before, after), '']
  if (orders.length === 0) lines.push('no orders: nothing is far enough from its target')
  else {
    const rows = orders.map((order) => [
      order.side,
      order.quantity,
      order.symbol,
      `at ${order.price}`,
      decimal(order.value),
      order.sleeve,
      order.why,
    ])
    lines.push(...columns([['order', '', '', 'limit', 'value', 'sleeve', 'why'], ...rows], [1, 4]))
  }
  lines.push('', `turnover ${percent(turnover)} one way, cost ${decimal(cost)}, all orders passed the risk gate`)
  if (realised !== null) lines.push(`realised gains ${decimal(realised.gains)}, losses ${decimal(realised.losses)}`)
  return lines
}

function portfolioTable(before: Portfolio, after: Portfolio): readonly string[] {
  const rows = after.lines.map(({ sleeve, value, weight, target, skipped }, i) => {
    const was = before.lines[i]!
    return [
      sleeve,
      percent(target),
      decimal(was.value),
      percent(was.weight),
      decimal(value),
      percent(weight),
      skipped === undefined ? '' : SKIPPED[skipped],
    ]
  })
  const total = ['all', '', decimal(before.value), '', decimal(after.value), '', '']
  return columns([['sleeve', 'target', 'before', '', 'after', '', ''], ...rows, total], [1, 2, 3, 4, 5])
}

const SKIPPED = {
  belowLot: 'less than a lot',
  belowMinimum: 'less than the smallest order',
  washWindow: 'not bought within 30 days of a loss',
  noCash: 'no cash for more',
  notHeld: 'nothing to sell',
} as const

function columns(rows: readonly (readonly string[])[], right: readonly number[]): readonly string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows.map((row) =>
    row
      .map((text, i) => (right.includes(i) ? text.padStart(widths[i]!) : text.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}
