//! A tree of many objects, for those who measure: path and content of each file.

use std::fmt::Write as _;

/// An overlay with prefix, namespace, labels in selectors, images and patches for 5 % over a base of 40 % Deployments,
/// 30 % Services, 20 % generated ConfigMaps and 10 % ServiceAccounts.
pub(crate) fn tree(count: usize) -> Vec<(String, String)> {
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
