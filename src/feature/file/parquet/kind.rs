//! What a Parquet column holds, by its schema: numbers, lists of numbers, text, or something else.

use polars_parquet::parquet::schema::types::{
    GroupConvertedType, GroupLogicalType, IntegerType, ParquetType, PhysicalType,
    PrimitiveConvertedType, PrimitiveLogicalType, PrimitiveType,
};

/// How numbers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// Half precision: two bytes that polars leaves as they are.
    Half,
    /// Single precision, whole numbers of up to 16 bits, truth values: a single holds them all.
    Narrow,
    /// Doubles and whole numbers of 32 and 64 bits.
    Wide,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers, and whether they are floats.
    Number(Number, bool),
    /// Lists of numbers, also of fixed size.
    List(Number),
    Text,
    Other,
}

/// The kind of a top-level column.
pub(super) fn kind(column: &ParquetType) -> Kind {
    match column {
        ParquetType::PrimitiveType(leaf) => match number(leaf) {
            Some((number, float)) => Kind::Number(number, float),
            None if is_text(leaf) => Kind::Text,
            None => Kind::Other,
        },
        ParquetType::GroupType {
            logical_type,
            converted_type,
            fields,
            ..
        } => {
            let list = matches!(logical_type, Some(GroupLogicalType::List))
                || matches!(converted_type, Some(GroupConvertedType::List));
            let element = match fields.as_slice() {
                [ParquetType::GroupType { fields, .. }] if fields.len() == 1 => &fields[0],
                [leaf] => leaf,
                _ => return Kind::Other,
            };
            match element {
                ParquetType::PrimitiveType(leaf) if list => {
                    number(leaf).map_or(Kind::Other, |(number, _)| Kind::List(number))
                }
                _ => Kind::Other,
            }
        }
    }
}

fn number(leaf: &PrimitiveType) -> Option<(Number, bool)> {
    use {IntegerType as I, PrimitiveConvertedType as C, PrimitiveLogicalType as L};
    let (logical, converted) = (&leaf.logical_type, &leaf.converted_type);
    let small = matches!(
        logical,
        Some(L::Integer(I::Int8 | I::Int16 | I::UInt8 | I::UInt16))
    ) || matches!(converted, Some(C::Int8 | C::Int16 | C::Uint8 | C::Uint16));
    let integer = match logical {
        Some(L::Integer(_)) => true,
        Some(_) => false,
        None => matches!(
            converted,
            None | Some(
                C::Int8
                    | C::Int16
                    | C::Int32
                    | C::Int64
                    | C::Uint8
                    | C::Uint16
                    | C::Uint32
                    | C::Uint64
            )
        ),
    };
    match leaf.physical_type {
        PhysicalType::Boolean => Some((Number::Narrow, false)),
        PhysicalType::Float => Some((Number::Narrow, true)),
        PhysicalType::Double => Some((Number::Wide, true)),
        PhysicalType::Int32 | PhysicalType::Int64 if integer && small => {
            Some((Number::Narrow, false))
        }
        PhysicalType::Int32 | PhysicalType::Int64 if integer => Some((Number::Wide, false)),
        PhysicalType::FixedLenByteArray(2) if matches!(logical, Some(L::Float16)) => {
            Some((Number::Half, true))
        }
        _ => None,
    }
}

fn is_text(leaf: &PrimitiveType) -> bool {
    use {PrimitiveConvertedType as C, PrimitiveLogicalType as L};
    let plain = leaf.logical_type.is_none() && leaf.converted_type.is_none();
    leaf.physical_type == PhysicalType::ByteArray
        && (plain
            || matches!(leaf.logical_type, Some(L::String | L::Enum))
            || matches!(leaf.converted_type, Some(C::Utf8 | C::Enum)))
}
