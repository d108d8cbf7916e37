//! What the worker writes and the parent reads: frames of a length and a body. Nothing the worker
//! sends is trusted: a frame that does not parse ends the reading.

use std::io::{Read, Write};

/// One cell's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    Text(&'a str),
    Number(f64),
    Truth(bool),
    /// `YYYY-MM-DD`
    Date(&'a str),
    /// `#N/A` and its like.
    Error(&'a str),
}

pub(crate) const SHEET: u8 = b'S';
pub(crate) const ROW: u8 = b'R';
pub(crate) const FAULT: u8 = b'F';
pub(crate) const END: u8 = b'Z';

/// More than a row of the longest allowed cells never comes.
const FRAME_MAX: u32 = 48 << 20;

pub(crate) fn send(out: &mut impl Write, kind: u8, body: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(body.len() + 1).unwrap_or(u32::MAX);
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&[kind])?;
    out.write_all(body)
}

/// The next frame into `body`; `None` at the end of the stream or when it is no frame.
pub(crate) fn receive(from: &mut impl Read, body: &mut Vec<u8>) -> Option<u8> {
    let mut length = [0; 4];
    from.read_exact(&mut length).ok()?;
    let length = u32::from_le_bytes(length);
    if !(1..=FRAME_MAX).contains(&length) {
        return None;
    }
    let mut kind = [0];
    from.read_exact(&mut kind).ok()?;
    body.clear();
    let read = from.take(u64::from(length - 1)).read_to_end(body).ok()?;
    (read as u64 == u64::from(length - 1)).then_some(kind[0])
}

pub(crate) fn push_cell(body: &mut Vec<u8>, column: u16, cell: Cell<'_>) {
    body.extend(column.to_le_bytes());
    let text = |body: &mut Vec<u8>, kind: u8, text: &str| {
        body.push(kind);
        body.extend(u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
        body.extend(text.as_bytes());
    };
    match cell {
        Cell::Text(t) => text(body, b't', t),
        Cell::Date(t) => text(body, b'd', t),
        Cell::Error(t) => text(body, b'e', t),
        Cell::Number(n) => {
            body.push(b'n');
            body.extend(n.to_le_bytes());
        }
        Cell::Truth(b) => body.extend([b'b', u8::from(b)]),
    }
}

/// A row's cells, borrowed from the frame.
pub(crate) fn cells<'a>(mut body: &'a [u8], out: &mut Vec<(u16, Cell<'a>)>) -> Option<()> {
    fn take<const N: usize>(body: &mut &[u8]) -> Option<[u8; N]> {
        let (head, rest) = body.split_first_chunk::<N>()?;
        *body = rest;
        Some(*head)
    }
    fn text<'a>(body: &mut &'a [u8]) -> Option<&'a str> {
        let length = u32::from_le_bytes(take(body)?) as usize;
        let (text, rest) = body.split_at_checked(length)?;
        *body = rest;
        std::str::from_utf8(text).ok()
    }
    while !body.is_empty() {
        let column = u16::from_le_bytes(take(&mut body)?);
        let [kind] = take(&mut body)?;
        let cell = match kind {
            b't' => Cell::Text(text(&mut body)?),
            b'd' => Cell::Date(text(&mut body)?),
            b'e' => Cell::Error(text(&mut body)?),
            b'n' => Cell::Number(f64::from_le_bytes(take(&mut body)?)),
            b'b' => Cell::Truth(take::<1>(&mut body)? == [1]),
            _ => return None,
        };
        out.push((column, cell));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_go_over_and_back() {
        let sent = [
            (0, Cell::Text("张三")),
            (7, Cell::Number(-1.5)),
            (8, Cell::Truth(true)),
            (255, Cell::Date("2019-12-31")),
            (256, Cell::Error("#N/A")),
        ];
        let mut body = Vec::new();
        sent.iter().for_each(|(column, cell)| push_cell(&mut body, *column, *cell));
        let mut stream = Vec::new();
        send(&mut stream, ROW, &body).unwrap();
        let mut received = Vec::new();
        assert_eq!(receive(&mut stream.as_slice(), &mut received), Some(ROW));
        let mut read = Vec::new();
        assert_eq!(cells(&received, &mut read), Some(()));
        assert_eq!(read, sent);
    }

    proptest! {
        #[test]
        fn anything_may_be_received(stream: Vec<u8>) {
            let mut from = stream.as_slice();
            let mut body = Vec::new();
            while receive(&mut from, &mut body).is_some() {
                let mut read = Vec::new();
                let _ = cells(&body, &mut read);
            }
        }
    }
}
