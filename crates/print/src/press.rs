//! A template and its data become pages. One paper is set at a time, and what the setting kept in
//! mind is dropped afterwards: it would otherwise grow with every paper.

use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;
use typst::diag::{FileError, FileResult, SourceDiagnostic, SourceResult};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_kit::fonts::FontStore;
use typst_layout::PagedDocument;
use typst_pdf::PdfOptions;

use crate::fonts;

/// A paper that could not be set: ours to mend.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("the template {template} does not set: {reason}")]
    Template { template: &'static str, reason: String },
    #[error("the parts of a paper could not be joined: {0}")]
    Join(#[from] lopdf::Error),
    #[error("a part could not be kept: {0}")]
    Io(#[from] std::io::Error),
}

/// Stands in print for a letter that no font has.
const UNPRINTED: char = '〓';

/// A paper ready for the press.
pub struct Paper {
    pub(crate) template: &'static str,
    pub(crate) source: &'static str,
    pub(crate) data: Value,
    /// With a structure for those who have it read out: for what is public and not long.
    pub(crate) is_tagged: bool,
    /// Official faces by name, where the system has them.
    pub(crate) asks_system_fonts: bool,
}

/// A template by its name: `templates/NAME.typ`.
macro_rules! paper {
    ($name:literal, $data:expr) => {
        $crate::press::Paper {
            template: $name,
            source: include_str!(concat!("../templates/", $name, ".typ")),
            data: $data,
            is_tagged: false,
            asks_system_fonts: false,
        }
    };
}
pub(crate) use paper;

impl Paper {
    pub(crate) fn tagged(self) -> Paper {
        Paper { is_tagged: true, ..self }
    }
    pub(crate) fn with_official_fonts(self) -> Paper {
        Paper { asks_system_fonts: true, ..self }
    }

    /// The paper as PDF, with its fonts inside.
    pub fn pdf(mut self) -> Result<Vec<u8>, Fault> {
        let mut store =
            if self.asks_system_fonts { fonts::with_system() } else { fonts::shipped() };
        let mut lacking = letters_lacking(&self.data, store);
        if !lacking.is_empty() {
            store = fonts::with_system();
            lacking.retain(|letter| !fonts::has(store, *letter));
        }
        replace(&mut self.data, &lacking);
        let names = lacking.iter().map(|letter| format!("U+{:04X}", u32::from(*letter)));
        self.data["unprinted"] = names.collect::<Vec<_>>().into();
        let desk = Desk::lay(&self, store);
        // The setting uses every core it finds; two at once would only take twice the memory.
        static PRESS: Mutex<()> = Mutex::new(());
        let _turn = PRESS.lock().unwrap_or_else(PoisonError::into_inner);
        let set = typst::compile::<PagedDocument>(&desk).output.and_then(|document| {
            let options = PdfOptions {
                creator: Smart::Custom(Some("Siji".into())),
                tagged: self.is_tagged,
                ..PdfOptions::default()
            };
            typst_pdf::pdf(&document, &options)
        });
        comemo::evict(0);
        told(self.template, set)
    }
}

fn told(template: &'static str, set: SourceResult<Vec<u8>>) -> Result<Vec<u8>, Fault> {
    set.map_err(|errors| {
        let line = |error: &SourceDiagnostic| error.message.to_string();
        let reason = errors.iter().map(line).collect::<Vec<_>>().join("; ");
        Fault::Template { template, reason }
    })
}

/// The letters in the data that no font of the store has, each once.
fn letters_lacking(data: &Value, store: &FontStore) -> Vec<char> {
    let mut letters = Vec::new();
    each_text(data, &mut |text| letters.extend(text.chars().filter(|c| !c.is_ascii())));
    letters.sort_unstable();
    letters.dedup();
    letters.retain(|letter| !letter.is_whitespace() && !fonts::has(store, *letter));
    letters
}

fn each_text(data: &Value, see: &mut impl FnMut(&str)) {
    match data {
        Value::String(text) => see(text),
        Value::Array(values) => values.iter().for_each(|value| each_text(value, see)),
        Value::Object(fields) => fields.values().for_each(|value| each_text(value, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn replace(data: &mut Value, lacking: &[char]) {
    if lacking.is_empty() {
        return;
    }
    match data {
        Value::String(text) => *text = text.replace(lacking, &UNPRINTED.to_string()),
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, lacking)),
        Value::Object(fields) => fields.values_mut().for_each(|value| replace(value, lacking)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// All that a template can see.
struct Desk {
    main: Source,
    common: Source,
    data: (FileId, Bytes),
    fonts: &'static FontStore,
}

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

fn file(name: &str) -> FileId {
    let path = VirtualPath::new(name).expect("the names of templates are plain");
    RootedPath::new(VirtualRoot::Project, path).intern()
}

impl Desk {
    fn lay(paper: &Paper, fonts: &'static FontStore) -> Desk {
        let common = include_str!("../templates/common.typ");
        Desk {
            main: Source::new(file("/paper.typ"), paper.source.to_owned()),
            common: Source::new(file("/common.typ"), common.to_owned()),
            data: (file("/data.json"), Bytes::from_string(paper.data.to_string())),
            fonts,
        }
    }
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }
    fn book(&self) -> &LazyHash<FontBook> {
        self.fonts.book()
    }
    fn main(&self) -> FileId {
        self.main.id()
    }
    fn source(&self, id: FileId) -> FileResult<Source> {
        let known = [&self.main, &self.common].into_iter().find(|source| source.id() == id);
        known.cloned().ok_or(FileError::AccessDenied)
    }
    fn file(&self, id: FileId) -> FileResult<Bytes> {
        (id == self.data.0).then(|| self.data.1.clone()).ok_or(FileError::AccessDenied)
    }
    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.font(index)
    }
    /// A template has no clock: the day stands in its data.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
