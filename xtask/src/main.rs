//! The one door to all automation.

fn main() {}
