//! Tests of the exact decimal numbers. Expected values are PostgreSQL 15's.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::*;

fn n(text: &str) -> Numeric {
    Numeric::parse(text).unwrap()
}

type Operation = fn(&Numeric, &Numeric) -> Result<Numeric>;

#[test]
fn a_datum_stays_small() {
    assert!(size_of::<Numeric>() <= 24);
    assert!(size_of::<crate::types::Datum>() <= 32);
}

#[test]
fn scales_follow_postgresqls_rules() {
    let cases: [(Operation, &str, &str, &str); 14] = [
        (Numeric::add, "1.5", "2.25", "3.75"),
        (Numeric::sub, "1.50", "1.5", "0.00"),
        (Numeric::mul, "1.5", "1.50", "2.250"),
        (Numeric::div, "1", "3", "0.33333333333333333333"),
        (Numeric::div, "10.0", "3", "3.3333333333333333"),
        (Numeric::div, "2", "1", "2.0000000000000000"),
        (Numeric::div, "1", "10000", "0.000100000000000000000000"),
        (Numeric::rem, "-7.5", "2", "-1.5"),
        (Numeric::rem, "5", "0.3", "0.2"),
        (Numeric::div_trunc, "-7", "2", "-3"),
        (Numeric::power, "2", "10", "1024.0000000000000000"),
        (Numeric::power, "2", "0.5", "1.4142135623730950"),
        (Numeric::power, "-2", "3", "-8.0000000000000000"),
        (Numeric::log, "100", "10", "2.0000000000000000"),
    ];
    for (operation, a, b, expected) in cases {
        assert_eq!(operation(&n(a), &n(b)).unwrap().to_string(), expected, "{a} {b}");
    }
    assert_eq!(n("2").sqrt().unwrap().to_string(), "1.414213562373095");
    assert_eq!(n("1").exp().unwrap().to_string(), "2.7182818284590452");
    assert_eq!(n("2.0").ln().unwrap().to_string(), "0.6931471805599453");
}

#[test]
fn rounding_is_half_away_from_zero() {
    for (value, scale, rounded, cut) in [
        ("2.5", 0, "3", "2"),
        ("-2.5", 0, "-3", "-2"),
        ("1.005", 2, "1.01", "1.00"),
        ("150", -2, "200", "100"),
        ("49", -2, "0", "0"),
        ("1.5", 3, "1.500", "1.500"),
        (
            "99999999999999999999999999999999999999999.5",
            0,
            "1e41",
            "99999999999999999999999999999999999999999",
        ),
    ] {
        assert_eq!(n(value).round(scale).to_string(), n(rounded).to_string(), "{value}");
        assert_eq!(n(value).trunc(scale).to_string(), n(cut).to_string(), "{value}");
    }
    assert_eq!(n("-1.5").ceil().to_string(), "-1");
    assert_eq!(n("-1.5").floor().to_string(), "-2");
}

#[test]
fn sizes_change_representation_without_changing_value() {
    let max = Numeric::from_i128(i128::MAX, 0);
    let more = max.add(&Numeric::ONE).unwrap();
    assert_eq!(more.to_string(), "170141183460469231731687303715884105728");
    assert_eq!(more.sub(&Numeric::ONE).unwrap().to_string(), max.to_string());
    assert!(matches!(more.sub(&Numeric::ONE).unwrap().0, Repr::Small(..)));
    let min = Numeric::from_i128(i128::MIN, 2);
    assert_eq!(min.neg().neg().to_string(), min.to_string());
    assert!(more > max && min < max && more > n("1e38"));
    let product = max.mul(&max).unwrap();
    assert_eq!(product.div(&max).unwrap(), max);
}

#[test]
fn equal_numbers_hash_alike() {
    let hash = |v: &Numeric| {
        let mut state = DefaultHasher::new();
        v.hash(&mut state);
        state.finish()
    };
    for (a, b) in
        [("1", "1.000"), ("0", "0.00"), ("-12.50", "-12.5"), ("1e45", "1000000e39"), ("NaN", "nan")]
    {
        assert_eq!(n(a), n(b));
        assert_eq!(hash(&n(a)), hash(&n(b)), "{a}");
    }
    assert_ne!(n("100"), n("10"));
}

#[test]
fn special_values_follow_their_rules() {
    let (inf, neg, nan) = (Numeric::infinity(), Numeric::neg_infinity(), Numeric::NAN);
    assert!(inf.add(&neg).unwrap().is_nan());
    assert_eq!(inf.mul(&n("-2")).unwrap(), neg);
    assert!(inf.mul(&n("0")).unwrap().is_nan());
    assert_eq!(n("1").div(&inf).unwrap(), Numeric::ZERO);
    assert!(nan > inf && inf > n("1e1000") && neg < n("-1e1000"));
    assert_eq!(inf.to_i64().unwrap_err().message(), "cannot convert infinity to bigint");
    assert_eq!(nan.power(&Numeric::ZERO).unwrap(), Numeric::ONE);
    assert_eq!(neg.power(&n("3")).unwrap(), neg);
}

#[test]
fn faults_carry_postgresqls_codes() {
    let code = |r: Result<Numeric>| r.unwrap_err().code();
    assert_eq!(code(n("1").div(&n("0"))), sqlstate::DIVISION_BY_ZERO);
    assert_eq!(code(n("0").ln()), sqlstate::INVALID_ARGUMENT_FOR_LOGARITHM);
    assert_eq!(code(n("-8").power(&n("0.5"))), sqlstate::INVALID_ARGUMENT_FOR_POWER_FUNCTION);
    assert_eq!(code(n("0").power(&n("-1"))), sqlstate::INVALID_ARGUMENT_FOR_POWER_FUNCTION);
    assert_eq!(code(n("-1").sqrt()), sqlstate::INVALID_ARGUMENT_FOR_POWER_FUNCTION);
    assert_eq!(code(n("10").power(&n("200000"))), sqlstate::NUMERIC_VALUE_OUT_OF_RANGE);
    assert_eq!(code(n("6000").exp()), sqlstate::NUMERIC_VALUE_OUT_OF_RANGE);
    let five_two = crate::types::typmod::numeric_modifier(5, 2);
    let e = n("999.995").apply_modifier(five_two).unwrap_err();
    assert_eq!(e.message(), "numeric field overflow");
    assert_eq!(
        e.detail(),
        Some("A field with precision 5, scale 2 must round to an absolute value less than 10^3.")
    );
    assert_eq!(n("1.005").apply_modifier(five_two).unwrap().to_string(), "1.01");
}

#[test]
fn conversions_round_and_check() {
    assert_eq!(n("2.5").to_i32().unwrap(), 3);
    assert_eq!(n("-2.5").to_i64().unwrap(), -3);
    assert_eq!(n("32768").to_i16().unwrap_err().message(), "smallint out of range");
    assert_eq!(n("1e40").to_i64().unwrap_err().message(), "bigint out of range");
    assert_eq!(Numeric::from_f64(0.1 + 0.2).to_string(), "0.3");
    assert_eq!(Numeric::from_f64(1e20).to_string(), "100000000000000000000");
    assert_eq!(Numeric::from_f32(16_777_216.0).to_string(), "16777200");
    assert_eq!(n("0.1").to_f64().unwrap(), 0.1);
    assert!(n("1e400").to_f64().is_err());
}

#[test]
fn parts_and_numbers_are_inverse() {
    for text in
        ["0.00", "1.50", "-0.00012", "1e30", "123456789012345678901234567890123456789012345.1"]
    {
        let number = n(text);
        let parts = number.parts().unwrap();
        let back = Numeric::from_parts(&parts, number.scale()).unwrap();
        assert_eq!(back.to_string(), number.to_string());
    }
    let bad = NumericParts { negative: false, exponent: 1, digits: vec![10] };
    assert!(Numeric::from_parts(&bad, 0).is_err());
}
