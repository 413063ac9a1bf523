//! Times a render of many objects: `cargo run --release -p lucid-kustomize --example time -- 1000`.
//!
//! An overlay with prefix, namespace, labels in selectors, images and patches for 5 % over a base of 40 % Deployments,
//! 30 % Services, 20 % generated ConfigMaps and 10 % ServiceAccounts. With a folder as second argument the tree is
//! written there instead, for the real kustomize.

use std::fmt::Write as _;
use std::time::Instant;

use lucid_kustomize::{MemoryLoader, Options, render};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let files = tree(count);
    if let Some(folder) = arguments.next() {
        for (path, content) in &files {
            let path = std::path::Path::new(&folder).join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
            std::fs::write(path, content).expect("a file is written");
        }
        return;
    }
    let mut loader = MemoryLoader::new();
    files.into_iter().for_each(|(path, content)| loader.add(&path, content));
    let mut times: Vec<_> = (0..7)
        .map(|_| {
            let start = Instant::now();
            let rendered = render(&loader, "overlay", &Options::default()).expect("it builds");
            (start.elapsed(), rendered.objects.len(), rendered.to_yaml().len())
        })
        .collect();
    times.sort();
    let (median, objects, bytes) = times[3];
    #[expect(clippy::print_stdout, reason = "the result")]
    {
        println!("{objects} objects, {bytes} bytes: median {median:?}, best {:?}", times[0].0);
    }
}

fn tree(count: usize) -> Vec<(String, String)> {
    let (mut objects, mut generators, mut patches) =
        (String::new(), String::from("configMapGenerator:\n"), String::new());
    for n in 0..count {
        let _ = match n % 10 {
            0..=3 => deployment(&mut objects, n),
            4..=6 => write!(
                objects,
                "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{n}}}\nspec: {{selector: {{app: d{n}}}, ports: [{{port: 80}}]}}\n"
            ),
            7 | 8 => write!(generators, "- name: c{n}\n  literals: [a={n}, b=x]\n"),
            _ => write!(objects, "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: sa{n}}}\n"),
        };
        if n % 20 == 0 {
            let _ = write!(
                patches,
                "- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {{name: d{n}}}\n    spec: {{replicas: 3, template: {{spec: {{containers: [{{name: main, tty: true}}]}}}}}}\n"
            );
        }
    }
    let base = format!("resources: [objects.yaml]\n{generators}");
    let overlay = format!(
        "resources: [../base]\nnamePrefix: p-\nnamespace: prod\nlabels: [{{pairs: {{team: x}}, includeSelectors: true}}]\nimages: [{{name: nginx, newTag: v2}}]\npatches:\n{patches}"
    );
    vec![
        ("base/objects.yaml".into(), objects),
        ("base/kustomization.yaml".into(), base),
        ("overlay/kustomization.yaml".into(), overlay),
    ]
}

fn deployment(out: &mut String, n: usize) -> std::fmt::Result {
    let (config, account) = (n / 10 * 10 + 7, n / 10 * 10 + 9);
    write!(
        out,
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d{n}\n  labels:\n    app: d{n}\nspec:\n  replicas: 1\n  \
         selector:\n    matchLabels:\n      app: d{n}\n  template:\n    metadata:\n      labels:\n        app: d{n}\n    \
         spec:\n      serviceAccountName: sa{account}\n      containers:\n      - name: main\n        image: nginx:1.0\n        \
         ports:\n        - containerPort: 80\n        envFrom:\n        - configMapRef:\n            name: c{config}\n        \
         resources:\n          requests:\n            cpu: 100m\n            memory: 64Mi\n"
    )
}
