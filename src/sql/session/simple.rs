//! The simple protocol: a text of statements.

use super::Session;
use super::run::Request;
use crate::error::Result;
use crate::sql::client::Client;
use crate::syntax;

impl Session {
    /// Runs the statements of a text. Those outside of BEGIN … COMMIT are one transaction.
    pub fn simple_query(&mut self, text: &str, client: &mut dyn Client) -> Result<()> {
        self.note_activity(Some(text));
        let result = self.simple(text, client);
        if result.is_err() {
            self.fail();
        }
        self.note_activity(None);
        result
    }

    fn simple(&mut self, text: &str, client: &mut dyn Client) -> Result<()> {
        self.portals.remove("");
        self.skipping = false;
        if let Some((prepared, values)) = self.known_shape(text)
            && let Some(parsed) = &prepared.parsed
        {
            let request = Request {
                params: &values,
                types: &prepared.types,
                planned: prepared.planned.as_ref(),
                ..Request::of(parsed)
            };
            self.run(request, client)?;
            return self.end_implicit(client);
        }
        let statements = syntax::parse(text)?;
        if statements.is_empty() {
            return client.empty();
        }
        let count = statements.len();
        for (i, parsed) in statements.iter().enumerate() {
            let request =
                Request { last: i + 1 == count, shared: count > 1, ..Request::of(parsed) };
            self.run(request, client)?;
        }
        self.end_implicit(client)
    }

    /// The last statement was transaction control: an implicit block that it left ends here.
    fn end_implicit(&mut self, client: &mut dyn Client) -> Result<()> {
        if self.block.as_ref().is_some_and(|b| !b.explicit) {
            self.commit(client)?;
        }
        Ok(())
    }
}
