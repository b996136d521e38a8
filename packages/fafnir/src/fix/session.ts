// Room card: fix/session
// In:    one session of a host: its names, what happens in it.
// Out:   `FixSession`: its state, and what can be sent.
// Holds: a message is handed over in order with every other command; its number and its store are the native side's.
// Costs: see `commands`.
import { fail } from '../errors.js'
import { commandKind, type FixCommands, type FixFields } from './commands.js'
import type { FixDictionary } from './dictionary.js'
import type { FixMessage } from './message.js'
import { OWN_FIELDS } from './records.js'
import type { FixBody, FixMessageType } from './schema.js'

/** Fields of each message by its name, as `Fix44` has them; the default takes any. */
export type FixMessages = { readonly [message: string]: object }

/** The names of a session. */
export interface FixSessionName {
  /** BeginString (8). */
  readonly beginString: string
  /** SenderCompID (49): ours. */
  readonly senderCompId: string
  /** TargetCompID (56): the peer's. */
  readonly targetCompId: string
}

/**
 * A FIX session of a host: what the program sends, and whether it is open. What is asked here is done in order, by the
 * native thread, after this step of the program; what cannot be is told by a `result` event with a code.
 */
export class FixSession<M extends FixMessages = FixMessages> {
  /** Its number within the host. */
  readonly number: number
  /** Its names. */
  readonly name: FixSessionName
  /** Names and groups of its messages. */
  readonly dictionary: FixDictionary
  /** Is it logged on, as far as events were read? */
  open: boolean = false
  private readonly commands: FixCommands

  /** A host makes its sessions. */
  constructor(number: number, name: FixSessionName, dictionary: FixDictionary, commands: FixCommands) {
    this.number = number
    this.name = name
    this.dictionary = dictionary
    this.commands = commands
  }

  /**
   * Sends a message: its name, MsgType (35) or type (`NewOrderSingle` of `fafnir/fix/fix44`), and its fields by name or
   * tag. Header fields (97, 115, 128 …) go to the header; the session adds its own. While it is not open the message is
   * kept, unless `keepWhenClosed` is false. Costs some 100 ns a field, and a native call a step of the program.
   *
   * A `result` event says when it could not be sent: FIX_NOT_OPEN; PEER_SLOW (the peer does not read: try later);
   * FIX_TOO_LARGE (1 MiB); FIX_FIELD_INVALID; FIX_SEQUENCE (the numbers are used up); FIX_STORE_FAILED (the session
   * ends); FIX_CLOSED (it is ending).
   * @returns its ticket; 'FIX_QUEUE_FULL' when earlier ones are not taken yet: nothing was queued, try again later
   * @throws FafnirError FIX_FIELD_INVALID (a field that is none or cannot be written), FIX_CLOSED (the host is closed)
   */
  send<K extends keyof M & string>(message: K, fields: M[K]): number | 'FIX_QUEUE_FULL'
  send<H, S>(message: FixMessageType<H, S>, fields: FixBody<H, S>): number | 'FIX_QUEUE_FULL'
  send(message: string | FixMessageType, fields: object): number | 'FIX_QUEUE_FULL' {
    const type = typeof message === 'string' ? this.dictionary.messageType(message) : message.type
    return this.commands.message(this.number, type, fields as FixFields, this.dictionary)
  }

  /** Sends a message on: its type, the fields of its body, and the header fields that are not the session's own. */
  forward(message: FixMessage): number | 'FIX_QUEUE_FULL' {
    const header: [number, string][] = []
    for (let at = 0; at < message.headerLength; at += 1) {
      const tag = message.tagAt(at)
      if (!OWN_FIELDS.has(tag)) header.push([tag, `${tag}=${message.stringAt(at)}\x01`])
    }
    const fields = header.sort(([a], [b]) => a - b).map(([, text]) => text)
    return this.sendRaw(message.msgType, message.bodyAscending(), Buffer.from(fields.join('')))
  }

  /** Sends a message of bytes: `tag=value` each with its separator (1), in their order. */
  sendRaw(msgType: string, body: Uint8Array, header: Uint8Array = none): number | 'FIX_QUEUE_FULL' {
    if (!/^[!-~]+$/.test(msgType)) throw fail('FIX_FIELD_INVALID', 'no MsgType', { msgType })
    return this.commands.whole(commandKind.send, this.number, Buffer.from(msgType), header, body)
  }

  /** Logs out, with Text (58), and stays so until `logon`. */
  logout(text: string = ''): number | 'FIX_QUEUE_FULL' {
    return this.commands.plain(commandKind.logout, this.number, text)
  }

  /** Lets it be connected again after `logout`. */
  logon(): number | 'FIX_QUEUE_FULL' {
    return this.commands.plain(commandKind.logon, this.number)
  }

  /**
   * Both sides of the open session begin at 1 (Logon with ResetSeqNumFlag, from FIX.4.1), once the peer has everything
   * sent before. A `restarted` event tells the end of it, a `result` event that it cannot be.
   */
  restart(): number | 'FIX_QUEUE_FULL' {
    return this.commands.plain(commandKind.restart, this.number)
  }

  /** Both sides begin at 1; an open session is logged out first. */
  reset(): number | 'FIX_QUEUE_FULL' {
    return this.commands.plain(commandKind.reset, this.number)
  }
}

const none = new Uint8Array(0)
