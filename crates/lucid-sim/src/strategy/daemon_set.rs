//! The number of a DaemonSet's template, which the server keeps in an annotation.

use serde_json::Value;

use crate::json::{Json, JsonMut};

const GENERATION: &str = "deprecated.daemonset.template.generation";

/// One at first, one more with each change of the template; whatever the client wrote.
pub(crate) fn number_template(old: Option<&Value>, new: &mut Value) {
    let number = old.map_or(1, |old| {
        let before: i64 = old.annotation(GENERATION).parse().unwrap_or(1);
        before + i64::from(old.at("spec/template") != new.at("spec/template"))
    });
    new.annotate(GENERATION, &number.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_number_grows_with_the_template() {
        let mut first = json!({"spec": {"template": 1}});
        number_template(None, &mut first);
        assert_eq!(first.annotation(GENERATION), "1");
        let mut second = json!({"spec": {"template": 2}});
        number_template(Some(&first), &mut second);
        assert_eq!(second.annotation(GENERATION), "2");
        let mut third = second.clone();
        third.put("spec/minReadySeconds", 5);
        number_template(Some(&second), &mut third);
        assert_eq!(third.annotation(GENERATION), "2");
    }
}
