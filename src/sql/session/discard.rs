//! DISCARD: what a session has gathered is forgotten.

use std::sync::Arc;

use super::Session;
use super::run::Request;
use crate::error::{Error, Result, sqlstate};
use crate::sql::client::Client;
use crate::sql::statement::{self, Outcome};
use crate::syntax::Discard;

impl Session {
    /// DISCARD.
    pub(super) fn discard(
        &mut self,
        discard: Discard,
        request: Request<'_>,
        client: &mut dyn Client,
    ) -> Result<Outcome> {
        match discard {
            // Plans are made again by themselves when the catalogue changes.
            Discard::Plans => Outcome::done("DISCARD PLANS"),
            Discard::Sequences => {
                self.forget_sequences();
                Outcome::done("DISCARD SEQUENCES")
            }
            Discard::Temp => {
                statement::discard_temporary(&mut self.work(request, client)?)?;
                Outcome::done("DISCARD TEMP")
            }
            Discard::All => {
                if request.shared || self.block.as_ref().is_some_and(|b| b.explicit) {
                    return Err(Error::new(
                        sqlstate::ACTIVE_SQL_TRANSACTION,
                        "DISCARD ALL cannot run inside a transaction block",
                    ));
                }
                statement::discard_temporary(&mut self.work(request, client)?)?;
                self.portals.clear();
                self.prepared.clear();
                self.forget_sequences();
                let user: Arc<str> = Arc::from(self.info.user.as_str());
                self.state.session_user = user.clone();
                self.state.current_user = user;
                self.reset_all(client)?;
                Outcome::done("DISCARD ALL")
            }
        }
    }

    fn forget_sequences(&mut self) {
        self.state.sequence_values.clear();
        self.state.last_sequence = None;
    }
}
