//! Streams of Windows events in: what they tell of signing, and the same events with signature fields out.

pub mod event;
pub mod events;
pub mod evtx;
