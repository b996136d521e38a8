//! Opened below.
