import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

import { CommandWriter } from './command-writer.js'
import { formatRing, RECORD_GAP, WORD_HEAD, WORD_TAIL } from './layout.js'
import { MarketReader } from './market-reader.js'
import { OrdersReader } from './orders-reader.js'
import { checkRecord, fixtureLength, testByte, TEST_TYPE } from './test-records.js'

/** A region as Rust wrote it (crates/ring/tests/fixture.rs), in shared memory. */
function fixture(name: string): Uint8Array {
  const bytes = readFileSync(new URL(`../../../../crates/testkit/fixtures/ring/${name}`, import.meta.url))
  const view = new Uint8Array(new SharedArrayBuffer(bytes.length))
  view.set(bytes)
  return view
}

test('a market ring of Rust is read from where it is whole, and the rest is counted', () => {
  const reader = new MarketReader(fixture('market.bin'))
  const numbers: number[] = []
  expect(reader.poll((record) => numbers.push(checkRecord(record)))).toBe(numbers.length)
  expect(numbers.length).toBeGreaterThan(5)
  expect(numbers).toEqual(Array.from({ length: 60 - reader.missed }, (_, i) => reader.missed + i))
  expect(reader.isEmpty()).toBe(true)
})

test('the newest part of a market ring of Rust costs no miss', () => {
  const reader = new MarketReader(fixture('market.bin'), { from: 'newest' })
  const numbers: number[] = []
  reader.poll((record) => numbers.push(checkRecord(record)))
  expect([numbers.at(-1), reader.missed]).toEqual([59, 0])
  expect(numbers.length).toBeLessThan(10)
})

test('an orders ring of Rust says how many it dropped, then goes on', () => {
  const reader = new OrdersReader(fixture('orders.bin'))
  const seen: string[] = []
  reader.poll((record) => {
    seen.push(record.type === RECORD_GAP ? `gap ${record.i32[record.word + 2]}` : String(checkRecord(record)))
  })
  expect(seen).toEqual([`gap ${reader.lost}`, '30', '31', '32'])
  expect(reader.lost).toBeGreaterThan(0)
})

test('TypeScript writes a commands ring byte for byte as Rust does', () => {
  const want = fixture('commands.bin')
  const view = new Uint8Array(new SharedArrayBuffer(want.byteLength))
  formatRing(view, 'commands')
  const writer = new CommandWriter(view)
  const { i32, u8 } = writer
  for (let number = 0; number < 32; number += 1) {
    if (number % 4 === 0) Atomics.store(i32, WORD_HEAD, Atomics.load(i32, WORD_TAIL))
    const length = fixtureLength(number)
    const word = writer.begin(TEST_TYPE, length - 8)
    i32[word + 2] = number
    for (let i = 16; i < length; i += 1) u8[word * 4 + i] = testByte(number, i)
    writer.commit()
  }
  expect(Buffer.compare(Buffer.from(view), Buffer.from(want))).toBe(0)
})
