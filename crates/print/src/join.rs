//! Long papers are set in parts and joined: what the setting of ten thousand cards at once would
//! keep in mind fits no small machine.

use std::collections::BTreeMap;

use lopdf::{Dictionary, Document, Object, ObjectId};

use crate::Fault;

/// A paper made of several.
pub struct Joined {
    pub bytes: Vec<u8>,
    pub pages: usize,
}

/// The pages of all the parts, one after another.
pub fn join(parts: impl IntoIterator<Item = Vec<u8>>) -> Result<Joined, Fault> {
    let mut whole = Document::with_version("1.7");
    let root: ObjectId = whole.new_object_id();
    let mut kids = Vec::new();
    for part in parts {
        let mut part = Document::load_mem(&part)?;
        part.renumber_objects_with(whole.max_id + 1);
        whole.max_id = part.max_id;
        let pages: Vec<ObjectId> = part.get_pages().into_values().collect();
        for id in pages {
            let mut page = part.get_dictionary(id)?.clone();
            inherit(&part, &mut page);
            page.set("Parent", root);
            part.objects.insert(id, Object::Dictionary(page));
            kids.push(Object::Reference(id));
        }
        whole.objects.extend(without_frame(part.objects));
    }
    let pages = kids.len();
    let count = i64::try_from(pages).unwrap_or(i64::MAX);
    let mut tree = Dictionary::new();
    tree.set("Type", "Pages");
    tree.set("Count", count);
    tree.set("Kids", kids);
    whole.objects.insert(root, Object::Dictionary(tree));
    let mut catalog = Dictionary::new();
    catalog.set("Type", "Catalog");
    catalog.set("Pages", root);
    let catalog = whole.add_object(catalog);
    whole.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    whole.save_to(&mut bytes)?;
    Ok(Joined { bytes, pages })
}

/// What a page had from the tree it is taken out of.
fn inherit(part: &Document, page: &mut Dictionary) {
    let mut above = page.get(b"Parent").and_then(Object::as_reference).ok();
    while let Some(node) = above.and_then(|id| part.get_dictionary(id).ok()) {
        for name in [b"Resources".as_slice(), b"MediaBox", b"CropBox", b"Rotate"] {
            if let (false, Ok(value)) = (page.has(name), node.get(name)) {
                page.set(name, value.clone());
            }
        }
        above = node.get(b"Parent").and_then(Object::as_reference).ok();
    }
}

/// Catalogs and page trees of the parts are not the whole's.
fn without_frame(objects: BTreeMap<ObjectId, Object>) -> impl Iterator<Item = (ObjectId, Object)> {
    objects.into_iter().filter(|(_, object)| {
        let kind = object.as_dict().and_then(|dict| dict.get_type());
        !kind
            .is_ok_and(|kind| [b"Catalog".as_slice(), b"Pages", b"ObjStm", b"XRef"].contains(&kind))
    })
}
