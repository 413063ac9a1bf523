//! `cargo xtask test`
#[derive(clap::Parser)]
pub(crate) struct Args {}
pub(crate) fn run(_: Args) -> anyhow::Result<()> {
    Ok(())
}
pub(crate) fn soak() -> anyhow::Result<()> {
    Ok(())
}
