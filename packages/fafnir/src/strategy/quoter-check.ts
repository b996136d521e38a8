// Room card: strategy/quoter-check
// In:    an instrument and the JSON of quoter parameters.
// Out:   nothing when they are good; else the value, its path and what is allowed.
// Holds: the check is the native one, the same that the engine makes; nothing is checked twice in two languages.
// Costs: a native call and two JSON texts, on a cold path.
import { guarded, native } from '../native.js'
import type { InstrumentConfig } from '../generated/config.js'
import type { Instrument } from '../units.js'
import type { QuoterCheck, RefusedParameters } from './context.js'

/** The check of `ctx.setQuoter`. Loads the native module. */
export function quoterCheck(): QuoterCheck {
  const { checkQuoter } = native()
  return (instrument, json) => {
    const text = guarded(() => checkQuoter(JSON.stringify(configOf(instrument)), json))
    return text === '' ? undefined : (JSON.parse(text) as RefusedParameters)
  }
}

// What parameters are checked against: the grids and the contract.
function configOf(instrument: Instrument): InstrumentConfig {
  const { symbol, venue, tickSize, lotSize, contract, multiplierText } = instrument
  return { symbol, venue, tickSize, lotSize, contract, multiplier: multiplierText }
}
