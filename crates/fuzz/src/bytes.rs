//! Bytes taken as choices: how a fuzzer writes a workbook or a day's commands. When they are used up,
//! every choice is the first one.

pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub fn new(bytes: &'a [u8]) -> Bytes<'a> {
        Bytes(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// From nought to below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n.max(1)
    }

    pub fn truth(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub fn pick<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }

    /// Eight bytes as they come.
    pub fn word(&mut self) -> u64 {
        (0..8).fold(0, |word, _| word << 8 | u64::from(self.byte()))
    }

    /// Mostly small, now and then at an edge.
    pub fn number(&mut self) -> i64 {
        match self.byte() {
            small @ 0..200 => i64::from(small),
            200..220 => -i64::from(self.byte()),
            220..230 => i64::MAX,
            230..236 => i64::MIN,
            236..246 => 1 << self.below(63),
            _ => self.word().cast_signed(),
        }
    }

    /// A length, then that much text; what is no UTF-8 becomes the mark for it.
    pub fn text(&mut self) -> String {
        let length = usize::from(self.byte()).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}
