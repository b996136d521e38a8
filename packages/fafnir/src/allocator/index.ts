// Room card: fafnir/allocator
// In:    nothing.
// Out:   the Dragon portfolio: variants, sleeves, quadrants.
// Holds: usable alone.
// Costs: loading.
export {
  quadrants,
  sleeveNames,
  sleeves,
  sleevesFor,
  variantNames,
  variants,
  type Quadrant,
  type QuadrantCard,
  type Sleeve,
  type SleeveCard,
  type SleevePercents,
  type Variant,
  type VariantName,
} from './variants.js'
