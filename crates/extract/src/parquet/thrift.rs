//! The compact protocol of Thrift, as far as Parquet uses it: bytes to a tree, bounded in nodes and depth.

use crate::model::{Limit, Reason};

/// Structs and lists in each other. The format itself has eight.
const DEPTH: usize = 24;

/// A value. Texts are bytes until somebody knows what they are.
pub enum Value<'b> {
    Bool(bool),
    Int(i64),
    Double,
    Bytes(&'b [u8]),
    List(Vec<Value<'b>>),
    Struct(Vec<(i16, Value<'b>)>),
}

impl<'b> Value<'b> {
    /// A field of a struct.
    pub fn field(&self, id: i16) -> Option<&Self> {
        let Self::Struct(fields) = self else { return None };
        fields.iter().find(|field| field.0 == id).map(|field| &field.1)
    }

    pub fn int(&self, id: i16) -> Option<i64> {
        if let Self::Int(int) = self.field(id)? { Some(*int) } else { None }
    }

    /// A number that counts or measures something.
    pub fn size(&self, id: i16) -> Option<usize> {
        usize::try_from(self.int(id)?).ok()
    }

    pub fn bool(&self, id: i16) -> Option<bool> {
        if let Self::Bool(bool) = self.field(id)? { Some(*bool) } else { None }
    }

    pub fn bytes(&self, id: i16) -> Option<&'b [u8]> {
        if let Self::Bytes(bytes) = self.field(id)? { Some(bytes) } else { None }
    }

    pub fn list(&self, id: i16) -> &[Self] {
        if let Some(Self::List(list)) = self.field(id) { list } else { &[] }
    }

    /// Shows all bytes in it, at any depth.
    pub fn each_bytes(&self, show: &mut impl FnMut(&'b [u8])) {
        match self {
            Self::Bytes(bytes) => show(bytes),
            Self::List(list) => list.iter().for_each(|it| it.each_bytes(show)),
            Self::Struct(fields) => fields.iter().for_each(|it| it.1.each_bytes(show)),
            Self::Bool(_) | Self::Int(_) | Self::Double => {}
        }
    }
}

/// Why there is no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The bytes end inside it.
    Short,
    /// It is not of this form.
    Bad,
    /// It has more nodes than there may be.
    Many,
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Short | Fault::Bad => Self::Damaged,
            Fault::Many => Self::Limit(Limit::Work),
        }
    }
}

/// Reads a struct at the beginning of the bytes, of so many nodes at most. Also says how long it is.
pub fn parse(bytes: &[u8], nodes: usize) -> Result<(Value<'_>, usize), Fault> {
    let mut parser = Parser { bytes, at: 0, nodes };
    let value = parser.fields(0)?;
    Ok((value, parser.at))
}

struct Parser<'b> {
    bytes: &'b [u8],
    at: usize,
    nodes: usize,
}

impl<'b> Parser<'b> {
    fn byte(&mut self) -> Result<u8, Fault> {
        let byte = *self.bytes.get(self.at).ok_or(Fault::Short)?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Fault::Bad)
    }

    fn zigzag(&mut self) -> Result<i64, Fault> {
        self.varint().map(unzigzag)
    }

    fn take(&mut self, len: usize) -> Result<&'b [u8], Fault> {
        let end = self.at.checked_add(len).ok_or(Fault::Bad)?;
        let taken = self.bytes.get(self.at..end).ok_or(Fault::Short)?;
        self.at = end;
        Ok(taken)
    }

    fn node(&mut self) -> Result<(), Fault> {
        self.nodes = self.nodes.checked_sub(1).ok_or(Fault::Many)?;
        Ok(())
    }

    fn fields(&mut self, depth: usize) -> Result<Value<'b>, Fault> {
        if depth > DEPTH {
            return Err(Fault::Bad);
        }
        self.node()?;
        let mut fields = Vec::new();
        let mut id: i16 = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(Value::Struct(fields));
            }
            let next = match head >> 4 {
                0 => i16::try_from(self.zigzag()?).map_err(|_| Fault::Bad)?,
                delta => id.checked_add(i16::from(delta)).ok_or(Fault::Bad)?,
            };
            // Of a field that is there twice, others might read the other one. Writers write them in order.
            if next <= id {
                return Err(Fault::Bad);
            }
            id = next;
            let value = match head & 15 {
                1 => Value::Bool(true),
                2 => Value::Bool(false),
                kind => self.value(kind, depth)?,
            };
            self.node()?;
            fields.push((id, value));
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Result<Value<'b>, Fault> {
        Ok(match kind {
            // In lists a byte, in fields part of the kind.
            1 | 2 => Value::Bool(self.byte()? == 1),
            3 => Value::Int(i64::from(self.byte()?.cast_signed())),
            4..=6 => Value::Int(self.zigzag()?),
            7 => self.take(8).map(|_| Value::Double)?,
            8 => {
                let len = usize::try_from(self.varint()?).map_err(|_| Fault::Bad)?;
                Value::Bytes(self.take(len)?)
            }
            9 | 10 => self.list(depth + 1)?,
            12 => self.fields(depth + 1)?,
            _ => return Err(Fault::Bad),
        })
    }

    fn list(&mut self, depth: usize) -> Result<Value<'b>, Fault> {
        if depth > DEPTH {
            return Err(Fault::Bad);
        }
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        // Every value has at least one byte.
        let left = self.bytes.len().saturating_sub(self.at);
        let count = usize::try_from(count).ok().filter(|count| *count <= left).ok_or(Fault::Short)?;
        let mut list = Vec::new();
        for _ in 0..count {
            self.node()?;
            list.push(self.value(head & 15, depth)?);
        }
        Ok(Value::List(list))
    }
}

/// A number with its sign in its last bit.
pub const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}
