//! Detections in streams of events: who signs, who plants certificates, and what was loaded whose signature does not hold.
//!
//! Files of events ([`input`]) become [`Event`](super::event::Event)s; what each tells is an [`Activity`]; [`rules`] say
//! which activities are worth a [`Detection`], with the files below mounted folders for proof where they are at hand
//! ([`Files`]), and [`Tuning`] leaves out what is known to be harmless.

pub mod activity;
pub mod files;
mod images;
pub mod input;
pub mod join;
mod roots;
pub mod rules;
pub mod tuning;
pub mod xml;

pub use activity::Activity;
pub use files::{FileCounts, Files};
pub use join::{Cleared, Joined, Judge, Judged, Named, NoFiles};
pub use rules::detect;
pub use tuning::{Tuning, TuningArguments};

pub use crate::record::{DETECTION_SCHEMA, Detection, DetectionType, detection_schema, moment};
