//! The node that runs containers: its configuration files, and the steps that bring it up.
//!
//! It lives in a mount namespace of its own, and containerd in a process namespace below that: with the last process of
//! the cluster all containers, mounts and network interfaces are gone. What the kernel keeps of its own are the cgroups;
//! they have a root of the cluster's and are removed after it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::addons;
use super::components::{ADDRESS, PODS, Step, words};
use super::layout::Layout;
use super::options::Options;
use crate::image;
use crate::tools::{self, debian};

/// The registry, as everything in the namespace reaches it. containerd asks it for images of `ghcr.io` too.
pub(crate) const REGISTRY: &str = "127.0.0.1:5000";
pub(crate) const NAME: &str = "node-0";
/// Short, since the path of a socket ends at 107 bytes, and private, since `/run` is the namespace's own.
const SOCKET: &str = "/run/containerd.sock";
const CGROUPS: &str = "/sys/fs/cgroup";

pub(super) fn requirements() -> Result<()> {
    if !super::supervisor::is_root() {
        bail!("a node that runs containers needs root");
    }
    tools::containers()?;
    image::build()
}

fn cgroup(layout: &Layout) -> String {
    format!("lucid-{}", layout.name)
}

/// Writes what containerd, kubelet, the registry and the addons read.
pub(super) fn write(layout: &Layout, options: &Options) -> Result<()> {
    for folder in ["cni", "certs.d/ghcr.io", "volumes"] {
        fs::create_dir_all(layout.path(folder))?;
    }
    for index in 0..options.volumes {
        let volume = layout.path(&format!("volumes/{index:03}"));
        fs::create_dir(&volume)?;
        // The containers' user is nobody's.
        fs::set_permissions(&volume, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    }
    layout.write("containerd.toml", &containerd_config(layout))?;
    layout.write("certs.d/ghcr.io/hosts.toml", &mirror())?;
    layout.write("cni/10-pods.conflist", &network().to_string())?;
    layout.write("kubelet.json", &kubelet_config(layout).to_string())?;
    layout.write("registry.yaml", &registry_config(layout))?;
    addons::write(layout)
}

/// Pods are routed one by one, so that what they say to each other through a Service passes the node's translation.
fn network() -> serde_json::Value {
    json!({
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [{
            "type": "ptp",
            "ipMasq": false,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]},
        }],
    })
}

fn containerd_config(layout: &Layout) -> String {
    let dir = layout.dir.display();
    let plugins = debian::plugins();
    let plugins = plugins.display();
    let runc = debian::path("runc");
    let runc = runc.display();
    format!(
        r#"version = 2
root = "{dir}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
address = "{SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
path = "{dir}/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{REGISTRY}/hamigames/lucid/pause:1"
# Without CAP_SYS_RESOURCE no process may lower the score that it was given.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{dir}/cni"

[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "{dir}/certs.d"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "{runc}"
SystemdCgroup = false
"#
    )
}

/// The registry on loopback is asked in place of the one that images are named after.
fn mirror() -> String {
    format!("server = \"http://{REGISTRY}\"\n\n[host.\"http://{REGISTRY}\"]\ncapabilities = [\"pull\", \"resolve\"]\n")
}

fn kubelet_config(layout: &Layout) -> serde_json::Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": false,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", cgroup(layout)),
        "failSwapOn": false,
        // Only what is in the namespace can reach it.
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": format!("unix://{SOCKET}"),
        "clusterDNS": [addons::DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "podLogsDir": layout.text("logs"),
        "readOnlyPort": 0,
        "healthzPort": 10248,
        // A full disk of the machine is no business of the tests.
        "evictionHard": {"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        "serializeImagePulls": false,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "maxPods": 110,
    })
}

fn registry_config(layout: &Layout) -> String {
    let storage = layout.text("registry");
    format!(
        "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {storage}}}}}\n\
         http: {{addr: '{REGISTRY}'}}\n"
    )
}

/// Mounts and cgroups, before anything runs.
pub(super) fn ground(layout: &Layout) -> Vec<Step> {
    let own = cgroup(layout);
    let mounts = "mount --make-rshared / && for folder in /run /var/log /var/lib; do \
                  mount -t tmpfs -o mode=755 tmpfs $folder; done; echo 1 > /proc/sys/net/ipv4/ip_forward";
    // A new group of cpuset may run nowhere until it is told where.
    let groups = format!(
        "for group in {CGROUPS}/*/; do case $group in */unified/) continue;; esac; mkdir -p ${{group}}{own}; done; \
         if [ -d {CGROUPS}/cpuset ]; then for file in cpuset.cpus cpuset.mems; do \
         cat {CGROUPS}/cpuset/$file > {CGROUPS}/cpuset/{own}/$file; done; fi"
    );
    vec![Step::script("mounts", mounts), Step::script("cgroups", &groups)]
}

/// Registry, images, containers, kubelet, Services, and what runs on them, in this order.
pub(super) fn steps(layout: &Layout) -> Result<Vec<Step>> {
    let xtask = env::current_exe().context("find this program")?;
    let mut images = Step::run("images", &format!("{} image push {REGISTRY}", xtask.display()));
    images.name = "images".to_owned();
    let mut steps = vec![
        registry()?,
        images,
        containerd()?,
        kubelet(layout)?,
        Step::script("node", &node_is_there()),
        // It asks for the node's address first, and ends when there is none.
        proxy()?,
    ];
    steps.extend(addons::steps()?);
    Ok(steps)
}

fn registry() -> Result<Step> {
    let program = debian::path("docker-registry").display().to_string();
    let command = debian::with_environment(vec![program, "serve".to_owned(), "registry.yaml".to_owned()])?;
    Ok(Step::command("registry", command).ready(&format!("http://{REGISTRY}/v2/")))
}

/// The limits on connections are the machine's and stay as they are.
fn proxy() -> Result<Step> {
    let flags = format!(
        "{} --kubeconfig proxy.kubeconfig --proxy-mode nftables --cluster-cidr {PODS} --hostname-override {NAME} \
         --conntrack-max-per-core 0 --conntrack-min 0 --conntrack-tcp-timeout-established 0 \
         --conntrack-tcp-timeout-close-wait 0 --healthz-bind-address 127.0.0.1:10256 \
         --metrics-bind-address 127.0.0.1:10249",
        tools::path("kube-proxy").display()
    );
    Ok(Step::command("kube-proxy", debian::with_environment(words(&flags))?).ready("http://127.0.0.1:10249/healthz"))
}

/// In a process namespace: when its first process dies, however it does, so do all containers.
fn containerd() -> Result<Step> {
    let program = debian::path("containerd");
    let inside = format!("mount -t proc proc /proc && exec {} --config containerd.toml", program.display());
    let mut command = words("unshare --pid --fork --kill-child --mount --propagation slave -- sh -ec");
    command.push(inside);
    Ok(Step::command("containerd", debian::with_environment(command)?))
}

fn kubelet(layout: &Layout) -> Result<Step> {
    let root = layout.text("kubelet");
    let flags = format!(
        "{} --config kubelet.json --kubeconfig kubelet.kubeconfig --root-dir {root} --cert-dir {root}/pki \
         --hostname-override {NAME} --node-ip {ADDRESS}",
        tools::path("kubelet").display()
    );
    let waits = format!("i=0; until [ -S {SOCKET} ]; do i=$((i+1)); [ $i -lt 300 ]; sleep 0.1; done; exec {flags}");
    let command = debian::with_environment(vec!["sh".to_owned(), "-ec".to_owned(), waits])?;
    Ok(Step::command("kubelet", command).ready("http://127.0.0.1:10248/healthz"))
}

fn node_is_there() -> String {
    let kubectl = format!("{} --kubeconfig admin.kubeconfig", tools::path("kubectl").display());
    format!(
        "{kubectl} wait --for=create --timeout=30s node/{NAME}; \
         {kubectl} label node {NAME} topology.kubernetes.io/region=test topology.kubernetes.io/zone=zone-0; \
         {kubectl} wait --for=condition=Ready --timeout=40s node/{NAME}"
    )
}

/// Removes the cluster's cgroups once its processes are gone. There are none when it ran no containers.
pub(super) fn forget_cgroups(layout: &Layout) -> Result<()> {
    let own = cgroup(layout);
    let hierarchies = fs::read_dir(CGROUPS).into_iter().flatten().flatten().map(|entry| entry.path().join(&own));
    for root in hierarchies.filter(|path| path.is_dir()) {
        remove_group(&root).with_context(|| format!("remove {}", root.display()))?;
    }
    Ok(())
}

/// An error that names what is still there of a cluster that was taken down: processes, mounts, cgroups, files.
pub(crate) fn leftovers(layout: &Layout) -> Result<()> {
    let (own, dir) = (cgroup(layout), layout.dir.display().to_string());
    let groups = fs::read_dir(CGROUPS).into_iter().flatten().flatten().map(|entry| entry.path().join(&own));
    let mut left: Vec<String> = groups.filter(|path| path.exists()).map(|path| path.display().to_string()).collect();
    let mounts = fs::read_to_string("/proc/mounts").context("read /proc/mounts")?;
    left.extend(mounts.lines().filter(|line| line.contains(&dir)).map(|line| format!("mount {line}")));
    for entry in fs::read_dir("/proc").context("read /proc")?.flatten() {
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        if words.contains(&dir) {
            left.push(format!("process {}: {words}", entry.file_name().display()));
        }
    }
    if layout.dir.exists() {
        left.push(dir);
    }
    match left.is_empty() {
        true => Ok(()),
        false => bail!("the cluster left behind: {}", left.join("; ")),
    }
}

/// Depth first; the kernel needs a moment to let go of processes that were killed.
fn remove_group(folder: &Path) -> io::Result<()> {
    let below: Vec<PathBuf> =
        fs::read_dir(folder)?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    below.iter().try_for_each(|path| remove_group(path))?;
    let began = Instant::now();
    loop {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) if began.elapsed() < Duration::from_secs(10) => thread::sleep(Duration::from_millis(50)),
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_node_names_the_same_registry_and_socket() {
        let layout = Layout::new("x");
        let config = containerd_config(&layout);
        assert!(
            config.contains(&format!("address = \"{SOCKET}\"")) && config.contains("restrict_oom_score_adj = true")
        );
        assert!(config.contains(&format!("sandbox_image = \"{REGISTRY}/")));
        assert!(registry_config(&layout).contains(REGISTRY));
        assert_eq!(kubelet_config(&layout)["containerRuntimeEndpoint"], format!("unix://{SOCKET}"));
    }
}
