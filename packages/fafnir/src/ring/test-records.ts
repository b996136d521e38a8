// Room card: ring/test-records
// In:    a number.
// Out:   the test record of that number, as crates/ring/tests/common writes it, and its check byte by byte.
// Holds: every byte of a record follows from its number and place, so that a torn record is seen.
// Costs: tests only.
import type { RecordCursor } from './record-cursor.js'

/** Type of test records. */
export const TEST_TYPE = 1

/** Length of record `number` in the fixtures. */
export function fixtureLength(number: number): number {
  return 16 + ((number * 37) % 113)
}

/** Byte `i` of record `number`, from 16 on. */
export function testByte(number: number, i: number): number {
  return (Math.imul(number, 31) + i * 7) & 255
}

/** The number of a record, after checking every byte of it. */
export function checkRecord(record: RecordCursor): number {
  const { i32, u8, word, length, byteOffset } = record
  const number = i32[word + 2]!
  let sound = length >= 16 && i32[word] === length && record.type === TEST_TYPE && i32[word + 3] === 0
  for (let i = 16; i < length; i += 1) sound &&= u8[byteOffset + i] === testByte(number, i)
  if (!sound) throw new Error(`record ${number} of ${length} bytes is torn`)
  return number
}
