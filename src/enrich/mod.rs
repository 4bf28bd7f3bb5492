//! Streams of Windows events in: what they tell of signing, and the same events with signature fields out.

pub mod cache;
pub mod csv;
mod digests;
pub mod event;
pub mod events;
pub mod evtx;
pub mod fields;
pub mod json;
pub mod line;
pub mod machine;
pub mod merge;
pub mod paths;
pub mod records;
pub mod rows;
mod shapes;
pub mod stated;
pub mod stream;
pub mod subject;
pub mod verdicts;
