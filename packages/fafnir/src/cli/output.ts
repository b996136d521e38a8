// Room card: cli/output
// In:    a finished run, or an error.
// Out:   the summary as text or JSON on stdout; an error as one line on stderr, with --json as JSON on stdout too.
// Holds: the line `effects HASH` stands alone; with --json stdout is exactly one JSON object.
// Costs: cold path.
import type { BacktestSummary } from '../backtest/summary.js'
import { FafnirError, describeError, fail } from '../errors.js'
import { summaryGroups } from '../report/rows.js'
import type { ReportPaths } from '../report/write.js'
import type { StrategyOutcome } from '../strategy/host.js'

/** Exit codes of the command. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** Where the command writes. */
export interface Output {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly json: boolean
}

/** A finished run as the command shows it. */
export interface ShownRun {
  readonly title: string
  readonly summary: BacktestSummary
  readonly strategy: StrategyOutcome | undefined
  readonly paths: ReportPaths
  readonly directory: string
  /** Further lines behind the summary. */
  readonly extra?: readonly string[] | undefined
}

/** Prints a finished run. */
export function printRun(output: Output, run: ShownRun): void {
  if (output.json) {
    const { series: _series, fills: _fills, ...summary } = run.summary
    const strategy =
      run.strategy === undefined ? null : { ...run.strategy, error: run.strategy.error?.toJSON() ?? null }
    const { effectsHash } = summary
    const { title, directory, paths, extra = [] } = run
    const shown = { title, effectsHash, directory, paths, summary, strategy, extra }
    output.out(`${JSON.stringify(shown, null, 2)}\n`)
    return
  }
  output.out(`${run.title}\n`)
  for (const group of summaryGroups(run.summary, run.strategy)) {
    output.out(`\n${group.title}\n`)
    const width = Math.max(...group.rows.map(([label]) => label.length))
    for (const [label, value] of group.rows) output.out(`  ${label.padEnd(width)}  ${value}\n`)
  }
  if (run.extra !== undefined && run.extra.length > 0) output.out(`\n${run.extra.join('\n')}\n`)
  output.out(`\neffects ${run.summary.effectsHash}\n\n`)
  for (const path of [run.paths.html, run.paths.json, run.paths.trades, run.summary.journal]) {
    if (path !== null) output.out(`wrote ${path}\n`)
  }
}

/** What was thrown, as the one error class. */
export function asFafnirError(thrown: unknown): FafnirError {
  if (thrown instanceof FafnirError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return fail('NATIVE_PANICKED', `unexpected: ${message}`, {}, thrown)
}

/** Prints an error and says with which code to exit. */
export function printError(output: Output, thrown: unknown): number {
  const error = asFafnirError(thrown)
  // The object is for the program that reads stdout, the line for the person who reads the terminal.
  if (output.json) output.out(`${JSON.stringify({ error: error.toJSON() }, null, 2)}\n`)
  output.err(`fafnir: ${describeError(error)}\n`)
  if (error.code === 'USAGE_INVALID') return EXIT.usage
  return error.code === 'ABORTED' ? EXIT.interrupted : EXIT.failed
}
