// Room card: bench/node/exchange
// In:    the configuration of an exchange.
// Out:   `fafnir venue` as a process of its own: ports, pid, what it says of itself, its end.
// Holds: it ends with this process, because its stdin does.
// Costs: a process.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

import { command } from './place.mjs'

/** Starts it and waits until it listens. */
export async function startExchange(config) {
  const child = spawn(process.execPath, [command, 'venue', '--config', '-', '--attached'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const state = { stats: undefined, error: undefined }
  let settleOver
  const over = new Promise((resolve) => { settleOver = resolve })
  const ports = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line)
      if (said.listening !== undefined) resolve(said.listening)
      if (said.stats !== undefined) state.stats = said.stats
      if (said.over === true) settleOver()
      if (said.error !== undefined) {
        state.error = said.error
        reject(new Error(said.error.message))
      }
    })
    ended.then((code) => {
      settleOver()
      reject(new Error(`the exchange ended with ${code}`))
    })
  })
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${JSON.stringify(config)}\n`)
  return {
    pid: child.pid,
    ports: await ports,
    over,
    stats: () => state.stats,
    close: async () => {
      child.stdin.end()
      await ended
      return state.stats
    },
  }
}

/** An engine's links to it, for one symbol. */
export function links({ market, orders }, symbol) {
  const streams = ['depth@0ms', 'bookTicker', 'trade'].map((stream) => `${symbol.toLowerCase()}@${stream}`).join('/')
  return {
    market: {
      url: `ws://127.0.0.1:${market}/stream?streams=${streams}`,
      snapshotUrl: `http://127.0.0.1:${market}/fapi/v1/depth?symbol={symbol}&limit=1000`,
      followClock: true,
    },
    orders: { kind: 'fix', address: `127.0.0.1:${orders}` },
  }
}

/** Exchange and engine for one symbol of a recording. `maker` is the quoter's part. */
export function configs({ path, symbol }, { speed, passes, stateDir }) {
  const instrument = {
    symbol, venue: 'SIMULATED', tickSize: '0.1', lotSize: '0.001', makerFee: '0.0002', takerFee: '0.0005',
    risk: { maxOrderQuantity: '1', maxPosition: '0.5', maxOrderValue: '100000', maxMessages: 1_000_000 },
  }
  const sources = [{ kind: 'recording', instrument: symbol, path }]
  return {
    exchange: { instruments: [instrument], sources, speed, passes, ...(stateDir === undefined ? {} : { stateDir }) },
    engine: (ports) => ({
      venues: [{ name: 'SIMULATED', ...links(ports, symbol) }],
      instruments: [instrument],
      volatility: { window: symbol === 'BTCUSDT' ? 1_000 : 100 },
      quoters: [{
        instrument: symbol, riskAversionPerMoney: 0.05, intensityDecayPerPrice: 5, orderQuantity: '0.01',
        maxInventory: '0.1',
      }],
    }),
  }
}
