// Room card: cli/live-view
// In:    an engine that runs.
// Out:   what the dashboard shows of it.
// Holds: reads what the engine publishes for this; asks it for nothing else.
// Costs: one JSON text a look.
import type { Engine } from '../engine/engine.js'
import type { LiveView } from './dashboard.js'

/** What there is to show. */
export function viewOf(engine: Engine, seconds: number): LiveView {
  const stats = engine.stats()
  return { seconds, ...stats }
}
