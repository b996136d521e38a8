// Room card: ring/stress-peer
// In:    which side to play, shared memory, how many records.
// Out:   the other thread of the stress tests: a second, independent implementation, in BigInt and DataView.
// Holds: shares no code with the readers and writers it is tested against.
// Costs: tests only.
import { parentPort, workerData } from 'node:worker_threads'

const { side, buffer, records } = workerData
const i32 = new Int32Array(buffer)
const u64 = new BigUint64Array(buffer)
const u8 = new Uint8Array(buffer)
const capacity = buffer.byteLength - 640
const lengthOf = (number) => 16 + ((number * 29) % (capacity / 8 - 15))
const byte = (number, i) => (Math.imul(number, 31) + i * 7) & 255

/** Writes a record at a byte of the ring, by atomic stores. */
function put(offset, length, type, number) {
  const at = 640 + offset
  const frame = (length + 7) & ~7
  const bytes = new Uint8Array(frame)
  const view = new DataView(bytes.buffer)
  view.setInt32(0, length, true)
  view.setUint32(4, type, true)
  if (type === 1) {
    view.setUint32(8, number, true)
    for (let i = 16; i < length; i += 1) bytes[i] = byte(number, i)
  }
  const words = type === 1 ? frame / 4 : 2
  for (let i = 0; i < words; i += 1) Atomics.store(i32, at / 4 + i, view.getInt32(i * 4, true))
}

/** Moves a position that may carry into its high half: guard, low, high. */
function move(word, to) {
  const high = Number(BigInt.asIntN(32, to >> 32n))
  Atomics.store(i32, word + 2, high)
  Atomics.store(i32, word, Number(BigInt.asIntN(32, to)))
  Atomics.store(i32, word + 1, high)
}

function market() {
  const segment = BigInt(capacity / 8)
  let tail = u64[32 / 2]
  let noted = tail / segment
  const claim = (bytes, number) => {
    move(36, tail + BigInt(bytes))
    if (tail / segment !== noted) {
      noted = tail / segment
      const slot = 128 + 4 * Number(noted % 8n)
      for (const [i, value] of [tail, BigInt(number)].entries()) {
        Atomics.store(i32, slot + 2 * i, Number(BigInt.asIntN(32, value)))
        Atomics.store(i32, slot + 2 * i + 1, Number(BigInt.asIntN(32, value >> 32n)))
      }
    }
  }
  for (let number = 0; number < records; number += 1) {
    const length = lengthOf(number)
    const frame = (length + 7) & ~7
    const room = capacity - Number(tail % BigInt(capacity))
    if (room < frame) {
      claim(room, number)
      put(capacity - room, room, 0xffff_ffff, 0)
      tail += BigInt(room)
    }
    claim(frame, number)
    put(Number(tail % BigInt(capacity)), length, 1, number)
    tail += BigInt(frame)
    move(32, tail)
    if (Atomics.exchange(i32, 96, 0) === 1) {
      Atomics.add(i32, 97, 1)
      Atomics.notify(i32, 97)
    }
    if (number % 1000 === 0) Atomics.wait(i32, 100, 0, 1)
  }
}

function orders() {
  let tail = Atomics.load(i32, 32) >>> 0
  for (let number = 0; number < records; number += 1) {
    const length = lengthOf(number)
    const frame = (length + 7) & ~7
    const room = capacity - (tail % capacity)
    const needed = room < frame ? room + frame : frame
    while (capacity - ((tail - Atomics.load(i32, 64)) >>> 0) < needed) Atomics.wait(i32, 100, 0, 0.05)
    if (room < frame) put(capacity - room, room, 0xffff_ffff, 0)
    put((tail + needed - frame) % capacity, length, 1, number)
    tail = (tail + needed) >>> 0
    Atomics.store(i32, 32, tail | 0)
  }
}

function commands() {
  let head = Atomics.load(i32, 64) >>> 0
  const view = new DataView(buffer)
  for (let number = 0; number < records; ) {
    while (Atomics.load(i32, 32) >>> 0 === head) Atomics.wait(i32, 100, 0, 0.05)
    const at = 640 + (head % capacity)
    const length = view.getInt32(at, true)
    if (view.getUint32(at + 4, true) !== 0xffff_ffff) {
      if (length !== lengthOf(number) || view.getUint32(at + 8, true) !== number) throw new Error(`not ${number}`)
      for (let i = 16; i < length; i += 1) if (u8[at + i] !== byte(number, i)) throw new Error(`torn ${number}`)
      number += 1
    }
    head = (head + ((length + 7) & ~7)) >>> 0
    Atomics.store(i32, 64, head | 0)
  }
}

;({ market, orders, commands })[side]()
parentPort.postMessage('done')
