//! Decoding a type from a stored document.
//!
//! The driver's deserializer offers every type seventeen kinds of maps, one for each kind of BSON value, and the
//! compiler instantiates each of them for each type: an eighth of a binary, and a third of this crate's compile time.
//! This deserializer has a single kind of map.

use mongodb::bson::Document;
use mongodb::bson::error::Error;
use mongodb::bson::raw::{RawArrayIter, RawBsonRef, RawDocument, RawDocumentBuf, RawElement, RawIter};
use mongodb::bson::spec::BinarySubtype;
use mongodb::results::{CreateIndexesResult, DeleteResult, InsertManyResult, InsertOneResult, UpdateResult};
use mongodb::{ClientSession, Cursor};
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use crate::field::timestamp;

/// A type that is decoded by [`Value`] wherever the driver decodes it.
#[derive(Debug)]
pub(crate) struct Stored<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Stored<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = <&RawDocument>::deserialize(deserializer)?;
        read(document).map(Self).map_err(D::Error::custom)
    }
}

/// Decodes a raw document.
pub(crate) fn read<'de, T: Deserialize<'de>>(document: &'de RawDocument) -> Result<T, Error> {
    T::deserialize(Value(RawBsonRef::Document(document)))
}

/// Decodes a parsed document.
pub(crate) fn read_document<T: DeserializeOwned>(document: &Document) -> Result<T, Error> {
    read(&RawDocumentBuf::try_from(document)?)
}

/// The result of a driver operation, with what it read unwrapped from [`Stored`].
pub(crate) trait DriverResult {
    type Read;

    fn read(self) -> Self::Read;
}

macro_rules! read_nothing {
    ($($outcome:ty),*) => {$(
        impl DriverResult for $outcome {
            type Read = Self;

            fn read(self) -> Self {
                self
            }
        }
    )*};
}

read_nothing! {
    (), u64, ClientSession, CreateIndexesResult, DeleteResult, Document, InsertManyResult, InsertOneResult, UpdateResult, RawDocumentBuf
}

impl<T> DriverResult for Vec<T> {
    type Read = Self;

    fn read(self) -> Self {
        self
    }
}

impl<T> DriverResult for Cursor<T> {
    type Read = Self;

    fn read(self) -> Self {
        self
    }
}

impl<T> DriverResult for Stored<T> {
    type Read = T;

    fn read(self) -> T {
        self.0
    }
}

impl<T: DriverResult> DriverResult for Option<T> {
    type Read = Option<T::Read>;

    fn read(self) -> Option<T::Read> {
        self.map(T::read)
    }
}

/// A value of a document.
struct Value<'de>(RawBsonRef<'de>);

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            RawBsonRef::Document(document) => visitor.visit_map(Fields::of(document)),
            RawBsonRef::Array(array) => visitor.visit_seq(Elements(array.into_iter())),
            RawBsonRef::String(text) => visitor.visit_borrowed_str(text),
            RawBsonRef::Boolean(value) => visitor.visit_bool(value),
            RawBsonRef::Int32(value) => visitor.visit_i32(value),
            RawBsonRef::Int64(value) => visitor.visit_i64(value),
            RawBsonRef::Double(value) => visitor.visit_f64(value),
            RawBsonRef::Null => visitor.visit_unit(),
            RawBsonRef::Binary(binary) if binary.subtype == BinarySubtype::Generic => visitor.visit_borrowed_bytes(binary.bytes),
            // The `bson` crate's own types recognise these names.
            RawBsonRef::DateTime(at) => visitor.visit_map(Fields::Named("$date", NamedValue::Millis(at.timestamp_millis()))),
            RawBsonRef::ObjectId(id) => visitor.visit_map(Fields::Named("$oid", NamedValue::Bytes(id.bytes()))),
            other => Err(unexpected(&other)),
        }
    }

    /// Reads only the fields that the type knows: a later version may have stored more.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            RawBsonRef::Document(document) => visitor.visit_map(Fields::known(document, fields)),
            _ => self.deserialize_any(visitor),
        }
    }

    /// Reads a date as text for types that know no dates of this format.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            RawBsonRef::DateTime(at) => visitor.visit_string(timestamp(at).to_rfc3339()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            RawBsonRef::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            RawBsonRef::String(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
            RawBsonRef::Document(document) => visitor.visit_enum(MapAccessDeserializer::new(Fields::of(document))),
            other => Err(unexpected(&other)),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            RawBsonRef::ObjectId(id) => visitor.visit_bytes(&id.bytes()),
            _ => self.deserialize_any(visitor),
        }
    }

    /// Accepts any value: a server's reply contains kinds of values that no document of ours has.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string byte_buf unit unit_struct seq tuple tuple_struct map identifier
    }
}

/// The one kind of map.
enum Fields<'de> {
    /// The rest of a document, the field whose value comes next, and the fields that are read: all of them if `None`.
    Document(RawIter<'de>, Option<RawElement<'de>>, Option<&'static [&'static str]>),
    /// A value under a name that states its type.
    Named(&'static str, NamedValue),
    /// Everything was read.
    End,
}

#[derive(Clone, Copy)]
enum NamedValue {
    Millis(i64),
    Bytes([u8; 12]),
}

impl<'de> Fields<'de> {
    fn of(document: &'de RawDocument) -> Self {
        Self::Document(document.iter_elements(), None, None)
    }

    fn known(document: &'de RawDocument, fields: &'static [&'static str]) -> Self {
        Self::Document(document.iter_elements(), None, Some(fields))
    }
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let name = match self {
            Self::Document(rest, current, known) => {
                let is_read = |field: &RawElement<'_>| known.is_none_or(|known| known.contains(&field.key().as_str()));
                *current = loop {
                    match rest.next().transpose()? {
                        Some(field) if !is_read(&field) => {}
                        field => break field,
                    }
                };
                current.as_ref().map(|field| field.key().as_str())
            }
            Self::Named(name, _) => Some(*name),
            Self::End => None,
        };
        name.map(|name| seed.deserialize(BorrowedStrDeserializer::new(name)))
            .transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        match self {
            Self::Document(_, Some(field), _) => seed.deserialize(Value(field.value()?)),
            Self::Named(_, value) => {
                let value = *value;
                *self = Self::End;
                seed.deserialize(value)
            }
            Self::Document(_, None, _) | Self::End => Err(Error::custom("a value was asked for before its field")),
        }
    }
}

impl<'de> Deserializer<'de> for NamedValue {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Millis(millis) => visitor.visit_i64(millis),
            Self::Bytes(bytes) => visitor.visit_bytes(&bytes),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

struct Elements<'de>(RawArrayIter<'de>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let element = self.0.next().transpose()?;
        element.map(|element| seed.deserialize(Value(element))).transpose()
    }
}

fn unexpected(value: &RawBsonRef<'_>) -> Error {
    Error::custom(format!(
        "a value of type {:?}, which nothing here writes",
        value.element_type()
    ))
}

#[cfg(test)]
mod tests;
