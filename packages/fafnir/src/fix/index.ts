// Room card: fafnir/fix
// In:    nothing.
// Out:   the room of FIX: acceptors and initiators on a native thread, messages as views, dictionaries.
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
export { FixDictionary, fixDictionary, type FixGroupDef, type FixGroups } from './dictionary.js'
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
export { FixEntry, FixFieldsView, FixMessage, type FixDecimal, type FixField } from './message.js'
export { FixSession, type FixMessages, type FixSessionName } from './session.js'
