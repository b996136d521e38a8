// Room card: fafnir/fix
// In:    nothing.
// Out:   the room of FIX: acceptors and initiators on a native thread, messages as views or typed, dictionaries.
// Holds: usable alone, without a trading engine; the native module is opened on first use.
// Costs: loading.
export { FafnirError, type ErrorFields } from '../errors.js'
export type {
  FixAcceptorConfig,
  FixHoursConfig,
  FixInitiatorConfig,
  FixSessionConfig,
  FixSharedConfig,
  FixValidationConfig,
} from '../generated/config.js'
export { FixBatch, type FixEvent, type FixMessageEvent, type FixStateEvent } from './batch.js'
export type { FixFields, FixValue } from './commands.js'
export {
  FixDictionary,
  fixDictionary,
  fixTypes,
  type FixGroupDef,
  type FixGroups,
  type FixMember,
  type FixShape,
} from './dictionary.js'
export {
  FixAcceptor,
  fixAcceptor,
  FixHost,
  FixInitiator,
  fixInitiator,
  type FixAcceptorOptions,
  type FixBatchHandler,
  type FixHostStats,
  type FixInitiatorOptions,
  type FixOwnOptions,
} from './host.js'
export {
  signedLogon,
  type FixLogonAnswer,
  type FixLogonCheck,
  type FixLogonDraft,
  type FixLogonRequest,
  type FixLogonSigner,
  type SignedLogonOptions,
  type SigningKey,
} from './logon.js'
export { FixEntry, FixFieldsView, FixMessage, type FixField } from './message.js'
export type {
  FixBody,
  FixBooleanField,
  FixBytesField,
  FixDecimalField,
  FixDecimalSent,
  FixEnumField,
  FixFieldOf,
  FixFieldType,
  FixGroupField,
  FixIntField,
  FixRead,
  FixReader,
  FixSent,
  FixTextField,
  FixTimeField,
  FixWordsField,
} from './schema.js'
export { FixSession, type FixMessages, type FixSessionName } from './session.js'
export { FixEntries, fixMessage, FixMessageType, FixTyped, type FixFieldFault } from './typed.js'
export { fixNumber, type FixDecimal } from './value.js'
