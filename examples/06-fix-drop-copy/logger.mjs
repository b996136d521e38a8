// The part to start from: copies of ExecutionReports from several venues, as JSON lines, each once.
//
// A copy counts when its line is on the medium. FIX itself acknowledges nothing: the session's own store may say that
// more has come than a process that was killed has written, so each start asks for everything after the last line.
import { join } from 'node:path'

import { fixInitiator } from 'fafnir/fix'

import { CopyFile } from './copy-file.mjs'

/** ExecIDs of a session that are remembered, to know a copy that comes again. */
const IDS_MAX = 100_000
/** Numbers of administrative messages that are remembered, to know what a gap fill stands for. */
const ADMINS_MAX = 10_000

/** What a line has of a copy, by tag: names differ from version to version. Numbers stay text, and so exact. */
const COPIED = {
  execId: 17,
  execRefId: 19,
  execTransType: 20,
  execType: 150,
  ordStatus: 39,
  orderId: 37,
  clOrdId: 11,
  account: 1,
  symbol: 55,
  side: 54,
  lastQty: 32,
  lastPx: 31,
  cumQty: 14,
  leavesQty: 151,
  avgPx: 6,
  transactTime: 60,
}

/**
 * Connects to every session and logs what comes. Of a session that is lost, what was missed is asked for by itself
 * when it is back. `say` is told what a person should know.
 */
export async function startLogger({ sessions, folder, say, bytesMax = 64 << 20, filesKept = 1_000 }) {
  const logger = new Logger({ folder, say, bytesMax, filesKept })
  const host = await fixInitiator({
    sessions: sessions.map((session) => logger.goingOn(session)),
    // The messages as they came are in `messages`.
    shared: { storeDir: join(folder, 'sessions'), logDir: join(folder, 'messages') },
    accepts: ['8'],
    adminMessages: true,
    onBatch: (batch) => logger.onBatch(batch),
  })
  return {
    /** Copies that came again, by session. */
    repeats: () => logger.repeats(),

    /** Logs out, writes what still comes, and ends. */
    async close() {
      await host.close()
      logger.close(host.stats())
    },
  }
}

/** Sessions are called by what the venue calls itself. */
const nameOf = ({ targetCompId }) => targetCompId

class Logger {
  /** By session: the number of its last copy, and what is needed to know what comes again and what does not come. */
  #states = new Map()
  #file
  #say

  constructor({ folder, say, bytesMax, filesKept }) {
    this.#say = say
    this.#file = new CopyFile({
      folder,
      bytesMax,
      filesKept,
      seen: (line) => {
        const state = this.#state(line.session)
        // Copies, positions at the start of a file, and resets have the number from which to go on.
        if (line.last !== undefined) state.last = line.last
        if (line.execId !== undefined) remember(state, line.execId)
      },
    })
    if (this.#file.cut) say('an unfinished line was cut off')
  }

  /** A session's configuration, with the number behind the last copy that was written. */
  goingOn(session) {
    const { last } = this.#state(nameOf(session))
    return last === 0 ? session : { ...session, resendFrom: last + 1 }
  }

  onBatch(batch) {
    const lines = []
    for (let at = 0; at < batch.length; at += 1) this.#onEvent(batch.at(at), lines)
    this.#file.append(lines)
    if (this.#file.full) this.#file.turnOver([...this.#states].map(([session, { last }]) => ({ session, last })))
  }

  repeats() {
    return Object.fromEntries([...this.#states].map(([session, { repeats }]) => [session, repeats]))
  }

  close({ refused, lost }) {
    if (refused + lost > 0) this.#say(`${refused} copies were refused and ${lost} events lost: the disk is too slow`)
    this.#file.close()
  }

  #state(session) {
    const fresh = { last: 0, ids: new Map(), admins: new Set(), filled: 0, repeats: 0 }
    if (!this.#states.has(session)) this.#states.set(session, fresh)
    return this.#states.get(session)
  }

  #onEvent(event, lines) {
    const session = event.session === undefined ? undefined : nameOf(event.session.name)
    if (event.kind === 'message' && event.msgType === '8') this.#onCopy(event, session, lines)
    else if (event.kind === 'message') this.#say(`${session} rejects a message of ours: ${event.string(58)}`)
    else if (event.kind === 'admin') this.#onAdmin(event, session, lines)
    else if (event.kind === 'logon') this.#say(`${session} is here`)
    else if (event.kind === 'logout') this.#say(`${session} is gone`)
    else if (event.kind === 'fault' && event.error.code.startsWith('FIX_STORE')) this.#say(event.error.message)
  }

  #onCopy(copy, session, lines) {
    const state = this.#state(session)
    const execId = copy.string(COPIED.execId)
    // A copy that is marked as sent before, and was written. One that is not marked is written, whatever its ExecID.
    if ((copy.possDup || copy.possResend) && state.ids.has(execId)) {
      state.repeats += 1
      return
    }
    const line = { session, last: copy.sequence, received: new Date(copy.receivedMillis).toISOString() }
    for (const [name, tag] of Object.entries(COPIED)) if (copy.has(tag)) line[name] = copy.string(tag)
    lines.push(line)
    state.last = copy.sequence
    remember(state, execId)
  }

  #onAdmin(message, session, lines) {
    const state = this.#state(session)
    const { msgType, sequence } = message
    if (msgType === 'A' && sequence === 1 && state.last > 0) {
      this.#say(`${session} begins at 1 again: what it sent after its number ${state.last} has not come`)
      lines.push({ session, last: 0, resetAfter: state.last })
      Object.assign(state, { last: 0, filled: 0, admins: new Set() })
    }
    if (msgType === '4') return this.#onGapFill(message, session, lines)
    if (sequence > state.last) state.admins.add(sequence)
    if (state.admins.size > ADMINS_MAX) state.admins.delete(state.admins.values().next().value)
  }

  /** A gap fill stands for messages of the session, which need not come again, or for copies the venue has no more. */
  #onGapFill(message, session, lines) {
    const state = this.#state(session)
    const [from, to] = [message.sequence, message.number(36) - 1]
    const first = Math.max(from, state.filled + 1, state.last + 1)
    const seen = [...state.admins].filter((number) => number >= first && number <= to).length
    const missed = to - first + 1 - seen
    state.filled = Math.max(state.filled, to)
    if (missed <= 0) return
    this.#say(`${session} does not send ${missed} of its numbers ${from} to ${to} again`)
    lines.push({ session, missed, from, to })
  }
}

function remember({ ids }, execId) {
  ids.delete(execId)
  ids.set(execId, true)
  if (ids.size > IDS_MAX) ids.delete(ids.keys().next().value)
}
