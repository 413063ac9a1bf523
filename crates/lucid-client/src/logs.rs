//! The end of a container's log.

use crate::error::Result;
use crate::request::{ApiClient, Call, read};
use crate::target::Target;

/// Which log, and how much of it.
#[derive(Debug, Clone, Copy)]
pub struct LogQuery<'a> {
    pub namespace: &'a str,
    pub pod: &'a str,
    pub container: &'a str,
    /// Of the container's life before this one.
    pub previous: bool,
    pub lines: u32,
    /// Most bytes that are asked for.
    pub bytes: usize,
}

impl ApiClient {
    /// The last lines of a container's log.
    ///
    /// # Errors
    /// 400 when the container has no such log.
    pub async fn log(&self, query: &LogQuery<'_>) -> Result<String> {
        let path = format!("{}/log", Target::core("Pod", "pods", Some(query.namespace)).object_path(query.pod));
        let doing = format!("read the log of {}", query.pod);
        let mut call = Call { accept: "*/*", ..Call::get(path, doing.clone()) };
        call.query = vec![
            ("container", query.container.to_owned()),
            ("tailLines", query.lines.to_string()),
            ("limitBytes", query.bytes.to_string()),
            ("previous", query.previous.to_string()),
        ];
        let bytes = read(self.open(&call).await?, &doing).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
