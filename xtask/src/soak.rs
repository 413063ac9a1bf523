//! `cargo xtask soak`: the real-cluster suite with its full counts, noted with its date in `docs/soak.md`.

pub(crate) fn run() -> anyhow::Result<()> {
    crate::test::soak()
}
