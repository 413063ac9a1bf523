//! Readiness of every kind, and the catalogue of failures: evidence in, findings out.
