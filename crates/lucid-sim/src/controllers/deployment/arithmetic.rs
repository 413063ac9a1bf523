//! How many pods there may be, and how many must be there.

use serde_json::Value;

use crate::json::Json;

/// An absolute number, or a percentage of the total rounded up or down.
pub(crate) fn scaled(value: &Value, total: i64, up: bool) -> i64 {
    if let Some(number) = value.as_i64() {
        return number;
    }
    let percent: i64 = value.as_str().and_then(|text| text.strip_suffix('%')?.parse().ok()).unwrap_or(0);
    if up { (total * percent + 99) / 100 } else { total * percent / 100 }
}

/// `maxSurge` and `maxUnavailable` as numbers; both zero would never move, so then one may be missing.
pub(crate) fn fence_posts(deployment: &Value) -> (i64, i64) {
    let (rolling, total) = (deployment.at("spec/strategy/rollingUpdate"), deployment.int("spec/replicas"));
    let surge = scaled(rolling.at("maxSurge"), total, true);
    let unavailable = scaled(rolling.at("maxUnavailable"), total, false);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

fn is_rolling(deployment: &Value) -> bool {
    deployment.str("spec/strategy/type") != "Recreate"
}

pub(crate) fn max_surge(deployment: &Value) -> i64 {
    if is_rolling(deployment) { fence_posts(deployment).0 } else { 0 }
}

pub(crate) fn max_unavailable(deployment: &Value) -> i64 {
    let total = deployment.int("spec/replicas");
    if !is_rolling(deployment) || total == 0 { 0 } else { fence_posts(deployment).1.min(total) }
}

/// How large the new ReplicaSet may become now; `all` is the sum of what all sets want.
pub(crate) fn new_size(deployment: &Value, all: i64, new: i64) -> i64 {
    let total = deployment.int("spec/replicas");
    if !is_rolling(deployment) {
        return total;
    }
    let most = total + max_surge(deployment);
    if all >= most { new } else { new + (most - all).min(total - new) }
}

/// The share of a ReplicaSet in a change of the Deployment's size in the middle of a rollout.
pub(crate) fn proportion(own: i64, most_before: i64, most_now: i64, wanted: i64, to_add: i64, added: i64) -> i64 {
    if own == 0 || to_add == 0 || to_add == added {
        return 0;
    }
    let fraction = if wanted == 0 { -own } else { rounded(own * most_now, most_before) - own };
    let allowed = to_add - added;
    if to_add > 0 { fraction.min(allowed) } else { fraction.max(allowed) }
}

fn rounded(numerator: i64, denominator: i64) -> i64 {
    if denominator == 0 { 0 } else { (2 * numerator + denominator) / (2 * denominator) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(replicas: i64, surge: Value, unavailable: Value) -> Value {
        let rolling = json!({"maxSurge": surge, "maxUnavailable": unavailable});
        json!({"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}})
    }

    #[track_caller]
    fn check(replicas: i64, surge: Value, unavailable: Value, expect: (i64, i64)) {
        assert_eq!(fence_posts(&deployment(replicas, surge, unavailable)), expect);
    }

    #[test]
    fn surge_rounds_up_and_unavailable_down() {
        check(10, json!("25%"), json!("25%"), (3, 2));
        check(1, json!("25%"), json!("25%"), (1, 0));
        check(4, json!(0), json!("25%"), (0, 1));
        check(3, json!(0), json!("25%"), (0, 1));
        check(5, json!(2), json!(0), (2, 0));
    }

    #[test]
    fn the_new_set_grows_into_the_surge() {
        let deployment = deployment(10, json!(3), json!(2));
        assert_eq!(new_size(&deployment, 10, 0), 3);
        assert_eq!(new_size(&deployment, 13, 3), 3);
        assert_eq!(new_size(&deployment, 8, 3), 8);
        assert_eq!(new_size(&deployment, 9, 9), 10);
    }

    #[test]
    fn a_scale_in_the_middle_is_shared() {
        // 10 + 3 become 15 + 3: eight of the old and five of the new were there.
        assert_eq!(proportion(8, 13, 18, 15, 5, 0), 3);
        assert_eq!(proportion(5, 13, 18, 15, 5, 3), 2);
        assert_eq!(proportion(5, 13, 0, 0, -13, 0), -5);
        assert_eq!(proportion(0, 13, 18, 15, 5, 0), 0);
    }

    #[test]
    fn nothing_is_unavailable_of_nothing() {
        assert_eq!(max_unavailable(&deployment(0, json!(1), json!(1))), 0);
        assert_eq!(max_unavailable(&deployment(1, json!(1), json!(5))), 1);
    }
}
