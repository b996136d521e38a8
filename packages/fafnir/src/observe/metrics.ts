// Room card: observe/metrics
// In:    an engine.
// Out:   its state as Prometheus text, at `http://127.0.0.1:<port>/metrics`.
// Holds: it listens on the loopback only; a scrape asks the engine's thread for nothing.
// Costs: one look at the engine's shown state a scrape.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { EngineStats, LatencyStats } from '../engine/stats.js'
import { FafnirError, fail } from '../errors.js'
import type { EngineCounts } from './observer.js'
import { CONTENT_TYPE, expose, type Family, type Sample } from './prometheus.js'

/** What is measured: an `Engine`. */
export interface MetricsSource {
  stats(): EngineStats
  counts(): EngineCounts
  /** Market events this thread lost. */
  readonly missed: number
  /** Order events this thread lost. */
  readonly lost: number
}

/** How metrics are served. */
export interface MetricsOptions {
  /** Port on the loopback; 0 takes a free one. Default: 9464. */
  readonly port?: number | undefined
  /** Loopback address: "127.0.0.1" (default) or "::1". */
  readonly host?: '127.0.0.1' | '::1' | undefined
}

/** A running endpoint. */
export interface MetricsServer extends AsyncDisposable {
  /** Where to scrape. */
  readonly url: string
  readonly port: number
  /** Ends it. Idempotent. */
  close(): Promise<void>
}

const PORT = 9_464
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1'])
const NANOS_PER_SECOND = 1e9

/**
 * Serves an engine's metrics to Prometheus on this machine. It does not keep the process alive.
 *
 * @throws FafnirError ARGUMENT_INVALID (not a loopback address, not a port), PORT_IN_USE
 *
 * @example
 * await using metrics = await createMetricsServer(engine, { port: 9464 })
 */
export async function createMetricsServer(engine: MetricsSource, options: MetricsOptions = {}): Promise<MetricsServer> {
  const { port = PORT, host = '127.0.0.1' } = options
  if (!LOOPBACK.has(host)) {
    throw fail('ARGUMENT_INVALID', 'metrics are served on the loopback only', {
      host,
      allowed: [...LOOPBACK].join(' '),
    })
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw fail('ARGUMENT_INVALID', 'a port is a whole number', { port, allowed: '0 to 65535' })
  }
  const server = createServer((request, response) => answer(engine, request, response))
  await listen(server, port, host)
  server.unref()
  const bound = (server.address() as AddressInfo).port
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= closed(server))
  const shown = host === '::1' ? '[::1]' : host
  return { url: `http://${shown}:${bound}/metrics`, port: bound, close, [Symbol.asyncDispose]: close }
}

/** The metrics of an engine as Prometheus text, for a server of your own. */
export function metricsText(engine: MetricsSource): string {
  const counts = engine.counts()
  const rings: Family[] = [
    counter('fafnir_market_missed_total', 'Market events this thread was too slow for.', engine.missed),
    counter('fafnir_orders_lost_total', 'Order events this thread was too slow for.', engine.lost),
    labelled('fafnir_order_events_total', 'Order events by kind.', 'kind', counts.orders),
    labelled('fafnir_rejects_total', 'Refusals of our gate and rejects of venues by code.', 'code', counts.rejects),
    labelled('fafnir_faults_total', 'Faults of the engine by code.', 'code', counts.faults),
    labelled('fafnir_fills_total', 'Fills by instrument.', 'instrument', counts.fills),
  ]
  return expose([...rings, ...shownFamilies(engine)])
}

function shownFamilies(engine: MetricsSource): Family[] {
  let stats: EngineStats
  try {
    stats = engine.stats()
  } catch (error) {
    if (error instanceof FafnirError && error.code === 'ENGINE_CLOSED')
      return [gauge('fafnir_up', 'The engine runs.', 0)]
    throw error
  }
  return [
    gauge('fafnir_up', 'The engine runs.', 1),
    gauge('fafnir_killed', 'The kill switch is pulled.', Number(stats.killed)),
    counter('fafnir_turns_total', 'Turns of the engine.', stats.turns),
    counter('fafnir_messages_total', 'Market-data messages of native links.', stats.messages),
    counter('fafnir_malformed_total', 'Inputs that could not be understood.', stats.malformed),
    counter('fafnir_sends_dropped_total', 'Order messages for connections that were not there.', stats.sendsDropped),
    counter('fafnir_clock_steps_total', 'Steps of the wall clock.', stats.clockSteps),
    gauge('fafnir_open_orders', 'Orders that may be working.', stats.orders.open),
    labelled('fafnir_requests_total', 'Requests to venues by kind.', 'kind', {
      new: stats.orders.new,
      cancel: stats.orders.cancel,
      replace: stats.orders.replace,
    }),
    latency('fafnir_tick_to_order_seconds', 'From bytes read to order bytes sent.', stats.tickToOrderNanos),
    ...instrumentFamilies(stats),
    ...connectionFamilies(stats),
  ]
}

function instrumentFamilies(stats: EngineStats): Family[] {
  const by = (
    name: string,
    help: string,
    value: (item: EngineStats['instruments'][number]) => Sample['value'],
  ): Family => ({
    name,
    help,
    type: 'gauge',
    samples: stats.instruments.map((item) => ({
      labels: { instrument: item.symbol, venue: item.venue },
      value: value(item),
    })),
  })
  const pnl = stats.instruments.map(({ symbol, venue, currency, pnl: text }) => ({
    labels: { instrument: symbol, venue, currency },
    // Monitoring shows floats; the exact amount is in `stats`.
    value: text === null ? undefined : Number.parseFloat(text),
  }))
  return [
    by('fafnir_position', 'Signed position in units of the instrument.', ({ position }) => position),
    by('fafnir_book_valid', 'The book is joined and without a gap.', ({ valid }) => Number(valid)),
    { name: 'fafnir_pnl', help: 'Total profit and loss at the mid.', type: 'gauge', samples: pnl },
  ]
}

function connectionFamilies(stats: EngineStats): Family[] {
  type Connection = EngineStats['connections'][number]
  const by = (name: string, help: string, type: Family['type'], value: (item: Connection) => number): Family => ({
    name,
    help,
    type,
    samples: stats.connections.map((item) => ({
      labels: { venue: item.venue, carries: item.carries },
      value: value(item),
    })),
  })
  return [
    by('fafnir_connection_up', 'The connection is usable.', 'gauge', ({ state }) => Number(state === 'up')),
    by('fafnir_connections_lost_total', 'Connections lost.', 'counter', ({ lost }) => lost),
    by('fafnir_connection_faults_total', 'Faults of the connection.', 'counter', ({ faults }) => faults),
    by('fafnir_received_bytes_total', 'Bytes read.', 'counter', ({ bytesIn }) => bytesIn),
    by('fafnir_sent_bytes_total', 'Bytes sent.', 'counter', ({ bytesOut }) => bytesOut),
  ]
}

function counter(name: string, help: string, value: number): Family {
  return { name, help, type: 'counter', samples: [{ value }] }
}

function gauge(name: string, help: string, value: number): Family {
  return { name, help, type: 'gauge', samples: [{ value }] }
}

function labelled(name: string, help: string, label: string, values: Readonly<Record<string, number>>): Family {
  const samples = Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }))
  return { name, help, type: 'counter', samples }
}

function latency(name: string, help: string, stats: LatencyStats): Family {
  const quantiles = { '0.5': stats.p50, '0.9': stats.p90, '0.99': stats.p99, '0.999': stats.p999, '1': stats.max }
  const samples = Object.entries(quantiles).map(([quantile, nanos]) => ({
    labels: { quantile },
    value: stats.count === 0 ? Number.NaN : nanos / NANOS_PER_SECOND,
  }))
  return { name, help, type: 'summary', samples: [...samples, { suffix: '_count', value: stats.count }] }
}

function answer(engine: MetricsSource, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end()
  } else if (request.url?.split('?')[0] !== '/metrics') {
    response.writeHead(404).end()
  } else {
    try {
      const body = metricsText(engine)
      response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(request.method === 'HEAD' ? undefined : body)
    } catch {
      response.writeHead(500).end()
    }
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(fail('PORT_IN_USE', 'metrics cannot be served there', { host, port, error: error.code ?? '' }, error))
    })
    server.listen(port, host, resolve)
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
