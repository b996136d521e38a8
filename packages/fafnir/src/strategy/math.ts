// Room card: strategy/math
// In:    nothing.
// Out:   the core's `log1p`, `log`, `exp`, `sqrt` as `ctx.math`.
// Holds: results agree with native code bit for bit; `Math` may differ in the last bit from machine to machine.
// Costs: one native call each; √ is exact by IEEE 754, so V8's own serves.
import { native } from '../native.js'
import type { CoreMath } from './context.js'

/** The core's functions. Loads the native module. */
export function coreMath(): CoreMath {
  const { log1P: log1p, log, exp } = native()
  return Object.freeze({ log1p, log, exp, sqrt: Math.sqrt })
}
