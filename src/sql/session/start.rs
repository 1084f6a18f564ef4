//! The beginning of a session: who may come in, and with which variables.

use std::sync::Arc;

use parking_lot::Mutex;

use super::named::Named;
use super::shapes::Shapes;
use super::{Session, variable};
use crate::catalog::privilege::{self, Privilege};
use crate::error::{Error, Result, sqlstate};
use crate::sql::server::Server;
use crate::sql::sessions::{Activity, SessionInfo};
use crate::sql::variables::SessionState;
use crate::task::Interrupt;

/// What a client said of itself when it came.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The role; the door has checked its password.
    pub user: String,
    /// The database.
    pub database: String,
    /// Run-time parameters, in order.
    pub parameters: Vec<(String, String)>,
    /// Where it is.
    pub client_address: String,
}

impl Session {
    /// Begins a session: 28000 for a role that may not log in, 3D000 for an unknown database.
    pub fn start(server: &Arc<Server>, login: Login, interrupt: Interrupt) -> Result<Session> {
        let catalog = server.catalog.current()?;
        let user = login.user.to_lowercase();
        let Some(role) = catalog.role(&user) else {
            return Err(Error::new(
                sqlstate::INVALID_AUTHORIZATION_SPECIFICATION,
                format!("role \"{user}\" does not exist"),
            ));
        };
        if !role.can_login() {
            return Err(Error::new(
                sqlstate::INVALID_AUTHORIZATION_SPECIFICATION,
                format!("role \"{user}\" is not permitted to log in"),
            ));
        }
        // Without a database's name, clients send the user's.
        let fallback =
            login.database == login.user && catalog.database_named(&login.database)?.is_none();
        let database = if fallback { "defaultdb".to_owned() } else { login.database };
        let Some(descriptor) = catalog.database_named(&database)? else {
            return Err(Error::new(
                sqlstate::INVALID_CATALOG_NAME,
                format!("database \"{database}\" does not exist"),
            ));
        };
        privilege::check(&catalog, &user, descriptor, Privilege::Connect)?;

        let pid = server.sessions.next_pid();
        let info = Arc::new(SessionInfo {
            pid,
            secret: rand::random(),
            user: user.clone(),
            database: database.clone(),
            client_address: login.client_address,
            started: server.clock.now(),
            activity: Mutex::new(Activity::idle()),
            interrupt: interrupt.clone(),
        });
        let user: Arc<str> = Arc::from(user);
        let mut state = SessionState {
            backend_pid: pid,
            variables: variable::defaults(),
            ..SessionState::of(user, Arc::from(database))
        };
        let admin = if catalog.is_admin(&state.session_user) { "on" } else { "off" };
        state.variables.insert("is_superuser".into(), admin.into());
        state.variables.insert("session_authorization".into(), state.session_user.to_string());
        variable::apply(&mut state, "search_path", variable::SEARCH_PATH_DEFAULT)?;
        for (name, value) in &login.parameters {
            let name = name.to_lowercase();
            // Clients send what they like here; only what would change results is refused.
            match variable::set(&mut state, &name, value) {
                Err(e) if e.code() == sqlstate::UNDEFINED_OBJECT => {
                    tracing::debug!(name, "unknown parameter in the startup packet");
                }
                other => other?,
            }
        }
        info.activity.lock().application =
            state.variables.get("application_name").cloned().unwrap_or_default();
        server.sessions.insert(info.clone());
        let (prepared, portals) = (Named::new(&state.prepared), Named::new(&state.cursors));
        Ok(Session {
            server: server.clone(),
            info,
            defaults: state.clone(),
            state,
            interrupt,
            block: None,
            prepared,
            portals,
            shapes: Shapes::default(),
            seen: None,
            skipping: false,
        })
    }

    /// Variables that clients are told of when they come and whenever they change.
    pub fn reported_parameters(&self) -> Vec<(&'static str, String)> {
        variable::REPORTED
            .iter()
            .map(|name| (*name, variable::show(&self.state, name).unwrap_or_default()))
            .collect()
    }
}
