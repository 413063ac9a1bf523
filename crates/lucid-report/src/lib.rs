//! Folds the events of a run into what people and machines read.
