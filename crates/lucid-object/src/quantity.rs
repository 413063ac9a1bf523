//! Resource quantities: `100m`, `1Gi`, `2e3`.

use std::cmp::Ordering;
use std::fmt;

/// A quantity in thousandths, exact for everything Kubernetes accepts down to a thousandth (`1n` rounds up to `1m`, as
/// the API server's own scheduling arithmetic does).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i128);

impl Quantity {
    pub const ZERO: Self = Self(0);

    pub fn from_milli(milli: i128) -> Self {
        Self(milli)
    }

    /// Reads the serialised form; `None` when it is not a quantity.
    /// Source: k8s.io/apimachinery/pkg/api/resource/quantity.go.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (mantissa, decimals) = parse_decimal(number)?;
        let scale = scale_of(suffix)?;
        scale.apply(mantissa, decimals).map(Self)
    }

    pub fn milli(self) -> i128 {
        self.0
    }

    /// Whole units, rounded up.
    pub fn value(self) -> i128 {
        self.0.div_euclid(1000) + i128::from(self.0.rem_euclid(1000) != 0)
    }
}

impl std::ops::Add for Quantity {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::Sub for Quantity {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, |a, b| a + b)
    }
}

impl fmt::Display for Quantity {
    /// The shortest form a person would write: binary suffixes for whole multiples, `m` for fractions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % 1000 != 0 {
            return write!(f, "{}m", self.0);
        }
        let units = self.0 / 1000;
        for (suffix, shift) in [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)] {
            let size = 1_i128 << shift;
            if units != 0 && units % size == 0 {
                return write!(f, "{}{suffix}", units / size);
            }
        }
        write!(f, "{units}")
    }
}

enum Scale {
    Binary(u32),
    Decimal(i32),
}

impl Scale {
    /// Thousandths, rounded up (away from zero).
    fn apply(&self, mantissa: i128, decimals: i32) -> Option<i128> {
        match *self {
            Self::Binary(shift) => {
                divide_up(mantissa.checked_mul(1000)?.checked_mul(1_i128 << shift)?, pow10(decimals)?)
            }
            Self::Decimal(exponent) => {
                let exponent = exponent - decimals + 3;
                if exponent >= 0 {
                    mantissa.checked_mul(pow10(exponent)?)
                } else {
                    divide_up(mantissa, pow10(-exponent)?)
                }
            }
        }
    }
}

fn divide_up(a: i128, b: i128) -> Option<i128> {
    let quotient = a / b;
    Some(match a.cmp(&0) {
        Ordering::Greater if a % b != 0 => quotient + 1,
        Ordering::Less if a % b != 0 => quotient - 1,
        _ => quotient,
    })
}

fn pow10(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}

fn parse_decimal(number: &str) -> Option<(i128, i32)> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || digits.contains(['+', '-']) {
        return None;
    }
    let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    Some((sign * mantissa, i32::try_from(fraction.len()).ok()?))
}

fn scale_of(suffix: &str) -> Option<Scale> {
    Some(match suffix {
        "Ki" => Scale::Binary(10),
        "Mi" => Scale::Binary(20),
        "Gi" => Scale::Binary(30),
        "Ti" => Scale::Binary(40),
        "Pi" => Scale::Binary(50),
        "Ei" => Scale::Binary(60),
        "n" => Scale::Decimal(-9),
        "u" => Scale::Decimal(-6),
        "m" => Scale::Decimal(-3),
        "" => Scale::Decimal(0),
        "k" => Scale::Decimal(3),
        "M" => Scale::Decimal(6),
        "G" => Scale::Decimal(9),
        "T" => Scale::Decimal(12),
        "P" => Scale::Decimal(15),
        "E" => Scale::Decimal(18),
        exponent => Scale::Decimal(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, milli: i128) {
        assert_eq!(Quantity::parse(text).map(Quantity::milli), Some(milli), "{text}");
    }

    #[test]
    fn suffixes() {
        check("1", 1000);
        check("100m", 100);
        check("0.5", 500);
        check("1.5Gi", 1_610_612_736_000);
        check("1k", 1_000_000);
        check("2e3", 2_000_000);
        check("1E", 1_000_000_000_000_000_000_000);
        check("1n", 1);
        check("-1", -1000);
        check(".5", 500);
    }

    #[test]
    fn what_is_no_quantity() {
        for text in ["", "x", "1 Gi", "1KiB", "--1", "1.2.3", "."] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }

    #[test]
    fn shown_as_people_write_them() {
        for text in ["1Gi", "250m", "3", "512Mi"] {
            assert_eq!(Quantity::parse(text).unwrap().to_string(), text);
        }
    }
}
