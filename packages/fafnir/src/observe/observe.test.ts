import { request } from 'node:http'
import { networkInterfaces } from 'node:os'

import { afterEach, describe, expect, it } from 'vitest'

import { createEngine, type Engine } from '../engine/engine.js'
import type { NewRequest, ReportSink } from '../engine/gateway.js'
import { defineStrategy } from '../strategy/define.js'
import { EventLog, logTarget, type LogTarget } from './log.js'
import { createMetricsServer } from './metrics.js'
import { expose } from './prometheus.js'

/** A parser of our own: every line is a comment of a known form or a sample; what it finds by name and labels. */
function parse(text: string): Map<string, number> {
  const found = new Map<string, number>()
  const types = new Map<string, string>()
  expect(text.endsWith('\n')).toBe(true)
  for (const line of text.slice(0, -1).split('\n')) {
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|summary)$/.exec(line)
    if (type !== null) {
      expect(types.has(type[1]!)).toBe(false)
      types.set(type[1]!, type[2]!)
    }
    if (line.startsWith('# HELP ') || type !== null) continue
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})? (NaN|[+-]Inf|-?[0-9.e+-]+)$/.exec(line)
    if (sample === null) throw new Error(`no sample: ${line}`)
    const [, name, labels = '', value] = sample
    for (const label of labels
      .slice(1, -1)
      .split(/,(?=[a-z]+=)/)
      .filter((part) => part !== '')) {
      expect(label).toMatch(/^[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"$/)
    }
    expect([...types.keys()].some((family) => name!.startsWith(family))).toBe(true)
    expect(found.has(name! + labels)).toBe(false)
    found.set(name! + labels, Number(value))
  }
  return found
}

interface Written {
  readonly level: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

function memoryLog(): { readonly target: LogTarget; readonly written: Written[] } {
  const written: Written[] = []
  const at = (level: string) => (fields: object, message: string) =>
    void written.push({ level, fields: fields as Written['fields'], message })
  return { target: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, written }
}

function get(url: string, method: string = 'GET'): Promise<{ status: number; type: string; body: string }> {
  return new Promise((resolve, reject) => {
    request(url, { method }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () =>
        resolve({ status: response.statusCode!, type: response.headers['content-type'] ?? '', body }),
      )
    })
      .on('error', reject)
      .end()
  })
}

async function until(done: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1_000; i += 1) {
    if (done()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`never: ${what}`)
}

describe('an engine that is observed', () => {
  let engine: Engine | undefined

  async function start(log: LogTarget): Promise<{ readonly sink: () => ReportSink; readonly orders: NewRequest[] }> {
    engine = await createEngine({
      venues: [{ name: 'rest', feed: 'normalised' }],
      instruments: [{ symbol: 'BTC"USDT', venue: 'rest', tickSize: '0.1', lotSize: '0.001' }],
      closeTimeoutMillis: 200,
      log,
    })
    const orders: NewRequest[] = []
    let sink: ReportSink | undefined
    await engine.attachGateway({
      venue: 'rest',
      start: (to) => void (sink = to),
      submit: (order) => {
        orders.push(order)
        sink!.report(order.orderId, { kind: 'accepted' })
      },
      cancel: ({ orderId }) => sink!.report(orderId, { kind: 'cancelled' }),
      replace: () => undefined,
    })
    return { sink: () => sink!, orders }
  }

  afterEach(async () => {
    await engine?.close()
  })

  it('logs connections, fills, faults and halts with their codes, and serves what it counted', async () => {
    const { target, written } = memoryLog()
    const { sink, orders } = await start(target)
    const live = engine!
    live.use(
      defineStrategy({
        apiVersion: 1,
        onBook(book, ctx) {
          if (ctx.orders.size > 0) return
          ctx.place({ instrument: 0, side: 'buy', price: book.bid, quantity: 5 })
          ctx.place({ instrument: 0, side: 'buy', price: book.bid, quantity: 2 ** 50 })
        },
      }),
    )
    live.pushEvent({
      kind: 'touch',
      instrument: 'BTC"USDT',
      bid: '100.0',
      bidQuantity: '1',
      ask: '100.2',
      askQuantity: '1',
    })
    await until(() => orders.length === 1, 'an order')
    sink().report(orders[0]!.orderId, { kind: 'fill', price: '100.0', quantity: '0.005' })
    await until(() => live.position('BTC"USDT') === 5, 'the fill')
    await using metrics = await createMetricsServer(live, { port: 0 })
    expect(metrics.url).toBe(`http://127.0.0.1:${metrics.port}/metrics`)
    let samples = new Map<string, number>()
    await until(() => live.stats().orders.fills === 1, 'shown')
    const answer = await get(metrics.url)
    expect([answer.status, answer.type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    samples = parse(answer.body)
    const labels = '{instrument="BTC\\"USDT",venue="rest"}'
    expect(samples.get('fafnir_up')).toBe(1)
    expect(samples.get('fafnir_fills_total{instrument="BTC\\"USDT"}')).toBe(1)
    expect(samples.get('fafnir_order_events_total{kind="accepted"}')).toBe(1)
    expect(samples.get('fafnir_order_events_total{kind="refused"}')).toBe(1)
    expect(samples.get('fafnir_requests_total{kind="new"}')).toBe(1)
    expect(samples.get(`fafnir_position${labels}`)).toBe(0.005)
    expect(samples.get('fafnir_open_orders')).toBe(0)
    expect(samples.get('fafnir_market_missed_total')).toBe(0)
    expect(samples.has('fafnir_tick_to_order_seconds{quantile="0.99"}')).toBe(true)
    expect([...samples.keys()].filter((key) => key.startsWith('fafnir_rejects_total{code='))).toHaveLength(1)
    live.kill()
    await until(() => written.some(({ fields }) => fields['kind'] === 'halt'), 'the halt')
    expect(written).toContainEqual({
      level: 'info',
      message: 'a connection changed',
      fields: { kind: 'connection', venue: 'rest', carries: 'orders', state: 'up' },
    })
    expect(written.find(({ fields }) => fields['kind'] === 'fill')?.fields).toMatchObject({
      instrument: 'BTC"USDT',
      side: 'buy',
      price: '100.0',
      quantity: '0.005',
      clientId: 1,
    })
    expect(written.find(({ fields }) => fields['kind'] === 'halt')).toMatchObject({
      level: 'error',
      fields: { code: 'KILLED', halted: true },
    })
    await live.close()
    expect(parse((await get(metrics.url)).body).get('fafnir_up')).toBe(0)
  })

  it('answers nothing but GET /metrics, on the loopback, on a free port', async () => {
    await start(memoryLog().target)
    await using metrics = await createMetricsServer(engine!, { port: 0 })
    expect((await get(metrics.url, 'POST')).status).toBe(405)
    expect((await get(metrics.url.replace('/metrics', '/'))).status).toBe(404)
    expect(await get(metrics.url, 'HEAD')).toMatchObject({ status: 200, body: '' })
    await expect(createMetricsServer(engine!, { port: metrics.port })).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    await expect(createMetricsServer(engine!, { host: '0.0.0.0' as never })).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
    })
    await expect(createMetricsServer(engine!, { port: 65_536 })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((net) => net?.family === 'IPv4' && !net.internal)
    if (outside !== undefined) {
      await expect(get(metrics.url.replace('127.0.0.1', outside.address))).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      })
    }
    await metrics.close()
    await expect(get(metrics.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('log', () => {
  it('is bounded by kind, and says how much was left out', () => {
    const { target, written } = memoryLog()
    let now = 0
    const log = new EventLog(target, () => now)
    for (let i = 0; i < 1_000; i += 1) log.write('info', 'fill', 'fill', () => ({ i }))
    log.write('warn', 'fault', 'a fault', () => ({}))
    expect(written.filter(({ fields }) => fields['kind'] === 'fill')).toHaveLength(20)
    expect(written.at(-1)?.level).toBe('warn')
    now = 1_000
    log.write('info', 'fill', 'fill', () => ({ i: 1_000 }))
    log.write('info', 'fill', 'fill', () => ({ i: 1_001 }))
    expect(written.slice(-2).map(({ fields }) => fields)).toEqual([
      { kind: 'fill', i: 1_000, suppressed: 980 },
      { kind: 'fill', i: 1_001 },
    ])
  })

  it('outlives a target that throws, takes pino, and refuses what is no log', async () => {
    const broken = (): void => {
      throw new Error('disk full')
    }
    new EventLog({ debug: broken, info: broken, warn: broken, error: broken }).write('info', 'fill', 'fill', () => ({}))
    const { pino } = await import('pino')
    const lines: string[] = []
    const target = await logTarget(pino({ base: null }, { write: (line: string) => void lines.push(line) }))
    new EventLog(target!).write('warn', 'gap', 'lost', () => ({ code: 'MISSED_REPORT', lost: 3 }))
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 40, kind: 'gap', code: 'MISSED_REPORT', lost: 3, msg: 'lost' })
    await expect(logTarget({} as never)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    expect(await logTarget(undefined)).toBeUndefined()
  })
})

it('writes numbers and labels as the format wants them', () => {
  const text = expose([
    { name: 'a', help: 'two\nlines \\', type: 'gauge', samples: [{ value: Infinity, labels: { x: 'q"\\\n' } }] },
    { name: 'b', help: 'none', type: 'gauge', samples: [{ value: null }] },
    {
      name: 'c',
      help: 'c',
      type: 'summary',
      samples: [
        { value: NaN, labels: { quantile: '1' } },
        { suffix: '_count', value: 2e21 },
      ],
    },
  ])
  expect(text).toBe(
    '# HELP a two\\nlines \\\\\n# TYPE a gauge\na{x="q\\"\\\\\\n"} +Inf\n' +
      '# HELP c c\n# TYPE c summary\nc{quantile="1"} NaN\nc_count 2e+21\n',
  )
})
