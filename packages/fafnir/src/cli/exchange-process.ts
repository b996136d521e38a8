// Room card: cli/exchange-process
// In:    an exchange's configuration.
// Out:   `fafnir venue` as a process of its own: its ports, its state while it runs, its accounts at the end.
// Holds: the child ends when this process does (its stdin closes), however that ends; what it says is read by lines.
// Costs: a process; a line ten times a second.
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

import { FafnirError, fail } from '../errors.js'
import type { ExchangeConfig } from '../generated/config.js'
import { readExchangeStats, type ExchangeStats } from './exchange-stats.js'

/** Where an exchange listens. */
export interface ExchangePorts {
  readonly market: number
  readonly orders: number
}

/** An exchange in a process of its own. */
export interface ExchangeProcess {
  readonly pid: number
  readonly ports: ExchangePorts
  /** Aborted when its sources have ended, or when it died. */
  readonly over: AbortSignal
  /** Why it died; undefined while it lives and after a proper end. */
  readonly fault: () => FafnirError | undefined
  /** What it said last of itself. */
  readonly stats: () => ExchangeStats | undefined
  /** Ends it; its last word about itself. */
  readonly close: () => Promise<ExchangeStats | undefined>
}

const START_MILLIS = 30_000
const END_MILLIS = 10_000

/** Starts `fafnir venue` and waits until it listens. @throws FafnirError what the child reports; OUTPUT_FAILED */
export async function startExchange(command: string, config: ExchangeConfig): Promise<ExchangeProcess> {
  const args = [...process.execArgv, command, 'venue', '--config', '-', '--attached']
  // The terminal's Ctrl-C must not reach it: the engine's cancels have to find it alive.
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  const state: ChildState = { over: new AbortController(), fault: undefined, stats: undefined, ports: undefined }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const listening = new Promise<ExchangePorts>((resolve, reject) => {
    const timer = setTimeout(() => reject(died('it did not listen in time')), START_MILLIS)
    child.once('error', (error) => reject(died(error.message)))
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      if (state.fault === undefined && code !== 0) state.fault = died(`it ended with ${signal ?? code}`)
      reject(state.fault ?? died('it ended'))
      state.over.abort()
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      hear(state, line)
      if (state.ports === undefined) return
      clearTimeout(timer)
      resolve(state.ports)
    })
  })
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${JSON.stringify(config)}\n`)
  try {
    const ports = await listening
    const close = (): Promise<ExchangeStats | undefined> => end(child, ended).then(() => state.stats)
    const { over } = state
    return { pid: child.pid ?? 0, ports, over: over.signal, fault: () => state.fault, stats: () => state.stats, close }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

interface ChildState {
  readonly over: AbortController
  fault: FafnirError | undefined
  stats: ExchangeStats | undefined
  ports: ExchangePorts | undefined
}

// One JSON object a line: {"listening"}, {"stats"}, {"over"}, {"error"}.
function hear(state: ChildState, line: string): void {
  let said: Readonly<Record<string, unknown>>
  try {
    said = JSON.parse(line) as Readonly<Record<string, unknown>>
  } catch {
    return
  }
  if (said['listening'] !== undefined) state.ports = said['listening'] as ExchangePorts
  if (said['stats'] !== undefined) state.stats = readExchangeStats(said['stats'])
  if (said['over'] === true) state.over.abort()
  const error = said['error'] as
    { code: FafnirError['code']; message: string; fields: FafnirError['fields'] } | undefined
  if (error !== undefined) state.fault = fail(error.code, error.message, error.fields)
}

function died(error: string): FafnirError {
  return fail('CONNECTION_LOST', 'the exchange process is gone', { error })
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.stdin?.end()
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MILLIS)
  await ended
  clearTimeout(timer)
}
