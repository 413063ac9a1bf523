//! From a kubeconfig to a client, as kubectl does it.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::error::{Error, Result};
use crate::request::ApiClient;

/// kubectl's connection flags.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// Default: `$KUBECONFIG`, else `~/.kube/config`, else the pod's own ServiceAccount.
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    pub cluster: Option<String>,
    pub user: Option<String>,
    pub impersonate: Option<String>,
    pub impersonate_groups: Vec<String>,
}

/// A client, and what the kubeconfig said about it.
#[derive(Clone)]
pub struct Connected {
    pub client: ApiClient,
    /// Name of the context, `(in cluster)` without one.
    pub context: String,
    pub server: String,
    pub namespace: String,
}

/// Reads the configuration. Nothing is sent yet.
///
/// # Errors
/// [`Error::Config`] when there is none, or it is unusable.
pub async fn connect(options: &ConnectOptions) -> Result<Connected> {
    let (mut config, context) = load(options).await?;
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(10));
    impersonate(&mut config, options)?;
    let (server, namespace) = (config.cluster_url.to_string(), config.default_namespace.clone());
    let client =
        kube::Client::try_from(config).map_err(|error| Error::Config(format!("use the kubeconfig: {error}")))?;
    let client = ApiClient::new(client);
    Ok(match context {
        Some(context) => Connected { client, context, server, namespace },
        None => Connected { client: client.inside(), context: "(in cluster)".to_owned(), server, namespace },
    })
}

/// And the context's name; none when a pod's own ServiceAccount is used.
async fn load(options: &ConnectOptions) -> Result<(kube::Config, Option<String>)> {
    let kubeconfig = match &options.kubeconfig {
        Some(path) => Kubeconfig::read_from(path).map_err(unreadable)?,
        None => match Kubeconfig::read() {
            Ok(kubeconfig) => kubeconfig,
            Err(error) => return in_cluster(error),
        },
    };
    let context = options.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let choice = KubeConfigOptions {
        context: options.context.clone(),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
    };
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &choice).await.map_err(|error| {
        let hint = if known.contains(&context) { String::new() } else { format!(" (it has: {})", known.join(", ")) };
        Error::Config(format!("read the kubeconfig: {error}{hint}"))
    })?;
    Ok((config, Some(context)))
}

fn in_cluster(error: kube::config::KubeconfigError) -> Result<(kube::Config, Option<String>)> {
    match kube::Config::incluster() {
        Ok(config) => Ok((config, None)),
        Err(_) => Err(unreadable(error)),
    }
}

fn unreadable(error: kube::config::KubeconfigError) -> Error {
    Error::Config(format!("no usable kubeconfig: {error}; name one with --kubeconfig or $KUBECONFIG"))
}

fn impersonate(config: &mut kube::Config, options: &ConnectOptions) -> Result<()> {
    let user = options.impersonate.iter().map(|user| ("impersonate-user", user));
    let groups = options.impersonate_groups.iter().map(|group| ("impersonate-group", group));
    for (name, value) in user.chain(groups) {
        let value = HeaderValue::from_str(value)
            .map_err(|_| Error::Config(format!("--as and --as-group take plain text, not {value:?}")))?;
        config.headers.push((HeaderName::from_static(name), value));
    }
    Ok(())
}
