//! Collections by indentation.

use super::{Event, Events, State, empty};
use crate::yaml::scan::{Result, What};

impl<'t> Events<'t> {
    pub(super) fn block_seq_entry(&mut self) -> Result<Event<'t>> {
        match self.what()? {
            What::BlockEntry => {
                let end = self.skip()?;
                if matches!(self.what()?, What::BlockEntry | What::BlockEnd) {
                    self.state = State::BlockSeqEntry;
                    return Ok(empty(end));
                }
                self.outer.push(State::BlockSeqEntry);
                self.node(true, false)
            }
            What::BlockEnd => self.close(Event::SeqEnd),
            _ => self.outside("an item that begins with `- ` is expected, in the column of the list's other items"),
        }
    }

    pub(super) fn indentless_seq_entry(&mut self) -> Result<Event<'t>> {
        if !matches!(self.what()?, What::BlockEntry) {
            self.pop();
            return Ok(Event::SeqEnd);
        }
        let end = self.skip()?;
        if matches!(self.what()?, What::BlockEntry | What::Key | What::Value | What::BlockEnd) {
            self.state = State::IndentlessSeqEntry;
            return Ok(empty(end));
        }
        self.outer.push(State::IndentlessSeqEntry);
        self.node(true, false)
    }

    pub(super) fn block_map_key(&mut self) -> Result<Event<'t>> {
        match self.what()? {
            What::Key => {
                let start = self.mark()?;
                self.skip()?;
                if matches!(self.what()?, What::Key | What::Value | What::BlockEnd) {
                    self.state = State::BlockMapValue;
                    return Ok(empty(start.right(1)));
                }
                self.outer.push(State::BlockMapValue);
                self.node(true, true)
            }
            What::BlockEnd => self.close(Event::MapEnd),
            _ => self.outside("a key is expected, in the column of the mapping's other keys"),
        }
    }

    pub(super) fn block_map_value(&mut self) -> Result<Event<'t>> {
        let mut mark = self.mark()?;
        if matches!(self.what()?, What::Value) {
            mark = self.skip()?;
            if !matches!(self.what()?, What::Key | What::Value | What::BlockEnd) {
                self.outer.push(State::BlockMapKey);
                return self.node(true, true);
            }
        }
        self.state = State::BlockMapKey;
        Ok(empty(mark))
    }
}
