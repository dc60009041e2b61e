//! Which room may depend on which. The table is the one of `ARCHITECTURE.md`.

use super::{Package, Problem};

/// A room of the house.
struct Room {
    name: &'static str,
    ring: u8,
    may: May,
}

/// Which rooms of ours a room may use in what it ships.
enum May {
    /// These, and no others.
    Only(&'static [&'static str]),
    /// Everything in rings 0 and 1.
    PureRings,
    /// Everything.
    All,
}

const fn room(name: &'static str, ring: u8, may: May) -> Room {
    Room { name, ring, may }
}

const VOCABULARY: &[&str] = &["vocabulary"];
const GATEWAY: &[&str] = &["vocabulary", "wire", "extract", "detect", "policy", "identity", "ledger", "respond"];

const ROOMS: &[Room] = &[
    room("vocabulary", 0, May::Only(&[])),
    room("wire", 1, May::Only(VOCABULARY)),
    room("extract", 1, May::Only(VOCABULARY)),
    room("detect", 1, May::Only(VOCABULARY)),
    room("policy", 1, May::Only(VOCABULARY)),
    room("identity", 1, May::Only(VOCABULARY)),
    room("ledger", 1, May::Only(VOCABULARY)),
    room("respond", 1, May::Only(VOCABULARY)),
    room("discover", 1, May::Only(VOCABULARY)),
    room("artifact", 1, May::Only(VOCABULARY)),
    room("monitor", 1, May::Only(VOCABULARY)),
    room("assess", 1, May::Only(&["vocabulary", "wire", "detect"])),
    room("comply", 1, May::Only(VOCABULARY)),
    room("encoder", 2, May::Only(&[])),
    room("store", 2, May::PureRings),
    room("gateway", 2, May::Only(GATEWAY)),
    room("console", 2, May::PureRings),
    room("bartizan", 3, May::All),
    room("testkit", 3, May::Only(VOCABULARY)),
    room("xtask", 3, May::All),
];

/// Outside crates that a room of ring 1 must not ship: they do I/O, or bring a runtime.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "futures-executor",
    "hyper",
    "hyper-util",
    "mio",
    "reqwest",
    "rusqlite",
    "smol",
    "socket2",
    "sqlx",
    "tempfile",
    "tokio",
    "tokio-postgres",
    "tokio-rustls",
    "tower-http",
    "tracing-subscriber",
    "ureq",
];

/// All that ring 0 may use from outside.
const RING_0_OUTSIDE: &[&str] = &["serde", "thiserror"];

/// Where `anyhow` is allowed: at the edges, where an error is shown and not handled.
const ANYHOW: &[&str] = &["bartizan", "xtask", "testkit"];

/// Checks every arrow that leaves a crate.
pub fn check(package: &Package, problems: &mut Vec<Problem>) {
    let Some(room) = find(&package.name) else {
        let message =
            format!("`{}` is not a room of the table in xtask/src/tidy/rings.rs; add it there and in ARCHITECTURE.md", package.name);
        problems.push(Problem { file: package.manifest.clone(), line: package.line_of("name"), message });
        return;
    };
    for dependency in &package.dependencies {
        let target = dependency.path.as_ref().and_then(|_| find(&dependency.name));
        let complaint = match target {
            Some(target) => inner_arrow(room, target, dependency.for_tests()),
            None => outer_arrow(room, &dependency.name, dependency.for_tests()),
        };
        if let Some(message) = complaint {
            problems.push(Problem { file: package.manifest.clone(), line: package.line_of(&dependency.name), message });
        }
    }
}

/// Whether this is a room of ring 1, which must be pure.
pub fn is_pure(package: &Package) -> bool {
    find(&package.name).is_some_and(|room| room.ring == 1)
}

/// Name of the room that a package is: `detect` for `bartizan-detect`.
pub fn room_name(package: &str) -> &str {
    package.strip_prefix("bartizan-").unwrap_or(package)
}

fn find(package: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == room_name(package))
}

fn inner_arrow(from: &Room, to: &Room, for_tests: bool) -> Option<String> {
    if for_tests {
        let allowed = to.name == "testkit" || to.ring <= from.ring;
        return (!allowed)
            .then(|| format!("`{}` must not test with `{}`, which is in a ring further out; use the testkit", from.name, to.name));
    }
    if to.name == "testkit" {
        return Some("the testkit is never shipped; make it a dev-dependency".to_owned());
    }
    let allowed = match from.may {
        May::Only(rooms) => rooms.contains(&to.name),
        May::PureRings => to.ring <= 1,
        May::All => true,
    };
    (!allowed).then(|| {
        format!("`{}` must not depend on `{}`; declare a trait where it is needed, or pass the data in from the binary", from.name, to.name)
    })
}

fn outer_arrow(from: &Room, name: &str, for_tests: bool) -> Option<String> {
    if for_tests {
        return None;
    }
    if from.ring == 0 && !RING_0_OUTSIDE.contains(&name) {
        return Some(format!("ring 0 uses only {} from outside; move what needs `{name}` to ring 1", RING_0_OUTSIDE.join(" and ")));
    }
    if from.ring == 1 && IMPURE.contains(&name) {
        return Some(format!("`{}` is in ring 1 and must be pure; move what needs `{name}` to ring 2 behind a trait", from.name));
    }
    let anyhow = name == "anyhow" && !ANYHOW.contains(&from.name);
    anyhow.then(|| "`anyhow` is for the binary and the tools; give this crate one `thiserror` enum".to_owned())
}
