// Room card: report/write
// In:    a finished run, a folder.
// Out:   `report.json`, `report.html`, `trades.csv` in it: all of them or none.
// Holds: every file is written whole under another name and synced before the first is renamed into place.
// Costs: cold path.
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { BacktestSummary } from '../backtest/summary.js'
import { fail } from '../errors.js'
import type { StrategyOutcome } from '../strategy/host.js'
import { csvCell } from './format.js'
import { reportHtml } from './html.js'

/** What a report is made of. */
export interface ReportInput {
  /** Shown at the top of the page. */
  readonly title: string
  readonly summary: BacktestSummary
  readonly strategy?: StrategyOutcome | undefined
  /** The configuration that ran, with its defaults, for `report.json`. */
  readonly config?: unknown
}

/** Where the parts of a report are. */
export interface ReportPaths {
  readonly json: string
  readonly html: string
  readonly trades: string
}

const TRADE_COLUMNS = [
  'timeNanos',
  'unixNanos',
  'instrument',
  'side',
  'price',
  'quantity',
  'fee',
  'liquidity',
  'orderId',
]

/** The fills as CSV (RFC 4180) with a header. */
export function tradesCsv(summary: BacktestSummary): string {
  const start = BigInt(summary.marketStart)
  const lines = summary.fills.map((fill) => {
    const { timeNanos, instrument, side, price, quantity, fee, liquidity, orderId } = fill
    const at = (start + BigInt(timeNanos)).toString()
    return [timeNanos, at, instrument, side, price, quantity, fee, liquidity, orderId].map(csvCell).join(',')
  })
  return [TRADE_COLUMNS.join(','), ...lines, ''].join('\r\n')
}

/** The run as JSON. */
export function reportJson(input: ReportInput): string {
  const { title, summary, strategy, config } = input
  const outcome =
    strategy === undefined
      ? null
      : { ...strategy, error: strategy.error === undefined ? null : strategy.error.toJSON() }
  return `${JSON.stringify({ title, summary, strategy: outcome, config: config ?? null }, null, 2)}\n`
}

/**
 * Writes a report.
 * @throws FafnirError OUTPUT_FAILED with `path` and `error`; no part of the report is left behind then.
 */
export async function writeReport(directory: string, input: ReportInput): Promise<ReportPaths> {
  const paths: ReportPaths = {
    json: join(directory, 'report.json'),
    html: join(directory, 'report.html'),
    trades: join(directory, 'trades.csv'),
  }
  await writeFilesAtomically(directory, [
    [paths.trades, tradesCsv(input.summary)],
    [paths.html, reportHtml(input.title, input.summary, input.strategy)],
    [paths.json, reportJson(input)],
  ])
  return paths
}

/** Writes several files, all or none as far as the file system can: temporary names first, renames last. */
export async function writeFilesAtomically(
  directory: string,
  files: readonly (readonly [path: string, text: string])[],
): Promise<void> {
  const temporary = files.map(([path]) => `${path}.${process.pid}.tmp`)
  let at = directory
  const renamed: string[] = []
  try {
    await mkdir(directory, { recursive: true })
    for (const [i, [path, text]] of files.entries()) {
      at = path
      const file = await open(temporary[i]!, 'w')
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
    }
    for (const [i, [path]] of files.entries()) {
      at = path
      await rename(temporary[i]!, path)
      renamed.push(path)
    }
  } catch (cause) {
    await Promise.all([...temporary, ...renamed].map((path) => rm(path, { force: true }).catch(() => undefined)))
    const error = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw fail('OUTPUT_FAILED', 'an output file cannot be written', { path: at, error }, cause)
  }
}
