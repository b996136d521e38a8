// Room card: cli/explain
// In:    a run's folder or journal, and which quote is meant.
// Out:   how that quote came to be, one term a line, each line with the sum so far.
// Holds: numbers are printed as they are, not rounded, so that the lines add up.
// Costs: cold path: a replay.
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { InvalidArgumentError, Option, type Command } from 'commander'

import { explain, type ExplainedQuote, type ExplainedSide, type Explanation } from '../backtest/explain.js'
import { fail } from '../errors.js'
import { whole } from './options.js'
import { EXIT, type Output } from './output.js'
import { showProgress } from './progress.js'

/** Options of `fafnir explain`. */
export interface ExplainFlags {
  readonly at?: string
  readonly turn?: number
  readonly order?: string
  readonly symbol?: string
  readonly json?: boolean
}

/** Adds the command. */
export function addExplain(program: Command, run: (path: string, flags: ExplainFlags) => Promise<void>): void {
  program
    .command('explain <run>')
    .description("show how one of a run's native quotes came to be, term by term (default: the last one)")
    .addOption(
      new Option('--at <time>', 'the last quote sent by then: ISO 8601 or Unix ns')
        .argParser(unixNanos)
        .conflicts(['turn', 'order']),
    )
    .addOption(
      new Option('--turn <n>', 'the decision of this turn')
        .argParser(whole(0, Number.MAX_SAFE_INTEGER))
        .conflicts('order'),
    )
    .addOption(new Option('--order <id>', 'the last quote under this order id, such as 1-7'))
    .addOption(new Option('--symbol <symbol>', 'only quotes of this instrument'))
    .addOption(new Option('--json', 'print one JSON object'))
    .action(run)
}

function unixNanos(text: string): string {
  if (/^\d{1,20}$/.test(text)) return text
  const millis = Date.parse(text)
  if (!Number.isSafeInteger(millis) || millis < 0) {
    throw new InvalidArgumentError('A time such as 2024-08-08T00:00:01.5Z or whole Unix nanoseconds is allowed.')
  }
  return `${millis}000000`
}

/** Explains a quote of a run's journal. */
export async function runExplain(
  run: string,
  flags: ExplainFlags,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const inside = join(run, 'journal')
  const path = existsSync(inside) ? inside : run
  const progress = showProgress(`explain: ${path}`, process.stderr, output.json)
  const { turn, at: atNs, order, symbol } = flags
  let found: Explanation
  try {
    found = await explain(path, { turn, atNs, order, symbol, signal, onProgress: (part) => progress.update(part) })
  } finally {
    progress.done()
  }
  if (found.quote === null) {
    throw fail('USAGE_INVALID', 'the run has no such quote of a native quoter', {
      path,
      quotes: found.quotes,
      allowed: 'a turn, time or order id of the run',
    })
  }
  output.out(output.json ? `${JSON.stringify({ path, ...found }, null, 2)}\n` : explanationText(found, found.quote))
  return found.addingUp === found.quotes ? EXIT.ok : EXIT.failed
}

/** The explanation as a person reads it. */
export function explanationText(found: Explanation, quote: ExplainedQuote): string {
  const [bid, ask] = quote.touchTicks
  const lines = [
    `turn ${quote.turn}, ${quote.timeNs} ns, ${quote.symbol}, ${quote.model}: ${quote.standing}`,
    `touch ${bid ?? '-'} / ${ask ?? '-'} ticks of ${quote.tickPrice}`,
    `position ${quote.positionLots} lots = ${quote.inventoryBase} base, limit ${quote.limitLots} lots`,
    `gamma ${quote.riskAversionPerMoney} /money, kappa ${quote.decayPerPrice.join(' / ')} /price, ` +
      `sigma ${quote.volatilityPricePerSqrtSecond} price/sqrt(s) (${sigmaError(quote)}), ` +
      `T-t ${quote.horizonSeconds ?? 'without end'} s`,
  ]
  if (quote.intensitySource === 'market') {
    lines.push(
      `A ${quote.arrivalsPerSecond.map((rate) => rate ?? '-').join(' / ')} /s and kappa from the market's trades: ` +
        `${quote.refitsAccepted.join(' / ')} refits accepted, ${quote.refitsRefused.join(' / ')} refused`,
    )
  } else if (quote.arrivalsPerSecond.some((rate) => rate !== null)) {
    lines.push(`A ${quote.arrivalsPerSecond.join(' / ')} /s as given`)
  }
  const priced = quote.standing === 'quoting'
  for (const side of quote.sides) lines.push('', ...(priced ? sideLines(quote, side) : [`${side.side}: no price`]))
  lines.push('')
  for (const order of quote.orders) {
    const level = order.level === 0 ? '' : `, level ${order.level} (${signed(order.levelTicks)} ticks)`
    const sum = order.addsUp ? 'adds up' : 'DOES NOT ADD UP'
    lines.push(`${order.kind} ${order.side} ${order.priceTicks} x ${order.lots}, ${order.order}${level}: ${sum}`)
  }
  if (quote.orders.length === 0) lines.push('nothing was sent')
  lines.push(`${found.addingUp} of ${found.quotes} quotes of the run add up`)
  if (!found.matches) lines.push('the replay differs from the recorded hashes')
  return `${lines.join('\n')}\n`
}

function sigmaError(quote: ExplainedQuote): string {
  const { volatilityStandardError: error, volatilityPricePerSqrtSecond: sigma, volatilityMids: mids } = quote
  if (error === null || !(sigma > 0)) return `as given, ${mids} mids so far`
  return `standard error ${((100 * error) / sigma).toFixed(1)} %, ${mids} mids`
}

function sideLines(quote: ExplainedQuote, side: ExplainedSide): string[] {
  if (!side.wanted) return [`${side.side}: not wanted`]
  const away = side.side === 'bid' ? -1 : 1
  const prices: readonly (readonly [string, number])[] = quote.asked
    ? [['price asked for', side.inventoryPrice]]
    : [
        ['fair value', quote.fairPrice],
        ['inventory', side.inventoryPrice],
        ['drift, unlike sides', quote.driftPrice],
      ]
  const spread: readonly (readonly [string, number])[] = [
    ['half spread: intensity', side.intensityHalfPrice],
    ['half spread: inventory', side.inventoryHalfPrice],
    ['half spread: toxic flow', side.toxicityHalfPrice],
  ]
  const ticks: readonly (readonly [string, number])[] = [
    ['in ticks', side.modelTicks],
    ['rounding', side.roundingTicks],
    ['spread rules', side.spreadTicks],
    ['fees', side.feeTicks],
    ['touch (post-only)', side.touchTicks],
    ['order increment', side.incrementTicks],
  ]
  const always = new Set([
    'fair value',
    'price asked for',
    'inventory',
    'half spread: intensity',
    'in ticks',
    'rounding',
  ])
  const shown = (terms: readonly (readonly [string, number])[], sign: number, plain: boolean): string[] =>
    terms
      .filter(([name, value]) => value !== 0 || always.has(name))
      .map(([name, value], i) => `  ${name.padEnd(24)} ${i === 0 && plain ? value : signed(sign * value)}`)
  return [
    `${side.side}:`,
    ...shown(prices, 1, true),
    ...shown(spread, away, false),
    `  ${'= model price'.padEnd(24)} ${side.modelPrice}`,
    ...shown(ticks, 1, true),
    `  ${'= price'.padEnd(24)} ${side.priceTicks} ticks${side.addsUp ? '' : ' (DOES NOT ADD UP)'}`,
    `  ${'lots'.padEnd(24)} ${side.wantedLots} wanted, ${side.otherLots} others open, ${side.lots} through the gate`,
  ]
}

const signed = (value: number): string => (value < 0 ? `${value}` : `+${value}`)
