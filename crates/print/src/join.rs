//! Long papers are set in parts, and the parts are written one after another into one file: what the
//! setting of ten thousand cards at once would keep in mind fits no small machine, and whoever waits
//! for the file sees it grow.

use std::io::{self, Write};

use lopdf::{Dictionary, Document, Object, ObjectId, Stream};

use crate::Fault;

/// A PDF made of the pages of several (ISO 32000-1, 7.5: body, cross-reference table, trailer).
pub struct Joined<W> {
    out: W,
    written: u64,
    /// Where each object stands in the file; object 1 is the tree of pages, 2 the catalog.
    offsets: Vec<u64>,
    pages: Vec<ObjectId>,
}

const TREE: u32 = 1;
const CATALOG: u32 = 2;

impl<W: Write> Joined<W> {
    pub fn new(out: W) -> Result<Joined<W>, Fault> {
        let mut joined = Joined { out, written: 0, offsets: vec![0; 2], pages: Vec::new() };
        // The second line tells whoever carries the file that it is not text.
        joined.put(b"%PDF-1.7\n%\xe5\xad\x97\n")?;
        Ok(joined)
    }

    /// Writes the pages of a part and all they need.
    pub fn add(&mut self, part: &[u8]) -> Result<(), Fault> {
        let mut part = Document::load_mem(part)?;
        let first = u32::try_from(self.offsets.len() + 1).unwrap_or(u32::MAX);
        part.renumber_objects_with(first);
        for id in part.get_pages().into_values() {
            let mut page = part.get_dictionary(id)?.clone();
            inherit(&part, &mut page);
            page.set("Parent", (TREE, 0));
            part.objects.insert(id, Object::Dictionary(page));
            self.pages.push(id);
        }
        let last = part.objects.keys().map(|id| id.0).max().unwrap_or(0);
        self.offsets.resize(last as usize, 0);
        for (id, object) in part.objects.iter().filter(|(_, object)| !is_frame(object)) {
            self.object(id.0, object)?;
        }
        self.out.flush()?;
        Ok(())
    }

    /// Writes what holds the pages together; answers how many there are.
    pub fn finish(mut self) -> Result<usize, Fault> {
        let kids: Vec<Object> = self.pages.iter().map(|id| Object::Reference(*id)).collect();
        let count = kids.len();
        let mut tree = Dictionary::new();
        tree.set("Type", "Pages");
        tree.set("Count", i64::try_from(count).unwrap_or(i64::MAX));
        tree.set("Kids", kids);
        self.object(TREE, &Object::Dictionary(tree))?;
        let mut catalog = Dictionary::new();
        catalog.set("Type", "Catalog");
        catalog.set("Pages", (TREE, 0));
        self.object(CATALOG, &Object::Dictionary(catalog))?;
        let (table, size) = (self.written, self.offsets.len() + 1);
        self.put(format!("xref\n0 {size}\n0000000000 65535 f\r\n").as_bytes())?;
        for offset in std::mem::take(&mut self.offsets) {
            let kind = if offset == 0 { 'f' } else { 'n' };
            self.put(format!("{offset:010} 00000 {kind}\r\n").as_bytes())?;
        }
        let trailer = format!("trailer\n<</Size {size}/Root {CATALOG} 0 R>>\nstartxref\n{table}\n");
        self.put(trailer.as_bytes())?;
        self.put(b"%%EOF\n")?;
        self.out.flush()?;
        Ok(count)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn object(&mut self, number: u32, object: &Object) -> io::Result<()> {
        if let Some(offset) = self.offsets.get_mut(number as usize - 1) {
            *offset = self.written;
        }
        let mut bytes = format!("{number} 0 obj\n").into_bytes();
        write(&mut bytes, object)?;
        bytes.extend_from_slice(b"\nendobj\n");
        self.put(&bytes)
    }
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

/// Catalogs, page trees and tables of the parts are not the whole's.
fn is_frame(object: &Object) -> bool {
    let dict = match object {
        Object::Stream(stream) => &stream.dict,
        Object::Dictionary(dict) => dict,
        _ => return false,
    };
    let frames = [b"Catalog".as_slice(), b"Pages", b"ObjStm", b"XRef"];
    dict.get_type().is_ok_and(|kind| frames.contains(&kind))
}

/// An object as the file has it (7.3). Strings in hex: nothing in them needs care then.
fn write(out: &mut Vec<u8>, object: &Object) -> io::Result<()> {
    match object {
        Object::Null => out.write_all(b"null"),
        Object::Boolean(value) => write!(out, "{value}"),
        Object::Integer(value) => write!(out, "{value}"),
        Object::Real(value) => write!(out, "{value}"),
        Object::Name(name) => write_name(out, name),
        Object::String(bytes, _) => write!(out, "<{}>", domain::posting::body::hex(bytes)),
        Object::Reference((number, generation)) => write!(out, "{number} {generation} R"),
        Object::Array(values) => {
            out.push(b'[');
            for value in values {
                write(out, value)?;
                out.push(b' ');
            }
            out.push(b']');
            Ok(())
        }
        Object::Dictionary(dict) => write_dictionary(out, dict),
        Object::Stream(stream) => write_stream(out, stream),
    }
}

fn write_dictionary(out: &mut Vec<u8>, dict: &Dictionary) -> io::Result<()> {
    out.extend_from_slice(b"<<");
    for (name, value) in dict.iter() {
        write_name(out, name)?;
        out.push(b' ');
        write(out, value)?;
    }
    out.extend_from_slice(b">>");
    Ok(())
}

fn write_stream(out: &mut Vec<u8>, stream: &Stream) -> io::Result<()> {
    let mut dict = stream.dict.clone();
    dict.set("Length", i64::try_from(stream.content.len()).unwrap_or(i64::MAX));
    write_dictionary(out, &dict)?;
    out.extend_from_slice(b"stream\n");
    out.extend_from_slice(&stream.content);
    out.extend_from_slice(b"\nendstream");
    Ok(())
}

fn write_name(out: &mut Vec<u8>, name: &[u8]) -> io::Result<()> {
    out.push(b'/');
    for byte in name {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'+' => out.push(*byte),
            other => write!(out, "#{other:02x}")?,
        }
    }
    Ok(())
}
