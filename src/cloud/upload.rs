//! A file on its way into an object store: parts of one multipart upload, a few at a time.
//!
//! ```text
//!   write ─▶ buffer ─(full)─▶ part ─▶ in flight (at most 4) ─▶ waited for, oldest first
//!   finish: a small file goes as one put; else the last part, all answers, then the completion
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, PutMultipartOptions, PutOptions, PutPayload};

use super::bridge::Pending;
use super::failure::{Doing, checked};
use super::objects::Inner;
use super::store::StoreWriter;
use crate::error::{Error, Result};

/// Bytes of a part. S3 wants at least 5 MiB and at most 10,000 parts.
const PART_BYTES: usize = 8 << 20;
/// Parts on their way at a time; with the one being filled they bound a writer's memory.
const PARTS_IN_FLIGHT_MAX: usize = 4;
/// Parts that S3 allows.
const PARTS_MAX: usize = 10_000;

pub(super) struct Upload {
    store: Arc<Inner>,
    key: Path,
    file: String,
    buffer: Vec<Bytes>,
    buffered: usize,
    upload: Option<Box<dyn MultipartUpload>>,
    in_flight: VecDeque<Pending<()>>,
    parts: usize,
    /// The first failure; a file that lost a piece must never be finished.
    failed: Option<Error>,
}

impl Upload {
    pub(super) fn new(store: Arc<Inner>, key: Path, file: String) -> Self {
        Upload {
            store,
            key,
            file,
            buffer: Vec::new(),
            buffered: 0,
            upload: None,
            in_flight: VecDeque::new(),
            parts: 0,
            failed: None,
        }
    }

    fn take_part(&mut self, bytes: usize) -> PutPayload {
        let mut part = Vec::new();
        let mut left = bytes.min(self.buffered);
        self.buffered -= left;
        let mut rest = Vec::new();
        for mut piece in self.buffer.drain(..) {
            if left == 0 {
                rest.push(piece);
            } else if piece.len() > left {
                part.push(piece.split_to(left));
                left = 0;
                rest.push(piece);
            } else {
                left -= piece.len();
                part.push(piece);
            }
        }
        self.buffer = rest;
        part.into_iter().collect()
    }

    fn wait_for_parts(&mut self, allowed: usize) -> Result<()> {
        while self.in_flight.len() > allowed {
            if let Some(oldest) = self.in_flight.pop_front() {
                oldest.wait()?;
            }
        }
        Ok(())
    }

    fn send_part(&mut self, part: PutPayload) -> Result<()> {
        self.wait_for_parts(PARTS_IN_FLIGHT_MAX - 1)?;
        if self.parts == PARTS_MAX {
            return Err(Error::new(
                crate::error::sqlstate::PROGRAM_LIMIT_EXCEEDED,
                format!("{} is too large for one object", self.file),
            ));
        }
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => {
                let (store, key, file) = (self.store.clone(), self.key.clone(), self.file.clone());
                let begun = self.store.bridge.run(async move {
                    let options = PutMultipartOptions {
                        attributes: store.attributes.clone(),
                        ..PutMultipartOptions::default()
                    };
                    let begun = store.backend.put_multipart_opts(&key, options).await;
                    checked(begun, Doing::Writing, &file, &store.secrets)
                })?;
                none.insert(begun)
            }
        };
        let sending = upload.put_part(part);
        let (store, file) = (self.store.clone(), self.file.clone());
        self.in_flight.push_back(
            self.store.bridge.start(async move {
                checked(sending.await, Doing::Writing, &file, &store.secrets)
            }),
        );
        self.parts += 1;
        Ok(())
    }

    fn send_full_parts(&mut self) -> Result<()> {
        while self.buffered >= PART_BYTES {
            let part = self.take_part(PART_BYTES);
            self.send_part(part)?;
        }
        Ok(())
    }

    fn complete(&mut self) -> Result<()> {
        if self.upload.is_none() {
            let payload = self.take_part(self.buffered);
            let (store, key, file) = (self.store.clone(), self.key.clone(), self.file.clone());
            return self.store.bridge.run(async move {
                let attributes = store.attributes.clone();
                let options = PutOptions { attributes, ..PutOptions::default() };
                let put = store.backend.put_opts(&key, payload, options).await;
                checked(put, Doing::Writing, &file, &store.secrets).map(|_| ())
            });
        }
        if self.buffered > 0 {
            let part = self.take_part(self.buffered);
            self.send_part(part)?;
        }
        self.wait_for_parts(0)?;
        let Some(mut upload) = self.upload.take() else {
            return Err(Error::internal("an upload without parts was completed"));
        };
        let (store, file) = (self.store.clone(), self.file.clone());
        self.store.bridge.run(async move {
            let completed = upload.complete().await;
            if completed.is_err() {
                // What is left of a failed upload would be billed for ever.
                let _ = upload.abort().await;
            }
            checked(completed, Doing::Writing, &file, &store.secrets).map(|_| ())
        })
    }
}

impl StoreWriter for Upload {
    fn write(&mut self, piece: Bytes) -> Result<()> {
        if let Some(e) = &self.failed {
            return Err(e.clone());
        }
        if !piece.is_empty() {
            self.buffered += piece.len();
            self.buffer.push(piece);
        }
        self.send_full_parts().inspect_err(|e| self.failed = Some(e.clone()))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        match self.failed.take() {
            Some(e) => Err(e),
            None => self.complete(),
        }
    }

    fn abort(mut self: Box<Self>) -> Result<()> {
        // Parts that arrive after the abort would stay behind.
        while let Some(part) = self.in_flight.pop_front() {
            let _ = part.wait();
        }
        let Some(mut upload) = self.upload.take() else { return Ok(()) };
        let (store, file) = (self.store.clone(), self.file.clone());
        self.store.bridge.run(async move {
            checked(upload.abort().await, Doing::Deleting, &file, &store.secrets)
        })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.in_flight.clear();
        if let Some(mut upload) = self.upload.take() {
            self.store.bridge.detach(async move {
                // Nobody is left to hear of a failure; the store's own expiry is the second net.
                let _ = upload.abort().await;
            });
        }
    }
}
