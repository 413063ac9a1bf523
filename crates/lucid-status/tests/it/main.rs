//! The catalogue against evidence, as data.

/// The API server's answers to our own writes.
mod admission;
/// Each code: evidence that triggers it, and its neighbour that does not.
mod cases;
/// One sentence for many findings.
mod grouping;
/// The health of a whole release.
mod health;
/// What is kept of objects while a look lasts.
mod keep;
/// kstatus, asked about the same objects.
mod kstatus;
/// Unrelated objects and events never change the first cause.
mod noise;
/// How far each kind is, and what it waits for.
mod readiness;
/// A small cluster made of JSON.
mod world;
