//! Reading every file to compare its checksums.

use ::rocksdb::{AsRawPtr as _, DB};
use librocksdb_sys as ffi;

use crate::error::{Error, Result};

/// Reads every block of every live table; the error names the first file that is damaged.
#[allow(unsafe_code)]
pub(super) fn files(db: &DB) -> Result<()> {
    let mut message = std::ptr::null_mut();
    // SAFETY: the database is open for as long as the borrow lasts, and `message` is a place that
    // the call fills with a C string of its own or leaves null. The binding has no safe form of
    // this call.
    let text = unsafe {
        ffi::rocksdb_verify_checksum(db.as_raw_ptr(), &mut message);
        if message.is_null() {
            return Ok(());
        }
        let text = std::ffi::CStr::from_ptr(message).to_string_lossy().into_owned();
        ffi::rocksdb_free(message.cast());
        text
    };
    if text.starts_with("Corruption") {
        return Err(Error::corrupt(format!("storage: {text}")));
    }
    Err(Error::io(format!("storage: {text}")))
}
