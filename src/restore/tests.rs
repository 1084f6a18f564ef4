//! Restores of backups that the tests write themselves.

mod chain;
mod cluster;
mod damage;
mod objects;
mod scene;
