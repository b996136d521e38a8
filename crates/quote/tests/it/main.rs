//! Quotes: models, rules, ladders and their life.
//! One program, since linking is most of what a test program costs.
#[path = "../common/mod.rs"]
mod common;

mod calibrate;
mod glft;
mod grid;
mod intensity;
mod ladder;
mod life;
mod quoter;
mod rules;
