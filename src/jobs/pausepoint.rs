//! Named stops: the setting `jobs.debug.pausepoints` lists places at which jobs pause themselves,
//! so that a test or an operator can look at what is stored there and resume.

use crate::error::{Error, sqlstate};
use crate::settings::{self, Settings};

/// The places, in the order in which a job passes them.
pub const NAMES: &[&str] = &[
    "backup.before.write_lock",
    "backup.after.write_lock",
    "backup.before.write_first_checkpoint",
    "backup.after.write_first_checkpoint",
    "backup.before.flow",
    "backup.after.checkpoint",
    "backup.before.write_manifest",
    "backup.after.write_manifest",
    "restore.before_load_descriptors_from_backup",
    "restore.after_offline_descriptors",
    "restore.before_flow",
    "restore.after.checkpoint",
    "restore.before_publishing_descriptors",
    "restore.after_publishing_descriptors",
    "schemachange.before_backfill",
    "schemachange.after.checkpoint",
    "schemachange.before_validation",
    "schemachange.before_publishing",
];

/// Whether the setting asks for a stop at `name`.
pub fn is_set(settings: &Settings, name: &str) -> bool {
    debug_assert!(NAMES.contains(&name), "pausepoint {name} is not listed");
    let text = settings.text(settings::JOBS_PAUSEPOINTS);
    !text.is_empty() && text.split(',').any(|p| p.trim() == name)
}

/// The error with which a job leaves its run at a pausepoint; the registry then pauses it.
pub fn reached(name: &str) -> Error {
    Error::new(sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE, format!("pause point \"{name}\" hit"))
        .with_hint(
            "Take the name out of the cluster setting jobs.debug.pausepoints and resume the job.",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_names_stop() {
        let settings = Settings::new();
        assert!(!is_set(&settings, "backup.before.flow"));
        settings.apply(
            settings::JOBS_PAUSEPOINTS,
            Some("backup.after.write_lock, backup.before.flow".into()),
        );
        assert!(is_set(&settings, "backup.before.flow"));
        assert!(!is_set(&settings, "restore.before_flow"));
    }
}
