//! Collections in brackets and braces.

use super::{Event, Events, State, empty};
use crate::yaml::scan::{Result, What};

impl<'t> Events<'t> {
    pub(super) fn flow_seq_entry(&mut self, first: bool) -> Result<Event<'t>> {
        if !matches!(self.what()?, What::FlowSeqEnd) {
            if !first {
                if !matches!(self.what()?, What::FlowEntry) {
                    return self.outside("`,` or `]` is expected");
                }
                self.skip()?;
            }
            match self.what()? {
                What::FlowSeqEnd => {}
                What::Key => {
                    let mark = self.mark()?;
                    self.skip()?;
                    self.state = State::FlowSeqPairKey;
                    return Ok(Event::MapStart { flow: true, anchor: None, mark });
                }
                _ => {
                    self.outer.push(State::FlowSeqEntry);
                    return self.node(false, false);
                }
            }
        }
        self.close(Event::SeqEnd)
    }

    pub(super) fn flow_seq_pair_key(&mut self) -> Result<Event<'t>> {
        if !matches!(self.what()?, What::Value | What::FlowEntry | What::FlowSeqEnd) {
            self.outer.push(State::FlowSeqPairValue);
            return self.node(false, false);
        }
        // libyaml takes the token along with the empty key.
        let end = self.skip()?;
        self.state = State::FlowSeqPairValue;
        Ok(empty(end))
    }

    pub(super) fn flow_seq_pair_value(&mut self) -> Result<Event<'t>> {
        if matches!(self.what()?, What::Value) {
            self.skip()?;
            if !matches!(self.what()?, What::FlowEntry | What::FlowSeqEnd) {
                self.outer.push(State::FlowSeqPairEnd);
                return self.node(false, false);
            }
        }
        let mark = self.mark()?;
        self.state = State::FlowSeqPairEnd;
        Ok(empty(mark))
    }

    pub(super) fn flow_map_key(&mut self, first: bool) -> Result<Event<'t>> {
        if !matches!(self.what()?, What::FlowMapEnd) {
            if !first {
                if !matches!(self.what()?, What::FlowEntry) {
                    return self.outside("`,` or `}` is expected");
                }
                self.skip()?;
            }
            match self.what()? {
                What::FlowMapEnd => {}
                What::Key => {
                    self.skip()?;
                    if matches!(self.what()?, What::Value | What::FlowEntry | What::FlowMapEnd) {
                        let mark = self.mark()?;
                        self.state = State::FlowMapValue;
                        return Ok(empty(mark));
                    }
                    self.outer.push(State::FlowMapValue);
                    return self.node(false, false);
                }
                _ => {
                    self.outer.push(State::FlowMapNoValue);
                    return self.node(false, false);
                }
            }
        }
        self.close(Event::MapEnd)
    }

    pub(super) fn flow_map_value(&mut self) -> Result<Event<'t>> {
        if matches!(self.what()?, What::Value) {
            self.skip()?;
            if !matches!(self.what()?, What::FlowEntry | What::FlowMapEnd) {
                self.outer.push(State::FlowMapKey);
                return self.node(false, false);
            }
        }
        let mark = self.mark()?;
        self.state = State::FlowMapKey;
        Ok(empty(mark))
    }
}
