// Room card: fix/logon
// In:    questions of the native thread: may this peer log on, and with which fields does our Logon go out.
// Out:   the program's answers, at once or later.
// Holds: a question that is not answered holds up its own connection alone, for ten seconds at most; a callback that
//        throws has the connection closed.
// Costs: cold path: one call a connection.
import { createPrivateKey, KeyObject, sign } from 'node:crypto'

import { fail } from '../errors.js'
import type { FixCommands, FixFields } from './commands.js'
import { FixMessage } from './message.js'
import { RECORD_LOGON_ASKED, WORD_BYTES, WORD_SESSION, WORD_SPANS } from './records.js'
import type { FixMessages, FixSession, FixSessionName } from './session.js'

/** A peer that wants to log on. */
export interface FixLogonRequest<M extends FixMessages = FixMessages> {
  /** The session it named. */
  readonly session: FixSession<M>
  /** Its Logon, in memory of its own: Username (553), Password (554), RawData (96) and whatever else it says. */
  readonly logon: FixMessage
  /** Where it comes from, `address:port`. */
  readonly peer: string
}

/**
 * What becomes of it: it may log on (with further fields of our Logon, if any), a Logout refuses it with this Text
 * (58), or the connection is closed without a word.
 */
export type FixLogonAnswer = 'accept' | { readonly accept: FixFields } | { readonly refuse: string } | 'close'

/** Decides whether a peer may log on. The connection waits for it, other sessions do not. */
export type FixLogonCheck<M extends FixMessages = FixMessages> = (
  request: FixLogonRequest<M>,
) => FixLogonAnswer | Promise<FixLogonAnswer>

/** A Logon that is about to be sent. */
export interface FixLogonDraft<M extends FixMessages = FixMessages> {
  /** Whose it is. */
  readonly session: FixSession<M>
  /** Its MsgSeqNum (34). */
  readonly sequence: number
  /** Its SendingTime (52), as it will stand there. */
  readonly sendingTime: string
  /** MsgType, SenderCompID, TargetCompID, MsgSeqNum and SendingTime, a separator (1) between two: what is signed. */
  readonly payload: Uint8Array
}

/** Says with which further fields a Logon goes out: RawData (96), Username (553) and the like; 95 is added to 96. */
export type FixLogonSigner<M extends FixMessages = FixMessages> = (
  draft: FixLogonDraft<M>,
) => FixFields | Promise<FixFields>

/** A `KeyObject` of `node:crypto`, by a name that asks no program for the types of Node. */
export interface SigningKey {
  /** `private`. */
  readonly type: string
  /** `ed25519`. */
  readonly asymmetricKeyType?: string | undefined
}

/** How `signedLogon` signs. */
export interface SignedLogonOptions {
  /** An Ed25519 private key: PEM, or a `KeyObject` of `node:crypto`. */
  readonly privateKey: string | SigningKey
  /** Username (553): the API key, as a rule. */
  readonly username?: string | undefined
  /** Further fields of the Logon. */
  readonly fields?: FixFields | undefined
}

/**
 * Signs Logons as Binance asks for it: RawData (96) is the Ed25519 signature of the payload in base 64.
 * Such a venue takes ResetSeqNumFlag=Y alone and resends nothing: `noResend` of the session.
 *
 * @throws what `node:crypto` throws for a key it does not take; FafnirError ARGUMENT_INVALID when it is not Ed25519
 *
 * @example
 * const signLogon = signedLogon({ privateKey: readFileSync('ed25519.pem'), username: apiKey, fields: { 25035: 1 } })
 */
export function signedLogon(options: SignedLogonOptions): FixLogonSigner {
  const { privateKey, username, fields } = options
  const key = privateKey instanceof KeyObject ? privateKey : createPrivateKey(String(privateKey))
  if (key.type !== 'private' || key.asymmetricKeyType !== 'ed25519') {
    throw fail('ARGUMENT_INVALID', 'the key is no Ed25519 key', { type: key.asymmetricKeyType ?? 'none' })
  }
  return ({ payload }) => ({ ...fields, 553: username, 96: sign(null, payload, key).toString('base64') })
}

/** What the questions need of their host. */
export interface FixLogonParts<M extends FixMessages> {
  readonly commands: FixCommands
  readonly check: FixLogonCheck<M> | undefined
  readonly sign: FixLogonSigner<M> | undefined
  /** The session of a number, which may be new. */
  session(number: number, name: FixSessionName): FixSession<M>
  /** Nothing is answered any more. */
  ended(): boolean
}

const ASK_BYTES = 8
const PREFACE_BYTES = 16
const answerKind = { accept: 0, refuse: 1, close: 2 } as const

/** Brings questions to the program and its answers back. */
export class FixLogons<M extends FixMessages> {
  private readonly parts: FixLogonParts<M>

  constructor(parts: FixLogonParts<M>) {
    this.parts = parts
  }

  /** A question came. */
  readonly take = (question: Uint8Array): void => {
    // In memory of its own: words stand at multiples of four there.
    const own = new Uint8Array(Math.ceil(question.length / 8) * 8)
    own.set(question)
    const bytes = Buffer.from(own.buffer)
    const told = bytes.toString('utf8', PREFACE_BYTES, PREFACE_BYTES + Number(bytes.readBigUInt64LE(ASK_BYTES)))
    const { name, peer } = JSON.parse(told) as { name: FixSessionName; peer: string }
    const i32 = new Int32Array(bytes.buffer)
    const word = Math.ceil((PREFACE_BYTES + Buffer.byteLength(told)) / 8) * 2
    const session = this.parts.session(i32[word + WORD_SESSION]!, name)
    const ask = bytes.subarray(0, ASK_BYTES)
    if (i32[word + 1] === RECORD_LOGON_ASKED) {
      const logon = new FixMessage()
      logon.point(i32, bytes, word, session as FixSession)
      void this.answered(session, ask, async () => (await this.parts.check?.({ session, logon, peer })) ?? 'close')
    } else {
      const from = (word + WORD_SPANS) * 4
      const payload = bytes.subarray(from, from + i32[word + WORD_BYTES]!)
      const [, , , sequence = '', sendingTime = ''] = payload.toString('latin1').split('\x01')
      const draft = { session, sequence: Number(sequence), sendingTime, payload }
      void this.answered(session, ask, async () => ({ accept: (await this.parts.sign?.(draft)) ?? {} }))
    }
  }

  private async answered(session: FixSession<M>, ask: Uint8Array, make: () => Promise<FixLogonAnswer>): Promise<void> {
    try {
      this.send(session, ask, await make())
    } catch (error) {
      this.send(session, ask, 'close')
      // The program's own fault ends the process as any uncaught one does, but not the connection's end.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  private send(session: FixSession<M>, ask: Uint8Array, answer: FixLogonAnswer): void {
    if (this.parts.ended()) return
    const [kind, content] = said(answer)
    const { number, dictionary } = session
    const sent = this.parts.commands.answer(number, Buffer.concat([ask, Buffer.from([kind])]), content, dictionary)
    if (sent === 'FIX_QUEUE_FULL') setImmediate(() => this.send(session, ask, answer))
  }
}

function said(answer: FixLogonAnswer): [number, string | FixFields] {
  if (answer === 'accept') return [answerKind.accept, {}]
  if (answer === 'close') return [answerKind.close, '']
  if ('accept' in answer) return [answerKind.accept, answer.accept]
  return [answerKind.refuse, answer.refuse]
}
