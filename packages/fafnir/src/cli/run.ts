// Room card: cli/run
// In:    a configuration, a strategy, where to write.
// Out:   a finished run with its report; the exit code.
// Holds: a run that fails or is stopped leaves no report and no folder that it made itself.
// Costs: the run's.
import { existsSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { backtest } from '../backtest/backtest.js'
import type { BacktestConfig } from '../generated/config.js'
import { writeReport } from '../report/write.js'
import type { AnyStrategy } from '../strategy/define.js'
import { makeRunDirectory } from './directory.js'
import { EXIT, printError, printRun, type Output } from './output.js'
import { showProgress } from './progress.js'

/** What a run of the command is. */
export interface RunRequest {
  readonly title: string
  readonly config: BacktestConfig
  readonly strategy: AnyStrategy | undefined
  /** Folder to write into. Default: `runs/<time>`. */
  readonly out: string | undefined
  readonly dumpEffects: string | undefined
  readonly output: Output
  readonly signal: AbortSignal
}

/** Runs, writes the report, prints the summary. */
export async function runAndReport(request: RunRequest): Promise<number> {
  const directory = await makeRunDirectory(request.out)
  const { output, signal, strategy } = request
  const progress = showProgress(request.title, process.stderr, output.json)
  const dumpEffects = request.dumpEffects ?? request.config.output?.dumpEffects
  const dumpIsNew = typeof dumpEffects === 'string' && !existsSync(dumpEffects)
  // A strategy that calls `process.exit` leaves no half-written run either.
  const leftovers = [directory.created, dumpIsNew ? dumpEffects : undefined].filter((path) => path !== undefined)
  const sweep = (): void => {
    for (const path of leftovers) rmSync(path, { recursive: true, force: true })
  }
  process.once('exit', sweep)
  try {
    const journalDir = request.config.output?.journalDir ?? join(directory.path, 'journal')
    const result = await backtest(
      { ...request.config, output: { ...request.config.output, journalDir, dumpEffects } },
      { strategy, signal, onProgress: (fraction) => progress.update(fraction) },
    )
    progress.done()
    if (signal.aborted) throw signal.reason
    const { summary, config } = result
    const { title } = request
    const paths = await writeReport(directory.path, { title, summary, strategy: result.strategy, config })
    printRun(output, { title, summary, strategy: result.strategy, paths, directory: directory.path })
    if (result.strategy?.error === undefined) return EXIT.ok
    // The JSON summary already holds the error; stdout must stay one object.
    return output.json ? EXIT.failed : printError(output, result.strategy.error)
  } catch (error) {
    progress.done()
    if (directory.created !== undefined) await rm(directory.created, { recursive: true, force: true })
    if (dumpIsNew) await rm(dumpEffects, { force: true })
    throw error
  } finally {
    process.off('exit', sweep)
  }
}
