// Room card: fix/schema
// In:    nothing.
// Out:   the types that typed messages are made of: what a field is, what of it is read, what of it is sent.
// Holds: types alone; generated modules (`fafnir/fix/fix44`, `fafnir fix-types`) name fields by them.
// Costs: the compiler's time.
import type { FixValue } from './commands.js'
import type { FixEntries, FixTyped } from './typed.js'
import type { FixDecimal } from './value.js'

export { fixMessage, FixMessageType } from './typed.js'

/** A field: its tag, what is read of it, what it is sent as. No value has this type. */
export interface FixFieldType<T extends number, Read, Sent> {
  readonly tag: T
  readonly read: Read
  readonly sent: Sent
}

/** Text; dates and times of day, too. */
export type FixTextField<T extends number> = FixFieldType<T, string, string>
/** Words divided by spaces. */
export type FixWordsField<T extends number> = FixFieldType<T, string, string>
/** A whole number. */
export type FixIntField<T extends number> = FixFieldType<T, number, number | bigint>
/** A decimal: read as mantissa and exponent; the object is the reader's own for this field, and reused. */
export type FixDecimalField<T extends number> = FixFieldType<T, Readonly<FixDecimal>, FixDecimalSent>
/** Y or N. */
export type FixBooleanField<T extends number> = FixFieldType<T, boolean, boolean>
/** A moment: read as Unix milliseconds with a fraction (`view.timeNs` has it exactly). */
export type FixTimeField<T extends number> = FixFieldType<T, number, Date | string>
/** Bytes: read as a view of the message. The field of their length is the sender's to give. */
export type FixBytesField<T extends number> = FixFieldType<T, Uint8Array, Uint8Array | string>
/** One of the values its dictionary names. */
export type FixEnumField<T extends number, Values> = FixFieldType<T, Values[keyof Values], Values[keyof Values]>
/** A repeating group, by the field that counts its entries. */
export interface FixGroupField<T extends number, Entry> {
  readonly tag: T
  readonly entry: Entry
}

/** What a decimal is sent as; a number only when it prints as the decimal that is meant. */
export type FixDecimalSent = string | number | bigint | Readonly<FixDecimal>

type OwnField =
  | 'BeginString'
  | 'BodyLength'
  | 'MsgType'
  | 'MsgSeqNum'
  | 'PossDupFlag'
  | 'SenderCompID'
  | 'SenderSubID'
  | 'SenderLocationID'
  | 'SendingTime'
  | 'TargetCompID'
  | 'TargetSubID'
  | 'TargetLocationID'
  | 'OrigSendingTime'
  | 'LastMsgSeqNumProcessed'

type IsOptional<S, K extends keyof S> = undefined extends S[K]
  ? true
  : Partial<Pick<S, K>> extends Pick<S, K>
    ? true
    : false
type SentOf<F> =
  F extends FixGroupField<number, infer Entry>
    ? readonly FixSent<Entry>[]
    : F extends FixFieldType<number, unknown, infer Sent>
      ? Sent
      : never

/** Fields as they are sent. */
export type FixSent<S> = {
  readonly [K in keyof S]: IsOptional<S, K> extends true ? SentOf<NonNullable<S[K]>> | undefined : SentOf<S[K]>
}

/** A message as it is sent: its fields by name, header fields that are not the session's own, others by tag. */
export type FixBody<Header, S> = FixSent<S> &
  Partial<FixSent<Omit<Header, OwnField>>> & { readonly [tag: `${number}`]: FixValue | undefined }

type ReadOf<F> =
  F extends FixGroupField<number, infer Entry>
    ? FixEntries<FixReader<Entry>>
    : F extends FixFieldType<number, infer Read, unknown>
      ? Read
      : never
type Reads<S, K extends keyof S> =
  NonNullable<S[K]> extends FixGroupField<number, unknown>
    ? ReadOf<NonNullable<S[K]>>
    : IsOptional<S, K> extends true
      ? ReadOf<NonNullable<S[K]>> | undefined
      : ReadOf<S[K]>

/** The names of fields by tag. */
type NameOf<S> = { [K in keyof S as NonNullable<S[K]> extends { readonly tag: infer T extends number } ? T : never]: K }

/** What a tag or a name reads as. */
export type FixRead<S, F> = F extends keyof S
  ? Reads<S, F>
  : F extends keyof NameOf<S>
    ? NameOf<S>[F] extends infer K extends keyof S
      ? Reads<S, K>
      : never
    : never

/** A tag or a name of a field. */
export type FixFieldOf<S> = (keyof S & string) | (keyof NameOf<S> & number)

/**
 * A message or an entry of a group, typed: a property a field, decoded when it is read. Optional fields are undefined
 * when they are not there, groups have no entries then. Valid as long as what it is a view of.
 */
export type FixReader<S> = { readonly [K in Exclude<keyof S, never>]: Reads<S, K> } & FixTyped<S>
