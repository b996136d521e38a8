// Room card: strategy/checked-views
// In:    a view and the number of the step it is handed out in.
// Out:   a stand-in that throws STRATEGY_INVALID once that step is over.
// Holds: nothing of the view itself; only made when `checkViews` is asked for.
// Costs: one allocation a view handed out; the unchecked path has no trace of it.
import { fail } from '../errors.js'

/** The step being delivered. */
export interface Step {
  number: number
}

/** A stand-in for a view, valid while the step's number is what it is now. */
export function checkedView<T extends object>(view: T, step: Step): T {
  const { number } = step
  return new Proxy(view, {
    get(target, key) {
      if (step.number !== number) {
        throw fail('STRATEGY_INVALID', 'a view was used after its step; copy() keeps one', { key: String(key) })
      }
      // Getters and methods run on the view itself, whatever stands in for it.
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(value, target, args)
        return isView(result) ? checkedView(result, step) : result
      }
    },
  })
}

function isView(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'copy' in value
}
