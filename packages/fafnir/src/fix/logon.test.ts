// Logons that a program decides on and signs; sessions that begin at 1 while open; programs and peers that are behind.
import { generateKeyPairSync, verify, type KeyObject } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'

import type { FixSessionConfig } from '../generated/config.js'
import type { FixBatch } from './batch.js'
import {
  fixAcceptor,
  fixInitiator,
  type FixAcceptor,
  type FixAcceptorOptions,
  type FixHost,
  type FixInitiator,
  type FixInitiatorOptions,
} from './host.js'
import { signedLogon, type FixLogonRequest } from './logon.js'

const hosts: FixHost[] = []
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()))
})

async function acceptor(
  options: Partial<FixAcceptorOptions>,
  own: Partial<FixSessionConfig> = {},
): Promise<FixAcceptor> {
  const session = { beginString: 'FIX.4.4', senderCompId: 'VENUE', ...own } as const
  const sessions = ['CLIENT', 'OTHER'].map((targetCompId) => ({ ...session, targetCompId }))
  const host = await fixAcceptor({ sessions, ...options })
  hosts.push(host)
  return host
}

async function initiator(
  port: number,
  options: Partial<FixInitiatorOptions> = {},
  own: Partial<FixSessionConfig> = {},
): Promise<FixInitiator> {
  const names = { beginString: 'FIX.4.4', senderCompId: 'CLIENT', targetCompId: 'VENUE' } as const
  const host = await fixInitiator({ sessions: [{ ...names, addresses: [`127.0.0.1:${port}`], ...own }], ...options })
  hosts.push(host)
  return host
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** What happened, in words. */
function teller(): { readonly told: string[]; readonly onBatch: (batch: FixBatch) => void } {
  const told: string[] = []
  const onBatch = (batch: FixBatch): void => {
    for (const event of batch) {
      const name = event.session?.name.senderCompId === 'VENUE' ? event.session.name.targetCompId : ''
      if (event.kind === 'message') told.push(`${event.msgType} ${event.string(11) ?? event.string(58)}`)
      else if (event.kind === 'admin') told.push(`admin ${event.msgType} ${event.sequence} ${event.string(141) ?? ''}`)
      else if (event.kind === 'logout') told.push(`logout ${event.code ?? ''} ${event.text}`)
      else if (event.kind === 'fault') told.push(`fault ${event.error.code} ${String(event.error.fields['text'])}`)
      else if (event.kind === 'result') told.push(`result ${event.code ?? event.sequence}`)
      else told.push(`${event.kind} ${name}`.trim())
    }
  }
  return { told, onBatch }
}

const order = (id: string) => ({
  ClOrdID: id,
  Side: '1',
  Symbol: 'FAF',
  OrdType: '1',
  OrderQty: 1,
  TransactTime: new Date(0),
})

/** Is the Logon signed by this key, as Binance asks for it? */
function isSigned({ logon }: FixLogonRequest, key: KeyObject): boolean {
  const payload = [35, 49, 56, 34, 52].map((tag) => logon.string(tag)).join('\x01')
  const signature = logon.string('RawData') ?? ''
  expect(logon.number('RawDataLength')).toBe(signature.length)
  return verify(null, Buffer.from(payload), key, Buffer.from(signature, 'base64'))
}

test('a signed Logon is verified by the program it goes to; each begins at 1, nothing is resent', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const [venue, client] = [teller(), teller()]
  const asked: string[] = []
  const desk = await acceptor(
    {
      onBatch: venue.onBatch,
      adminMessages: true,
      checkLogon: async (request) => {
        const { logon, peer } = request
        asked.push(`${logon.string('Username')} ${logon.boolean('ResetSeqNumFlag')} ${logon.sequence}`)
        expect(peer).toMatch(/^127\.0\.0\.1:\d+$/)
        expect(Math.abs(logon.receivedMillis - Date.now())).toBeLessThan(60_000)
        // As a look-up in a table of keys would take its time.
        await new Promise((resolve) => setTimeout(resolve, 20))
        return isSigned(request, publicKey) ? 'accept' : { refuse: 'bad signature' }
      },
    },
    { noResend: true },
  )
  const signLogon = signedLogon({ privateKey, username: 'API-KEY' })
  const trader = await initiator(desk.port, { onBatch: client.onBatch, signLogon }, { noResend: true })
  await until(() => client.told.includes('logon'))
  trader.sessions[0]!.send('D', order('1'))
  await until(() => venue.told.includes('D 1'))
  // The same session again: it begins anew, and is signed anew.
  trader.sessions[0]!.logout('over')
  await until(() => client.told.some((line) => line.startsWith('logout')))
  trader.sessions[0]!.logon()
  await until(() => client.told.filter((line) => line === 'logon').length === 2)
  trader.sessions[0]!.send('D', order('2'))
  await until(() => venue.told.includes('D 2'))
  expect(asked).toEqual(['API-KEY true 1', 'API-KEY true 1'])
  expect(venue.told).toContain('logout  over')
  expect(venue.told.filter((line) => line.startsWith('admin 2'))).toEqual([])

  // Another key.
  const forged = signedLogon({ privateKey: generateKeyPairSync('ed25519').privateKey, username: 'FORGED' })
  const other = teller()
  await initiator(desk.port, { onBatch: other.onBatch, signLogon: forged }, { noResend: true, senderCompId: 'OTHER' })
  await until(() => other.told.includes('fault FIX_LOGON bad signature'))
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
  expect(() => signedLogon({ privateKey: rsa })).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const draft = { session: trader.sessions[0]!, sequence: 1, sendingTime: '', payload: Buffer.from('x') }
  expect(signedLogon({ privateKey: pem })(draft)).toEqual(signedLogon({ privateKey })(draft))
})

test('a program lets in, refuses with a word and closes without one; what takes its time holds up nobody', async () => {
  const venue = teller()
  let answer: ((value: 'accept') => void) | undefined
  const desk = await acceptor({
    onBatch: venue.onBatch,
    checkLogon: ({ session, logon }) => {
      const password = logon.string('Password')
      if (session.name.targetCompId === 'OTHER') return { accept: { MaxMessageSize: 4_096 } }
      if (password === 'wrong') return { refuse: 'no such password' }
      if (password === 'slow') return new Promise((resolve) => (answer = resolve))
      return 'close'
    },
  })
  const refused = teller()
  const first = await initiator(desk.port, { onBatch: refused.onBatch }, { username: 'me', password: 'wrong' })
  await until(() => refused.told.includes('fault FIX_LOGON no such password'))
  await first.close()
  const closed = teller()
  const second = await initiator(desk.port, { onBatch: closed.onBatch }, { username: 'me', password: 'rude' })
  await until(() => closed.told.some((line) => line.startsWith('fault CONNECTION')))
  await second.close()

  const slow = teller()
  await initiator(desk.port, { onBatch: slow.onBatch }, { username: 'me', password: 'slow' })
  await until(() => answer !== undefined)
  const quick = teller()
  const sizes: (number | undefined)[] = []
  const other = await initiator(
    desk.port,
    {
      adminMessages: true,
      onBatch: (batch) => {
        for (const event of batch) if (event.kind === 'admin') sizes.push(event.number('MaxMessageSize'))
        quick.onBatch(batch)
      },
    },
    { senderCompId: 'OTHER' },
  )
  await until(() => quick.told.includes('logon'))
  other.sessions[0]!.send('D', order('meanwhile'))
  await until(() => venue.told.includes('D meanwhile'))
  expect([sizes[0], slow.told]).toEqual([4_096, ['session']])
  answer?.('accept')
  await until(() => slow.told.includes('logon'))
  const logons = (): string[] => venue.told.filter((line) => line.startsWith('logon'))
  await until(() => logons().length === 2)
  expect(logons()).toEqual(['logon OTHER', 'logon CLIENT'])
})

test('a callback that throws, and fields that are none, close the connection and are told', async () => {
  const thrown: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => thrown.push(error.message))
  try {
    let checks = 0
    const desk = await acceptor({
      onBatch: () => undefined,
      checkLogon: () => {
        checks += 1
        if (checks === 1) throw new Error('a fault of the check')
        return 'accept'
      },
    })
    let drafts = 0
    const client = teller()
    await initiator(desk.port, {
      onBatch: client.onBatch,
      signLogon: ({ sequence, sendingTime }) => {
        expect(sendingTime).toMatch(/^\d{8}-\d\d:\d\d:\d\d\.\d{3}$/)
        drafts += 1
        if (drafts === 1) throw new Error('a fault of the signer')
        return drafts === 2 ? { MsgSeqNum: sequence } : {}
      },
    })
    await until(() => client.told.includes('logon'))
    expect(thrown).toEqual(['a fault of the signer', 'a Logon has its header already', 'a fault of the check'])
    expect([drafts, checks]).toEqual([4, 2])
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
})

test('both sides of an open session begin at 1, by the wish of either', async () => {
  const [venue, client] = [teller(), teller()]
  const desk = await acceptor({ onBatch: venue.onBatch, results: true, adminMessages: true })
  const trader = await initiator(desk.port, { onBatch: client.onBatch, results: true })
  await until(() => client.told.includes('logon'))
  const [ours, theirs] = [desk.sessions[0]!, trader.sessions[0]!]
  for (let n = 0; n < 40; n += 1) theirs.send('D', order(String(n)))
  let restarts = 0
  for (const wishes of [theirs, ours, ours]) {
    wishes.restart()
    for (let n = 0; n < 40; n += 1) theirs.send('D', order(`${restarts}-${n}`))
    restarts += 1
    const restarted = (line: string): boolean => line.startsWith('restarted')
    await until(
      () => client.told.filter(restarted).length === restarts && venue.told.filter(restarted).length === restarts,
    )
    const before = client.told.length
    theirs.send('D', order(`after ${restarts}`))
    await until(() => client.told.length > before && venue.told.includes(`D after ${restarts}`))
    const number = Number(client.told.at(-1)?.slice('result '.length))
    expect(number).toBeLessThan(45)
  }
  const got = venue.told.filter((line) => line.startsWith('D'))
  expect(got.length).toBe(40 + 3 * 41)
  expect(new Set(got).size).toBe(got.length)
  expect(venue.told.filter((line) => line === 'admin A 1 Y').length).toBe(3)
  theirs.logout()
  await until(() => client.told.some((line) => line.startsWith('logout')))
  theirs.restart()
  await until(() => client.told.includes('result FIX_NOT_OPEN'))
})

test('what a program that is too far behind cannot take is answered "Application Not Available" (380=4)', async () => {
  const desk = await acceptor({ eventsRingBytes: 1 << 20 })
  const refused: string[] = []
  let [asked, carried, slow] = [0, 0, 0]
  const trader = await initiator(desk.port, {
    results: true,
    onBatch: (batch) => {
      for (const event of batch) {
        if (event.kind === 'message') refused.push(`${event.msgType} ${event.number(380)} ${event.string(58)}`)
        if (event.kind !== 'result') continue
        // The connection itself may be behind, too: then the message was not sent.
        if (event.code === 'PEER_SLOW') slow += 1
        else carried += 1
      }
    },
  })
  const own = trader.sessions[0]!
  await until(() => own.open)
  const Text = 'x'.repeat(50_000)
  while (refused.length < 3) {
    const room = asked - carried - slow < 50
    if (room && own.send('D', { ...order(String(asked)), Text }) !== 'FIX_QUEUE_FULL') asked += 1
    else await new Promise((resolve) => setImmediate(resolve))
  }
  expect(desk.stats().waitingBytes).toBeGreaterThan(50 << 20)
  const got: string[] = []
  const stop = new AbortController()
  const reading = (async () => {
    for await (const batch of desk.batches({ signal: stop.signal })) {
      for (const event of batch) if (event.kind === 'message') got.push(event.string(11)!)
    }
  })()
  await until(() => asked === carried + slow && got.length + refused.length === carried)
  stop.abort()
  await reading
  expect(new Set(refused)).toEqual(new Set(['j 4 Application Not Available']))
  expect(desk.stats()).toEqual({ waitingBytes: 0, refused: refused.length, lost: 0 })
  expect(got[0]).toBe('0')
  expect(got.map(Number)).toEqual(got.map(Number).sort((a, b) => a - b))
})

test('send says when it has no room, and what it took arrives', async () => {
  const venue = teller()
  const desk = await acceptor({ onBatch: venue.onBatch })
  const trader = await initiator(desk.port, { onBatch: () => undefined, commandBytes: 65_536 })
  await until(() => trader.sessions[0]!.open)
  const tickets: (number | 'FIX_QUEUE_FULL')[] = []
  // In one step of the event loop nothing is handed over but what fills the buffer.
  for (let n = 0; n < 3_000; n += 1) tickets.push(trader.sessions[0]!.send('D', order(String(n))))
  const refused = tickets.filter((ticket) => ticket === 'FIX_QUEUE_FULL').length
  expect(refused).toBeGreaterThan(0)
  expect(tickets.filter((ticket) => ticket !== 'FIX_QUEUE_FULL')).toEqual(
    Array.from({ length: 3_000 - refused }, (_, n) => n + 1),
  )
  const taken = tickets.flatMap((ticket, n) => (ticket === 'FIX_QUEUE_FULL' ? [] : [`D ${n}`]))
  await until(() => venue.told.filter((line) => line.startsWith('D')).length === taken.length)
  expect(venue.told.filter((line) => line.startsWith('D'))).toEqual(taken)
})
