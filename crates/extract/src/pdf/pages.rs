//! Pages: those of the tree in their order, then those that no tree holds.

use crate::model::{Limit, Reason};
use crate::pdf::content::{Reader, Shared};
use crate::pdf::file::File;
use crate::pdf::object::{Dict, Object};
use crate::sink::Sink;

/// Steps up to a parent that may hold resources.
const MAX_PARENTS: usize = 32;

pub fn read(file: &File<'_>, shared: &mut Shared, sink: &mut Sink<'_>) {
    let mut seen = vec![false; file.objects.len()];
    let mut pages = in_tree(file, &mut seen, &mut shared.work);
    let numbered = pages.len();
    // Pages of earlier revisions and those taken out of the tree are in the file all the same.
    pages.extend(file.objects.iter().enumerate().filter(|(index, it)| it.is("Page") && seen.get(*index) == Some(&false)).map(|it| it.0));
    for (at, index) in pages.iter().enumerate() {
        if at >= sink.limits.pdf_pages {
            sink.unread("document", Reason::Limit(Limit::Pages));
            return;
        }
        let Some(stored) = file.objects.get(*index) else { continue };
        let place = if at < numbered { format!("page {}", at + 1) } else { format!("page in object {}", stored.number) };
        if let Some(dict) = stored.object.dict() {
            page(dict, (&place, at < numbered), file, shared, sink);
        }
        if sink.is_full() {
            return;
        }
    }
}

/// The pages of the tree, left to right. A loop ends where it comes back.
fn in_tree(file: &File<'_>, seen: &mut [bool], work: &mut usize) -> Vec<usize> {
    let mut pages = Vec::new();
    let root = file.trailers.iter().rev().find_map(|it| file.get(it, "Root")).and_then(Object::dict);
    let root = root.or_else(|| file.objects.iter().rev().find(|it| it.is("Catalog")).and_then(|it| it.object.dict()));
    let mut open: Vec<&Object> = root.and_then(|it| it.get(b"Pages".as_slice())).into_iter().collect();
    while let Some(node) = open.pop() {
        let Object::Ref(number) = node else { continue };
        let Some(index) = file.index_of(*number) else { continue };
        let Some(slot) = seen.get_mut(index).filter(|it| !**it) else { continue };
        *slot = true;
        let Some(dict) = file.objects.get(index).and_then(|it| it.object.dict()) else { continue };
        match file.get(dict, "Kids").and_then(Object::array) {
            // Many nodes may share one list. What is left out here comes with the pages of no tree.
            Some(kids) if *work > kids.len() => {
                *work -= kids.len();
                open.extend(kids.iter().rev());
            }
            Some(_) => {}
            None => pages.push(index),
        }
    }
    pages
}

fn page(dict: &Dict, (place, shown): (&str, bool), file: &File<'_>, shared: &mut Shared, sink: &mut Sink<'_>) {
    let contents: Vec<&Object> = match dict.get(b"Contents".as_slice()) {
        Some(Object::Array(array)) => array.iter().collect(),
        Some(one) => match file.resolve(one) {
            Some(Object::Array(array)) => array.iter().collect(),
            _ => vec![one],
        },
        None => Vec::new(),
    };
    let mut reader = Reader::new(file, shared, place);
    reader.shown = shown;
    let mut content = Vec::new();
    for part in contents {
        let Object::Ref(number) = part else { continue };
        let Some(index) = file.index_of(*number) else { continue };
        // A word may not go on in the next stream, a text object may.
        let part = reader.content(index, sink);
        content.extend_from_slice(&part);
        content.push(b'\n');
        reader.shared.work = reader.shared.work.saturating_sub(16);
        if content.len() > reader.shared.work {
            sink.unread(place, Reason::Limit(Limit::Work));
            break;
        }
    }
    reader.run(&content, resources(dict, file), sink);
    reader.finish(sink);
}

/// The resources of a page or of the nearest of its parents.
fn resources<'f>(dict: &'f Dict, file: &'f File<'_>) -> Option<&'f Dict> {
    let mut dict = dict;
    for _ in 0..MAX_PARENTS {
        if let Some(resources) = file.get(dict, "Resources").and_then(Object::dict) {
            return Some(resources);
        }
        dict = file.get(dict, "Parent").and_then(Object::dict)?;
    }
    None
}

/// Resources for a content stream that nobody names: those of the last page.
pub fn any_resources<'f>(file: &'f File<'_>) -> Option<&'f Dict> {
    file.objects.iter().rev().filter(|it| it.is("Page")).find_map(|it| resources(it.object.dict()?, file))
}
