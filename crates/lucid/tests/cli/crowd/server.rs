//! A server that plays the API's part for ten thousand pods, and counts what it is asked.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::objects::{REPLICAS, STORY, copies, deployment, event, pod, replica_set, service, slice};

/// Requests by path, without their query.
type Asked = Arc<Mutex<BTreeMap<String, usize>>>;

pub(super) struct Server {
    pub(super) address: String,
    pub(super) asked: Asked,
}

impl Server {
    pub(super) fn start(pods: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Asked::default();
        let log = asked.clone();
        std::thread::spawn(move || {
            for line in listener.incoming().map_while(Result::ok) {
                let log = log.clone();
                std::thread::spawn(move || serve(&line, pods, &log));
            }
        });
        Self { address, asked }
    }
}

/// Requests of one connection, one after the other.
fn serve(line: &TcpStream, pods: usize, log: &Asked) {
    let mut lines = BufReader::new(line.try_clone().unwrap()).lines();
    let mut line = line;
    while let Some(Ok(first)) = lines.next() {
        while lines.next().is_some_and(|header| header.is_ok_and(|header| !header.is_empty())) {}
        let url = first.split(' ').nth(1).unwrap_or("/");
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        *log.lock().unwrap().entry(path.to_owned()).or_default() += 1;
        let body = answer(path, query, pods);
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        if line.write_all(head.as_bytes()).and_then(|()| line.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}

fn answer(path: &str, query: &str, pods: usize) -> String {
    let workloads = pods / REPLICAS;
    match path.rsplit('/').next().unwrap_or_default() {
        "version" => json!({"major": "1", "minor": "37", "gitVersion": "v1.37.2"}).to_string(),
        "api" => discovery(&[("", "v1", &[("pods", "Pod"), ("events", "Event"), ("services", "Service")])]),
        "apis" => discovery(&[
            ("apps", "v1", &[("deployments", "Deployment"), ("replicasets", "ReplicaSet")]),
            ("discovery.k8s.io", "v1", &[("endpointslices", "EndpointSlice")]),
        ]),
        "kube-system" => json!({"metadata": {"uid": "cluster"}}).to_string(),
        "pods" => page(query, pods, &pod()),
        "events" => page(query, pods * STORY.len(), &event()),
        "deployments" if path.contains("/kube-system/") => page(query, 0, &deployment()),
        "deployments" => page(query, workloads, &deployment()),
        "log" => "no such table\n".to_owned(),
        "replicasets" => page(query, workloads, &replica_set()),
        "services" => page(query, workloads, &service()),
        "endpointslices" => page(query, workloads, &slice()),
        other => panic!("nobody asks for {other}"),
    }
}

/// A group, a version, and its kinds by plural.
type Group<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

fn discovery(groups: &[Group<'_>]) -> String {
    let group = |(name, version, kinds): &Group<'_>| {
        let resource = |(plural, kind): &(&str, &str)| json!({"resource": plural, "responseKind": {"kind": kind}, "scope": "Namespaced"});
        let resources: Vec<Value> = kinds.iter().map(resource).collect();
        json!({"metadata": {"name": name}, "versions": [{"version": version, "resources": resources}]})
    };
    json!({"items": groups.iter().map(group).collect::<Vec<_>>()}).to_string()
}

/// A page of copies of a template.
fn page(query: &str, all: usize, template: &Value) -> String {
    let of = |key: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(name, _)| *name == key).map(|(_, value)| value.parse::<usize>().unwrap())
    };
    let (from, limit) = (of("continue").unwrap_or(0), of("limit").unwrap());
    let end = (from + limit).min(all);
    let next = if end < all { end.to_string() } else { String::new() };
    let items: Vec<String> = copies(template, from..end).collect();
    let items = items.join(",");
    format!("{{\"metadata\":{{\"resourceVersion\":\"7\",\"continue\":\"{next}\"}},\"items\":[{items}]}}")
}
