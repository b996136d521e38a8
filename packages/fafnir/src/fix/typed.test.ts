// Typed messages: what the compiler holds, and what comes out of a session of our own with itself.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'

import { fixDictionary, fixShape, fixTypes, type FixDictionary } from './dictionary.js'
import type { FixSessionConfig } from '../generated/config.js'
import { fixAcceptor, fixInitiator, type FixHost } from './host.js'
import * as fix42 from './messages/fix42.js'
import * as fix44 from './messages/fix44.js'
import * as fix50sp2 from './messages/fix50sp2.js'
import { Logon } from './messages/fixt11.js'
import { FixMessage } from './message.js'
import { RECORD_MESSAGE, WORD_BYTES, WORD_FIELDS, WORD_HEADER, WORD_SPANS, WORD_TRAILER } from './records.js'
import type { FixGroupField, FixReader, FixTextField } from './schema.js'
import type { FixSession } from './session.js'
import { fixMessage, type FixEntries } from './typed.js'
import { readTimestamp, timestamp, type FixDecimal } from './value.js'

const { ExecutionReport, MarketDataIncrementalRefresh, NewOrderSingle, values } = fix44

const hosts: FixHost[] = []
const folders: string[] = []
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()))
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

type Versions = Pick<FixSessionConfig, 'beginString' | 'application'>
interface Wire extends Versions {
  readonly dictionaryFile?: string
  /** Messages are held to the dictionary. */
  readonly validate?: boolean
}

/** What an initiator sends, as an acceptor gets it. */
async function sent<T>(
  wire: Wire,
  send: (session: FixHost['sessions'][number]) => void,
  read: (message: FixMessage) => T,
  messages: number = 1,
): Promise<T[]> {
  const { dictionaryFile, validate = true, ...versions } = wire
  const validation = validate ? { dictionaryFile, userDefinedFields: false } : null
  const got: T[] = []
  let failed: unknown
  let done: () => void = () => undefined
  const all = new Promise<void>((resolve) => (done = resolve))
  const desk = await fixAcceptor({
    sessions: [{ ...versions, senderCompId: 'DESK', targetCompId: 'CLIENT', validation }],
    onBatch: (batch) => {
      for (const event of batch) {
        if (event.kind !== 'message') continue
        try {
          got.push(read(event))
        } catch (error) {
          failed = error
        }
        if (got.length === messages || failed !== undefined) done()
      }
    },
  })
  hosts.push(desk)
  const addresses = [`127.0.0.1:${desk.port}`]
  const client = await fixInitiator({
    sessions: [{ ...versions, senderCompId: 'CLIENT', targetCompId: 'DESK', addresses, validation }],
    onBatch: (batch) => {
      for (const event of batch) if (event.kind === 'logon') send(event.session)
    },
  })
  hosts.push(client)
  await all
  if (failed !== undefined) throw failed
  return got
}

const at = new Date(Date.UTC(2026, 1, 28, 23, 59, 58, 7))
const order: fix44.NewOrderSingle = {
  ClOrdID: 'A-1',
  Side: values.Side.BUY,
  OrdType: '2',
  Price: { mantissa: 101_250, exponent: -3 },
  OrderQty: '300',
  TransactTime: at,
  Symbol: 'FAF',
  SolicitedFlag: true,
  AccountType: values.AccountType.HOUSE_TRADER,
  PossResend: false,
  OnBehalfOfCompID: 'FUND',
  NoPartyIDs: [
    { PartyID: 'DESK7', PartyRole: 11, NoPartySubIDs: [{ PartySubID: 'X', PartySubIDType: 1 }, { PartySubID: 'Y' }] },
    { PartyID: 'MFUND' },
  ],
  5001: 'ours',
}

describe('what the compiler holds', () => {
  test('fields that are sent', () => {
    const typed = (): void => {
      const session = hosts[0]!.sessions[0]!
      session.send(NewOrderSingle, order)
      // @ts-expect-error OrdType must be there
      session.send(NewOrderSingle, { ClOrdID: '1', Side: '1', TransactTime: at, Symbol: 'A' })
      // @ts-expect-error ExecID is no field of an order
      session.send(NewOrderSingle, { ...order, ...{}, ExecID: '1' })
      // @ts-expect-error Z is no side
      session.send(NewOrderSingle, { ...order, Side: 'Z' })
      // @ts-expect-error no moment
      session.send(NewOrderSingle, { ...order, TransactTime: 5 })
      // @ts-expect-error an entry begins with PartyID
      session.send(NewOrderSingle, { ...order, NoPartyIDs: [{ PartyRole: 1 }] })
      // @ts-expect-error the session's own
      session.send(NewOrderSingle, { ...order, MsgSeqNum: 1 })
    }
    expect(typed).toBeTypeOf('function')
  })

  test('hosts of typed sessions', () => {
    const typed = async (): Promise<void> => {
      const host = await fixInitiator<fix44.Fix44>({ sessions: [] })
      host.sessions[0]!.send('NewOrderSingle', order)
      // @ts-expect-error there is no such message
      host.sessions[0]!.send('NewOrder', order)
      // @ts-expect-error a field is missing
      host.sessions[0]!.send('OrderCancelRequest', { ClOrdID: '2' })
    }
    expect(typed).toBeTypeOf('function')
  })

  test('fields that are read', () => {
    type Order = NonNullable<ReturnType<typeof NewOrderSingle.read>>
    expectTypeOf<Order['ClOrdID']>().toEqualTypeOf<string>()
    expectTypeOf<Order['Price']>().toEqualTypeOf<Readonly<FixDecimal> | undefined>()
    expectTypeOf<Order['SolicitedFlag']>().toEqualTypeOf<boolean | undefined>()
    expectTypeOf<Order['TransactTime']>().toEqualTypeOf<number>()
    expectTypeOf<Order['OrdType']>().extract<'2' | 'X'>().toEqualTypeOf<'2'>()
    expectTypeOf<Order['AccountType']>().toEqualTypeOf<1 | 2 | 3 | 4 | 6 | 7 | 8 | undefined>()
    expectTypeOf<Order['MsgSeqNum']>().toEqualTypeOf<number>()
    type Parties = Order['NoPartyIDs'] extends FixEntries<infer E> ? E : never
    expectTypeOf<Parties['PartyID']>().toEqualTypeOf<string>()
    expectTypeOf<Parties['PartyRole']>().extract<11 | undefined>().toEqualTypeOf<11 | undefined>()
    const byTag = (read: Order): [string, Readonly<FixDecimal> | undefined] => [read.get(11), read.get('Price')]
    expect(byTag).toBeTypeOf('function')
    // @ts-expect-error an order has no ExecID
    const none = (read: Order): unknown => read.ExecID
    expect(none).toBeTypeOf('function')
    expectTypeOf<FixReader<unknown>>().toHaveProperty('fault')
  })
})

test('an order is read as it was sent, fields by name and tag, groups in groups', async () => {
  const [told] = await sent(
    { beginString: 'FIX.4.4' },
    (session) => session.send(NewOrderSingle, order),
    (message) => {
      expect(ExecutionReport.read(message)).toBeUndefined()
      const read = NewOrderSingle.read(message)!
      expect(read.fault()).toBeUndefined()
      const parties: string[] = []
      for (const party of read.NoPartyIDs) {
        const subs: string[] = []
        for (const sub of party.NoPartySubIDs) subs.push(`${sub.PartySubID}${sub.PartySubIDType ?? ''}`)
        parties.push(`${party.PartyID} ${party.PartyRole} ${subs.join('+')} ${party.NoPartySubIDs.length}`)
      }
      const { mantissa, exponent } = read.Price!
      const quantity = read.OrderQty!
      expect(read.get(44)).toEqual({ mantissa, exponent })
      expect(quantity).not.toBe(read.Price)
      expect(read.view.string(5001)).toBe('ours')
      expect(read.view.timeNs(60)).toBe(BigInt(at.getTime()) * 1_000_000n)
      expect(() => read.get(150 as never)).toThrow(expect.objectContaining({ code: 'FIX_FIELD_INVALID' }))
      return {
        text: [read.ClOrdID, read.Side, read.get(40), read.Symbol, read.Account, read.OnBehalfOfCompID].join(),
        numbers: [mantissa, exponent, quantity.mantissa, quantity.exponent, read.AccountType, read.MsgSeqNum],
        rest: [read.SolicitedFlag, read.PossResend, read.TransactTime, read.EncodedText],
        parties,
        legs: read.NoAllocs.length,
      }
    },
  )
  expect(told).toEqual({
    text: 'A-1,1,2,FAF,,FUND',
    numbers: [101_250, -3, 300, 0, 3, 2],
    rest: [true, false, at.getTime(), undefined],
    parties: ['DESK7 11 X1+Y 2', 'MFUND undefined  0'],
    legs: 0,
  })
})

test('one reader is pointed at message after message, and at entry after entry', async () => {
  const entries = Array.from({ length: 10 }, (_, n) => ({
    MDUpdateAction: values.MDUpdateAction.CHANGE,
    MDEntryType: n % 2 === 0 ? values.MDEntryType.BID : values.MDEntryType.OFFER,
    Symbol: `S${n}`,
    MDEntryPx: `${100 + n}.5`,
    MDEntrySize: n + 1,
  }))
  const readers = new Set<unknown>()
  const got = await sent(
    { beginString: 'FIX.4.4' },
    (session) => {
      for (const size of [10, 3, 0]) {
        session.send(MarketDataIncrementalRefresh, { MDReqID: `M${size}`, NoMDEntries: entries.slice(0, size || 1) })
      }
    },
    (message) => {
      const read = MarketDataIncrementalRefresh.read(message)!
      readers.add(read)
      const { NoMDEntries } = read
      const seen: (string | number)[] = [read.MDReqID!, NoMDEntries.length]
      for (let entry = NoMDEntries.first(); entry !== undefined; entry = NoMDEntries.next()) {
        readers.add(entry)
        seen.push(`${entry.MDEntryType}${entry.Symbol} ${entry.MDEntryPx!.mantissa} ${entry.MDEntrySize!.mantissa}`)
      }
      return seen
    },
    3,
  )
  const lines = entries.map((entry, n) => `${entry.MDEntryType}${entry.Symbol} ${1_005 + n * 10} ${n + 1}`)
  expect(got).toEqual([
    ['M10', 10, ...lines],
    ['M3', 3, ...lines.slice(0, 3)],
    ['M0', 1, lines[0]],
  ])
  expect(readers.size).toBe(2)
})

test('what must be there and is not, and what is of another type, throws; `fault` says it as a value', async () => {
  const bodies = [
    '11=A|40=2|44=abc|54=1|55=F|60=20260102-03:04:05|',
    '11=A|40=2|54=1|55=F|',
    '11=A|40=2|54=1|55=F|60=20260231-03:04:05|',
    '11=A|40=2|54=1|55=F|60=20260102-03:04:05|377=X|',
    '11=A|40=2|54=1|55=F|60=20260102-03:04:05|581=1.5|',
    '11=A|40=2|54=1|55=F|60=20260102-03:04:05|453=1|448=P|452=x|',
    '11=A|40=2|54=1|55=F|60=20260102-03:04:05|453=7|448=P|',
  ]
  const got = await sent(
    { beginString: 'FIX.4.4', validate: false },
    (session) => {
      for (const body of bodies) session.sendRaw('D', Buffer.from(body.replaceAll('|', '\x01')))
    },
    (message) => {
      const read = NewOrderSingle.read(message)!
      const told: string[] = []
      for (const name of ['Price', 'TransactTime', 'SolicitedFlag', 'AccountType'] as const) {
        try {
          if (read[name] === undefined) told.push('-')
          else told.push('ok')
        } catch (error) {
          const { code, fields } = error as { code: string; fields: { name: string; what: string } }
          told.push(`${code} ${fields.name} ${fields.what}`)
        }
      }
      const fault = read.fault()
      return [told.join(), fault === undefined ? '' : `${fault.tag} ${fault.name} ${fault.what}`]
    },
    bodies.length,
  )
  expect(got).toEqual([
    ['FIX_FIELD_INVALID Price malformed,ok,-,-', '44 Price malformed'],
    ['-,FIX_FIELD_INVALID TransactTime missing,-,-', '60 TransactTime missing'],
    ['-,FIX_FIELD_INVALID TransactTime malformed,-,-', '60 TransactTime malformed'],
    ['-,ok,FIX_FIELD_INVALID SolicitedFlag malformed,-', '377 SolicitedFlag malformed'],
    ['-,ok,-,FIX_FIELD_INVALID AccountType malformed', '581 AccountType malformed'],
    ['-,ok,-,-', '452 PartyRole malformed'],
    ['-,ok,-,-', ''],
  ])
})

/** A message as it lies in a ring, of a session with this dictionary. */
function message(fields: string, header: number, dictionary: FixDictionary): FixMessage {
  const bytes = Buffer.from(fields.replaceAll('|', '\x01'))
  const spans: number[] = []
  let at = 0
  for (const field of fields.split('|').slice(0, -1)) {
    const equals = field.indexOf('=')
    spans.push(Number(field.slice(0, equals)), at + equals + 1, at + field.length)
    at += field.length + 1
  }
  const words = new Int32Array(Math.ceil((WORD_SPANS + spans.length) * 4 + bytes.length) / 4 + 1)
  words[1] = RECORD_MESSAGE
  words[WORD_FIELDS] = spans.length / 3
  words[WORD_BYTES] = bytes.length
  words[WORD_HEADER] = header
  words[WORD_TRAILER] = spans.length / 3
  words.set(spans, WORD_SPANS)
  const memory = Buffer.from(words.buffer)
  bytes.copy(memory, (WORD_SPANS + spans.length) * 4)
  const made = new FixMessage()
  made.point(words, memory, 0, { dictionary } as FixSession)
  return made
}

test('a field of the message is not that of a group', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fafnir-types-'))
  folders.push(folder)
  const file = join(folder, 'venue.xml')
  const fields = [
    '8 BeginString',
    '9 BodyLength',
    '10 CheckSum',
    '35 MsgType',
    '58 Text',
    '7001 NoA',
    '7002 A',
    '7003 B',
  ]
  const lines = fields
    .map((field) => field.split(' '))
    .map(([tag, name]) => `<field number='${tag}' name='${name}' type='STRING'/>`)
  const of = (name: string): string => `<field name='${name}' required='N'/>`
  writeFileSync(
    file,
    `<fix type='FIX' major='4' minor='4'><header>${of('BeginString')}${of('BodyLength')}${of('MsgType')}</header>
    <trailer>${of('CheckSum')}</trailer><messages><message name='Venue' msgtype='U1' msgcat='app'>
      <group name='NoA' required='N'>${of('A')}${of('Text')}${of('B')}</group>${of('Text')}
    </message></messages><fields>${lines.join('')}</fields></fix>`,
  )
  type Entry = { A: FixTextField<7002>; Text?: FixTextField<58>; B?: FixTextField<7003> }
  type Venue = { NoA?: FixGroupField<7001, Entry>; Text?: FixTextField<58> }
  const Venue = fixMessage<object, Venue>('Venue', 'U1')
  const dictionary = fixDictionary('FIX.4.4', file)
  const told = (body: string): [string | undefined, string[]] => {
    const read = Venue.read(message(`8=FIX.4.4|9=1|35=U1|${body}`, 3, dictionary))!
    const entries: string[] = []
    for (const { A, Text, B } of read.NoA) entries.push(`${A}${Text ?? '-'}${B ?? '-'}`)
    return [read.Text, entries]
  }
  expect(told('7001=2|7002=1|58=a|7002=2|7003=b|')).toEqual([undefined, ['1a-', '2-b']])
  expect(told('58=own|7001=1|7002=1|58=a|')).toEqual(['own', ['1a-']])
  // An entry ends before a member it has already, whatever the count says; what is no member ends the group.
  const read = Venue.read(message('8=FIX.4.4|9=1|35=U1|7001=1|7002=1|58=a|58=b|7003=c|', 3, dictionary))!
  expect(read.NoA.length).toBe(2)
  expect(told('7001=3|7002=1|7002=2|9999=x|7002=3|58=own|')).toEqual(['own', ['1--', '2--']])
  expect(told('58=own|')).toEqual(['own', []])
})

test('every version: 4.2, and 5.0SP2 with the header of FIXT', async () => {
  const [old] = await sent(
    { beginString: 'FIX.4.2' },
    (session) =>
      session.send(fix42.NewOrderSingle, {
        ClOrdID: '7',
        HandlInst: '1',
        Symbol: 'F',
        Side: fix42.values.Side.SELL,
        TransactTime: at,
        OrdType: '1',
        OrderQty: 5,
      }),
    (message) => {
      const read = fix42.NewOrderSingle.read(message)!
      return [read.Side, read.OrderQty!.mantissa, read.TargetCompID]
    },
  )
  expect(old).toEqual(['2', 5, 'DESK'])
  const [late] = await sent(
    { beginString: 'FIXT.1.1', application: 'FIX.5.0SP2' },
    (session) =>
      session.send(fix50sp2.NewOrderSingle, {
        ClOrdID: '8',
        Side: '1',
        TransactTime: at,
        OrdType: '1',
        Symbol: 'F',
        OrderQty: '5',
      }),
    (message) => {
      const read = fix50sp2.NewOrderSingle.read(message)!
      return [read.ClOrdID, read.BeginString, read.SenderCompID, Logon.read(message)]
    },
  )
  expect(late).toEqual(['8', 'FIXT.1.1', 'CLIENT', undefined])
})

test("a user's own dictionary, as `fafnir fix-types` writes it", () => {
  const folder = mkdtempSync(join(tmpdir(), 'fafnir-types-'))
  folders.push(folder)
  const file = join(folder, 'venue.xml')
  writeFileSync(
    file,
    `<fix type='FIX' major='4' minor='4'>
      <header><field name='BeginString' required='Y'/><field name='PossResend' required='N'/></header>
      <trailer><field name='CheckSum' required='Y'/></trailer>
      <messages><message name='VenueOrder' msgtype='U1' msgcat='app'>
        <field name='Venue Side' required='Y'/>
        <group name='NoFills' required='N'><field name='FillPx' required='N'/></group>
        <component name='Extra' required='N'/>
      </message></messages>
      <components>
        <component name='Extra'><field name='Level' required='Y'/></component>
        <component name='Unused'><field name='CheckSum' required='Y'/></component>
      </components>
      <fields>
        <field number='8' name='BeginString' type='STRING'/><field number='10' name='CheckSum' type='STRING'/>
        <field number='97' name='PossResend' type='BOOLEAN'/><field number='7001' name='NoFills' type='NUMINGROUP'/>
        <field number='7002' name='FillPx' type='PRICE'/>
        <field number='7003' name='Venue Side' type='CHAR'>
          <value enum='1' description='BUY'/><value enum='2' description='BUY'/><value enum="'" description=''/>
        </field>
        <field number='7004' name='Level' type='INT'><value enum='0' description='top level'/></field>
      </fields>
    </fix>`,
  )
  const text = fixTypes(file)
  const flat = text.replaceAll(/\s+/g, ' ')
  for (const part of [
    "from 'fafnir/fix'",
    "Level: { 'top level': 0, },",
    "'Venue Side': { BUY: '1', '2': '2', '\\'': '\\'', },",
    "type _Extra = { Level: $Enum<7004, V['Level']>; }",
    'export type StandardHeader = { BeginString: $Text<8>; PossResend?: $Boolean<97>; }',
    "VenueOrder: { 'Venue Side': $Enum<7003, V['Venue Side']>;",
    'NoFills?: $Group<7001, { FillPx: $Decimal<7002>; }>; } & Partial<_Extra>',
    'export type Messages = { readonly [K in keyof Schema]: $Sent<K> }',
    "export const VenueOrder: $Type<'VenueOrder'> = /* @__PURE__ */ fixMessage('VenueOrder', 'U1')",
  ]) {
    expect(flat).toContain(part)
  }
  expect(flat).not.toContain('Unused')
  const members = fixDictionary('FIX.4.4', file).members('U1')
  expect(members.map(({ tag, shape, required }) => [tag, shape, required])).toEqual([
    [8, fixShape.text, true],
    [97, fixShape.boolean, false],
    [7_003, fixShape.text, true],
    [7_001, fixShape.int, false],
    [7_004, fixShape.int, false],
  ])
  expect(() => fixTypes(join(folder, 'none.xml'))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

test('the generated modules say what the dictionaries of the native side say', () => {
  for (const [module, version] of [
    [fix42, 'FIX.4.2'],
    [fix44, 'FIX.4.4'],
    [fix50sp2, 'FIX.5.0SP2'],
  ] as const) {
    const dictionary = fixDictionary(version)
    const types = Object.entries(module).filter(([name]) => name !== 'values')
    expect(types.length).toBeGreaterThan(40)
    for (const [name, made] of types as [string, { name: string; type: string }][]) {
      expect([made.name, dictionary.messageType(name)]).toEqual([name, made.type])
    }
    const all = types.flatMap(([, made]) => dictionary.members((made as { type: string }).type))
    const shapes = new Map(all.map((member) => [member.name, member.shape]))
    for (const [field, named] of Object.entries(module.values)) {
      const shape = shapes.get(field)
      const areNumbers = Object.values(named).some((value) => typeof value === 'number')
      if (shape !== undefined) expect(areNumbers, field).toBe(shape === fixShape.int)
    }
  }
  const source = readFileSync(new URL('./messages/fix44.ts', import.meta.url), 'utf8')
  expect(source).toContain("Side: { BUY: '1', SELL: '2',")
})

test('a moment is read to the nanosecond, and what is none is refused', () => {
  const read = (text: string): bigint | undefined =>
    readTimestamp(Buffer.from(text), 0, text.length)
      ? BigInt(timestamp.seconds) * 1_000_000_000n + BigInt(Math.floor(timestamp.nanos))
      : undefined
  for (const iso of ['1970-01-01T00:00:00', '2000-02-29T23:59:59', '2026-12-31T12:34:56', '1999-03-01T00:00:01']) {
    const text = iso.replaceAll('-', '').replace('T', '-')
    const expected = BigInt(Date.parse(`${iso}Z`)) * 1_000_000n
    expect(read(text), iso).toBe(expected)
    expect(read(`${text}.5`)).toBe(expected + 500_000_000n)
    expect(read(`${text}.123456789`)).toBe(expected + 123_456_789n)
    expect(read(`${text}.123456789999`)).toBe(expected + 123_456_789n)
  }
  expect(read('20261231-23:59:60')).toBe(BigInt(Date.UTC(2027, 0, 1)) * 1_000_000n)
  for (const text of [
    ...['', '20260101', '20260101-00:00', '20260101-00:00:00.', '20260101-24:00:00', '20260101-00:60:00'],
    ...['20260101-00:00:61', '20261301-00:00:00', '20260001-00:00:00', '20260132-00:00:00', '20260229-00:00:00'],
    ...['19000229-00:00:00', '20260101 00:00:00', '20260101-00:00:00.1234567890123', '2026010x-00:00:00'],
  ]) {
    expect(read(text), text).toBeUndefined()
  }
})
