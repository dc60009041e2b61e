//! Signed reasoning in which something had to be removed. What was removed goes along with the caller, sealed in the placeholder, and is
//! put back when the block comes back: the provider that signed it gets what it signed.
//!
//! `[REMOVED_FROM_SIGNED_EMAIL:…]`: behind the colon, in base64url, who signed it and the value. It opens for the same caller only, and
//! goes to the same provider only. Without a seal (the value's end had not come when it was replaced) a block cannot be put back.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bartizan_vocabulary::{Finding, Label, ProviderName, Role};
use bartizan_wire::Part;
use bartizan_wire::json::{Node, NodeId, Splice, escape_into};
use bartizan_wire::refusal::Reason;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::body::ReadError;
use crate::budget::Reservation;
use crate::edit::TextEdit;
use crate::exchange::Exchange;
use crate::guard::Parsed;
use crate::inspect::{Body, Unit};
use crate::remedy::UnitEdits;

/// How every placeholder in a signed block begins. A provider never sees it, so none writes it by itself.
const REMOVED: &str = "[REMOVED_FROM_SIGNED_";
/// Longer values are not sealed: the placeholder goes back and forth with every turn.
const LONGEST: usize = 4 << 10;
/// Most placeholders of one request that are opened.
const MOST: usize = 1_024;

const ALTERED: &str = "a signed reasoning block was changed on its way to you, and what was removed from it cannot be put back; \
                       send the conversation without that block, or start a new one";

/// Signed blocks of a request that hold placeholders, and what they were.
#[derive(Default)]
pub struct Removed {
    blocks: Vec<NodeId>,
    /// Whether one stands in a turn that is not the model's.
    astray: bool,
    originals: Vec<Original>,
    /// What they take of the budget.
    held: Option<Reservation>,
}

/// One block as its provider signed it.
struct Original {
    node: NodeId,
    text: String,
    /// Where the seals stand in the text that came.
    seals: Vec<Range<usize>>,
}

impl Removed {
    /// The blocks of a request that were changed on their way to the caller.
    pub fn of(body: Body<'_>) -> Self {
        let changed = |part: &&Part| part.signed && body.tape.text(body.bytes, part.node).contains(REMOVED);
        let changed = || body.reading.parts.iter().filter(changed);
        let astray = changed().any(|part| part.role != Role::Assistant);
        Self { blocks: changed().map(|part| part.node).collect(), astray, ..Self::default() }
    }

    /// Whether anything has to be put back.
    pub fn is_none(&self) -> bool {
        self.blocks.is_empty()
    }

    /// What a seal looks like by chance is no finding.
    pub fn silence(&self, body: Body<'_>, units: &mut [Unit]) {
        if self.originals.is_empty() {
            return;
        }
        let seals: HashMap<NodeId, &[Range<usize>]> = self.originals.iter().map(|one| (one.node, one.seals.as_slice())).collect();
        for unit in units {
            let parts = body.parts(unit);
            if !parts.iter().any(|part| seals.contains_key(&part.node)) {
                continue;
            }
            let (mut at, mut within) = (0, Vec::new());
            for part in parts {
                within.extend(seals.get(&part.node).into_iter().flat_map(|seals| seals.iter()).map(|seal| seal.start + at..seal.end + at));
                at += body.tape.text(body.bytes, part.node).len();
            }
            let stands_within = |finding: &Finding| {
                let next = within.partition_point(|seal| seal.end <= finding.start);
                within.get(next).is_some_and(|seal| seal.start <= finding.start && finding.end <= seal.end)
            };
            if unit.scan.findings.iter().chain(&unit.scan.below).any(stands_within) {
                let scan = Arc::make_mut(&mut unit.scan);
                scan.findings.retain(|finding| !stands_within(finding));
                scan.below.retain(|finding| !stands_within(finding));
            }
        }
    }

    /// The edits that put everything back.
    pub fn splices<'a>(&'a self, body: Body<'a>) -> impl Iterator<Item = Splice> + 'a {
        self.originals.iter().filter_map(move |original| {
            let range = body.tape.node(original.node).map(Node::inner)?;
            let mut with = Vec::with_capacity(original.text.len());
            escape_into(&original.text, &mut with);
            Some(Splice { range, with })
        })
    }
}

/// Stands in a signed part where something was removed.
pub fn removed_from_signed(label: &Label) -> String {
    bartizan_detect::placeholder(label).replacen("[REDACTED_", REMOVED, 1)
}

/// A placeholder of which only a part may be left, or that stands for more than what is sealed in it.
pub fn unsealed(placeholder: String) -> String {
    match placeholder.split_once(':') {
        Some((before, _)) if placeholder.starts_with(REMOVED) => format!("{before}]"),
        _ => placeholder,
    }
}

impl Exchange {
    /// What stands in a signed part in the place of a value. Without the value, because its end has not come, nothing is sealed.
    pub(crate) fn removed(&self, label: &Label, value: Option<&str>) -> String {
        let plain = removed_from_signed(label);
        value.and_then(|value| self.sealed(&plain, value)).unwrap_or(plain)
    }

    fn sealed(&self, plain: &str, value: &str) -> Option<String> {
        let (originals, provider) = (self.gate.wiring.originals.as_ref()?, self.provider.as_ref()?.as_str());
        let before = plain.strip_suffix(']').filter(|_| value.len() <= LONGEST)?;
        let mut inside = Vec::with_capacity(1 + provider.len() + value.len());
        inside.push(u8::try_from(provider.len()).ok()?);
        inside.extend_from_slice(provider.as_bytes());
        inside.extend_from_slice(value.as_bytes());
        let sealed = originals.seal(&self.principal.id, self.since(), &inside)?;
        Some(format!("{before}:{}]", URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Seals what is removed from the signed parts of a whole answer. Values that reach over two parts are not sealed.
    pub(crate) fn seal_removed(&self, body: Body<'_>, units: &[Unit], all: &mut [UnitEdits]) {
        for edits in all {
            let Some(unit) = units.get(edits.unit) else { continue };
            let parts = body.parts(unit);
            if !parts.iter().any(|part| part.signed) {
                continue;
            }
            let mut parts = parts.iter();
            let (mut at, mut part, mut text) = (0, None, Cow::Borrowed(""));
            for TextEdit { start, end, with } in &mut edits.edits {
                while *start >= at + text.len() {
                    at += text.len();
                    part = parts.next();
                    let Some(part) = part else { break };
                    text = body.tape.text(body.bytes, part.node);
                }
                let value = start.checked_sub(at).zip(end.checked_sub(at)).and_then(|(start, end)| text.get(start..end));
                let is_signed = part.is_some_and(|part| part.signed) && with.starts_with(REMOVED);
                if let Some(sealed) = value.filter(|_| is_signed).and_then(|value| self.sealed(with, value)) {
                    *with = sealed;
                }
            }
        }
    }

    /// One placeholder: who signed the block, and the value.
    fn opened(&self, seal: &str) -> Option<(ProviderName, String)> {
        let sealed = URL_SAFE_NO_PAD.decode(seal).ok()?;
        let opened = self.gate.wiring.originals.as_ref()?.open(&self.principal.id, &sealed)?;
        let (length, rest) = opened.reveal().split_first()?;
        let (provider, value) = rest.split_at_checked(usize::from(*length))?;
        let provider = ProviderName::new(std::str::from_utf8(provider).ok()?);
        Some((provider, String::from_utf8(value.to_vec()).ok()?))
    }

    /// A block as it was signed, and by whom. `left`: placeholders that may still be opened.
    fn original(&self, node: NodeId, text: &str, left: &mut usize) -> Option<(Original, ProviderName)> {
        let (mut original, mut seals, mut signer, mut rest) = (String::with_capacity(text.len()), Vec::new(), None, 0);
        while let Some(found) = text.get(rest..).and_then(|rest| rest.find(REMOVED)) {
            *left = left.checked_sub(1)?;
            let begin = rest + found;
            let (word, _) = text.get(begin..)?.split_once(']')?;
            let (_, seal) = word.split_once(':')?;
            let (provider, value) = self.opened(seal)?;
            if signer.get_or_insert_with(|| provider.clone()) != &provider {
                return None;
            }
            original.push_str(text.get(rest..begin)?);
            original.push_str(&value);
            seals.push(begin..begin + word.len() + 1);
            rest = begin + word.len() + 1;
        }
        original.push_str(text.get(rest..)?);
        Some((Original { node, text: original, seals }, signer?))
    }

    /// Looks up what was removed from signed blocks that come back. Gives the only provider to which the request may go.
    ///
    /// # Errors
    /// Reason and sentence, when a block cannot be put back whole: an altered one is never sent.
    pub(crate) fn put_back(&self, parsed: &mut Parsed) -> Result<Option<usize>, (Reason, String)> {
        if parsed.removed.is_none() {
            return Ok(None);
        }
        let altered = || (Reason::BadRequest, ALTERED.to_owned());
        // The model alone signs. A provider reads what others say, whatever signature stands beside it.
        if parsed.removed.astray {
            return Err(altered());
        }
        let mut held = self.gate.budget.open();
        let (mut signer, mut left) = (None, MOST);
        for node in std::mem::take(&mut parsed.removed.blocks) {
            let text = parsed.tape.text(&parsed.bytes, node);
            // Once as a text, once escaped. No seal is shorter than what it holds.
            if !held.grow(text.len().saturating_mul(2)) {
                return Err((Reason::Busy, ReadError::Busy.to_string()));
            }
            let (original, provider) = self.original(node, &text, &mut left).ok_or_else(altered)?;
            if signer.get_or_insert_with(|| provider.clone()) != &provider {
                return Err((
                    Reason::BadRequest,
                    "the request holds reasoning that different providers signed; send what one of them signed".to_owned(),
                ));
            }
            parsed.removed.blocks.push(node);
            parsed.removed.originals.push(original);
        }
        parsed.removed.held = Some(held);
        let at = self.live.settings.providers.iter().position(|provider| signer.as_ref() == Some(&provider.name));
        at.map(Some).ok_or_else(altered)
    }
}
