//! The run as a state machine: step(state, input) gives effects.
