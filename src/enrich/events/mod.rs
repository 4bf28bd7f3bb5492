//! Detections in streams of events: who signs, who plants certificates, and what was loaded whose signature does not hold.
//!
//! Files of events ([`input`]) become [`Event`](super::event::Event)s; what each tells is an [`Activity`]; [`rules`] say
//! which activities are worth a [`Detection`], with the files below a root folder for proof where they are at hand
//! ([`join`]), and [`Tuning`] leaves out what is known to be harmless.

pub mod activity;
pub mod detection;
pub mod input;
pub mod join;
pub mod rules;
pub mod tuning;
pub mod xml;

pub use activity::Activity;
pub use detection::{DETECTION_SCHEMA, Detection, DetectionType, detection_schema};
pub use join::{Judge, Judged};
pub use rules::detect;
pub use tuning::{Tuning, TuningArguments};
