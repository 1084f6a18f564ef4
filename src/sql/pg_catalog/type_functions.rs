//! The functions that read and print the values of types. They cannot be called; clients find the
//! kind of a type by them (`typinput = 'array_in'::regproc`, `typreceive = …`).

use crate::types::{Type, oid};

/// What `pg_type` says about reading and printing a type.
pub(super) struct TypeFunctions {
    /// The type's OID; 0 for all arrays.
    ty: u32,
    /// What the functions' names begin with.
    stem: &'static str,
    /// `typinput`, `typoutput`, `typreceive`, `typsend`
    pub(super) in_out: [u32; 4],
    /// `typmodin`, `typmodout`, or 0.
    pub(super) modifier: (u32, u32),
}

const fn io(ty: u32, stem: &'static str, in_out: [u32; 4], modifier: (u32, u32)) -> TypeFunctions {
    TypeFunctions { ty, stem, in_out, modifier }
}

/// `anyenum`
const ANY_ENUM: u32 = 3500;

static FUNCTIONS: &[TypeFunctions] = &[
    io(16, "bool", [1242, 1243, 2436, 2437], (0, 0)),
    io(17, "bytea", [1244, 31, 2412, 2413], (0, 0)),
    io(18, "char", [1245, 33, 2434, 2435], (0, 0)),
    io(19, "name", [34, 35, 2422, 2423], (0, 0)),
    io(20, "int8", [460, 461, 2408, 2409], (0, 0)),
    io(21, "int2", [38, 39, 2404, 2405], (0, 0)),
    io(22, "int2vector", [40, 41, 2410, 2411], (0, 0)),
    io(23, "int4", [42, 43, 2406, 2407], (0, 0)),
    io(24, "regproc", [44, 45, 2444, 2445], (0, 0)),
    io(25, "text", [46, 47, 2414, 2415], (0, 0)),
    io(26, "oid", [1798, 1799, 2418, 2419], (0, 0)),
    io(30, "oidvector", [54, 55, 2420, 2421], (0, 0)),
    io(114, "json_", [321, 322, 323, 324], (0, 0)),
    io(700, "float4", [200, 201, 2424, 2425], (0, 0)),
    io(701, "float8", [214, 215, 2426, 2427], (0, 0)),
    io(705, "unknown", [109, 110, 2416, 2417], (0, 0)),
    io(0, "array_", [750, 751, 2400, 2401], (0, 0)),
    io(1042, "bpchar", [1044, 1045, 2430, 2431], (2913, 2914)),
    io(1043, "varchar", [1046, 1047, 2432, 2433], (2915, 2916)),
    io(1082, "date_", [1084, 1085, 2468, 2469], (0, 0)),
    io(1083, "time_", [1143, 1144, 2470, 2471], (2909, 2910)),
    io(1114, "timestamp_", [1312, 1313, 2474, 2475], (2905, 2906)),
    io(1184, "timestamptz_", [1150, 1151, 2476, 2477], (2907, 2908)),
    io(1186, "interval_", [1160, 1161, 2478, 2479], (2903, 2904)),
    io(1266, "timetz_", [1350, 1351, 2472, 2473], (2911, 2912)),
    io(1700, "numeric_", [1701, 1702, 2460, 2461], (2917, 2918)),
    io(2205, "regclass", [2218, 2219, 2452, 2453], (0, 0)),
    io(2206, "regtype", [2220, 2221, 2454, 2455], (0, 0)),
    io(2249, "record_", [2290, 2291, 2402, 2403], (0, 0)),
    io(2278, "void_", [2298, 2299, 3120, 3121], (0, 0)),
    io(2950, "uuid_", [2952, 2953, 2961, 2962], (0, 0)),
    io(ANY_ENUM, "enum_", [3506, 3507, 3532, 3533], (0, 0)),
    io(3802, "jsonb_", [3806, 3804, 3805, 3803], (0, 0)),
    io(4089, "regnamespace", [4084, 4085, 4087, 4088], (0, 0)),
    io(4096, "regrole", [4098, 4092, 4094, 4095], (0, 0)),
];

/// `array_subscript_handler`, `raw_array_subscript_handler`
pub(super) const SUBSCRIPT: [(u32, &str); 2] =
    [(6179, "array_subscript_handler"), (6180, "raw_array_subscript_handler")];

/// The functions of a type.
pub(super) fn of(ty: &Type) -> Option<&'static TypeFunctions> {
    let number = match ty {
        Type::Array(_) => 0,
        Type::Enum(_) => ANY_ENUM,
        _ => oid::oid(ty),
    };
    FUNCTIONS.iter().find(|f| f.ty == number)
}

/// Every such function: OID, name, the type that it takes, the type that it returns (0 for
/// `cstring` and `internal`).
pub(super) fn every() -> impl Iterator<Item = (u32, String, u32, u32)> {
    FUNCTIONS.iter().flat_map(|f| {
        let bytea = oid::oid(&Type::Bytea);
        let [input, output, receive, send] = f.in_out;
        [
            (input, format!("{}in", f.stem), 0, f.ty),
            (output, format!("{}out", f.stem), f.ty, 0),
            (receive, format!("{}recv", f.stem), 0, f.ty),
            (send, format!("{}send", f.stem), f.ty, bytea),
        ]
    })
}
