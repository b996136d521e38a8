//! # Room card: signal/batch
//! In:    whole samples as slices.
//! Out:   every streaming signal again, from its definition: for research on a recording, and as oracle of the
//!        streams.
//! Holds: written from the papers' formulas, in floats and plain loops; shares no code with the streaming forms.
//! Costs: linear or worse in the sample; allocates; not for the hot path.
pub mod flow;
pub mod toxicity;
pub mod volatility;
