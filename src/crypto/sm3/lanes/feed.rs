//! A message as runs of whole blocks, none of them copied that need not be.
#![forbid(unsafe_code)]

use super::super::compress::Block;
use super::super::padding::{last_blocks, put};
use super::Parts;
use std::slice;

/// What is left of a message, in the order of the fields.
pub struct Feed<'a> {
    head: &'a [Block],
    /// The block in which the tail begins, where the head does not end with a block.
    joint: Block,
    has_joint: bool,
    tail: &'a [Block],
    last: [Block; 2],
    /// Which of `last` are left.
    last_from: usize,
    last_to: usize,
}

impl<'a> Feed<'a> {
    /// At the end of a message.
    pub fn empty() -> Self {
        Self {
            head: &[],
            joint: [0; 64],
            has_joint: false,
            tail: &[],
            last: [[0; 64]; 2],
            last_from: 0,
            last_to: 0,
        }
    }

    /// At the begin of a message; in place, for a feed is large and changes hands often.
    pub fn start(&mut self, Parts { head, tail }: Parts<'a>) {
        let length = (head.len() as u64).wrapping_add(tail.len() as u64);
        let (head, head_rest) = head.as_chunks();
        let (tail, tail_rest) = match self.join(head_rest, tail) {
            Some(tail) => tail.as_chunks(),
            None => (&[][..], tail),
        };
        let rest = [if self.has_joint { &[] } else { head_rest }, tail_rest];
        self.last_to = last_blocks(&mut self.last, rest, length);
        self.last_from = 0;
        (self.head, self.tail) = (head, tail);
    }

    /// Fills the joint from `front`, which is less than a block, and the begin of `tail`.
    ///
    /// Returns what is left of the tail; `None` where the two fill no block. An empty front needs no joint.
    fn join(&mut self, front: &[u8], tail: &'a [u8]) -> Option<&'a [u8]> {
        self.has_joint = false;
        if front.is_empty() {
            return Some(tail);
        }
        let (first, rest) = tail.split_at_checked(64 - front.len())?;
        put(&mut self.joint, front);
        put(self.joint.get_mut(front.len()..).unwrap_or_default(), first);
        self.has_joint = true;
        Some(rest)
    }

    /// The blocks that come next and lie in one piece; none when the message is at its end.
    #[inline]
    pub fn ahead(&self) -> &[Block] {
        match self {
            Self { head: [_, ..], .. } => self.head,
            Self { has_joint: true, joint, .. } => slice::from_ref(joint),
            Self { tail: [_, ..], .. } => self.tail,
            _ => self.last.get(self.last_from..self.last_to).unwrap_or_default(),
        }
    }

    /// Leaves `count` blocks behind, at most as many as were `ahead`.
    #[inline]
    pub fn advance(&mut self, count: usize) {
        if !self.head.is_empty() {
            self.head = self.head.get(count..).unwrap_or_default();
        } else if self.has_joint {
            self.has_joint = false;
        } else if !self.tail.is_empty() {
            self.tail = self.tail.get(count..).unwrap_or_default();
        } else {
            self.last_from = self.last_to.min(self.last_from + count);
        }
    }
}
