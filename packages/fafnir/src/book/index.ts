// Room card: fafnir/book
// In:    depth updates or order messages of one instrument, in batches of whole ticks and lots.
// Out:   `L2Book` and `L3Book`: touch, levels, queues, quantity ahead, cost to trade, weighted mid and micro-price.
// Holds: usable alone, without an engine; the native book is the one the engine trades on.
// Costs: a call about 300 ns, so give it batches; an update in a batch some nanoseconds.
export { L2Book, L2_UPDATE } from './l2-book.js'
export { L3Book, L3_MESSAGE, messageKind, type L3BookOptions, type L3Counts, type L3Order } from './l3-book.js'
export type { BookDepth, BookTouch } from './answers.js'
