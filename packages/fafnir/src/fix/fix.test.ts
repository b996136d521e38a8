// Two hosts of ours trade over loopback.
import { connect, createServer, type Server, type Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'

import type { FixBatch } from './batch.js'
import type { FixFields } from './commands.js'
import { fixDictionary } from './dictionary.js'
import {
  fixAcceptor,
  fixInitiator,
  type FixAcceptor,
  type FixHost,
  type FixInitiator,
  type FixOwnOptions,
} from './host.js'
import type { FixMessage } from './message.js'

const hosts: FixHost[] = []
const others: (() => void)[] = []
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()))
  for (const close of others.splice(0)) close()
})

const session = { beginString: 'FIX.4.4', senderCompId: 'DESK', targetCompId: 'CLIENT' } as const

async function acceptor(options: FixOwnOptions & { storeDir?: string } = {}): Promise<FixAcceptor> {
  const { storeDir, ...own } = options
  const host = await fixAcceptor({ sessions: [session], shared: { storeDir }, ...own })
  hosts.push(host)
  return host
}

async function initiator(port: number, options: FixOwnOptions = {}): Promise<FixInitiator> {
  const addresses = [`127.0.0.1:${port}`]
  const host = await fixInitiator({
    sessions: [{ beginString: 'FIX.4.4', senderCompId: 'CLIENT', targetCompId: 'DESK', addresses }],
    ...options,
  })
  hosts.push(host)
  return host
}

/** Resolves when the condition holds; a test that waits too long fails by its own time. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

const order = (id: string): FixFields => ({
  OrdType: '2',
  Price: { mantissa: 101_250, exponent: -3 },
  OrderQty: 300,
  ClOrdID: id,
  Side: '1',
  Symbol: 'FAF',
  TransactTime: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)),
  NoPartyIDs: [
    { PartyRole: 11, PartyID: 'DESK7', PartyIDSource: 'D', NoPartySubIDs: [{ PartySubIDType: 1, PartySubID: 'X' }] },
    { PartyID: 'MFUND' },
  ],
})

/** Ids of the orders of a batch, by index. */
function ids(batch: FixBatch): string[] {
  const found: string[] = []
  for (let at = 0; at < batch.length; at += 1) {
    const event = batch.at(at)
    if (event.kind === 'message') found.push(event.string(11) ?? '')
  }
  return found
}

test('an order arrives with every field, in the order of FIX, and its report comes back', async () => {
  let kept: FixMessage | undefined
  const seen: string[] = []
  const desk = await acceptor({
    onBatch: (batch) => {
      for (const event of batch) {
        seen.push(event.kind)
        if (event.kind !== 'message') continue
        kept = event.copy()
        const { session: from } = event
        const id = event.string('ClOrdID')!
        from.send('ExecutionReport', {
          OrderID: '7',
          ExecID: '1',
          ExecType: '0',
          OrdStatus: '0',
          ClOrdID: id,
          Side: '1',
          Symbol: 'FAF',
          LeavesQty: 300,
          CumQty: 0,
          AvgPx: '0',
        })
      }
    },
  })
  const reports: string[] = []
  const client = await initiator(desk.port, {
    results: true,
    onBatch: (batch) => {
      for (const event of batch) {
        if (event.kind === 'logon') expect(event.session.send('NewOrderSingle', order('A-1'))).toBe(1)
        if (event.kind === 'result') reports.push(`ticket ${event.ticket} got ${event.sequence}`)
        if (event.kind === 'message') reports.push(`${event.msgType} ${event.string('ClOrdID')} ${event.number(151)}`)
      }
    },
  })
  await until(() => reports.length === 2)
  expect(reports).toEqual(['ticket 1 got 2', '8 A-1 300'])
  expect(seen).toEqual(['session', 'logon', 'message'])
  expect(client.sessions[0]!.open).toBe(true)

  const text = kept!.toString()
  expect(text).toContain(
    '|11=A-1|38=300|40=2|44=101.250|54=1|55=FAF|60=20260102-03:04:05.678|' +
      '453=2|448=DESK7|447=D|452=11|802=1|523=X|803=1|448=MFUND|10=',
  )
  expect(Buffer.from(kept!.body).toString('latin1').replaceAll('\x01', '|')).toBe(
    text.slice(text.indexOf('11=A-1'), text.indexOf('10=', text.indexOf('MFUND'))),
  )
  expect(kept!.decimal('Price')).toEqual({ mantissa: 101_250, exponent: -3 })
  expect(kept!.number('Price')).toBe(101.25)
  expect(kept!.time('TransactTime')).toBe(Date.UTC(2026, 0, 2, 3, 4, 5, 678))
  expect([kept!.char('Side'), kept!.has(18), kept!.string('ExecInst'), kept!.number('Symbol')]).toEqual([
    '1',
    false,
    undefined,
    undefined,
  ])
  expect([kept!.sequence, kept!.possDup, kept!.possResend, kept!.msgType]).toEqual([2, false, false, 'D'])
  expect(Math.abs(kept!.receivedMillis - Date.now())).toBeLessThan(60_000)
  const parties = [...kept!.group('NoPartyIDs')].length
  expect(parties).toBe(2)
  const told: string[] = []
  for (const party of kept!.group('NoPartyIDs')) {
    const subs: string[] = []
    for (const sub of party.group('NoPartySubIDs')) subs.push(sub.string('PartySubID')!)
    told.push(`${party.string('PartyID')} ${party.number('PartyRole')} ${subs.join()}`)
  }
  expect(told).toEqual(['DESK7 11 X', 'MFUND undefined '])
})

test('what was sent while a connection was cut comes after it, in order, each once', async () => {
  const desk = await acceptor()
  // A wire between them that can be cut.
  const pairs: Socket[] = []
  const wire: Server = createServer((from) => {
    const to = connect(desk.port, '127.0.0.1')
    for (const [a, b] of [
      [from, to],
      [to, from],
    ] as const) {
      a.on('error', () => b.destroy())
      a.on('close', () => b.destroy())
      a.pipe(b)
    }
    pairs.push(from)
  })
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve))
  others.push(() => wire.close())
  let logons = 0
  const client = await initiator((wire.address() as { port: number }).port, {
    onBatch: (batch) => {
      for (const event of batch) logons += event.kind === 'logon' ? 1 : 0
    },
  })
  const got: string[] = []
  const reading = (async () => {
    for await (const batch of desk.batches()) got.push(...ids(batch))
  })()
  await until(() => logons === 1)
  const [own] = client.sessions
  for (let n = 0; n < 500; n += 1) {
    own!.send('D', order(String(n)))
    if (n === 250) pairs[0]!.destroy()
    if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await until(() => logons === 2 && got.length >= 500)
  expect(got).toEqual(Array.from({ length: 500 }, (_, n) => String(n)))
  await desk.close()
  await reading
})

test('a program that does not read loses nothing: events wait, then come in order', async () => {
  const desk = await acceptor({ eventsRingBytes: 1 << 20 })
  const client = await initiator(desk.port, { onBatch: () => undefined })
  await until(() => client.sessions[0]!.open)
  const MANY = 8_000
  for (let n = 0; n < MANY;) {
    if (client.sessions[0]!.send('D', order(String(n))) === 'FIX_QUEUE_FULL') {
      await new Promise((resolve) => setImmediate(resolve))
    } else n += 1
  }
  await until(() => desk.stats().waitingBytes > 0)
  const got: string[] = []
  const stop = new AbortController()
  for await (const batch of desk.batches({ signal: stop.signal })) {
    got.push(...ids(batch))
    if (got.length === MANY) stop.abort()
  }
  expect(got).toEqual(Array.from({ length: MANY }, (_, n) => String(n)))
  expect(desk.stats()).toEqual({ waitingBytes: 0, refused: 0, lost: 0 })
})

test('types the program does not take are refused without it', async () => {
  const desk = await acceptor({ accepts: ['D'], onBatch: () => undefined })
  const answers: string[] = []
  // The refusal comes, although its type is not among those taken: refusing it would go on for ever.
  await initiator(desk.port, {
    accepts: ['8'],
    onBatch: (batch) => {
      for (const event of batch) {
        if (event.kind === 'logon')
          event.session.send('Email', {
            EmailThreadID: '1',
            EmailType: '0',
            Subject: 's',
            NoLinesOfText: [{ Text: 't' }],
          })
        if (event.kind === 'message') answers.push(`${event.msgType} ${event.string(372)} ${event.number(380)}`)
      }
    },
  })
  await until(() => answers.length > 0)
  expect(answers).toEqual(['j C 3'])
})

test('a message sent on has its fields in ascending order, groups whole', async () => {
  const desk = await acceptor({
    onBatch: (batch) => {
      for (const event of batch) if (event.kind === 'message') event.session.forward(event)
    },
  })
  const answers: string[] = []
  const body = '60=20260102-03:04:05|55=FAF|453=2|448=A|452=1|448=B|447=D|452=3|54=1|40=1|38=5|11=x|'
  await initiator(desk.port, {
    onBatch: (batch) => {
      for (const event of batch) {
        const bytes = Buffer.from(body.replaceAll('|', '\x01'))
        if (event.kind === 'logon') event.session.sendRaw('D', bytes, Buffer.from('97=Y\x01'))
        if (event.kind === 'message') answers.push(event.toString())
      }
    },
  })
  await until(() => answers.length > 0)
  expect(answers[0]).toContain('|97=Y|')
  expect(answers[0]).toContain(
    '|11=x|38=5|40=1|54=1|55=FAF|60=20260102-03:04:05|453=2|448=A|452=1|448=B|447=D|452=3|10=',
  )
})

test('bad input is an error with a code, and nothing of it is sent', async () => {
  const desk = await acceptor({ onBatch: () => undefined })
  const [own] = desk.sessions
  const code = (fields: FixFields): string => {
    try {
      return String(own!.send('NewOrderSingle', fields))
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  for (const fields of [
    { NoSuchField: 1 },
    { MsgSeqNum: 3 },
    { ClOrdID: '' },
    { ClOrdID: 'a\x01b' },
    { Price: 1e-9 },
    { Price: NaN },
    { Symbol: [{ Side: '1' }] },
    { NoPartyIDs: [{ PartyRole: 1 }] },
    { NoPartyIDs: [{ Side: '1' }] },
    { TransactTime: new Date(NaN) },
    { Price: { mantissa: 1, exponent: 1 } },
  ] as FixFields[]) {
    expect(code(fields), JSON.stringify(fields)).toBe('FIX_FIELD_INVALID')
  }
  expect(code({ ClOrdID: 'x'.repeat(2_000_000) })).toBe('FIX_QUEUE_FULL')
  await expect(fixAcceptor({ sessions: [] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  await expect(fixAcceptor({ sessions: [session], eventsRingBytes: 65_536 })).rejects.toMatchObject({
    code: 'ARGUMENT_INVALID',
  })
  expect(() => fixDictionary('FIX.9')).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
})

test('a message that cannot be sent is told by its ticket; close ends the loop', async () => {
  const desk = await fixAcceptor({ sessions: [{ ...session, keepWhenClosed: false }] })
  const ticket = desk.sessions[0]!.send('D', order('1'))
  const told: string[] = []
  for await (const batch of desk.batches()) {
    for (const event of batch) {
      if (event.kind !== 'result') continue
      told.push(`${event.ticket === ticket} ${event.code}`)
      void desk.close()
    }
  }
  expect(told).toEqual(['true FIX_NOT_OPEN'])
  await desk.close()
})

test('numbers and messages live in files from one process to the next', async () => {
  const storeDir = mkdtempSync(join(tmpdir(), 'fafnir-fix-'))
  others.push(() => rmSync(storeDir, { recursive: true, force: true }))
  const first = await acceptor({ storeDir, onBatch: () => undefined })
  for (const id of ['1', '2']) first.sessions[0]!.send('D', order(id))
  await first.close()
  const second = await acceptor({ storeDir, onBatch: () => undefined })
  const got: string[] = []
  await initiator(second.port, { onBatch: (batch) => void got.push(...ids(batch)) })
  await until(() => got.length === 2)
  expect(got).toEqual(['1', '2'])
})
