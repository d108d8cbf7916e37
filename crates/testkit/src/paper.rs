//! A PDF as whoever searches it has it: its words, and everything that is packed in it.

use lopdf::{Dictionary, Document, Object};

/// The words of the pages, as somebody would copy them out.
pub fn words(pdf: &[u8]) -> String {
    let document = Document::load_mem(pdf).expect("a PDF");
    let pages: Vec<u32> = document.get_pages().into_keys().collect();
    document.extract_text(&pages).expect("text")
}

/// The words of the pages, then the file as it lies there, every text of every object (titles,
/// authors, what is read out), and every stream unpacked (metadata, attachments). Only the programs
/// of fonts are left out: they hold shapes.
pub fn everything(pdf: &[u8]) -> String {
    let document = Document::load_mem(pdf).expect("a PDF");
    let mut all = words(pdf);
    all.push('\n');
    all.push_str(&String::from_utf8_lossy(pdf));
    let fonts: Vec<_> = document.objects.values().filter_map(font_program).collect();
    collect(&Object::Dictionary(document.trailer.clone()), &mut all);
    for (_, object) in document.objects.iter().filter(|(id, _)| !fonts.contains(id)) {
        collect(object, &mut all);
    }
    all
}

fn font_program(object: &Object) -> Option<lopdf::ObjectId> {
    let font: &Dictionary = object.as_dict().ok()?;
    font.get(b"FontFile3").ok()?.as_reference().ok()
}

fn collect(object: &Object, all: &mut String) {
    match object {
        Object::String(bytes, _) => {
            all.push('\n');
            all.push_str(&text(bytes));
        }
        Object::Name(name) => {
            all.push('\n');
            all.push_str(&String::from_utf8_lossy(name));
        }
        Object::Array(objects) => objects.iter().for_each(|object| collect(object, all)),
        Object::Dictionary(fields) => collect_fields(fields, all),
        Object::Stream(stream) => {
            collect_fields(&stream.dict, all);
            let unpacked = stream.decompressed_content();
            all.push('\n');
            all.push_str(&String::from_utf8_lossy(unpacked.as_ref().unwrap_or(&stream.content)));
        }
        _ => {}
    }
}

fn collect_fields(fields: &Dictionary, all: &mut String) {
    for (name, object) in fields {
        all.push('\n');
        all.push_str(&String::from_utf8_lossy(name));
        collect(object, all);
    }
}

/// A text of a PDF is UTF-16 behind a mark, or bytes.
fn text(bytes: &[u8]) -> String {
    match bytes {
        [0xFE, 0xFF, rest @ ..] => {
            let units = rest.chunks(2).map(|pair| {
                u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()])
            });
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}
