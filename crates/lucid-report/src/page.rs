//! A self-contained HTML page: nothing is loaded from anywhere, and nothing in it runs.

use lucid_object::Finding;

const STYLE: &str = include_str!("page.css");

/// The page around a body, which has been escaped.
pub fn frame(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>{}</title>\n<style>\n{STYLE}</style></head><body>\n{body}</body></html>\n",
        escape(title)
    )
}

/// A heading and what stands below it; nothing where there is nothing.
pub fn section(body: &mut String, title: &str, parts: Vec<String>) {
    if !parts.is_empty() {
        body.push_str(&format!("<section><h2>{title}</h2>\n{}</section>\n", parts.concat()));
    }
}

pub fn list(items: Vec<String>) -> Vec<String> {
    if items.is_empty() { items } else { vec![format!("<ul>\n{}</ul>\n", items.concat())] }
}

/// A finding with its place, evidence and remedy.
pub fn finding(message: &str, finding: &Finding) -> String {
    let mut out = format!("<article><h3><code>{}</code> {}</h3>\n", finding.code, escape(message));
    if let Some(position) = &finding.position {
        out.push_str(&format!("<p><code>{}</code></p>\n", escape(&position.to_string())));
    }
    for evidence in &finding.evidence {
        out.push_str(&format!("<p class=\"seen\">{}</p>\n", escape(evidence)));
    }
    if let Some(help) = &finding.help {
        out.push_str(&format!("<p class=\"help\">{}</p>\n", escape(help)));
    }
    out + "</article>\n"
}

/// The five that XML and HTML want escaped; what neither allows goes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}
