// Room card: cli/venue
// In:    what an exchange is to play, and where it listens.
// Out:   the exchange, running until it is stopped; its ledger at the end.
// Holds: with --attached it is another process's: lines of JSON on stdout, and it ends when its stdin does.
// Costs: a look ten times a second; the exchange itself is native.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

import { fail } from '../errors.js'
import type { ExchangeConfig } from '../generated/config.js'
import { jsonOf } from '../backtest/backtest.js'
import { guarded, native } from '../native.js'
import { count } from '../report/format.js'
import { readExchangeStats, type ExchangeStats } from './exchange-stats.js'
import { EXIT, asFafnirError, printError, type Output } from './output.js'
import { exchangeConfig, type ExchangeFlags } from './presets-live.js'

/** Options of the command. */
export interface VenueFlags extends ExchangeFlags {
  readonly config?: string
  readonly state?: string
  readonly host?: string
  readonly marketPort?: number
  readonly ordersPort?: number
  readonly cancelOnDisconnect?: boolean
  readonly tlsCertificate?: string
  readonly tlsKey?: string
  readonly dropFill?: number
  readonly attached?: boolean
  readonly json?: boolean
}

const LOOK_MILLIS = 100

/** Runs an exchange until `signal` says so, or until who is attached goes. */
export async function runVenue(flags: VenueFlags, output: Output, signal: AbortSignal): Promise<number> {
  const attached = flags.attached === true
  const say = (event: object): void => output.out(`${JSON.stringify(event)}\n`)
  try {
    const stop = new AbortController()
    signal.addEventListener('abort', () => stop.abort(), { once: true })
    const config = await configOf(flags, attached ? stop : undefined)
    const venue = guarded(() => new (native().ExchangeHost)(jsonOf(config)))
    const ports = JSON.parse(venue.ports()) as { readonly market: number; readonly orders: number }
    if (attached) say({ listening: ports })
    else output.err(listening(config, ports))
    let over = false
    while (!stop.signal.aborted) {
      await pause(LOOK_MILLIS, stop.signal)
      const stats = JSON.parse(guarded(() => venue.stats())) as Readonly<Record<string, unknown>>
      if (attached) say({ stats })
      if (stats['over'] === true && !over) {
        over = true
        if (attached) say({ over })
        else output.err('the market is over; order entry goes on until the exchange is stopped\n')
      }
    }
    const last = JSON.parse(guarded(() => venue.close())) as unknown
    if (attached) say({ stats: last })
    else if (output.json) output.out(`${JSON.stringify(last, null, 2)}\n`)
    else output.out(accountsText(readExchangeStats(last)))
    return EXIT.ok
  } catch (error) {
    if (!attached) return printError(output, error)
    say({ error: asFafnirError(error).toJSON() })
    return EXIT.failed
  } finally {
    // An open standard input would keep the process alive.
    if (attached) process.stdin.destroy()
  }
}

async function configOf(flags: VenueFlags, attachedTo: AbortController | undefined): Promise<ExchangeConfig> {
  if (attachedTo !== undefined) return JSON.parse(await firstLine(attachedTo)) as ExchangeConfig
  const config = flags.config === undefined ? await exchangeConfig(flags) : await readConfig(flags.config)
  const { tlsCertificate, tlsKey, dropFill } = flags
  if ((tlsCertificate === undefined) !== (tlsKey === undefined)) {
    throw fail('USAGE_INVALID', '--tls-certificate and --tls-key belong together')
  }
  const tls =
    tlsCertificate === undefined || tlsKey === undefined
      ? config.tls
      : { certificateFile: resolve(tlsCertificate), keyFile: resolve(tlsKey) }
  return {
    ...config,
    host: flags.host ?? config.host,
    marketPort: flags.marketPort ?? config.marketPort,
    ordersPort: flags.ordersPort ?? config.ordersPort,
    stateDir: flags.state === undefined ? config.stateDir : resolve(flags.state),
    cancelOnDisconnect: flags.cancelOnDisconnect ?? config.cancelOnDisconnect,
    faults: dropFill === undefined ? config.faults : { ...config.faults, dropFill },
    tls,
  }
}

async function readConfig(path: string): Promise<ExchangeConfig> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ExchangeConfig
  } catch (cause) {
    if (cause instanceof SyntaxError) {
      throw fail('CONFIG_INVALID', 'the configuration file is not JSON', { path, what: cause.message }, cause)
    }
    const error = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw fail('FILE_MISSING', 'the configuration file cannot be read', { path, error }, cause)
  }
}

// The configuration is the first line; the end of the input is the end of the exchange.
function firstLine(stop: AbortController): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: process.stdin })
    lines.once('line', resolve)
    lines.once('close', () => {
      reject(fail('USAGE_INVALID', 'no configuration came on the standard input'))
      stop.abort()
    })
  })
}

function listening(config: ExchangeConfig, ports: { readonly market: number; readonly orders: number }): string {
  const host = config.host ?? '127.0.0.1'
  const secure = config.tls === undefined ? '' : 's'
  return (
    `market data   ws${secure}://${host}:${ports.market}/stream?streams=…\n` +
    `snapshots     http${secure}://${host}:${ports.market}/fapi/v1/depth?symbol=…\n` +
    `order entry   FIX 4.4 on ${host}:${ports.orders}, TargetCompID ${config.name ?? 'SIMULATED'}\n`
  )
}

function accountsText(stats: ExchangeStats): string {
  const rows = stats.accounts.map((account) => {
    const { session, symbol, position, fees, fills, openOrders } = account
    const orders = `fills ${count(fills)}, open orders ${count(openOrders)}`
    return `${session} ${symbol}: position ${position}, fees ${fees}, ${orders}\n`
  })
  return `${count(stats.messages)} messages, ${count(stats.requests)} requests\n${rows.join('')}`
}

function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, millis)
    signal.addEventListener('abort', done, { once: true })
  })
}
