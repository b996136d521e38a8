// Room card: fafnir/venue
// In:    nothing.
// Out:   the room of a venue: `MatchingBook`.
// Holds: usable alone, beside the library's own entry.
// Costs: loading; the native module is opened on first use.
export { MatchingBook, type MatchingBookOptions, type MatchingRule, type MatchKind } from './matching-book.js'
