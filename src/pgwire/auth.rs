//! SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL speaks it, from the server's side.
//!
//! The exchange is a value that takes client messages and gives server messages, without I/O; the
//! verifier never leaves it, and a user who does not exist gets a decoy so that the exchange looks
//! the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::catalog::scram::Verifier;
use crate::error::{Error, Result, sqlstate};
use crate::pgwire::frontend::violation;

/// The mechanism's name.
pub const MECHANISM: &str = "SCRAM-SHA-256";

/// An exchange that has seen the client's first message.
pub struct Exchange {
    verifier: Verifier,
    client_first_bare: String,
    server_first: String,
    /// What the client's final message must repeat.
    nonce: String,
    /// The base64 of the GS2 header, which the final message must repeat as channel binding.
    binding: String,
}

impl Exchange {
    /// Takes the body of SASLInitialResponse. `nonce` is fresh, printable and without commas.
    pub fn begin(body: &[u8], verifier: Verifier, nonce: &str) -> Result<Exchange> {
        let end = body.iter().position(|&b| b == 0).ok_or_else(|| violation(MALFORMED))?;
        let (mechanism, rest) = body.split_at(end);
        if mechanism != MECHANISM.as_bytes() {
            return Err(violation("client selected an invalid SASL authentication mechanism"));
        }
        // The zero byte and the length word, then the client's first message.
        let data = rest.get(5..).ok_or_else(|| violation(MALFORMED))?;
        let first = std::str::from_utf8(data).map_err(|_| violation(MALFORMED))?;
        let mut parts = first.splitn(3, ',');
        let (flag, identity) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let bare = parts.next().ok_or_else(|| violation(MALFORMED))?;
        if !matches!(flag, "n" | "y") || !identity.is_empty() {
            return Err(violation(
                "client requires SCRAM channel binding, but it is not supported",
            ));
        }
        let client_nonce = bare
            .split(',')
            .find_map(|attribute| attribute.strip_prefix("r="))
            .filter(|n| !n.is_empty())
            .ok_or_else(|| violation(MALFORMED))?;
        let nonce = format!("{client_nonce}{nonce}");
        let server_first =
            format!("r={nonce},s={},i={}", STANDARD.encode(&verifier.salt), verifier.iterations);
        Ok(Exchange {
            client_first_bare: bare.to_owned(),
            binding: STANDARD.encode(format!("{flag},,")),
            verifier,
            server_first,
            nonce,
        })
    }

    /// The challenge to send.
    pub fn challenge(&self) -> &str {
        &self.server_first
    }

    /// Takes the client's final message; the right proof gives the message to send back.
    pub fn finish(&self, body: &[u8], user: &str) -> Result<String> {
        let text = std::str::from_utf8(body).map_err(|_| violation(MALFORMED))?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or_else(|| violation(MALFORMED))?;
        let attribute = |prefix: &str| {
            without_proof.split(',').find_map(|a| a.strip_prefix(prefix)).unwrap_or("")
        };
        if attribute("c=") != self.binding || attribute("r=") != self.nonce {
            return Err(violation("SCRAM message does not match the exchange"));
        }
        let proof = STANDARD.decode(proof).map_err(|_| violation(MALFORMED))?;
        let message = format!("{},{},{without_proof}", self.client_first_bare, self.server_first);
        self.verifier
            .check_proof(message.as_bytes(), &proof)
            .map(|signature| format!("v={}", STANDARD.encode(signature)))
            .ok_or_else(|| refused(user))
    }
}

/// The one answer to every wrong password or unknown user.
pub fn refused(user: &str) -> Error {
    Error::new(
        sqlstate::INVALID_PASSWORD,
        format!("password authentication failed for user \"{user}\""),
    )
}

const MALFORMED: &str = "malformed SCRAM message";

#[cfg(test)]
mod tests {
    use pbkdf2::hmac::{Hmac, KeyInit, Mac};
    use sha2::{Digest, Sha256};

    use super::*;

    fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(data);
        mac.finalize().into_bytes().into()
    }

    /// What an honest client answers to the exchange.
    fn client_final(exchange: &Exchange, password: &str, salt: &[u8]) -> String {
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), salt, 4096);
        let client_key = hmac(&salted, b"Client Key");
        let stored = Sha256::digest(client_key);
        let without_proof = format!("c=biws,r={}", exchange.nonce);
        let message =
            format!("{},{},{without_proof}", exchange.client_first_bare, exchange.server_first);
        let signature = hmac(&stored, message.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(k, s)| k ^ s).collect();
        format!("{without_proof},p={}", STANDARD.encode(proof))
    }

    fn initial(first: &str) -> Vec<u8> {
        let mut body = b"SCRAM-SHA-256\0".to_vec();
        body.extend((first.len() as u32).to_be_bytes());
        body.extend(first.as_bytes());
        body
    }

    #[test]
    fn the_right_password_is_accepted_and_a_wrong_one_is_not() {
        let salt = [7; 16];
        let verifier = Verifier::new("sesame", salt);
        let body = initial("n,,n=,r=abc");
        let exchange = Exchange::begin(&body, verifier, "xyz").unwrap();
        assert!(exchange.challenge().starts_with("r=abcxyz,s="));
        let good = client_final(&exchange, "sesame", &salt);
        assert!(exchange.finish(good.as_bytes(), "u").unwrap().starts_with("v="));
        let bad = client_final(&exchange, "guess", &salt);
        let e = exchange.finish(bad.as_bytes(), "u").unwrap_err();
        assert_eq!(e.code(), sqlstate::INVALID_PASSWORD);
    }

    #[test]
    fn a_replayed_or_malformed_message_is_refused() {
        let verifier = Verifier::new("sesame", [7; 16]);
        let body = initial("n,,n=,r=abc");
        let old = Exchange::begin(&body, verifier.clone(), "one").unwrap();
        let replayed = client_final(&old, "sesame", &[7; 16]);
        let new = Exchange::begin(&body, verifier.clone(), "two").unwrap();
        assert!(new.finish(replayed.as_bytes(), "u").is_err());
        for broken in ["", "n,,", "p=tls,,n=,r=abc", "n,,n=,r="] {
            assert!(Exchange::begin(&initial(broken), verifier.clone(), "x").is_err(), "{broken}");
        }
        assert!(Exchange::begin(b"SCRAM-SHA-256", verifier, "x").is_err());
    }
}
