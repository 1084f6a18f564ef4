//! Mathematics over floats and integers; `math_numeric` has the exact ones.

use std::cell::RefCell;

use super::args::{f8, i4, i8};
use super::row::{Row, f};
use crate::error::{Error, Result, sqlstate};
use crate::types::{Datum, arith};

macro_rules! unary {
    ($oid:literal, $name:literal, $compute:expr) => {
        f($oid, $name, "float8", "float8", |_, a| {
            let compute: fn(f64) -> Result<f64> = $compute;
            Ok(Datum::Float8(compute(f8(a, 0)?)?))
        })
    };
}

pub(super) const FUNCTIONS: &[Row] = &[
    unary!(230, "dsqrt", square_root),
    unary!(1344, "sqrt", square_root),
    unary!(231, "dcbrt", |x| Ok(x.cbrt())),
    unary!(1345, "cbrt", |x| Ok(x.cbrt())),
    unary!(2308, "ceil", |x| Ok(x.ceil())),
    unary!(2320, "ceiling", |x| Ok(x.ceil())),
    unary!(2309, "floor", |x| Ok(x.floor())),
    unary!(1342, "round", |x| Ok(x.round_ties_even())),
    unary!(1343, "trunc", |x| Ok(x.trunc())),
    unary!(2310, "sign", |x| Ok(match x {
        x if x > 0.0 => 1.0,
        x if x < 0.0 => -1.0,
        _ => 0.0,
    })),
    unary!(1347, "exp", exponential),
    unary!(1341, "ln", |x| logarithm(x, f64::ln)),
    unary!(1340, "log", |x| logarithm(x, f64::log10)),
    unary!(1194, "log10", |x| logarithm(x, f64::log10)),
    f(1368, "power", "float8 float8", "float8", |_, a| {
        Ok(Datum::Float8(arith::float8_pow(f8(a, 0)?, f8(a, 1)?)?))
    }),
    f(1346, "pow", "float8 float8", "float8", |_, a| {
        Ok(Datum::Float8(arith::float8_pow(f8(a, 0)?, f8(a, 1)?)?))
    }),
    f(1610, "pi", "", "float8", |_, _| Ok(Datum::Float8(std::f64::consts::PI))),
    unary!(1608, "degrees", |x| finite(x, x / (std::f64::consts::PI / 180.0))),
    unary!(1609, "radians", |x| Ok(x * (std::f64::consts::PI / 180.0))),
    unary!(1604, "sin", |x| periodic(x, f64::sin)),
    unary!(1605, "cos", |x| periodic(x, f64::cos)),
    unary!(1606, "tan", |x| periodic(x, f64::tan)),
    unary!(1607, "cot", |x| periodic(x, |x| 1.0 / x.tan())),
    unary!(1600, "asin", |x| within_one(x, f64::asin)),
    unary!(1601, "acos", |x| within_one(x, f64::acos)),
    unary!(1602, "atan", |x| Ok(x.atan())),
    f(1603, "atan2", "float8 float8", "float8", |_, a| {
        Ok(Datum::Float8(f8(a, 0)?.atan2(f8(a, 1)?)))
    }),
    unary!(2462, "sinh", |x| Ok(x.sinh())),
    unary!(2463, "cosh", |x| Ok(x.cosh())),
    unary!(2464, "tanh", |x| Ok(x.tanh())),
    unary!(2465, "asinh", |x| Ok(x.asinh())),
    unary!(2466, "acosh", |x| if x < 1.0 { Err(out_of_domain()) } else { Ok(area_cosine(x)) }),
    unary!(2467, "atanh", |x| within_one(x, f64::atanh)),
    unary!(2735, "sind", |x| periodic(x, degrees::sin)),
    unary!(2736, "cosd", |x| periodic(x, degrees::cos)),
    unary!(2737, "tand", |x| periodic(x, degrees::tan)),
    unary!(2738, "cotd", |x| periodic(x, degrees::cot)),
    unary!(2731, "asind", |x| within_one(x, degrees::asin)),
    unary!(2732, "acosd", |x| within_one(x, degrees::acos)),
    unary!(2733, "atand", |x| Ok(degrees::atan(x))),
    f(2734, "atan2d", "float8 float8", "float8", |_, a| {
        Ok(Datum::Float8(degrees::atan2(f8(a, 0)?, f8(a, 1)?)))
    }),
    f(5044, "gcd", "int4 int4", "int4", |_, a| {
        let gcd = gcd(i4(a, 0)?.into(), i4(a, 1)?.into());
        Ok(Datum::Int4(i32::try_from(gcd).map_err(|_| arith::out_of_range("integer"))?))
    }),
    f(5045, "gcd", "int8 int8", "int8", |_, a| {
        let gcd = gcd(i8(a, 0)?.into(), i8(a, 1)?.into());
        Ok(Datum::Int8(i64::try_from(gcd).map_err(|_| arith::out_of_range("bigint"))?))
    }),
    f(5046, "lcm", "int4 int4", "int4", |_, a| {
        let lcm = lcm(i4(a, 0)?.into(), i4(a, 1)?.into());
        Ok(Datum::Int4(i32::try_from(lcm).map_err(|_| arith::out_of_range("integer"))?))
    }),
    f(5047, "lcm", "int8 int8", "int8", |_, a| {
        let lcm = lcm(i8(a, 0)?.into(), i8(a, 1)?.into());
        Ok(Datum::Int8(i64::try_from(lcm).map_err(|_| arith::out_of_range("bigint"))?))
    }),
    f(320, "width_bucket", "float8 float8 float8 int4", "int4", |_, a| {
        Ok(Datum::Int4(width_bucket(f8(a, 0)?, f8(a, 1)?, f8(a, 2)?, i4(a, 3)?)?))
    }),
    f(1598, "random", "", "float8", |_, _| Ok(Datum::Float8(RANDOM.with_borrow_mut(Random::next))))
        .volatile(),
    f(1599, "setseed", "float8", "void", |_, a| {
        let seed = f8(a, 0)?;
        if !(-1.0..=1.0).contains(&seed) {
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("setseed parameter {seed} is out of allowed range [-1,1]"),
            ));
        }
        RANDOM.with_borrow_mut(|random| *random = Random::seeded(seed));
        Ok(Datum::text(""))
    })
    .volatile(),
];

fn out_of_domain() -> Error {
    Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range")
}

/// A result that may only be infinite when the input was.
fn finite(input: f64, result: f64) -> Result<f64> {
    if result.is_infinite() && input.is_finite() {
        Err(arith::float_overflow())
    } else {
        Ok(result)
    }
}

fn square_root(x: f64) -> Result<f64> {
    if x < 0.0 {
        return Err(Error::new(
            sqlstate::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "cannot take square root of a negative number",
        ));
    }
    Ok(x.sqrt())
}

/// The inverse hyperbolic cosine, without cancellation near one and overflow far from it.
fn area_cosine(x: f64) -> f64 {
    match x {
        x if x > 2f64.powi(28) => x.ln() + std::f64::consts::LN_2,
        x if x > 2.0 => (2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt())).ln(),
        x => {
            let t = x - 1.0;
            (t + (2.0 * t + t * t).sqrt()).ln_1p()
        }
    }
}

fn exponential(x: f64) -> Result<f64> {
    let result = x.exp();
    if result == 0.0 && x.is_finite() {
        return Err(arith::float_underflow());
    }
    finite(x, result)
}

fn logarithm(x: f64, compute: fn(f64) -> f64) -> Result<f64> {
    if x <= 0.0 {
        let message = match x == 0.0 {
            true => "cannot take logarithm of zero",
            false => "cannot take logarithm of a negative number",
        };
        return Err(Error::new(sqlstate::INVALID_ARGUMENT_FOR_LOGARITHM, message));
    }
    Ok(compute(x))
}

/// Trigonometric functions have no value at infinity.
fn periodic(x: f64, compute: fn(f64) -> f64) -> Result<f64> {
    if x.is_infinite() { Err(out_of_domain()) } else { Ok(compute(x)) }
}

fn within_one(x: f64, compute: fn(f64) -> f64) -> Result<f64> {
    if !x.is_nan() && !(-1.0..=1.0).contains(&x) { Err(out_of_domain()) } else { Ok(compute(x)) }
}

/// Greatest common divisor, never negative.
fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Least common multiple, never negative; the product of two 64-bit numbers fits.
fn lcm(a: i128, b: i128) -> i128 {
    match gcd(a, b) {
        0 => 0,
        divisor => (a / divisor * b).abs(),
    }
}

fn width_bucket(operand: f64, low: f64, high: f64, count: i32) -> Result<i32> {
    let invalid = |message: &str| {
        Error::new(sqlstate::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, message.to_string())
    };
    if count <= 0 {
        return Err(invalid("count must be greater than zero"));
    }
    if operand.is_nan() || low.is_nan() || high.is_nan() {
        return Err(invalid("operand, lower bound, and upper bound cannot be NaN"));
    }
    if low.is_infinite() || high.is_infinite() {
        return Err(invalid("lower and upper bounds must be finite"));
    }
    let (position, length) = match low.total_cmp(&high) {
        _ if low == high => return Err(invalid("lower bound cannot equal upper bound")),
        std::cmp::Ordering::Less => (operand - low, high - low),
        _ => (low - operand, low - high),
    };
    if position < 0.0 {
        return Ok(0);
    }
    if position >= length {
        return count.checked_add(1).ok_or_else(|| arith::out_of_range("integer"));
    }
    // Halving both keeps the quotient finite when the width overflows.
    let share = match length.is_finite() {
        true => position / length,
        false => (operand / 2.0 - low / 2.0).abs() / (high / 2.0 - low / 2.0).abs(),
    };
    Ok(((f64::from(count) * share) as i32).min(count - 1) + 1)
}

/// Trigonometry in degrees, exact at the multiples of 30 and 45 degrees: each function is scaled by
/// its computed value where the true value is known.
mod degrees {
    const RADIANS: f64 = std::f64::consts::PI / 180.0;

    fn sin_to_30(x: f64) -> f64 {
        (x * RADIANS).sin() / (30.0 * RADIANS).sin() / 2.0
    }

    fn cos_to_60(x: f64) -> f64 {
        1.0 - (1.0 - (x * RADIANS).cos()) / (1.0 - (60.0 * RADIANS).cos()) / 2.0
    }

    fn sin_quadrant(x: f64) -> f64 {
        if x <= 30.0 { sin_to_30(x) } else { cos_to_60(90.0 - x) }
    }

    fn cos_quadrant(x: f64) -> f64 {
        if x <= 60.0 { cos_to_60(x) } else { sin_to_30(90.0 - x) }
    }

    /// The angle folded into 0..=180, and the sign that the folding leaves to an odd function.
    fn half_turn(x: f64) -> (f64, f64) {
        let x = x % 360.0;
        let (x, sign) = if x < 0.0 { (-x, -1.0) } else { (x, 1.0) };
        if x > 180.0 { (360.0 - x, -sign) } else { (x, sign) }
    }

    pub(super) fn sin(x: f64) -> f64 {
        let (x, sign) = half_turn(x);
        sign * sin_quadrant(if x > 90.0 { 180.0 - x } else { x })
    }

    pub(super) fn cos(x: f64) -> f64 {
        let (x, _) = half_turn(x);
        if x > 90.0 { -cos_quadrant(180.0 - x) } else { cos_quadrant(x) }
    }

    /// Folds into the first quadrant, computes a quotient scaled to 1 at 45 degrees.
    fn quotient(x: f64, compute: fn(f64) -> f64) -> f64 {
        let (x, sign) = half_turn(x);
        let (x, sign) = if x > 90.0 { (180.0 - x, -sign) } else { (x, sign) };
        // Adding zero turns -0 into 0.
        sign * (compute(x) / compute(45.0)) + 0.0
    }

    pub(super) fn tan(x: f64) -> f64 {
        quotient(x, |x| sin_quadrant(x) / cos_quadrant(x))
    }

    pub(super) fn cot(x: f64) -> f64 {
        quotient(x, |x| cos_quadrant(x) / sin_quadrant(x))
    }

    fn asin_positive(x: f64) -> f64 {
        match x <= 0.5 {
            true => x.asin() / 0.5f64.asin() * 30.0,
            false => 90.0 - x.acos() / 0.5f64.acos() * 60.0,
        }
    }

    pub(super) fn asin(x: f64) -> f64 {
        if x >= 0.0 { asin_positive(x) } else { -asin_positive(-x) }
    }

    pub(super) fn acos(x: f64) -> f64 {
        match x {
            x if x < 0.0 => 90.0 + asin_positive(-x),
            x if x <= 0.5 => 90.0 - x.asin() / 0.5f64.asin() * 30.0,
            x => x.acos() / 0.5f64.acos() * 60.0,
        }
    }

    pub(super) fn atan(x: f64) -> f64 {
        x.atan() / 1f64.atan() * 45.0
    }

    pub(super) fn atan2(y: f64, x: f64) -> f64 {
        y.atan2(x) / 1f64.atan() * 45.0
    }
}

/// xoroshiro128**, the generator behind PostgreSQL's `random()`: the same seed gives the same
/// numbers. Each session runs on its own thread and so has its own state.
struct Random([u64; 2]);

thread_local! {
    static RANDOM: RefCell<Random> = RefCell::new(Random(rand::random()));
}

impl Random {
    fn seeded(seed: f64) -> Self {
        let mut state = (((1u64 << 52) - 1) as f64 * seed) as i64 as u64;
        let mut split_mix = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        };
        Random([split_mix(), split_mix()])
    }

    /// The next number, at least 0 and below 1.
    fn next(&mut self) -> f64 {
        let [s0, s1] = self.0;
        let value = s0.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let mixed = s0 ^ s1;
        self.0 = [s0.rotate_left(24) ^ mixed ^ (mixed << 16), mixed.rotate_left(37)];
        (value >> 12) as f64 / (1u64 << 52) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_postgresqls_numbers() {
        let mut random = Random::seeded(0.5);
        assert_eq!(
            [random.next(), random.next()],
            [0.985_167_717_534_799_9, 0.825_301_858_027_981]
        );
    }
}
