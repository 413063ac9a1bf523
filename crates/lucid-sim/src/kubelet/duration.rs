//! Durations as the kubelet prints them.

use std::time::Duration;

/// A duration as Go prints it, to the millisecond.
pub(crate) fn go(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis < 1000 {
        return if millis == 0 { "0s".to_owned() } else { format!("{millis}ms") };
    }
    let (minutes, rest) = (millis / 60_000, millis % 60_000);
    let seconds = if rest % 1000 == 0 {
        (rest / 1000).to_string()
    } else {
        format!("{}.{:03}", rest / 1000, rest % 1000).trim_end_matches('0').to_owned()
    };
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_in_go() {
        let check = |millis, expect: &str| assert_eq!(go(Duration::from_millis(millis)), expect);
        check(0, "0s");
        check(42, "42ms");
        check(1234, "1.234s");
        check(10_000, "10s");
        check(160_000, "2m40s");
        check(300_000, "5m0s");
    }
}
