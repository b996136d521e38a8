import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'

import { FafnirError } from '../errors.js'
import { CommandWriter } from './command-writer.js'
import { maySleep, passDoorbellOn, waitForRecords } from './doorbell.js'
import { attachRing, formatRing, regionBytes, type RingKind } from './layout.js'
import { MarketReader } from './market-reader.js'
import { OrdersReader } from './orders-reader.js'
import { checkRecord, testByte, TEST_TYPE } from './test-records.js'

const CAPACITY = 4096

/** A formatted ring; `origin` (a multiple of the capacity) is where its positions start. */
function ring(kind: RingKind, origin = 0n, capacity = CAPACITY): Uint8Array {
  const view = new Uint8Array(new SharedArrayBuffer(regionBytes(capacity)))
  formatRing(view, kind)
  const i32 = new Int32Array(view.buffer)
  const low = Number(BigInt.asIntN(32, origin))
  const high = Number(BigInt.asIntN(32, origin >> 32n))
  i32.set([low, high], 5)
  if (kind === 'market') {
    i32.set([low, high, high, 0, low, high, high], 32)
    const slot = 128 + 4 * Number((origin / BigInt(capacity / 8)) % 8n)
    i32.set([low, high], slot)
  } else {
    i32[32] = low
    i32[64] = low
  }
  return view
}

function peer(side: RingKind, view: Uint8Array, records: number): { done: Promise<void>; stopped: () => boolean } {
  let stopped = false
  const worker = new Worker(new URL('./stress-peer.mjs', import.meta.url), {
    workerData: { side, buffer: view.buffer, records },
  })
  const done = new Promise<void>((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', () => resolve())
  }).finally(() => {
    stopped = true
  })
  return { done, stopped: () => stopped }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof FafnirError) return error.code
    throw error
  }
  return 'nothing thrown'
}

test.each([0n, (1n << 32n) - 8192n, (1n << 64n) - 8192n])(
  'market: another thread writes, all is seen or counted, from position %s',
  async (origin) => {
    const records = 60_000
    const view = ring('market', origin)
    const readers = [new MarketReader(view), new MarketReader(view)]
    const state = readers.map(() => ({ next: 0, seen: 0 }))
    const writer = peer('market', view, records)
    let turns = 0
    for (let last = false; !last; turns += 1) {
      last = writer.stopped()
      readers.forEach((reader, i) => {
        // The second reader dawdles.
        if (i === 1 && turns % 50 !== 0 && !last) return
        const mine = state[i]!
        reader.poll((record) => {
          const number = checkRecord(record)
          if (number < mine.next) throw new Error(`${number} again`)
          mine.next = number + 1
          mine.seen += 1
          if (mine.seen + reader.missed !== mine.next) throw new Error('neither seen nor missed')
        })
      })
      await turn()
    }
    await writer.done
    readers.forEach((reader, i) => {
      expect(state[i]!.seen + reader.missed).toBe(records)
      expect(state[i]!.seen).toBeGreaterThan(100)
    })
    expect(readers[1]!.missed).toBeGreaterThan(0)
  },
)

test('market: a reader that keeps up misses nothing where the high half of positions changes', () => {
  const view = ring('market', (1n << 32n) - 1024n, 1024)
  const reader = new MarketReader(view)
  for (const [low, high] of [[0, 1], [1024, 1], [2048, 1]] as const) {
    for (let at = 160; at < 160 + 256; at += 16) reader.i32.set([64, TEST_TYPE], at)
    reader.i32.set([low, high, high, 0, low, high, high], 32)
    expect(reader.poll((record) => expect(record.length).toBe(64))).toBe(16)
  }
  // The guard of the tail disagrees: the writer is between two stores, so nothing is read, and nothing is lost.
  reader.i32.set([0, 2, 1], 32)
  expect([reader.poll(() => undefined), reader.missed]).toEqual([0, 0])
})

test('market: a thread that sleeps is woken by the doorbell', async () => {
  const view = ring('market')
  const reader = new MarketReader(view)
  const records = 20_000
  const writer = peer('market', view, records)
  let next = 0
  // Blocks this thread as a worker would; the peer rings and notifies. Ten seconds without a record are a lost wake-up.
  while (next < records) {
    if (reader.isEmpty() && !waitForRecords(reader, 10_000)) throw new Error(`not woken after ${next}`)
    reader.poll((record) => {
      next = checkRecord(record) + 1
    })
  }
  await writer.done
})

test.each([0n, (1n << 32n) - 8192n])('orders: nothing is lost between threads, from position %s', async (origin) => {
  const records = 60_000
  const view = ring('orders', origin)
  const reader = new OrdersReader(view)
  const writer = peer('orders', view, records)
  let next = 0
  while (next < records) {
    reader.poll((record) => {
      const number = checkRecord(record)
      if (number !== next) throw new Error(`${number} instead of ${next}`)
      next += 1
    }, 1 + (next % 40))
    await turn()
  }
  await writer.done
  expect([reader.lost, reader.isEmpty()]).toEqual([0, true])
})

test.each([0n, (1n << 32n) - 8192n])('commands: another thread takes all, from position %s', async (origin) => {
  const records = 60_000
  const view = ring('commands', origin)
  const writer = new CommandWriter(view)
  const reader = peer('commands', view, records)
  let refused = 0
  for (let number = 0; number < records; ) {
    const length = 16 + ((number * 29) % (CAPACITY / 8 - 15))
    const word = writer.begin(TEST_TYPE, length - 8)
    if (word < 0) {
      refused += 1
      await turn()
      continue
    }
    writer.i32[word + 2] = number
    for (let i = 16; i < length; i += 1) writer.u8[word * 4 + i] = testByte(number, i)
    writer.commit()
    number += 1
  }
  await reader.done
  expect(refused).toBeGreaterThan(0)
})

test('commands: full is -1, what is not committed does not exist', () => {
  const view = ring('commands', 0n, 128)
  const writer = new CommandWriter(view)
  const { i32 } = writer
  expect(writer.begin(1, 8)).toBe(160)
  expect([i32[160], i32[32]]).toEqual([-16, 0])
  expect(writer.begin(2, 0)).toBe(160)
  writer.commit()
  expect([i32[160], i32[161], i32[32]]).toEqual([8, 2, 8])
  expect(codeOf(() => writer.commit())).toBe('ARGUMENT_INVALID')
  let written = 1
  for (; writer.begin(1, 0) >= 0; written += 1) writer.commit()
  expect(written).toBe(16)
  i32[64] = 12
  expect(writer.begin(1, 0)).toBe(-1)
  i32[64] = 8
  expect(writer.begin(1, 0)).toBe(160)
  for (const [type, bytes] of [[1, 9], [1, -1], [1, 0.5], [1, Number.NaN], [-1, 0], [0.5, 0]] as const) {
    expect(codeOf(() => writer.begin(type, bytes))).toBe('ARGUMENT_INVALID')
  }
})

test('a handler that throws is not given the record again, and may not poll', () => {
  const view = ring('orders', 0n, 1024)
  const i32 = new Int32Array(view.buffer)
  i32.set([8, 1, 8, 2, 8, 3], 160)
  Atomics.store(i32, 32, 24)
  const reader = new OrdersReader(view)
  const types: number[] = []
  const broken = (): number =>
    reader.poll((record) => {
      types.push(record.type)
      if (record.type === 2) throw new Error('mine')
    })
  expect(broken).toThrow('mine')
  expect(i32[64]).toBe(16)
  expect(broken()).toBe(1)
  expect(types).toEqual([1, 2, 3])
  Atomics.store(i32, 160 + 6, 8)
  Atomics.store(i32, 32, 32)
  expect(codeOf(() => reader.poll(() => reader.poll(() => undefined)))).toBe('ARGUMENT_INVALID')
  expect(reader.isEmpty()).toBe(true)
})

test('memory that no writer wrote is a typed error, every time', () => {
  for (const length of [0, 7, -8, 136, 2 ** 31 - 1, -(2 ** 31), 24]) {
    for (const kind of ['market', 'orders'] as const) {
      const view = ring(kind, 0n, 1024)
      const i32 = new Int32Array(view.buffer)
      i32[160] = length
      i32[32] = 16
      i32[36] = 16
      const reader = kind === 'market' ? new MarketReader(view) : new OrdersReader(view)
      for (let i = 0; i < 2; i += 1) expect(codeOf(() => reader.poll(() => undefined))).toBe('RING_CORRUPT')
    }
  }
  const view = ring('orders', 0n, 1024)
  new Int32Array(view.buffer)[32] = 1032
  expect(codeOf(() => new OrdersReader(view).poll(() => undefined))).toBe('RING_CORRUPT')
  const lapped = ring('market', 0n, 1024)
  new Int32Array(lapped.buffer).set([8192, 0, 0, 0, 8192, 0, 0], 32)
  expect(codeOf(() => new MarketReader(lapped).poll(() => undefined))).toBe('RING_CORRUPT')
})

test('attaching checks size, place and every word of the header', () => {
  expect(codeOf(() => formatRing(new Uint8Array(640 + 192), 'market'))).toBe('ARGUMENT_INVALID')
  const misaligned = new Uint8Array(new ArrayBuffer(1024), 4, 640 + 128)
  expect(codeOf(() => formatRing(misaligned, 'market'))).toBe('ARGUMENT_INVALID')
  expect(codeOf(() => attachRing(new Uint8Array(640 + 128), 'market'))).toBe('RING_INVALID')
  for (const word of [0, 1, 2, 3, 4, 5]) {
    const view = ring('market')
    new Int32Array(view.buffer)[word]! += 1
    expect(codeOf(() => new MarketReader(view))).toBe('RING_INVALID')
  }
  expect(codeOf(() => new OrdersReader(ring('market')))).toBe('RING_INVALID')
})

test('sleep is announced, and only on an empty ring', () => {
  const view = ring('market')
  const reader = new MarketReader(view)
  expect(maySleep(reader)).toBe(true)
  expect([reader.i32[96], passDoorbellOn(reader.i32), reader.i32[97]]).toEqual([1, 0, 1])
  reader.i32[32] = 8
  expect(maySleep(reader)).toBe(false)
})
