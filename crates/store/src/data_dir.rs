//! The open data folder: puts the parts together and lends them out.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bartizan_ledger::{Entry, Journal, Record, VerifierKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use crate::db::{Database, connect};
use crate::details::Details;
use crate::directory::Directory;
use crate::flusher::Flusher;
use crate::folder::{FolderLock, FolderReader, Layout, create_secret, lock, private_file, private_folder, read_secret, refuse_link};
use crate::keys::{Key, KeyUse, RootKey, Signing, end_rotation, new_signer, signing, write_signer};
use crate::objects::Objects;
use crate::originals::Originals;
use crate::publish::Publisher;
use crate::recover::recover;
use crate::restore::refuse_unfinished;
use crate::seal::{Salts, Sealer, random};
use crate::sequencer::{Command, Rotation, Sequencer};
use crate::subjects::Subjects;
use crate::writer::Writer;
use crate::{Options, StoreError};

/// How long the background thread may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// An open, locked data folder. Dropping it brings the journal into the log.
pub struct DataDir {
    pub(crate) layout: Layout,
    pub(crate) options: Options,
    pub(crate) root: RootKey,
    pub(crate) db: Arc<Database>,
    pub(crate) subjects: Arc<Subjects>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) directory: Directory,
    pub(crate) objects: Arc<Objects>,
    pub(crate) originals: Arc<Originals>,
    /// Erasures, backups and key rotations one after the other.
    pub(crate) exclusive: Mutex<()>,
    verifier: Mutex<VerifierKey>,
    salts: Salts,
    admin_token: Key,
    commands: Sender<Command>,
    thread: Option<JoinHandle<()>>,
    _lock: FolderLock,
}

impl DataDir {
    /// Opens (and at the first time makes) a data folder, takes up the log, and starts the background threads.
    ///
    /// # Errors
    /// [`StoreError::Locked`] naming the owner's pid when another process has it; otherwise what is missing or damaged.
    pub fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        refuse_unfinished(path)?;
        Self::open_even_unfinished(path, options)
    }

    /// Opens a folder that a restore is making ready.
    pub(crate) fn open_even_unfinished(path: &Path, options: Options) -> Result<Self, StoreError> {
        private_folder(path)?;
        let layout = Layout { root: path.to_path_buf() };
        let folder_lock = lock(path)?;
        private_folder(&layout.ledger())?;
        private_folder(&layout.journal())?;
        private_folder(&layout.details())?;
        let has_ledger = layout.ledger().join("checkpoint").exists();
        if has_ledger && !layout.database().exists() {
            return Err(StoreError::NoDatabase(layout.database()));
        }
        let fresh = !layout.database().exists();
        let root = RootKey::open(&layout, options.root_key_file.as_deref(), fresh)?;
        end_rotation(&layout, &root)?;
        let signing = signing(&layout, &root, options.origin.as_deref(), fresh)?;
        let admin_token = admin_token(&layout)?;
        private_file(&layout.database())?;
        let db = Arc::new(Database::open(&layout.database())?);
        check_root_key(&db, &root, has_ledger.then(|| layout.database()))?;

        let verifier = signing.signer.verifier().clone();
        let (parts, sequencer) = assemble(&layout, &options, &root, signing, &db)?;
        let (commands, receiver) = channel();
        let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(move || {
            let _guard = FollowerGuard(Arc::clone(&sequencer.writer));
            sequencer.run(&receiver);
        });
        let thread = thread.map_err(|error| StoreError::Sequencer(error.to_string()))?;
        let dir = Self {
            layout,
            options,
            root,
            db,
            subjects: parts.subjects,
            writer: parts.writer,
            directory: parts.directory,
            objects: parts.objects,
            originals: parts.originals,
            exclusive: Mutex::new(()),
            verifier: Mutex::new(verifier),
            salts: Salts::new()?,
            admin_token,
            commands,
            thread: Some(thread),
            _lock: folder_lock,
        };
        dir.flush()?;
        Ok(dir)
    }

    /// Where the gate records.
    pub fn journal(&self) -> Arc<dyn Journal> {
        Arc::clone(&self.writer) as Arc<dyn Journal>
    }

    /// Appends an entry that has no detail, and waits for the disk if that is configured.
    pub(crate) fn record(&self, entry: Entry) -> Result<(), StoreError> {
        use bartizan_ledger::Appended;
        match self.writer.append(&Record { entry, detail: None }) {
            Appended::Done(result) => Ok(result?),
            // A flush syncs the journal.
            Appended::Later(_) => self.flush(),
        }
    }

    /// Virtual keys and tokens, for looking up.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Salts for commitments.
    pub fn salts(&self) -> &Salts {
        &self.salts
    }

    /// A key derived from the root key.
    pub fn derive(&self, usage: KeyUse) -> Key {
        self.root.derive(usage)
    }

    /// The ledger's public key; its name is the origin.
    pub fn verifier_key(&self) -> VerifierKey {
        self.verifier.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the ledger's files.
    pub fn ledger_reader(&self) -> FolderReader {
        FolderReader::new(self.layout.ledger())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.layout.root
    }

    /// `DATA/admin.token`.
    pub fn admin_token_file(&self) -> PathBuf {
        self.layout.admin_token()
    }

    /// Whether this is the token of `DATA/admin.token`; takes the same time for every wrong one of the same length.
    pub fn is_admin_token(&self, presented: &str) -> bool {
        presented
            .strip_prefix("bza_")
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .is_some_and(|bytes| bytes.as_slice().ct_eq(self.admin_token.as_slice()).into())
    }

    /// What the operator should hear at the start; `None` when there is nothing to say.
    pub fn warning(&self) -> Option<String> {
        self.options.root_key_file.is_none().then(|| {
            "the root key lies on the same disk as the data: it protects backups only; set BARTIZAN_ROOT_KEY_FILE to keep it elsewhere"
                .to_owned()
        })
    }

    /// Brings everything acknowledged so far into the log and publishes a checkpoint.
    ///
    /// # Errors
    /// [`StoreError`] when the log cannot be written.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.ask(Command::Flush)
    }

    /// Asks the background thread and waits for its answer.
    pub(crate) fn ask<T>(&self, command: impl FnOnce(Sender<Result<T, StoreError>>) -> Command) -> Result<T, StoreError> {
        let (reply, answer) = channel();
        self.commands.send(command(reply)).map_err(|_| StoreError::Sequencer("it has ended".to_owned()))?;
        answer.recv_timeout(PATIENCE).map_err(|error| StoreError::Sequencer(error.to_string()))?
    }

    /// Replaces the ledger's signing key. The rotation is an entry signed by both keys, so that whoever trusts the old public key can
    /// go on to the new one.
    ///
    /// # Errors
    /// [`StoreError`] when the entry or a key file cannot be written.
    pub fn rotate_ledger_key(&self) -> Result<VerifierKey, StoreError> {
        let _one = self.exclusive.lock().unwrap_or_else(PoisonError::into_inner);
        let old = signing(&self.layout, &self.root, None, false)?.signer;
        let new = new_signer(old.verifier().name())?;
        write_signer(&self.layout.next_ledger_key(), &self.root, &new, Some(old.verifier()))?;
        let entry = Entry::rotation((self.options.clock)(), &old, &new.0);
        let verifier = new.0.verifier().clone();
        let rotation = Rotation { entry, signer: new.0, layout: self.layout.clone() };
        self.ask(|reply| Command::Rotate(Box::new(rotation), reply))?;
        *self.verifier.lock().unwrap_or_else(PoisonError::into_inner) = verifier.clone();
        Ok(verifier)
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        self.objects.stop();
        self.writer.close();
        if let Err(error) = self.ask(Command::Stop) {
            tracing::error!(error = &error as &dyn std::error::Error, "the ledger could not be brought up to date at the end");
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Nothing reaches the log when its thread is gone, however that came about: then nothing is acknowledged either.
struct FollowerGuard(Arc<Writer>);

impl Drop for FollowerGuard {
    fn drop(&mut self) {
        self.0.nobody_follows();
    }
}

/// What the folder and its background thread share.
struct Parts {
    subjects: Arc<Subjects>,
    writer: Arc<Writer>,
    directory: Directory,
    objects: Arc<Objects>,
    originals: Arc<Originals>,
}

/// Takes up the log and makes the parts that record into it.
fn assemble(
    layout: &Layout,
    options: &Options,
    root: &RootKey,
    signing: Signing,
    db: &Arc<Database>,
) -> Result<(Parts, Sequencer), StoreError> {
    let sealer = Arc::new(Sealer::new()?);
    let subjects = Subjects::load(root.derive(KeyUse::Index), root.derive(KeyUse::Seal), Arc::clone(&sealer), db)?;
    let subjects = Arc::new(subjects);
    let own = connect(&layout.database(), Duration::from_secs(2))?;
    let start = recover(&FolderReader::new(layout.ledger()), &signing.accepted(), &own)?;
    let flusher = if options.power_loss_safe { Some(Flusher::start()?) } else { None };
    let next = start.position.segment;
    let writer = Writer::open(layout.journal(), options.limits, Arc::clone(&subjects), Arc::clone(&sealer), flusher, next)?;
    let writer = Arc::new(writer);
    let hashed = (root.derive(KeyUse::Objects), options.object_days);
    let objects = Objects::open(&layout.database(), hashed, &subjects, Arc::clone(&sealer), Arc::clone(&options.clock))?;
    let originals = Arc::new(Originals::new(&subjects, &sealer));
    let directory = Directory::open(db, root, sealer)?;
    let published = start.published.then(|| start.tree.size());
    let sequencer = Sequencer {
        writer: Arc::clone(&writer),
        subjects: Arc::clone(&subjects),
        db: own,
        db_path: layout.database(),
        tree: start.tree,
        catch_up: start.catch_up,
        position: start.position,
        publisher: Publisher::new(layout.ledger(), options.checkpoint_copy.clone(), signing.signer, published),
        details: Details::open(&layout.details())?,
        revoked: Arc::clone(&directory.revoked),
        clock: Arc::clone(&options.clock),
        retention_days: options.retention_days,
    };
    Ok((Parts { subjects, writer, directory, objects: Arc::new(objects), originals }, sequencer))
}

/// Reads or makes `DATA/admin.token`: `bza_` and 32 random bytes in base64url.
fn admin_token(layout: &Layout) -> Result<Key, StoreError> {
    let path = layout.admin_token();
    refuse_link(&path)?;
    if let Some(bytes) = read_secret(&path, true)? {
        let text = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().strip_prefix("bza_"));
        let token = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).and_then(|token| token.try_into().ok());
        return token.map(Key::new).ok_or(StoreError::BadKeyFile(path));
    }
    let token = Key::new(random()?);
    create_secret(&path, format!("bza_{}\n", URL_SAFE_NO_PAD.encode(*token)).as_bytes())?;
    Ok(token)
}

/// A wrong root key is refused before anything is sealed with it.
fn check_root_key(db: &Database, root: &RootKey, in_use: Option<PathBuf>) -> Result<(), StoreError> {
    let check = root.derive(KeyUse::Check);
    match (db.setting("root-key-check")?, in_use) {
        (None, Some(path)) => Err(StoreError::NoDatabase(path)),
        (None, None) => db.set_setting("root-key-check", check.as_slice()),
        (Some(known), _) if known == check.as_slice() => Ok(()),
        (Some(_), _) => Err(StoreError::WrongRootKey),
    }
}
