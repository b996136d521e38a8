// Room card: fix/records
// In:    nothing.
// Out:   where every word of a record of FIX events stands.
// Holds: the layout of bindings/node/src/fix_events.rs, word for word.
// Costs: none.

/** Bytes that are read as text: a Buffer, by a name that asks no program for the types of Node. */
export interface TextBytes extends Uint8Array {
  /** The bytes from `start` to `end` as text. */
  toString(encoding?: 'utf8' | 'latin1', start?: number, end?: number): string
  /** Copies the bytes from `sourceStart` to `sourceEnd` to a place in others; how many. */
  copy(target: Uint8Array, targetStart?: number, sourceStart?: number, sourceEnd?: number): number
}

/** A session got its number; its names as JSON. */
export const RECORD_SESSION = 16
/** A session is open. */
export const RECORD_LOGON = 17
/** A session is over; the code why, or 0. */
export const RECORD_LOGOUT = 18
/** An application message. */
export const RECORD_MESSAGE = 19
/** An administrative message. */
export const RECORD_ADMIN = 20
/** What came of a command. */
export const RECORD_RESULT = 21
/** A fault; its sentence and fields as JSON. */
export const RECORD_FAULT = 22

/** Both sides of an open session have begun at 1 again. */
export const RECORD_RESTART = 23
/** A question, not in the ring: may this peer log on. */
export const RECORD_LOGON_ASKED = 24
/** A question, not in the ring: with which fields does this Logon go out. */
export const RECORD_LOGON_DRAFT = 25

/** Session, unsigned. */
export const WORD_SESSION = 2
/** Flags of a message, or the number of a code. */
export const WORD_FLAGS = 3
/** Unix nanoseconds, low and high half. */
export const WORD_TIME = 4
/** MsgSeqNum, or the number a command's message got; low and high half. */
export const WORD_NUMBER = 6
/** Ticket of a result, low and high half. */
export const WORD_TICKET = 8
/** Fields. */
export const WORD_FIELDS = 8
/** Bytes behind the spans. */
export const WORD_BYTES = 9
/** Fields of the header. */
export const WORD_HEADER = 10
/** Fields before the trailer. */
export const WORD_TRAILER = 11
/** First word of the spans: tag, start and end of each field. */
export const WORD_SPANS = 12
/** Words of a span. */
export const SPAN_WORDS = 3

/** The flag of PossDupFlag (43). */
export const FLAG_POSS_DUP = 1
/** The flag of PossResend (97). */
export const FLAG_POSS_RESEND = 2

/** Fields of the standard header, of any version; the session's own are in `OWN_FIELDS`. */
export const HEADER_FIELDS: ReadonlySet<number> = new Set([
  8, 9, 35, 1128, 1156, 1129, 49, 56, 115, 128, 90, 91, 34, 50, 142, 57, 143, 116, 144, 129, 145, 43, 97, 52, 122, 212,
  213, 347, 369, 370, 627, 628, 629, 630,
])
/** Fields the session writes itself. */
export const OWN_FIELDS: ReadonlySet<number> = new Set([8, 9, 10, 34, 35, 43, 49, 50, 52, 56, 57, 122, 142, 143, 369])
