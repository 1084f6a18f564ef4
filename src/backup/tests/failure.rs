//! Backups that are stopped, fail or are given up.

use super::*;
use crate::archive::layout;
use crate::cloud::faulty::{Fault, Faulty};
use crate::error::sqlstate;
use crate::ids::IdSource;
use crate::jobs::{NewJob, Registry, Request as Wish, State, pausepoint};

fn busy_world() -> (World, TableDescriptor) {
    let world = World::new();
    world.set(settings::BACKUP_FILE_SIZE, "100B");
    world.set(settings::BACKUP_CHECKPOINT_INTERVAL, "0s");
    let t = world.create("t");
    for i in 0..12 {
        world.write(&t, &[(i, "a row of some length"), (i + 100, "another row")], &[]);
    }
    (world, t)
}

fn is_visible(world: &World) -> bool {
    let files = world.store.list("").unwrap();
    files.iter().any(|f| f.path.ends_with(&format!("/{}", layout::MANIFEST)))
}

#[test]
fn wherever_a_job_stops_it_goes_on_to_the_same_content() {
    let places = pausepoint::NAMES.iter().filter(|name| name.starts_with("backup."));
    for place in places.copied() {
        let (world, t) = busy_world();
        let job = world.plan(&request(database("defaultdb"), Into::New(uri()))).unwrap();
        // What happens after planning changes nothing.
        world.write(&t, &[(0, "later")], &[(100, "another row")]);
        *job.stop_at.lock() = Some(place);
        assert!(world.resumer.back_up(&job).is_err(), "{place} is passed");
        assert_eq!(is_visible(&world), place == "backup.after.write_manifest", "{place}");
        assert!(!world.mvcc().protected().is_empty(), "{place}: still protected");
        *job.stop_at.lock() = None;
        world.resumer.back_up(&job).unwrap();
        world.check_tidy(&job);
        world.check_chain_holds(&[&t]);
        assert_eq!(job.totals().rows, 24, "{place}");
        // Once more, as after a crash before the job's row said that it had succeeded.
        world.resumer.back_up(&job).unwrap();
    }
}

#[test]
fn the_fraction_rises_to_one() {
    let (world, _) = busy_world();
    let job = world.full(database("defaultdb"));
    let fractions = job.fractions.lock().clone();
    assert!(fractions.is_sorted(), "{fractions:?}");
    assert_eq!((fractions.first(), fractions.last()), (Some(&0.0), Some(&1.0)));
    assert!(fractions.iter().filter(|f| **f > 0.0 && **f < 1.0).count() > 5, "{fractions:?}");
}

#[test]
fn a_resumed_job_does_not_write_again_what_a_checkpoint_has() {
    let (world, t) = busy_world();
    let job = world.plan(&request(database("defaultdb"), Into::New(uri()))).unwrap();
    *job.stop_at.lock() = Some("backup.before.write_manifest");
    assert!(world.resumer.back_up(&job).is_err());
    let counting = Faulty::quiet(world.store.clone());
    *world.stores.0.lock() = Arc::new(counting.clone());
    *job.stop_at.lock() = None;
    world.resumer.back_up(&job).unwrap();
    let written = counting.log().iter().filter(|line| line.contains("/data/")).count();
    let removed = counting.log().iter().filter(|line| line.contains("delete")).count();
    assert!(written <= removed, "{:?}", counting.log());
    world.check_chain_holds(&[&t]);
}

#[test]
fn a_damaged_checkpoint_costs_time_but_no_data() {
    let (world, t) = busy_world();
    let job = world.plan(&request(database("defaultdb"), Into::New(uri()))).unwrap();
    *job.stop_at.lock() = Some("backup.before.write_manifest");
    assert!(world.resumer.back_up(&job).is_err());
    let files = world.store.list("").unwrap();
    let checkpoint = files.iter().find(|f| f.path.ends_with(layout::CHECKPOINT)).unwrap();
    let garbage = bytes::Bytes::from_static(b"garbage that is long enough to be looked at closely");
    world.store.write(&checkpoint.path, garbage, crate::cloud::WriteMode::Overwrite).unwrap();
    *job.stop_at.lock() = None;
    world.resumer.back_up(&job).unwrap();
    world.check_tidy(&job);
    world.check_chain_holds(&[&t]);
}

#[test]
fn whichever_operation_fails_nothing_half_is_seen_and_the_job_can_go_on() {
    let run = |number: u64, fault: Fault| -> bool {
        let (world, t) = busy_world();
        world.set(settings::BACKUP_WORKERS, "1");
        let job = world.plan(&request(database("defaultdb"), Into::New(uri()))).unwrap();
        let faulty = Faulty::at(world.store.clone(), number, fault);
        *world.stores.0.lock() = Arc::new(faulty.clone());
        let outcome = world.resumer.back_up(&job);
        let reached = faulty.operations() > number;
        if let Err(e) = &outcome {
            assert_eq!(e.code(), sqlstate::IO_ERROR, "{number} {fault:?}: {e:?}");
            // Whoever reads now sees a whole backup or none.
            match collection::latest_full(&*world.store) {
                Ok(_) => world.check_whole(&t),
                Err(e) => assert_eq!(e.code(), sqlstate::UNDEFINED_FILE),
            }
            world.resumer.back_up(&job).unwrap();
        }
        world.check_whole(&t);
        reached
    };
    for fault in [Fault::Before, Fault::After] {
        let mut number = 0;
        while run(number, fault) {
            number += 1;
        }
        assert!(number > 40, "{number} operations");
    }
}

impl World {
    /// The chain holds everything; leftovers of the job may remain.
    fn check_whole(&self, t: &TableDescriptor) {
        for (layer, manifest) in self.chain(None) {
            assert_eq!(self.found(&layer, &manifest, &[t]), self.expected(&manifest, &[t]));
        }
    }
}

#[test]
fn a_job_that_is_given_up_leaves_nothing() {
    let (world, t) = busy_world();
    for place in ["backup.before.write_lock", "backup.after.write_lock", "backup.after.checkpoint"]
    {
        let mut encrypted = request(database("defaultdb"), Into::New(uri()));
        encrypted.secret = Some(Secret::passphrase("open sesame"));
        let job = world.plan(&encrypted).unwrap();
        *job.stop_at.lock() = Some(place);
        assert!(world.resumer.back_up(&job).is_err());
        world.resumer.give_up(&job).unwrap();
        world.resumer.give_up(&job).unwrap();
        assert_eq!(world.store.list("").unwrap(), [], "{place}");
        world.check_tidy(&job);
    }
    // A store that is out of reach does not keep the job from ending.
    let job = world.plan(&request(database("defaultdb"), Into::New(uri()))).unwrap();
    *world.stores.0.lock() = Arc::new(Faulty::from(world.store.clone(), 5));
    assert_eq!(world.resumer.back_up(&job).unwrap_err().code(), sqlstate::IO_ERROR);
    world.resumer.give_up(&job).unwrap();
    assert_eq!(world.mvcc().protected(), []);
    assert!(!is_visible(&world) && !world.store.exists(layout::LATEST).unwrap());
    *world.stores.0.lock() = world.store.clone();
    let job = world.plan(&request(database("defaultdb"), Into::New(uri()))).unwrap();
    world.resumer.back_up(&job).unwrap();
    world.check_whole(&t);
}

#[test]
fn an_interrupted_job_ends_at_once() {
    let (world, _) = busy_world();
    let job = world.plan(&request(database("defaultdb"), Into::New(uri()))).unwrap();
    job.interrupt.raise(crate::task::Cause::JobStopped);
    let e = world.resumer.back_up(&job).unwrap_err();
    assert_eq!(e.code(), sqlstate::QUERY_CANCELED);
    assert!(!is_visible(&world));
}

#[test]
fn an_encrypted_chain_needs_its_passphrase_and_shows_no_secret() {
    let (world, t) = busy_world();
    let with = |passphrase: Option<&str>, into| Request {
        secret: passphrase.map(Secret::passphrase),
        ..request(database("defaultdb"), into)
    };
    let job = world.plan(&with(Some("open sesame"), Into::New(uri()))).unwrap();
    let kept: Value = secret::find(world.mvcc(), job.id).unwrap().unwrap();
    assert!(!kept.to_string().contains("sesame"), "of the passphrase only the key is kept");
    let key = DataKey::from_secret_text(kept["key"].as_str().unwrap()).unwrap();
    world.resumer.back_up(&job).unwrap();
    world.check_tidy(&job);
    world.write(&t, &[(1, "more")], &[]);
    world.back_up(&with(Some("open sesame"), Into::Latest(uri())));
    for (layer, manifest) in world.chain(Some(&key)) {
        assert_eq!(world.found(&layer, &manifest, &[&t]), world.expected(&manifest, &[&t]));
    }
    for wrong in [None, Some("wrong")] {
        let e = world.plan(&with(wrong, Into::Latest(uri()))).err().unwrap();
        assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE);
    }
    assert_eq!(world.mvcc().protected(), [], "a refused plan protects nothing");
    let secrets = ["sesame", "hush", kept["key"].as_str().unwrap(), "a row of some length"];
    for entry in world.store.list("").unwrap() {
        let content = world.store.read(&entry.path).unwrap();
        for hidden in secrets {
            let there = content.windows(hidden.len()).any(|w| w == hidden.as_bytes());
            assert!(!there, "{} shows {hidden}", entry.path);
        }
    }
    // A passphrase for a chain that is not encrypted.
    world.full(database("defaultdb"));
    let e = world.plan(&with(Some("open sesame"), Into::Latest(uri()))).err().unwrap();
    assert!(e.message().contains("encryption information"), "{e}");
}

#[test]
fn protections_of_jobs_that_never_came_to_be_are_taken_back() {
    let (world, _) = busy_world();
    let lost = world.plan(&request(database("defaultdb"), Into::New(uri()))).unwrap();
    let alive = world.plan(&request(database("defaultdb"), Into::New(uri()))).unwrap();
    let other = crate::mvcc::ProtectedRecord {
        id: "another".into(),
        at: world.mvcc().visible(),
        spans: vec![Span::all()],
        purpose: "test".into(),
    };
    world.mvcc().protect(other).unwrap();
    release_orphans(world.mvcc(), &mut |job| Ok(job == alive.id)).unwrap();
    let left: Vec<String> = world.mvcc().protected().into_iter().map(|r| r.id).collect();
    assert_eq!(left, ["another".to_owned(), format!("backup-{}", alive.id)]);
    assert_ne!(lost.id, alive.id);
}

/// A registry that runs backups of a world.
fn registry(world: &World) -> Arc<Registry> {
    let ids = Arc::new(IdSource::new());
    let (mvcc, catalog) = (world.mvcc().clone(), world.catalog.clone());
    let registry = Registry::new(mvcc, catalog, world.settings.clone(), world.clock.clone(), ids);
    let resumer = BackupResumer {
        catalog: world.catalog.clone(),
        stores: world.stores.clone(),
        settings: world.settings.clone(),
    };
    registry.register(KIND, Arc::new(resumer));
    registry.start().unwrap();
    registry
}

/// Plans a backup and creates its job as a statement does.
fn submit(world: &World, registry: &Arc<Registry>) -> JobId {
    world.clock.advance_nanos(SECOND);
    let job_id = registry.next_id();
    let mut txn = world.mvcc().begin(TxnOptions::default()).unwrap();
    let plan = plan(
        &mut PlanContext {
            catalog: &world.catalog,
            stores: &*world.stores,
            settings: &world.settings,
            txn: &mut txn,
            job_id,
            role: "root",
            names: Names { database: "defaultdb", search_path: &["public".to_owned()] },
            interrupt: &Interrupt::new(),
        },
        &request(database("defaultdb"), Into::New(uri())),
    )
    .unwrap();
    let new = NewJob {
        kind: KIND,
        description: plan.description,
        user: "root".into(),
        descriptor_ids: plan.descriptor_ids,
        details: plan.details,
        created_by: None,
        id: Some(job_id),
    };
    registry.create(&mut txn, new).unwrap();
    txn.commit().unwrap();
    job_id
}

#[test]
fn the_registry_runs_pauses_resumes_retries_and_cancels_backups() {
    let (world, t) = busy_world();
    let registry = registry(&world);
    let wait = |id| registry.wait(id, &Interrupt::new()).unwrap();

    // A store that fails for a moment.
    *world.stores.0.lock() = Arc::new(Faulty::at(world.store.clone(), 30, Fault::Before));
    let id = submit(&world, &registry);
    let record = wait(id);
    registry.outcome_of(&record).unwrap();
    let totals: Totals = serde_json::from_value(record.progress.state).unwrap();
    assert_eq!((totals.rows, totals.complete), (24, true));
    assert_eq!(record.payload.retries, 1);
    world.check_chain_holds(&[&t]);
    *world.stores.0.lock() = world.store.clone();

    // Paused and resumed, paused and cancelled.
    world.set(settings::JOBS_PAUSEPOINTS, "backup.after.checkpoint");
    let (resumed, cancelled) = (submit(&world, &registry), submit(&world, &registry));
    for id in [resumed, cancelled] {
        assert_eq!(wait(id).state, State::Paused);
    }
    world.settings.apply(settings::JOBS_PAUSEPOINTS, None);
    for (id, wish, end) in
        [(resumed, Wish::Resume, State::Succeeded), (cancelled, Wish::Cancel, State::Canceled)]
    {
        let mut txn = world.mvcc().begin(TxnOptions::default()).unwrap();
        registry.request(&mut txn, id, wish, None).unwrap();
        txn.commit().unwrap();
        assert_eq!(wait(id).state, end);
    }
    world.check_chain_holds(&[&t]);
    assert_eq!(collection::list_fulls(&*world.store).unwrap().len(), 2);
    assert_eq!(world.mvcc().protected(), []);
    for id in [resumed, cancelled] {
        assert!(secret::find::<Value>(world.mvcc(), id).unwrap().is_none());
    }
    registry.shutdown(std::time::Duration::from_secs(10));
}
