#!/usr/bin/env node
// Room card: cli/main
// In:    the process: arguments, signals, streams.
// Out:   its exit code.
// Holds: the only place that touches signals; a later second one ends the process at once.
// Costs: cold path.
import { Console } from 'node:console'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { fail } from '../errors.js'
import { EXIT } from './output.js'
import { runCli } from './program.js'

// One Ctrl-C can arrive twice: from the terminal, and passed on by npm or a shell. Only a later one is impatience.
const IMPATIENT_MILLIS = 1_000
const stop = new AbortController()
let stoppedAt = 0
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) {
      if (performance.now() - stoppedAt > IMPATIENT_MILLIS) process.exit(EXIT.interrupted)
      return
    }
    stoppedAt = performance.now()
    stop.abort(fail('ABORTED', 'the run was stopped before its end; nothing was written', { signal }))
  })
}
// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  process.stderr.write(`fafnir: OUTPUT_FAILED: stdout cannot be written (error: ${error.code ?? error.message})\n`)
  process.exit(EXIT.failed)
})
// Where progress goes is no reason to end.
process.stderr.on('error', () => undefined)
// What a strategy file throws outside its handlers (a timer, a promise) ends the run as a stop does: cleanly.
process.on('uncaughtException', (thrown: unknown) => {
  const { message } = thrown instanceof Error ? thrown : { message: String(thrown) }
  stop.abort(fail('STRATEGY_THREW', `thrown outside a handler: ${message}`, {}, thrown))
})
// stdout carries results only; what a strategy prints goes where the progress goes.
globalThis.console = new Console(process.stderr)

process.exitCode = await runCli(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  signal: stop.signal,
  packageEntry: packageEntry(),
  command: fileURLToPath(import.meta.url),
  version: packageVersion(),
})

// Built, this file is dist/cli/main.js beside dist/index.js; in the sources both end in .ts.
function packageEntry(): string {
  const built = fileURLToPath(new URL('../index.js', import.meta.url))
  return existsSync(built) ? built : fileURLToPath(new URL('../index.ts', import.meta.url))
}

function packageVersion(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(file) as { version: string }).version
}
