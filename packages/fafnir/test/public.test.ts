// `record` and `paper` against a TLS server on loopback that speaks recorded bytes; it is `node:https` and `ws`, not
// ours.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const command = at('../dist/cli/main.js')
const authority = at('./tls/authority.pem')
const messages = readFileSync(at('../../../crates/testkit/fixtures/usdm-small.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => line.slice(line.indexOf(' ') + 1))
const isSnapshot = (message: string): boolean => message.startsWith('{"lastUpdateId"')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fafnir-public-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Venue {
  readonly port: number
  /** Resolves when everything has been sent to the first client. */
  readonly played: Promise<void>
  /** Resolves when a client has refused its certificate. */
  readonly refused: Promise<void>
  readonly paths: string[]
}

let server: Server | undefined
let sockets: WebSocketServer | undefined
afterEach(() => {
  for (const client of sockets?.clients ?? []) client.terminate()
  sockets?.close()
  server?.close()
  server?.closeAllConnections()
})

async function startVenue(): Promise<Venue> {
  server = createServer({ cert: readFileSync(at('./tls/certificate.pem')), key: readFileSync(at('./tls/key.pem')) })
  sockets = new WebSocketServer({ server, perMessageDeflate: false })
  const paths: string[] = []
  let asked: () => void = () => undefined
  const snapshotAsked = new Promise<void>((resolve) => (asked = resolve))
  server.on('request', (request, response) => {
    paths.push(request.url ?? '')
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(messages.find(isSnapshot), asked)
  })
  let done: () => void = () => undefined
  const played = new Promise<void>((resolve) => (done = resolve))
  sockets.once('connection', (socket, request) => {
    paths.push(request.url ?? '')
    void play(socket, snapshotAsked).then(done)
  })
  const refused = new Promise<void>((resolve) => server!.once('tlsClientError', () => resolve()))
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, played, refused, paths }
}

async function play(socket: WebSocket, snapshotAsked: Promise<void>): Promise<void> {
  for (const [n, message] of messages.entries()) {
    if (isSnapshot(message)) await snapshotAsked
    else await new Promise((resolve) => socket.send(message, resolve))
    // A thousand messages a second or so, so that there is time to trade.
    if (n % 8 === 7) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await new Promise((resolve) => setTimeout(resolve, 300))
}

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(args: readonly string[], until: Promise<void>): Promise<Ended> {
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder })
  let [out, err] = ['', '']
  child.stdout.on('data', (text) => (out += String(text)))
  child.stderr.on('data', (text) => (err += String(text)))
  void until.then(() => child.kill('SIGINT'))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}

const links = (venue: Venue): string[] => [
  ...['--venue', 'binance-usdm', '--symbol', 'FAFUSDT', '--tick-size', '0.1', '--lot-size', '0.001'],
  ...['--url', `wss://localhost:${venue.port}/stream?streams=fafusdt@depth@0ms/fafusdt@bookTicker/fafusdt@trade`],
  ...['--snapshot-url', `https://localhost:${venue.port}/fapi/v1/depth?symbol={symbol}&limit=1000`],
]

describe('a public feed over TLS', () => {
  test('is recorded as it came', async () => {
    const venue = await startVenue()
    const path = join(folder, 'recorded.gz')
    const ended = await start(
      ['record', ...links(venue), '--ca-file', authority, '--out', path, '--json'],
      venue.played,
    )
    expect(ended.err).toBe('')
    expect(ended.code).toBe(0)
    const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n').slice(0, -1)
    const received = lines.map((line) => line.slice(line.indexOf(' ') + 1))
    expect(received.filter((message) => !isSnapshot(message))).toEqual(
      messages.filter((message) => !isSnapshot(message)),
    )
    expect(received.filter(isSnapshot)).toEqual(messages.filter(isSnapshot))
    const times = lines.map((line) => BigInt(line.slice(0, line.indexOf(' '))))
    expect(times.every((time, n) => n === 0 || time >= times[n - 1]!)).toBe(true)
    expect([...venue.paths].sort()).toEqual([
      '/fapi/v1/depth?symbol=FAFUSDT&limit=1000',
      '/stream?streams=fafusdt@depth@0ms/fafusdt@bookTicker/fafusdt@trade',
    ])
  })

  test('is traded on paper, with the journal and the report of a live session', async () => {
    const venue = await startVenue()
    const out = join(folder, 'paper')
    const maker = ['--risk-aversion', '0.01', '--decay', '20', '--volatility-window', '50', '--order-quantity', '0.010']
    const args = ['paper', ...links(venue), '--ca-file', authority, ...maker, '--out', out, '--json']
    const ended = await start(args, venue.played)
    expect(ended.code, ended.err).toBe(0)
    const { summary } = JSON.parse(ended.out) as {
      summary: {
        counts: Record<string, number>
        orders: Record<string, number>
        instruments: readonly { ledger: { agrees: boolean; openOrders: number } }[]
      }
    }
    const kinds = (kind: string): number => messages.filter((message) => message.includes(`"e":"${kind}"`)).length
    expect(summary.counts).toMatchObject({
      depth: kinds('depthUpdate'),
      bookTicker: kinds('bookTicker'),
      trade: kinds('trade'),
      snapshot: 1,
    })
    expect(summary.orders['new']).toBeGreaterThan(0)
    expect(summary.instruments[0]!.ledger).toMatchObject({ agrees: true, openOrders: 0 })
  })

  test('of a server nobody vouches for is not read', async () => {
    const venue = await startVenue()
    const path = join(folder, 'refused.gz')
    const ended = await start(
      ['record', ...links(venue), '--out', path],
      venue.refused.then(() => new Promise((resolve) => setTimeout(resolve, 1_000))),
    )
    expect(ended.err).toContain('fafnir: TLS_REFUSED: no message came')
    expect(ended.code).toBe(1)
    expect(existsSync(path)).toBe(false)
    expect(venue.paths).toEqual([])
  })
})
