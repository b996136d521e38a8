// Room card: bench/node/fix/messages
// In:    nothing.
// Out:   ExecutionReports of some 240 bytes, those of the bench in Rust: their bodies, or whole.
// Holds: the same seed gives the same messages.
// Costs: none that is measured.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Loads a package of the rivals. */
export const rival = createRequire(fileURLToPath(new URL('../../peers/node/package.json', import.meta.url)))
/** Loads the product, as a program beside it would. */
export const product = createRequire(fileURLToPath(new URL('../../../packages/fafnir/package.json', import.meta.url)))

/** Bodies of `count` partial fills. */
export function reports(count) {
  let state = 88_172_645
  const below = (end) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % end
  }
  const padded = (value, length) => String(value).padStart(length, '0')
  return Array.from({ length: count }, () => {
    const [price, quantity] = [60_000 + below(5_000), 1 + below(900)]
    const clock = [below(24), below(60), below(60)].map((part) => padded(part, 2)).join(':')
    const time = `20240809-${clock}.${padded(below(1_000), 3)}`
    const fields = [
      `6=${price}.${padded(below(100), 2)}`, `11=ORD-${padded(below(1_000_000), 6)}`, `14=${quantity}`,
      `17=E${padded(below(100_000_000), 8)}`, `31=${price}.${padded(below(100), 2)}`, `32=${quantity}`,
      `37=${100_000 + below(800_000)}`, `38=${quantity + 100}`, '39=1', '40=2',
      `44=${price}.${padded(below(100), 2)}`, `54=${1 + below(2)}`, '55=BTCUSDT', '59=1', `60=${time}`,
      '150=F', '151=100',
    ]
    return fields.map((field) => `${field}\x01`).join('')
  })
}

/** The same in whole messages of FIX 4.4, numbered from 2. */
export function framed(bodies) {
  return bodies.map((body, n) => {
    const inner = `35=8\x0134=${n + 2}\x0149=VENUE\x0152=20240809-12:00:00.000\x0156=CLIENT\x01${body}`
    const head = `8=FIX.4.4\x019=${inner.length}\x01${inner}`
    const sum = Buffer.from(head).reduce((total, byte) => total + byte, 0) % 256
    return `${head}10=${padded3(sum)}\x01`
  })
}

const padded3 = (value) => String(value).padStart(3, '0')

/** What both sides must have read of the messages: a sum that any difference changes. */
export function expected(bodies) {
  let sum = 0
  for (const body of bodies) {
    const fields = new Map(body.split('\x01').map((field) => field.split('=')))
    const [, y, m, d, rest] = /^(\d{4})(\d\d)(\d\d)-(.*)$/.exec(fields.get('60'))
    sum += check(fields.get('11'), fields.get('55'), fields.get('54'), Number(fields.get('31')),
      Number(fields.get('32')), Date.parse(`${y}-${m}-${d}T${rest}Z`))
  }
  return sum
}

/** The six fields as one number: ClOrdID, Symbol, Side, LastPx, LastQty, TransactTime. */
export function check(id, symbol, side, price, quantity, time) {
  return id.length + symbol.length + (side === '1' ? 1 : 2) + price * 100 + quantity + (time % 1_000)
}
