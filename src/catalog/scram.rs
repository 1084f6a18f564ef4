//! Passwords: kept only as SCRAM-SHA-256 verifiers in PostgreSQL's text form, from which neither
//! the password nor what a client needs to log in can be computed.
//!
//! ```text
//!   SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>          (base64, RFC 5803)
//!
//!   salted    = PBKDF2-HMAC-SHA-256(password, salt, iterations)
//!   ClientKey = HMAC(salted, "Client Key")      StoredKey = SHA-256(ClientKey)
//!   ServerKey = HMAC(salted, "Server Key")
//!   proof     = ClientKey xor HMAC(StoredKey, auth message)
//! ```

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pbkdf2::hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result, sqlstate};

/// Rounds of PBKDF2 for new verifiers, as in PostgreSQL.
pub const ITERATIONS: u32 = 4_096;

/// Bytes of salt for new verifiers, as in PostgreSQL.
pub const SALT_BYTES: usize = 16;

/// Most rounds that a verifier may ask for: each login costs that many hashes.
const ITERATIONS_MAX: u32 = 1_000_000;

/// The name of the mechanism and the first part of a verifier's text.
const MECHANISM: &str = "SCRAM-SHA-256";

/// What is stored instead of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    /// Rounds of PBKDF2.
    pub iterations: u32,
    /// The salt, sent to the client.
    pub salt: Vec<u8>,
    stored_key: [u8; 32],
    server_key: [u8; 32],
}

impl Verifier {
    /// The verifier of a password under a salt, which should be random.
    pub fn new(password: &str, salt: [u8; SALT_BYTES]) -> Verifier {
        Verifier::derive(&normalise(password), salt.to_vec(), ITERATIONS)
    }

    fn derive(password: &[u8], salt: Vec<u8>, iterations: u32) -> Verifier {
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, &salt, iterations);
        let client_key = hmac(&salted, b"Client Key");
        Verifier {
            iterations,
            salt,
            stored_key: Sha256::digest(client_key).into(),
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// A verifier that no password fits, for a user who does not exist or has no password, so that
    /// the exchange looks the same. The salt depends on the name and on a secret of the server,
    /// hence stays the same from one attempt to the next.
    pub fn decoy(user: &str, secret: &[u8]) -> Verifier {
        let mut salt = hmac(secret, user.as_bytes()).to_vec();
        salt.truncate(SALT_BYTES);
        let stored_key = hmac(secret, &salt);
        Verifier { iterations: ITERATIONS, salt, stored_key, server_key: stored_key }
    }

    /// Reads the stored text form.
    pub fn parse(text: &str) -> Option<Verifier> {
        let rest = text.strip_prefix(MECHANISM)?.strip_prefix('$')?;
        let (cost, keys) = rest.split_once('$')?;
        let (iterations, salt) = cost.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        let key = |text: &str| -> Option<[u8; 32]> { STANDARD.decode(text).ok()?.try_into().ok() };
        let iterations: u32 = iterations.parse().ok()?;
        if !(1..=ITERATIONS_MAX).contains(&iterations) {
            return None;
        }
        Some(Verifier {
            iterations,
            salt: STANDARD.decode(salt).ok()?,
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
        })
    }

    /// Whether this is the verifier of a password sent in clear text.
    pub fn matches(&self, password: &str) -> bool {
        let other = Verifier::derive(&normalise(password), self.salt.clone(), self.iterations);
        equal(&other.stored_key, &self.stored_key)
    }

    /// Checks a client's proof over the exchange's auth message. The right proof gives the
    /// signature with which the server proves in turn that it knows the verifier.
    pub fn check_proof(&self, auth_message: &[u8], proof: &[u8]) -> Option<[u8; 32]> {
        let proof: &[u8; 32] = proof.try_into().ok()?;
        let signature = hmac(&self.stored_key, auth_message);
        let mut client_key = [0u8; 32];
        for ((key, p), s) in client_key.iter_mut().zip(proof).zip(signature) {
            *key = p ^ s;
        }
        let digest: [u8; 32] = Sha256::digest(client_key).into();
        equal(&digest, &self.stored_key).then(|| hmac(&self.server_key, auth_message))
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{MECHANISM}${}:{}${}:{}",
            self.iterations,
            STANDARD.encode(&self.salt),
            STANDARD.encode(self.stored_key),
            STANDARD.encode(self.server_key),
        )
    }
}

impl fmt::Debug for Verifier {
    /// A verifier is a secret of a kind: it must not reach a log by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

/// What to store for the text in `PASSWORD '…'`: a verifier is kept as it is, anything else is a
/// password. MD5 verifiers are refused, because Cairn does not speak that mechanism.
pub fn prepare(password: &str, salt: [u8; SALT_BYTES]) -> Result<String> {
    if password.starts_with(MECHANISM) && Verifier::parse(password).is_some() {
        return Ok(password.to_owned());
    }
    let is_md5 = password.len() == 35
        && password.starts_with("md5")
        && password.bytes().skip(3).all(|b| b.is_ascii_hexdigit());
    if is_md5 {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            "MD5 password hashes are not supported",
        )
        .with_hint("Give the password itself or a SCRAM-SHA-256 verifier."));
    }
    Ok(Verifier::new(password, salt).to_string())
}

/// SASLprep, or the bytes as they are where it does not apply, as in PostgreSQL.
fn normalise(password: &str) -> Vec<u8> {
    if password.is_ascii() {
        return password.as_bytes().to_vec();
    }
    match stringprep::saslprep(password) {
        Ok(prepared) => prepared.as_bytes().to_vec(),
        Err(_) => password.as_bytes().to_vec(),
    }
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of every length, so the fallback is never used.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Compares without telling by the time it takes where the difference is.
fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0u8, |difference, (x, y)| difference | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677 section 3.
    #[test]
    fn the_exchange_of_the_rfc_is_accepted() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = Verifier::derive(b"pencil", salt, 4096);
        let auth = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
                    r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                    s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
                    c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let proof = STANDARD.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
        let signature = verifier.check_proof(auth.as_bytes(), &proof).unwrap();
        assert_eq!(STANDARD.encode(signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert!(verifier.check_proof(b"another message", &proof).is_none());
        assert!(verifier.check_proof(auth.as_bytes(), &proof[1..]).is_none());
    }

    #[test]
    fn the_text_form_round_trips_and_fits_only_its_password() {
        let text = prepare("s3cret", [7; SALT_BYTES]).unwrap();
        let verifier = Verifier::parse(&text).unwrap();
        assert_eq!(verifier.to_string(), text);
        assert!(verifier.matches("s3cret"));
        assert!(!verifier.matches("s3cret "));
        assert_eq!(prepare(&text, [9; SALT_BYTES]).unwrap(), text, "a verifier is kept");
        assert!(!format!("{verifier:?}").contains(&STANDARD.encode(verifier.server_key)));
    }

    #[test]
    fn malformed_verifiers_are_passwords_and_md5_is_refused() {
        for bad in ["", "SCRAM-SHA-256$0:AA==$AA==:AA==", "SCRAM-SHA-256$4096:!$x:y", "x$1:2$3:4"] {
            assert!(Verifier::parse(bad).is_none(), "{bad}");
        }
        let md5 = format!("md5{}", "0".repeat(32));
        assert!(prepare(&md5, [0; SALT_BYTES]).is_err());
        assert!(prepare("md5 is old", [0; SALT_BYTES]).is_ok());
    }

    #[test]
    fn a_decoy_looks_the_same_each_time_and_fits_nothing() {
        let decoy = Verifier::decoy("nobody", b"server secret");
        assert_eq!(decoy, Verifier::decoy("nobody", b"server secret"));
        assert_ne!(decoy.salt, Verifier::decoy("somebody", b"server secret").salt);
        assert!(!decoy.matches(""));
    }
}
